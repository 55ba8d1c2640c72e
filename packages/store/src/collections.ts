import { Collection } from './collection.ts'

/**
 * The collections of a store, made when they are first named. What storage has of one waits until somebody asks for it: a
 * collection that nobody asks for costs nothing but its text.
 */
export class Collections {
  readonly #byName = new Map<string, Collection>()
  /** What is to be done, in order, before a collection can be looked at. */
  readonly #waitingByName = new Map<string, ((collection: Collection) => void)[]>()
  readonly #loaded: (name: string) => void

  /** `loaded`: all that waited for this one is done. */
  constructor(loaded: (name: string) => void = () => undefined) {
    this.#loaded = loaded
  }

  /** What waits for it is done first, all at once. */
  of(name: string): Collection {
    const waiting = this.#waitingByName.get(name)
    if (waiting) {
      while (waiting.length > 0) this.#doNext(name, waiting)
      this.#finish(name)
    }
    return this.#here(name)
  }

  /** To be done when somebody asks for the collection, or while it is loaded. A step of its own: it should not take long. */
  later(name: string, work: (collection: Collection) => void): void {
    const waiting = this.#waitingByName.get(name)
    if (waiting) waiting.push(work)
    else this.#waitingByName.set(name, [work])
  }

  isWaiting(name: string): boolean {
    return this.#waitingByName.has(name)
  }

  /** As asking for it, in steps with a pause between them. */
  async load(name: string, pause: () => Promise<void>): Promise<void> {
    const waiting = this.#waitingByName.get(name)
    if (!waiting) return
    while (waiting.length > 0) {
      this.#doNext(name, waiting)
      await pause()
    }
    if (this.#waitingByName.get(name) === waiting) this.#finish(name)
  }

  /** Those there are, also those that wait. */
  names(): Iterable<string> {
    return new Set([...this.#byName.keys(), ...this.#waitingByName.keys()])
  }

  #here(name: string): Collection {
    let collection = this.#byName.get(name)
    if (!collection) {
      collection = new Collection()
      this.#byName.set(name, collection)
    }
    return collection
  }

  /** What throws is done again by whoever asks next: half a collection is never taken for the whole. */
  #doNext(name: string, waiting: ((collection: Collection) => void)[]): void {
    waiting[0]!(this.#here(name))
    waiting.shift()
  }

  #finish(name: string): void {
    this.#waitingByName.delete(name)
    this.#loaded(name)
  }
}
