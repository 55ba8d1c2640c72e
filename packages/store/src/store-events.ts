import type { StoreEvent } from './store.ts'

/** Those who listen to a store. What one throws is not the store's, and there is nobody left to tell. */
export class StoreEvents {
  readonly #listeners = new Set<(event: StoreEvent) => void>()

  /** Returns the way to stop. */
  on(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  emit(event: StoreEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event)
      } catch {
        // see above
      }
    }
  }
}
