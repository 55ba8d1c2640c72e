import { limits, type Millis } from '@nearcloud/protocol'
import { IncomingText, OutgoingText, type PollAnswer } from '@nearcloud/protocol/polls'
import type { Session } from '../session/session.ts'
import type { Wire } from '../session/wire.ts'

/** What a wire tells its session. */
export type SessionEnd = Pick<Session, 'received' | 'alive' | 'closed'>

export interface PollConnectionOptions {
  /** Where the client is. */
  readonly address: string
  /** A question for what comes down waits so long for something. */
  readonly holdMs: Millis
  /** Nobody asked for so long: the client is gone. */
  readonly idleMs: Millis
  /** Text that was not taken: more, and the conversation is over. */
  readonly mostBuffered: number
  readonly after: (delayMs: Millis, task: () => void) => () => void
  readonly greeted: () => void
  /** Nothing will be asked of it any more. */
  readonly ended: () => void
}

/** One conversation over HTTP requests: the wire of a session, and what each request does to it. */
export class PollConnection implements Wire {
  readonly #options: PollConnectionOptions
  readonly #out = new OutgoingText()
  readonly #in = new IncomingText(limits.frameBytes)
  #session: SessionEnd | undefined
  /** The question that waits for something to say. */
  #held: (() => void) | undefined
  /** Answers to `send` while the session cannot take more. */
  #resumed: (() => void)[] = []
  #isPaused = false
  #isClosing = false
  #isOver = false
  #cancelIdle: () => void

  constructor(options: PollConnectionOptions) {
    this.#options = options
    this.#cancelIdle = options.after(options.idleMs, () => this.drop())
  }

  attach(session: SessionEnd): void {
    this.#session = session
  }

  // ---- the session's side

  get address(): string {
    return this.#options.address
  }

  get bufferedBytes(): number {
    return this.#out.size
  }

  send(frame: string): void {
    if (this.#isOver) return
    if (this.#out.size + frame.length > this.#options.mostBuffered) {
      this.drop()
      return
    }
    this.#out.push(frame)
    this.#wake()
  }

  close(): void {
    this.#isClosing = true
    this.#wake()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    for (const resume of this.#resumed.splice(0)) resume()
  }

  greeted(): void {
    this.#options.greeted()
  }

  // ---- the client's

  /** More text; answered when there is room for what follows. */
  async receive(offset: number, text: string): Promise<PollAnswer> {
    if (this.#isOver || this.#isClosing) return { kind: 'gone' }
    this.#alive()
    let frames: string[]
    try {
      frames = this.#in.add(offset, text)
    } catch {
      this.drop()
      return { kind: 'refused' }
    }
    this.#session?.alive()
    for (const frame of frames) this.#session?.received(frame)
    const { received } = this.#in
    if (this.#isPaused) await new Promise<void>(resolve => this.#resumed.push(resolve))
    this.#alive()
    return { kind: 'sent', offset: received }
  }

  /** What there is to say from `offset` on. One waits at a time: a newer question lets the older go. */
  async tell(offset: number, mostBytes: number, gone: AbortSignal): Promise<PollAnswer> {
    if (this.#isOver) return { kind: 'gone' }
    this.#session?.alive()
    try {
      this.#out.confirm(offset)
    } catch {
      this.drop()
      return { kind: 'refused' }
    }
    if (this.#out.size === 0 && !this.#isClosing) await this.#hold(gone)
    this.#alive()
    if (this.#out.size === 0 && this.#isClosing) this.drop()
    if (this.#isOver) return { kind: 'gone' }
    return { kind: 'text', ...this.#out.take(mostBytes) }
  }

  /** The client is gone, or not to be borne any longer. */
  drop(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancelIdle()
    this.#wake()
    this.resume()
    this.#options.ended()
    this.#session?.closed()
  }

  #hold(gone: AbortSignal): Promise<void> {
    this.#held?.()
    this.#cancelIdle() // whoever waits is there
    return new Promise(resolve => {
      const go = () => {
        if (this.#held === go) this.#held = undefined
        cancel()
        gone.removeEventListener('abort', go)
        resolve()
      }
      const cancel = this.#options.after(this.#options.holdMs, go)
      gone.addEventListener('abort', go)
      this.#held = go
      if (gone.aborted) go()
    })
  }

  #wake(): void {
    this.#held?.()
  }

  #alive(): void {
    this.#cancelIdle()
    if (!this.#isOver) this.#cancelIdle = this.#options.after(this.#options.idleMs, () => this.drop())
  }
}
