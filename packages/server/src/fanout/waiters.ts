/** Those who wait until something is due: looked at whenever `release` is called. */
export class Waiters {
  #waiting: { readonly isDue: () => boolean; readonly resolve: () => void }[] = []

  get size(): number {
    return this.#waiting.length
  }

  /** Resolves at the first `release` that finds it due, or with `releaseAll`. */
  until(isDue: () => boolean): Promise<void> {
    return new Promise(resolve => this.#waiting.push({ isDue, resolve }))
  }

  release(): void {
    const due = this.#waiting.filter(waiter => waiter.isDue())
    this.#waiting = this.#waiting.filter(waiter => !due.includes(waiter))
    for (const { resolve } of due) resolve()
  }

  releaseAll(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }
}
