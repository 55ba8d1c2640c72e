import { encode, type Value } from '@nearcloud/protocol'
import { compileFilter, constraintsOf, equalityKey, type Filter, keysAt, type Query } from '@nearcloud/query'
import type { Change } from '../commit/change.ts'

/** Who wants to hear of changes that a filter matches, before or after. */
export interface Follower {
  note(change: Change): void
}

/**
 * Who follows what. Filters that ask for equality are found by the values in a changed document, so a change costs by the
 * filters it may concern, not by all of them; equal filters are looked at once.
 */
export class SubscriptionIndex {
  readonly #collections = new Map<string, CollectionIndex>()

  /** Returns the way to stop. */
  follow(query: Query, follower: Follower): () => void {
    let index = this.#collections.get(query.collection)
    if (!index) {
      index = new CollectionIndex()
      this.#collections.set(query.collection, index)
    }
    const filter = index.filterOf(query.where)
    const { followers } = filter
    followers.set(follower, (followers.get(follower) ?? 0) + 1)
    let isFollowing = true
    return () => {
      if (!isFollowing) return
      isFollowing = false
      const left = followers.get(follower)! - 1
      if (left > 0) followers.set(follower, left)
      else followers.delete(follower)
      if (followers.size > 0) return
      index.drop(filter)
      if (index.isEmpty) this.#collections.delete(query.collection)
    }
  }

  /** Tells those whom the change concerns. */
  note(change: Change): void {
    const { before, after } = change
    for (const filter of this.#collections.get(change.collection)?.candidates(change) ?? [])
      if ((before && filter.matches(before)) || (after && filter.matches(after)))
        for (const follower of filter.followers.keys()) follower.note(change)
  }

  /** How many filters a change has to be held against. */
  candidates(change: Change): number {
    return this.#collections.get(change.collection)?.candidates(change).size ?? 0
  }
}

interface SharedFilter {
  readonly text: string
  matches(document: NonNullable<Change['before']>): boolean
  /** How often each of them follows it. */
  readonly followers: Map<Follower, number>
  /** Where it is found: at this path, under these keys; undefined: everywhere. */
  readonly place: { readonly path: string; readonly keys: readonly string[] } | undefined
}

class CollectionIndex {
  readonly #filters = new Map<string, SharedFilter>()
  readonly #byValue = new Map<string, Map<string, Set<SharedFilter>>>()
  readonly #everywhere = new Set<SharedFilter>()

  get isEmpty(): boolean {
    return this.#filters.size === 0
  }

  filterOf(where: Filter): SharedFilter {
    const text = encode(where as unknown as Value)
    const known = this.#filters.get(text)
    if (known) return known
    const filter = {
      text,
      matches: compileFilter(where),
      followers: new Map<Follower, number>(),
      place: placeOf(where),
    }
    this.#filters.set(text, filter)
    if (filter.place) for (const key of filter.place.keys) this.#at(filter.place.path, key).add(filter)
    else this.#everywhere.add(filter)
    return filter
  }

  drop(filter: SharedFilter): void {
    this.#filters.delete(filter.text)
    this.#everywhere.delete(filter)
    const { path, keys } = filter.place ?? { path: '', keys: [] }
    const byKey = this.#byValue.get(path)
    for (const key of keys) {
      const filters = byKey?.get(key)
      filters?.delete(filter)
      if (filters?.size === 0) byKey?.delete(key)
    }
    if (byKey?.size === 0) this.#byValue.delete(path)
  }

  candidates({ before, after }: Change): ReadonlySet<SharedFilter> {
    const found = new Set(this.#everywhere)
    for (const [path, byKey] of this.#byValue)
      for (const document of [before, after])
        for (const value of document ? keysAt(document, path) : [])
          for (const filter of byKey.get(equalityKey(value)) ?? []) found.add(filter)
    return found
  }

  #at(path: string, key: string): Set<SharedFilter> {
    const byKey = this.#byValue.get(path) ?? new Map<string, Set<SharedFilter>>()
    this.#byValue.set(path, byKey)
    const filters = byKey.get(key) ?? new Set<SharedFilter>()
    byKey.set(key, filters)
    return filters
  }
}

/** The equality with the fewest values; there may be none. */
function placeOf(where: Filter): SharedFilter['place'] {
  let best: SharedFilter['place']
  for (const [path, { equals }] of constraintsOf(where)) {
    if (!equals || (best && best.keys.length <= equals.length)) continue
    best = { path, keys: [...new Set(equals.map(equalityKey))] }
  }
  return best
}
