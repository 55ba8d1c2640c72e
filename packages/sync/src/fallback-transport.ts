import type { Clock, Millis } from '@nearcloud/protocol'
import { type OpenedConnection, openConnection } from './opened-connection.ts'
import type { Connection, Transport, TransportListener } from './transport.ts'

export interface FallbackOptions {
  /** The better one. */
  readonly socket: Transport
  /** The one that gets through where the other does not. */
  readonly poll: Transport
  readonly clock: Clock
  /** After so long the better one is tried again, and then twice as late each time. Default five minutes. */
  readonly returnMs?: Millis
}

/**
 * A socket, or polling where no socket can be had: where none opens although the server can be reached (a proxy that does
 * not know them), and where sockets open and then say nothing. It goes back to sockets when one opens again.
 */
export class FallbackTransport implements Transport {
  readonly #options: FallbackOptions
  readonly #shortestReturnMs: Millis
  #returnMs: Millis
  /** Until then sockets are not tried. */
  #pollUntil: Millis = 0
  /** When sockets got stuck, or were silent from the beginning. */
  #troubles: Millis[] = []

  constructor(options: FallbackOptions) {
    this.#options = options
    this.#shortestReturnMs = options.returnMs ?? 300_000
    this.#returnMs = this.#shortestReturnMs
  }

  connect(listener: TransportListener): Connection {
    const attempt = new Attempt(listener)
    void this.#connect(attempt)
    return attempt
  }

  async #connect(attempt: Attempt): Promise<void> {
    const socket = await this.#socketFor(attempt)
    const way = socket ?? (await this.#pollFor(attempt))
    if (!way) attempt.end({ code: 1006, words: 'neither a socket nor polling reaches the server' })
    else if (attempt.isOver) way.close()
    else if (way === socket) this.#useSocket(attempt, way)
    else this.#usePoll(attempt, way)
  }

  async #socketFor(attempt: Attempt): Promise<OpenedConnection | undefined> {
    if (this.#options.clock.now() < this.#pollUntil) return undefined
    const socket = await this.#open('socket', attempt)
    if (socket || attempt.isOver) return socket
    const poll = await this.#open('poll', attempt)
    if (!poll) return undefined
    // the server can be reached: perhaps it had only just begun to listen
    const again = attempt.isOver ? undefined : await this.#open('socket', attempt)
    if (again || attempt.isOver) {
      poll.close()
      return again
    }
    this.#preferPoll()
    attempt.kept = poll
    return undefined
  }

  async #pollFor(attempt: Attempt): Promise<OpenedConnection | undefined> {
    if (attempt.kept || attempt.isOver || this.#options.clock.now() >= this.#pollUntil) return attempt.kept
    const poll = await this.#open('poll', attempt)
    if (!poll) this.#pollUntil = 0 // whatever it is now, it is not what it was
    return poll
  }

  #useSocket(attempt: Attempt, socket: OpenedConnection): void {
    attempt.use(socket, () => {
      const isSilent = !attempt.isClosedHere && !attempt.hasHeard
      if (attempt.isStuck || isSilent) this.#troubled()
      else if (attempt.hasHeard && this.#troubles.length === 0) this.#returnMs = this.#shortestReturnMs
    })
  }

  #usePoll(attempt: Attempt, poll: OpenedConnection): void {
    const { clock } = this.#options
    let cancel = () => {}
    const look = async () => {
      const socket = await this.#open('socket', attempt)
      socket?.close()
      if (attempt.isOver) return
      if (socket) {
        this.#pollUntil = 0
        poll.close() // the conversation goes on over a socket
        return
      }
      this.#preferPoll()
      lookLater()
    }
    const lookLater = () => {
      cancel = clock.after(Math.max(this.#pollUntil - clock.now(), shortestLookMs), () => void look())
    }
    attempt.use(poll, () => cancel())
    lookLater()
  }

  #open(kind: 'socket' | 'poll', attempt: Attempt): Promise<OpenedConnection | undefined> {
    const { clock } = this.#options
    return openConnection(this.#options[kind], { clock, limitMs: openMs, attempted: c => attempt.tried(c) })
  }

  #troubled(): void {
    const now = this.#options.clock.now()
    this.#troubles = [...this.#troubles.filter(at => now - at < troubleMs), now]
    if (this.#troubles.length < mostTroubles) return
    this.#troubles = []
    this.#preferPoll()
  }

  #preferPoll(): void {
    this.#pollUntil = this.#options.clock.now() + this.#returnMs
    this.#returnMs = Math.min(this.#returnMs * 2, longestReturnMs)
  }
}

/** One `connect` of the caller, whichever way it goes. */
class Attempt implements Connection {
  readonly #listener: TransportListener
  #way: OpenedConnection | undefined
  #trying: Connection | undefined
  /** Opened already, and not used yet. */
  kept: OpenedConnection | undefined
  isOver = false
  isClosedHere = false
  isStuck = false
  hasHeard = false

  constructor(listener: TransportListener) {
    this.#listener = listener
  }

  get bufferedBytes(): number {
    return this.#way?.bufferedBytes ?? 0
  }

  send(frame: string): void {
    this.#way?.send(frame)
  }

  pause(): void {
    this.#way?.pause()
  }

  resume(): void {
    this.#way?.resume()
  }

  close(reason?: 'stuck'): void {
    if (this.isOver) return
    this.isClosedHere = true
    this.isStuck = reason === 'stuck'
    if (this.#way) {
      this.#way.close(reason)
      return
    }
    this.isOver = true
    this.#trying?.close()
    void Promise.resolve().then(() => this.#listener.closed({ code: 1000, words: 'closed here' }))
  }

  /** Ways that are tried end with it. */
  tried(connection: Connection): void {
    this.#trying = connection
  }

  use(way: OpenedConnection, ended: () => void): void {
    this.#way = way
    this.#listener.opened()
    way.listen({
      opened: () => undefined,
      received: frame => {
        this.hasHeard = true
        this.#listener.received(frame)
      },
      alive: () => this.#listener.alive?.(),
      closed: reason => {
        this.isOver = true
        ended()
        this.#listener.closed(reason)
      },
    })
  }

  end(reason: { code: number; words: string }): void {
    if (this.isOver) return
    this.isOver = true
    this.#listener.closed(reason)
  }
}

const openMs = 5_000
const longestReturnMs = 1_800_000
const shortestLookMs = 1_000
/** So many troubles within so long, and sockets are no good here. */
const mostTroubles = 2
const troubleMs = 600_000
