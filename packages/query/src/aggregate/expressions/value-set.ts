import type { Value } from '@nearcloud/protocol'
import { equalityKey } from '../../compare.ts'

/** Values, each equal one once, in the order they came. */
export class ValueSet {
  readonly #plain = new Set<Value>()
  /** Of lists, objects and other values that hold something; made for the first of them. */
  #keys: Set<string> | undefined
  readonly #values: Value[] = []

  get values(): readonly Value[] {
    return this.#values
  }

  has(value: Value): boolean {
    return isPlain(value) ? this.#plain.has(value) : this.#keys?.has(equalityKey(value)) === true
  }

  /** False when an equal one is there already. */
  add(value: Value): boolean {
    if (isPlain(value)) {
      if (this.#plain.has(value)) return false
      this.#plain.add(value)
    } else {
      const key = equalityKey(value)
      this.#keys ??= new Set()
      if (this.#keys.has(key)) return false
      this.#keys.add(key)
    }
    this.#values.push(value)
    return true
  }
}

/** What a set of the host tells apart as we do. */
function isPlain(value: Value): boolean {
  return typeof value !== 'object' || value === null
}
