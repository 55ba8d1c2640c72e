import type { Query } from '@nearcloud/query'
import { Collection } from './collection.ts'

/**
 * The collections of a store, made when they are first named. What storage has of one waits until somebody asks for it: a
 * collection that nobody asks for costs nothing but its text.
 */
export class Collections {
  readonly #byName = new Map<string, Collection>()
  /** What is to be done, in order, before a collection can be looked at. */
  readonly #waitingByName = new Map<string, Work[]>()
  /** Of these what is done at last is among what waits. */
  readonly #ending = new Set<string>()
  readonly #working = new Set<string>()
  readonly #atLast: (name: string) => readonly Work[]

  /** `atLast`: what is to be done when all that waited is done; the collection is there then for whoever asks for it. */
  constructor(atLast: (name: string) => readonly Work[] = () => []) {
    this.#atLast = atLast
  }

  /** What waits for it is done first, all at once. */
  of(name: string): Collection {
    if (this.#waitingByName.size === 0) return this.#here(name)
    const waiting = this.#working.has(name) ? undefined : this.#waitingByName.get(name)
    if (waiting) while (this.#doNext(name, waiting));
    return this.#here(name)
  }

  /** To be done when somebody asks for the collection, or while it is loaded. A step of its own: it should not take long. */
  later(name: string, work: Work): void {
    this.#ending.delete(name)
    const waiting = this.#waitingByName.get(name)
    if (waiting) waiting.push(work)
    else this.#waitingByName.set(name, [work])
  }

  isWaiting(name: string): boolean {
    return this.#waitingByName.has(name)
  }

  /**
   * As asking for it, in steps with a pause between them. With `query`, documents its answer is not among may be read after it resolved.
   */
  async load(name: string, pause: () => Promise<void>, query?: Query): Promise<void> {
    const waiting = this.#waitingByName.get(name)
    // whoever asks for it meanwhile does the rest at once
    while (waiting && this.#waitingByName.get(name) === waiting && this.#doNext(name, waiting)) await pause()
    await this.#byName.get(name)?.unpack(pause, query)
  }

  /** See `Collection`; what waits is not read. */
  isReadFor(name: string, query?: Query): boolean {
    return !this.isWaiting(name) && (this.#byName.get(name)?.isReadFor(query) ?? true)
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

  /** False when nothing is left. What throws is done again by whoever asks next: half a collection is never taken for the whole. */
  #doNext(name: string, waiting: Work[]): boolean {
    if (waiting.length === 0 && !this.#ending.has(name)) {
      waiting.push(...this.#atLast(name))
      this.#ending.add(name)
    }
    const [work] = waiting
    if (!work) {
      this.#ending.delete(name)
      this.#waitingByName.delete(name)
      return false
    }
    this.#working.add(name)
    let more: readonly Work[] | undefined
    try {
      more = work(this.#here(name)) as readonly Work[] | undefined
    } finally {
      this.#working.delete(name)
    }
    waiting.splice(0, 1, ...(more ?? []))
    return true
  }
}

/** What it gives is more of it, to be done next. */
type Work = ((collection: Collection) => void) | ((collection: Collection) => readonly Work[])
