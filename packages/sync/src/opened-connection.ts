import type { Clock, Millis } from '@nearcloud/protocol'
import type { Connection, Transport, TransportListener } from './transport.ts'

interface OpenOptions {
  readonly clock: Clock
  readonly limitMs: Millis
  /** It is being opened: closing it gives it up. */
  attempted(connection: Connection): void
}

/** A connection of `transport` that opened within `limitMs`; undefined when none did. */
export function openConnection(
  transport: Transport,
  { clock, limitMs, attempted }: OpenOptions,
): Promise<OpenedConnection | undefined> {
  return new Promise(resolve => {
    let opened: OpenedConnection | undefined
    const connection = transport.connect({
      opened() {
        cancel()
        opened = new OpenedConnection(connection)
        resolve(opened)
      },
      received: frame => opened?.received(frame),
      alive: () => opened?.alive(),
      closed(reason) {
        cancel()
        if (opened) opened.closed(reason)
        else resolve(undefined)
      },
    })
    const cancel = clock.after(limitMs, () => connection.close())
    attempted(connection)
  })
}

/** A connection that is open; what it says is kept until somebody listens. */
export class OpenedConnection implements Connection {
  readonly #connection: Connection
  #listener: TransportListener | undefined
  #frames: string[] = []
  #ended: { code: number; words: string } | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  get bufferedBytes(): number {
    return this.#connection.bufferedBytes
  }

  send(frame: string): void {
    if (!this.#ended) this.#connection.send(frame)
  }

  close(reason?: 'stuck'): void {
    this.#connection.close(reason)
  }

  pause(): void {
    this.#connection.pause?.()
  }

  resume(): void {
    this.#connection.resume?.()
  }

  listen(listener: TransportListener): void {
    this.#listener = listener
    for (const frame of this.#frames.splice(0)) listener.received(frame)
    if (this.#ended) listener.closed(this.#ended)
  }

  received(frame: string): void {
    if (this.#listener) this.#listener.received(frame)
    else this.#frames.push(frame)
  }

  alive(): void {
    this.#listener?.alive?.()
  }

  closed(reason: { code: number; words: string }): void {
    this.#ended = reason
    this.#listener?.closed(reason)
  }
}
