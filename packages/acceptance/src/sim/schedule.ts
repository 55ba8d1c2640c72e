import { createHash } from 'node:crypto'
import type { Clock, Millis } from '@nearcloud/protocol'
import type { Dice } from '../scenario/dice.ts'
import { settled } from './turns.ts'

/** Who has things to do: a process that can die, and takes what it had to do with it. */
export interface Owner {
  readonly name: string
}

interface Timer {
  readonly owner: Owner
  readonly due: Millis
  readonly order: number
  readonly run: () => void
}

/** Things that happen one after the other: frames of one direction, turns of one process, work of one disk. */
export class Lane {
  readonly name: string
  readonly owner: Owner | undefined
  isPaused = false
  /** How much longer than others it takes for what is in it: 1 is no longer. */
  slowness = 1
  #items: { readonly label: string; readonly run: () => void }[] = []

  constructor(name: string, owner: Owner | undefined) {
    this.name = name
    this.owner = owner
  }

  get length(): number {
    return this.#items.length
  }

  /** Is something on its way whose label begins so? */
  carries(prefix: string): boolean {
    return this.#items.some(({ label }) => label.startsWith(prefix))
  }

  /** The first of what is on its way whose label begins so. */
  find(prefix: string): string | undefined {
    return this.seek(label => label.startsWith(prefix))
  }

  /** The first of what is on its way whose label is so. */
  seek(fits: (label: string) => boolean): string | undefined {
    return this.#items.find(({ label }) => fits(label))?.label
  }

  push(label: string, run: () => void): void {
    this.#items.push({ label, run })
  }

  /** Forgets all but the first `count`. */
  truncate(count: number): void {
    this.#items.length = Math.min(this.#items.length, count)
  }

  take(): { readonly label: string; readonly run: () => void } {
    return this.#items.shift()!
  }
}

/**
 * Everything that is going to happen, and the time. Which lane moves next is the dice's choice, so any interleaving of
 * what may happen in parallel can come up; the same dice give the same one.
 */
export class Schedule {
  readonly #dice: Dice
  readonly #trace = createHash('sha256')
  #lanes: Lane[] = []
  #timers: Timer[] = []
  #order = 0
  #now: Millis = 1_800_000_000_000
  steps = 0
  /** Prints what happens. */
  isLoud = false

  constructor(dice: Dice) {
    this.#dice = dice
  }

  get now(): Millis {
    return this.#now
  }

  /** Names everything that happened so far. */
  get hash(): string {
    return this.#trace.copy().digest('hex').slice(0, 16)
  }

  lane(name: string, owner?: Owner): Lane {
    const lane = new Lane(name, owner)
    this.#lanes.push(lane)
    return lane
  }

  close(lane: Lane): void {
    this.#lanes = this.#lanes.filter(each => each !== lane)
  }

  /** The owner is dead: nothing of it happens any more. */
  drop(owner: Owner): void {
    this.#lanes = this.#lanes.filter(lane => lane.owner !== owner)
    this.#timers = this.#timers.filter(timer => timer.owner !== owner)
  }

  /** `skewMs`: how far ahead of the world it is, at the moment. */
  clockOf(owner: Owner, skewMs: () => Millis): Clock {
    return {
      now: () => Math.floor(this.#now + skewMs()), // clocks of hosts have whole milliseconds
      after: (delayMs, run) => {
        const timer = { owner, due: this.#now + Math.max(0, delayMs), order: this.#order++, run }
        this.#timers.push(timer)
        return () => {
          this.#timers = this.#timers.filter(each => each !== timer)
        }
      },
    }
  }

  note(label: string): void {
    this.steps++
    this.#trace.update(`${label}\n`)
    if (this.isLoud) console.log(`${String(this.steps).padStart(5)} ${label}`)
  }

  /** One thing that may happen now happens; false when there is none. */
  move(): boolean {
    const ready = this.#lanes.filter(lane => lane.length > 0 && !lane.isPaused)
    if (ready.length === 0) return false
    const quick = ready.filter(lane => lane.slowness === 1 || this.#dice.below(lane.slowness) === 0)
    const lane = this.#dice.pick(quick.length > 0 ? quick : ready)
    const { label, run } = lane.take()
    this.note(`${lane.name}: ${label}`)
    run()
    return true
  }

  /** Time passes, and what was due on the way happens. */
  async pass(byMs: Millis): Promise<void> {
    const until = this.#now + byMs
    for (let next = this.#next(); next && next.due <= until; next = this.#next()) {
      this.#timers = this.#timers.filter(each => each !== next)
      this.#now = Math.max(this.#now, next.due)
      this.note(`timer of ${next.owner.name}`)
      next.run()
      await settled()
    }
    this.#now = until
  }

  /** Time passes until the next timer; false when there is none. */
  async passToNext(): Promise<boolean> {
    const next = this.#next()
    if (!next) return false
    await this.pass(Math.max(0, next.due - this.#now))
    return true
  }

  #next(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers)
      if (!first || timer.due < first.due || (timer.due === first.due && timer.order < first.order))
        first = timer
    return first
  }
}
