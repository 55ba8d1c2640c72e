/* What polling says, which most conversations never do: fetched with it. */
export {
  type PollAnswer,
  type PollQuestion,
  pollAnswerText,
  pollContentType,
  pollQuestionText,
  readPollAnswer,
  readPollQuestion,
} from './polling.ts'
export { IncomingText, OutgoingText } from './text-stream.ts'
