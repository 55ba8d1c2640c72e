import type { Value } from '@nearcloud/protocol'
import { constraintsOf, equalityKey, keysAt, type Query } from '@nearcloud/query'
import type { Change } from './overlay.ts'

/**
 * The watches of one collection, found by the equalities of their queries: a change reaches those that ask for a value
 * the document had or has, and those that ask for no particular one.
 */
export class WatchIndex<T> {
  readonly #general = new Set<T>()
  readonly #byPath = new Map<string, Map<string, Set<T>>>()

  /** Returns the way to take it out. */
  add(watch: T, query: Query): () => void {
    const found = equalityOf(query)
    const sets = found ? found.values.map(value => this.#setOf(found.path, value)) : [this.#general]
    for (const set of sets) set.add(watch)
    return () => {
      for (const set of sets) set.delete(watch)
      if (found) this.#tidy(found.path, found.values)
    }
  }

  /** Every watch whose result these changes can concern. */
  concernedBy(changes: readonly Change[]): Set<T> {
    const concerned = new Set(this.#general)
    for (const [path, byKey] of this.#byPath)
      for (const { before, after } of changes)
        for (const document of [before, after])
          for (const key of document ? keysAt(document, path) : [])
            for (const watch of byKey.get(equalityKey(key)) ?? []) concerned.add(watch)
    return concerned
  }

  #setOf(path: string, value: Value): Set<T> {
    const byKey = this.#byPath.get(path) ?? new Map<string, Set<T>>()
    this.#byPath.set(path, byKey)
    const key = equalityKey(value)
    const set = byKey.get(key) ?? new Set<T>()
    byKey.set(key, set)
    return set
  }

  #tidy(path: string, values: readonly Value[]): void {
    const byKey = this.#byPath.get(path)
    for (const key of values.map(equalityKey)) if (byKey?.get(key)?.size === 0) byKey.delete(key)
    if (byKey?.size === 0) this.#byPath.delete(path)
  }
}

function equalityOf(query: Query): { path: string; values: readonly Value[] } | undefined {
  for (const [path, { equals }] of constraintsOf(query.where))
    if (equals && equals.length > 0 && equals.length <= mostValues) return { path, values: equals }
  return undefined
}

const mostValues = 100
