import type { Clock, Millis } from '@nearcloud/protocol'

/** Server time that stands still until a test moves it; what is due runs then, in order. */
export class ManualClock implements Clock {
  #now: Millis
  #tasks: { due: Millis; readonly task: () => void }[] = []

  constructor(now: Millis = 1_800_000_000_000) {
    this.#now = now
  }

  now(): Millis {
    return this.#now
  }

  after(delayMs: Millis, task: () => void): () => void {
    const entry = { due: this.#now + delayMs, task }
    this.#tasks.push(entry)
    return () => {
      this.#tasks = this.#tasks.filter(each => each !== entry)
    }
  }

  /** As when somebody sets the clock: what waits goes on waiting as long as it did. */
  set(now: Millis): void {
    const by = now - this.#now
    this.#now = now
    for (const each of this.#tasks) each.due += by
  }

  advance(byMs: Millis): void {
    this.#now += byMs
    for (;;) {
      const due = this.#tasks.filter(each => each.due <= this.#now).sort((a, b) => a.due - b.due)[0]
      if (!due) return
      this.#tasks = this.#tasks.filter(each => each !== due)
      due.task()
    }
  }
}
