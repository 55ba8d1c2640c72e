import { CloudError, limits, type Millis, textFromUtf8 } from '@nearcloud/protocol'
import {
  IncomingText,
  OutgoingText,
  type PollAnswer,
  type PollQuestion,
  pollContentType,
  pollQuestionText,
  readPollAnswer,
} from '@nearcloud/protocol/polls'
import type { PieceSize } from './piece-size.ts'
import type { PollTransportOptions } from './poll-transport.ts'
import type { Connection, TransportListener } from './transport.ts'

/** Frames over HTTP requests, from now on. */
export class PollConnection implements Connection {
  readonly #options: PollTransportOptions
  readonly #listener: TransportListener
  readonly #out = new OutgoingText()
  readonly #in = new IncomingText(limits.frameBytes)
  readonly #upSize: PieceSize
  readonly #downSize: PieceSize
  #ticket: string | undefined
  #isOver = false
  #isSending = false
  #isPaused = false
  #resumed: () => void = () => undefined
  /** When the other side was last heard. */
  #heardAt: Millis

  constructor(options: PollTransportOptions, listener: TransportListener, Size: typeof PieceSize) {
    this.#upSize = new Size(pieceSizes)
    this.#downSize = new Size(pieceSizes)
    this.#options = options
    this.#listener = listener
    this.#heardAt = options.clock.now()
    void this.#run()
  }

  get #answerMs(): Millis {
    return this.#options.answerMs ?? usualAnswerMs
  }

  get bufferedBytes(): number {
    return this.#out.size
  }

  send(frame: string): void {
    if (this.#isOver) return
    this.#out.push(frame)
    if (!this.#isSending) void this.#send()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#resumed()
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#resumed()
    const ticket = this.#ticket
    if (ticket !== undefined) this.#ask({ kind: 'end', ticket }, this.#answerMs).catch(() => undefined)
    void Promise.resolve().then(() => this.#listener.closed({ code: 1000, words: 'closed here' }))
  }

  async #run(): Promise<void> {
    try {
      const opened = await this.#ask({ kind: 'open' }, openMs)
      if (opened.kind !== 'opened') throw new Error(`the server answered "${opened.kind}"`)
      this.#ticket = opened.ticket
      if (this.#isOver) {
        await this.#ask({ kind: 'end', ticket: opened.ticket }, this.#answerMs)
        return
      }
      this.#listener.opened()
      while (!this.#isOver) {
        await this.#poll(opened.ticket, opened.holdMs)
        if (this.#isPaused)
          await new Promise<void>(resolve => {
            this.#resumed = resolve
          })
      }
    } catch (thrown) {
      this.#fail(thrown)
    }
  }

  /** One question for what comes down. */
  async #poll(ticket: string, holdMs: Millis): Promise<void> {
    const offset = this.#in.received
    const mostBytes = this.#downSize.bytes
    const answer = await this.#try(
      { kind: 'poll', ticket, offset, mostBytes },
      holdMs + this.#answerMs,
      this.#downSize,
    )
    if (!answer) return
    if (answer.kind !== 'text') throw unexpected(answer)
    if (answer.text !== '') this.#downSize.passed(mostBytes)
    for (const frame of this.#in.add(answer.offset, answer.text)) {
      if (this.#isOver) return
      this.#listener.received(frame)
    }
  }

  /** Says what waits, one piece at a time. */
  async #send(): Promise<void> {
    this.#isSending = true
    await Promise.resolve() // what is sent together goes together
    try {
      while (this.#out.size > 0 && !this.#isOver) {
        const bytes = this.#upSize.bytes
        const piece = this.#out.take(bytes)
        const answer = await this.#try(
          { kind: 'send', ticket: this.#ticket!, ...piece },
          this.#answerMs,
          this.#upSize,
        )
        if (!answer) continue
        if (answer.kind !== 'sent') throw unexpected(answer)
        this.#upSize.passed(bytes)
        this.#out.confirm(answer.offset)
      }
    } catch (thrown) {
      this.#fail(thrown)
    }
    this.#isSending = false
  }

  /** Undefined when it was lost: the next one is smaller. Throws when nothing was heard for too long. */
  async #try(question: PollQuestion, timeoutMs: Millis, size: PieceSize): Promise<PollAnswer | undefined> {
    const { clock } = this.#options
    try {
      const answer = await this.#ask(question, timeoutMs)
      if (answer.kind === 'gone') throw new Over('the conversation is over')
      this.#heardAt = clock.now()
      if (!this.#isOver) this.#listener.alive?.()
      return answer
    } catch (thrown) {
      if (thrown instanceof Over || clock.now() - this.#heardAt > patienceMs) throw thrown
      size.lost()
      await new Promise<void>(resolve => clock.after(retryMs, resolve))
      return undefined
    }
  }

  /** Rejects for what is no answer of ours: a login page's, a proxy's. */
  async #ask(question: PollQuestion, timeoutMs: Millis): Promise<PollAnswer> {
    const { url, exchange, decode = textFromUtf8 } = this.#options
    const { status, headers, body } = await exchange({
      method: 'POST',
      url,
      // a type that any page may send without asking first
      headers: { 'content-type': 'text/plain' },
      body: pollQuestionText(question),
      timeoutMs,
      mostBytes: mostAnswerBytes,
    })
    const isOurs = headers['content-type']?.split(';', 1)[0]?.trim() === pollContentType
    const answer = isOurs ? readPollAnswer(decode(body)) : undefined
    if (!answer)
      throw new CloudError('OFFLINE', { errMsg: `the answer (${status}) is not from a nearcloud server` })
    if (answer.kind === 'refused') throw new Over('the server refused the question')
    return answer
  }

  #fail(thrown: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#listener.closed({ code: 1006, words: thrown instanceof Error ? thrown.message : String(thrown) })
  }
}

/** There is nothing to try again. */
class Over extends Error {}

function unexpected(answer: PollAnswer): Over {
  return new Over(`the server answered "${answer.kind}"`)
}

/** The smallest, with the head of a request or an answer around it, still fits the smallest packets there are. */
const pieceSizes = { smallest: 600, largest: 262_144 }
const openMs = 8_000
const usualAnswerMs = 10_000
/** So long nothing may be heard. */
const patienceMs = 45_000
const retryMs = 200
const mostAnswerBytes = 2_097_152
