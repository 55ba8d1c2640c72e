import type { Clock, Millis } from '@nearcloud/protocol'

/** A clock that stands still until a test moves it. */
export class TestClock implements Clock {
  #now: Millis
  #order = 0
  readonly #tasks = new Set<{ due: Millis; order: number; run: () => void }>()

  constructor(now: Millis = 1_700_000_000_000) {
    this.#now = now
  }

  now(): Millis {
    return this.#now
  }

  after(delayMs: Millis, run: () => void): () => void {
    const task = { due: this.#now + Math.max(0, delayMs), order: this.#order++, run }
    this.#tasks.add(task)
    return () => this.#tasks.delete(task)
  }

  /** How many tasks wait. */
  get waiting(): number {
    return this.#tasks.size
  }

  /** Jumps without running anything: a clock somebody set. */
  set(now: Millis): void {
    this.#now = now
  }

  /** Lets time pass: tasks run at their moment, in order, and promises settle after each. */
  async advance(byMs: Millis): Promise<void> {
    const until = this.#now + byMs
    await settle()
    for (let next = this.#nextDue(until); next; next = this.#nextDue(until)) {
      this.#tasks.delete(next)
      this.#now = Math.max(this.#now, next.due)
      next.run()
      await settle()
    }
    this.#now = until
  }

  #nextDue(until: Millis) {
    let first: { due: Millis; order: number; run: () => void } | undefined
    for (const task of this.#tasks) {
      if (task.due > until) continue
      if (!first || task.due < first.due || (task.due === first.due && task.order < first.order)) first = task
    }
    return first
  }
}

/** Lets promises that wait for nothing but each other settle. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await undefined
}
