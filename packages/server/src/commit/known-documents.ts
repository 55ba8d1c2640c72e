import type { Staged } from './stage.ts'

/**
 * Documents as the last commits left them, so that what is written often is neither read nor decoded again. Whoever holds
 * the order of commits keeps it: nobody else writes.
 */
export class KnownDocuments {
  /** Least recently used first. */
  readonly #byKey = new Map<string, Staged>()
  readonly #mostCharacters: number
  #characters = 0

  constructor(mostCharacters = 4_194_304) {
    this.#mostCharacters = mostCharacters
  }

  /** By `keyOf`; undefined when it is not known here. */
  get(key: string): Staged | undefined {
    const staged = this.#byKey.get(key)
    if (!staged) return undefined
    this.#byKey.delete(key)
    this.#byKey.set(key, staged)
    return staged
  }

  /** What a group of commits left, once it is durable; null: nothing. */
  note(documents: Iterable<readonly [key: string, staged: Staged | null]>): void {
    for (const [key, staged] of documents) {
      this.#forget(key)
      if (!staged) continue
      this.#byKey.set(key, staged)
      this.#characters += staged.text.length
    }
    for (const key of this.#byKey.keys()) {
      if (this.#characters <= this.#mostCharacters) break
      this.#forget(key)
    }
  }

  /** Nobody knows what is stored. */
  clear(): void {
    this.#byKey.clear()
    this.#characters = 0
  }

  #forget(key: string): void {
    this.#characters -= this.#byKey.get(key)?.text.length ?? 0
    this.#byKey.delete(key)
  }
}
