import { Collection } from './collection.ts'

/** The collections of a store, made when they are first named. */
export class Collections {
  readonly #byName = new Map<string, Collection>()

  of(name: string): Collection {
    let collection = this.#byName.get(name)
    if (!collection) {
      collection = new Collection()
      this.#byName.set(name, collection)
    }
    return collection
  }

  [Symbol.iterator](): Iterator<readonly [name: string, collection: Collection]> {
    return this.#byName[Symbol.iterator]()
  }
}
