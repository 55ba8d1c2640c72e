import {
  type Clock,
  CloudError,
  type DownMessage,
  type DownOf,
  IncomingNumbers,
  type LongFrame,
  type Millis,
  parseDown,
} from '@nearcloud/protocol'
import type { InPieces } from './in-pieces.ts'
import type { Parts } from './parts.ts'
import type { Connection } from './transport.ts'

/** A message, and its text. `long`: its items are still to be read. */
export interface Arrived {
  readonly message: DownMessage
  readonly frame: string
  readonly long?: LongFrame | undefined
}

export interface InboxOptions {
  readonly connection: Connection
  readonly clock: Clock
  /** Absent: nothing is fetched. */
  readonly parts: Parts | undefined
  /** With it longer frames of documents are read when they have their turn, in pieces. */
  readonly inPieces: InPieces | undefined
  /** A message has its turn; the next one waits until it took effect. */
  handle(arrived: Arrived): Promise<void>
  /** One had its turn. */
  worked(): void
  /** A message could not be read, or not be handled. */
  failed(error: unknown): void
  /** A part cannot be had: as if the network had failed. */
  unavailable(): void
}

/**
 * The messages of one conversation, in their order, one at a time. What is to be fetched is fetched meanwhile, and has its turn
 * where it belongs. While many wait nothing more is read.
 */
export class Inbox {
  readonly #options: InboxOptions
  #work: Promise<void> = Promise.resolve()
  /** Messages whose turn did not come yet. */
  #waiting = 0
  /** Since then the host had no turn. */
  #busySince: Millis = 0
  #access = ''
  /** After a welcome that began to count. */
  #numbers: IncomingNumbers | undefined

  constructor(options: InboxOptions) {
    this.#options = options
  }

  /** Resolves when everything that came has had its turn. */
  get settled(): Promise<void> {
    return this.#work
  }

  received(text: string): void {
    const { connection, clock, handle, failed, unavailable } = this.#options
    let read: Arrived
    try {
      const frame = this.#numbers ? this.#numbers.read(text) : text
      if (frame === undefined) return // it came before
      read = this.#read(frame)
    } catch (error) {
      failed(error)
      return
    }
    const { message } = read
    if (message.type === 'welcome' && message.protocol >= numberedSince)
      this.#numbers ??= new IncomingNumbers()
    if (message.type === 'welcome' || message.type === 'renewed') this.#access = message.access
    const arrived = message.type === 'fetch' ? this.#fetch(message) : read
    if (arrived instanceof Promise) arrived.catch(() => undefined) // told when its turn comes
    if (this.#waiting++ === 0) this.#busySince = clock.now()
    if (this.#waiting === mostWaiting) connection.pause?.()
    this.#work = this.#work
      .then(async () => {
        const due = await arrived
        if (due) await handle(due)
        else unavailable()
      })
      .catch(failed)
      .then(() => this.#worked())
  }

  /** Does something between two messages. */
  between(task: () => Promise<void> | undefined): void {
    this.#work = this.#work.then(task).catch(this.#options.failed)
  }

  async #worked(): Promise<void> {
    const { connection, clock, worked } = this.#options
    if (--this.#waiting === resumeAt) connection.resume?.()
    worked()
    if (this.#waiting === 0 || clock.now() - this.#busySince < longestBreathMs) return
    // where storage answers at once nothing else of the app would run while messages wait
    await new Promise<void>(resolve => void clock.after(0, resolve))
    this.#busySince = clock.now()
  }

  async #fetch({ path, characters }: DownOf<'fetch'>): Promise<Arrived | undefined> {
    const { parts } = this.#options
    if (!parts || this.#access === '') throw unexpected('fetch')
    const frame = await parts.fetch(path, this.#access, characters).catch(() => undefined)
    if (frame === undefined) return undefined
    const read = this.#read(frame)
    if (read.message.type !== 'snapshot') throw unexpected(read.message.type)
    return read
  }

  #read(frame: string): Arrived {
    const { inPieces } = this.#options
    const long = inPieces && frame.length > inPieces.characters ? inPieces.long.of(frame) : undefined
    return { message: long?.message ?? parseDown(frame), frame, long }
  }
}

export function unexpected(type: string): CloudError {
  return new CloudError('PROTOCOL_ERROR', { errMsg: `the server said "${type}" where it does not belong` })
}

/** The protocol version. */
export const numberedSince = 5
/** Messages that wait while one takes effect: then nothing more is read, and again at so few. */
const mostWaiting = 32
const resumeAt = 8
const longestBreathMs = 30
