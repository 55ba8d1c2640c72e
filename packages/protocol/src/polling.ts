/**
 * What is said over HTTP where no WebSocket can be had. Each exchange is a POST of plain text to one address; its first line
 * says what it is, the rest is a piece of the text of `text-stream.ts`. One exchange of each kind is under way at a time;
 * whichever was lost is said again: places in the text make that harmless.
 *
 * | asked                           | answered               |                                                                 |
 * | ------------------------------- | ---------------------- | --------------------------------------------------------------- |
 * | `open 1`                        | `opened TICKET HOLDMS` | a conversation of its own; the ticket is a secret               |
 * | `send TICKET OFFSET` + text     | `sent OFFSET`          | everything up to this place has come                            |
 * | `poll TICKET OFFSET MOSTBYTES`  | `text OFFSET` + text   | at once, or when there is something, or, empty, after `HOLDMS`  |
 * | `end TICKET`                    | `ended`                |                                                                 |
 * | any                             | `gone`                 | the conversation is over, or never was                          |
 * | any                             | `busy` / `refused`     | come back later / that is no question                           |
 */
export type PollQuestion =
  | { readonly kind: 'open' }
  | { readonly kind: 'send'; readonly ticket: string; readonly offset: number; readonly text: string }
  | {
      readonly kind: 'poll'
      readonly ticket: string
      /** Everything up to here is with the one who asks. */
      readonly offset: number
      /** Of UTF-8, in the answer's text. */
      readonly mostBytes: number
    }
  | { readonly kind: 'end'; readonly ticket: string }

export type PollAnswer =
  | { readonly kind: 'opened'; readonly ticket: string; readonly holdMs: number }
  | { readonly kind: 'sent'; readonly offset: number }
  | { readonly kind: 'text'; readonly offset: number; readonly text: string }
  | { readonly kind: 'ended' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'refused' }

/** The content type of answers: what has another is somebody else's, and never read. */
export const pollContentType = 'application/x-nearcloud-poll'

export function pollQuestionText(question: PollQuestion): string {
  switch (question.kind) {
    case 'open':
      return 'open 1\n'
    case 'send':
      return `send ${question.ticket} ${question.offset}\n${question.text}`
    case 'poll':
      return `poll ${question.ticket} ${question.offset} ${question.mostBytes}\n`
    case 'end':
      return `end ${question.ticket}\n`
  }
}

/** Undefined for what is no question. */
export function readPollQuestion(body: string): PollQuestion | undefined {
  const { line, text } = firstLine(body)
  if (line === 'open 1' && text === '') return { kind: 'open' }
  const send = /^send ([0-9a-f]{32}) (\d{1,15})$/.exec(line)
  if (send) return { kind: 'send', ticket: send[1]!, offset: Number(send[2]), text }
  const poll = /^poll ([0-9a-f]{32}) (\d{1,15}) ([1-9]\d{0,8})$/.exec(line)
  if (poll && text === '')
    return { kind: 'poll', ticket: poll[1]!, offset: Number(poll[2]), mostBytes: Number(poll[3]) }
  const end = /^end ([0-9a-f]{32})$/.exec(line)
  return end && text === '' ? { kind: 'end', ticket: end[1]! } : undefined
}

export function pollAnswerText(answer: PollAnswer): string {
  switch (answer.kind) {
    case 'opened':
      return `opened ${answer.ticket} ${answer.holdMs}\n`
    case 'sent':
      return `sent ${answer.offset}\n`
    case 'text':
      return `text ${answer.offset}\n${answer.text}`
    default:
      return `${answer.kind}\n`
  }
}

/** Undefined for what is no answer of ours. */
export function readPollAnswer(body: string): PollAnswer | undefined {
  const { line, text } = firstLine(body)
  const piece = /^text (\d{1,15})$/.exec(line)
  if (piece) return { kind: 'text', offset: Number(piece[1]), text }
  const opened = /^opened ([0-9a-f]{32}) (\d{1,7})$/.exec(line)
  if (opened) return { kind: 'opened', ticket: opened[1]!, holdMs: Number(opened[2]) }
  const sent = /^sent (\d{1,15})$/.exec(line)
  if (sent) return { kind: 'sent', offset: Number(sent[1]) }
  const word = /^(ended|gone|busy|refused)$/.exec(line)
  return word ? { kind: word[1] as 'ended' } : undefined
}

function firstLine(body: string): { line: string; text: string } {
  const end = body.indexOf('\n')
  // a first line is short: nobody's megabytes are searched for patterns
  if (end < 0 || end > 100) return { line: '', text: '' }
  return { line: body.slice(0, end), text: body.slice(end + 1) }
}
