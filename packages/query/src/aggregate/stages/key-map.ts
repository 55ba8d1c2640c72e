import type { Value } from '@nearcloud/protocol'
import { equalityKey } from '../../compare.ts'

/** A map by value: equal values (`equalValues`) are one key; a missing one is a key of its own. */
export class KeyMap<T> {
  readonly #plain = new Map<Value | undefined, T>()
  #composed: Map<string, T> | undefined

  get(key: Value | undefined): T | undefined {
    return typeof key === 'object' && key !== null ? this.#composed?.get(textOf(key)) : this.#plain.get(key)
  }

  set(key: Value | undefined, value: T): void {
    if (typeof key !== 'object' || key === null) this.#plain.set(key, value)
    else {
      this.#composed ??= new Map()
      this.#composed.set(textOf(key), value)
    }
  }
}

/** Dates are the composed keys that are met most. No canonical text of an object or an array looks like theirs. */
function textOf(key: Value): string {
  return key instanceof Date ? `date ${key.getTime()}` : equalityKey(key)
}
