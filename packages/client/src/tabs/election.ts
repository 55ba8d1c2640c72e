import type { Clock, RandomBytes } from '@nearcloud/protocol'
import type { Aborting, Locks } from './crossing.ts'

export interface ElectionOptions {
  readonly locks: Locks
  readonly name: string
  readonly clock: Clock
  readonly random: RandomBytes
  aborting(): Aborting
  /** This tab leads. `takesOver`: the one before said nothing any more. */
  won(takesOver: boolean): void
  /** Another one leads. */
  lost(): void
  /** Ask whether the one who leads is there; `heard` when it says anything. */
  ping(): void
}

/**
 * Who leads: whoever holds a lock. A tab that ends leaves it to the next in line; from one that holds it and says nothing, frozen
 * or stuck, it is taken.
 */
export class Election {
  readonly #options: ElectionOptions
  #state: 'new' | 'waiting' | 'leading' | 'over' = 'new'
  #abortRequest: () => void = () => undefined
  #release: () => void = () => undefined
  #cancelTick: () => void = () => undefined
  /** Pings since anything was heard. */
  #silent = 0
  #turn = 0

  constructor(options: ElectionOptions) {
    this.#options = options
  }

  get isLeading(): boolean {
    return this.#state === 'leading'
  }

  /** Nothing when it has begun already. */
  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'waiting'
    this.#request(false)
    this.#tick()
  }

  /** The one who leads has said something. */
  heard(): void {
    this.#silent = 0
  }

  /** This one can lead no more, or wants to: back in line. */
  resign(): void {
    if (this.#state !== 'leading') return
    this.#state = 'waiting'
    this.#release()
    this.#request(false)
    this.#tick()
  }

  stop(): void {
    this.#state = 'over'
    this.#turn++
    this.#cancelTick()
    this.#abortRequest()
    this.#release()
  }

  #request(steal: boolean): void {
    const turn = ++this.#turn
    this.#abortRequest()
    const { locks, name, won, lost, aborting } = this.#options
    const { signal, abort } = aborting()
    this.#abortRequest = abort
    const hold = (): Promise<void> => {
      if (turn !== this.#turn || this.#state !== 'waiting') return Promise.resolve()
      this.#state = 'leading'
      this.#cancelTick()
      const held = new Promise<void>(resolve => {
        this.#release = resolve
      })
      won(steal)
      return held
    }
    locks.request(name, steal ? { steal } : { signal }, hold).catch(() => {
      // it was taken
      if (turn !== this.#turn || this.#state !== 'leading') return
      this.#state = 'waiting'
      lost()
      this.#silent = 0
      this.#request(false)
      this.#tick()
    })
  }

  #tick(): void {
    const { clock, random, ping } = this.#options
    this.#cancelTick()
    if (this.#state !== 'waiting') return
    this.#cancelTick = clock.after(tickMs, () => {
      // not all at once: who is first tells the others
      if (this.#silent >= fewestSilent + (random(1)[0]! % 4)) {
        this.#silent = 0
        this.#request(true)
      } else {
        this.#silent++
        ping()
      }
      this.#tick()
    })
  }
}

const tickMs = 400
const fewestSilent = 5
