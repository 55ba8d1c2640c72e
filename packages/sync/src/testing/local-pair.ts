import { type Clock, type Millis, withoutNumber } from '@nearcloud/protocol'
import type { Connection, Transport, TransportListener } from '../transport.ts'

/** The far end of a connection. */
export interface Peer {
  send(frame: string): void
  close(): void
}

export interface PeerListener {
  received(frame: string): void
  closed(): void
}

export type Direction = 'up' | 'down'

/**
 * What becomes of a frame: `drop`: as if it had never been said; `lose`: it does not arrive; `cut` breaks the connection in its
 * place; `cutAfter` right after it arrived; `twice`: it comes again.
 */
export type Fate = 'deliver' | 'drop' | 'lose' | 'cut' | 'cutAfter' | 'twice'

/**
 * A network of one client and one server in memory. Frames take a turn of the microtask queue, or `delayMs` of the
 * clock; `fate` decides over each, by its number (from 1, both directions together).
 */
export class LocalPair {
  /** New connections are refused while false. */
  isUp = true
  delayMs: Millis = 0
  fate: ((frame: string, direction: Direction, count: number) => Fate) | undefined
  /** Frames sent so far. */
  frames = 0
  /** Connections tried so far. */
  attempts = 0
  /** Connections that both ends may believe in. */
  readonly #open = new Set<Wire>()
  readonly #accept: (peer: Peer) => PeerListener
  readonly #clock: Clock

  constructor(options: { accept(peer: Peer): PeerListener; clock: Clock }) {
    this.#accept = options.accept
    this.#clock = options.clock
  }

  get connections(): number {
    return this.#open.size
  }

  readonly transport: Transport = {
    connect: listener => {
      this.attempts++
      const wire = new Wire(listener, this.#accept, {
        take: (frame, direction) => this.#take(frame, direction),
        later: task => this.#later(task),
        ended: () => this.#open.delete(wire),
      })
      this.#later(() => {
        if (!this.isUp) {
          wire.break()
          return
        }
        this.#open.add(wire)
        wire.open()
      })
      return wire
    },
  }

  /** Breaks what is open; frames on their way are lost. */
  cut(): void {
    for (const wire of [...this.#open]) wire.break()
  }

  #take(frame: string, direction: Direction): Fate {
    this.frames++
    return this.fate?.(withoutNumber(frame), direction, this.frames) ?? 'deliver'
  }

  #later(task: () => void): void {
    if (this.delayMs > 0) this.#clock.after(this.delayMs, task)
    else Promise.resolve().then(task)
  }
}

interface Network {
  take(frame: string, direction: Direction): Fate
  later(task: () => void): void
  ended(): void
}

class Wire implements Connection {
  readonly bufferedBytes = 0
  readonly #client: TransportListener
  readonly #accept: (peer: Peer) => PeerListener
  readonly #network: Network
  #server: PeerListener | undefined
  /** Numbered frames that were carried, or lost. */
  readonly #numbered = { up: 0, down: 0 }
  #isClosing = false
  #isOver = false

  constructor(client: TransportListener, accept: (peer: Peer) => PeerListener, network: Network) {
    this.#client = client
    this.#accept = accept
    this.#network = network
  }

  open(): void {
    if (this.#isClosing || this.#isOver) return
    this.#server = this.#accept({
      send: frame => this.#carry(frame, 'down', text => this.#client.received(text)),
      close: () => this.#network.later(() => this.break()),
    })
    this.#client.opened()
  }

  send(frame: string): void {
    this.#carry(frame, 'up', text => this.#server?.received(text))
  }

  close(): void {
    this.#isClosing = true
    this.#network.later(() => this.break())
  }

  break(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#network.ended()
    this.#server?.closed()
    this.#client.closed({ code: 1006, words: 'the connection broke' })
  }

  #carry(frame: string, direction: Direction, deliver: (text: string) => void): void {
    if (this.#isOver) return
    const fate = this.#network.take(frame, direction)
    if (fate === 'drop') return
    // what was dropped, or said while the fate of another was decided, has its place here
    const text = frame.replace(/^\d+/, () => String(++this.#numbered[direction]))
    if (fate === 'lose') return
    this.#network.later(() => {
      if (this.#isOver) return
      if (fate !== 'cut') deliver(text)
      if (fate === 'twice') deliver(text)
      if (fate === 'cut' || fate === 'cutAfter') this.break()
    })
  }
}
