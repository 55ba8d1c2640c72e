/** Whoever writes documents in a transaction. */
export type Holder = object

interface Waiter {
  readonly holder: Holder
  readonly keys: readonly string[]
  enter(isIn: boolean): void
}

/**
 * Who may write which documents. Who comes first to a document has it until it lets go; who comes second is told no, and
 * may come back and wait for its turn. Nobody waits who holds anything, so nobody waits for ever.
 */
export class TurnsAtDocuments {
  readonly #holders = new Map<string, Holder>()
  readonly #keys = new Map<Holder, Set<string>>()
  #waiting: Waiter[] = []

  /** False when somebody else has it, or waits for it. */
  take(holder: Holder, key: string): boolean {
    const other = this.#holders.get(key)
    if (other) return other === holder
    if (this.#waiting.some(({ keys }) => keys.includes(key))) return false
    this.#give(holder, key)
    return true
  }

  /** True when the holder, which has nothing, has all of them, in the order of asking; false when it let go before. */
  wait(holder: Holder, keys: readonly string[]): Promise<boolean> {
    return new Promise(resolve => {
      this.#waiting.push({ holder, keys, enter: resolve })
      this.#admit()
    })
  }

  /** Lets go of everything, also of waiting. */
  release(holder: Holder): void {
    for (const key of this.#keys.get(holder) ?? []) this.#holders.delete(key)
    this.#keys.delete(holder)
    for (const { enter } of this.#waiting.filter(waiter => waiter.holder === holder)) enter(false)
    this.#waiting = this.#waiting.filter(waiter => waiter.holder !== holder)
    if (this.#waiting.length > 0) this.#admit()
  }

  #give(holder: Holder, key: string): void {
    this.#holders.set(key, holder)
    const keys = this.#keys.get(holder) ?? new Set<string>()
    this.#keys.set(holder, keys)
    keys.add(key)
  }

  #admit(): void {
    /** What those who came earlier wait for. */
    const wanted = new Set<string>()
    this.#waiting = this.#waiting.filter(({ holder, keys, enter }) => {
      const isFree = keys.every(key => !this.#holders.has(key) && !wanted.has(key))
      if (!isFree) {
        for (const key of keys) wanted.add(key)
        return true
      }
      for (const key of keys) this.#give(holder, key)
      enter(true)
      return false
    })
  }
}
