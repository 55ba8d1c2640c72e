import type { Value } from '@nearcloud/protocol'
import { equalityKey } from '../../compare.ts'

/** Values, each equal one once, in the order they came. */
export class ValueSet {
  readonly #plain = new Set<Value>()
  readonly #keys = new Set<string>()
  readonly #values: Value[] = []

  get values(): readonly Value[] {
    return this.#values
  }

  has(value: Value): boolean {
    return isPlain(value) ? this.#plain.has(value) : this.#keys.has(equalityKey(value))
  }

  /** False when an equal one is there already. */
  add(value: Value): boolean {
    const plain = isPlain(value)
    const key = plain ? value : equalityKey(value)
    const known: Set<unknown> = plain ? this.#plain : this.#keys
    if (known.has(key)) return false
    known.add(key)
    this.#values.push(value)
    return true
  }
}

/** What a set of the host tells apart as we do. */
function isPlain(value: Value): boolean {
  return typeof value !== 'object' || value === null
}
