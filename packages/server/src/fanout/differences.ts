import { type BucketCount, bucketOf, type DocId, type Version } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import { findAll } from '../commit/find.ts'
import type { StoredRow } from '../engine/engine.ts'
import { nextTurn } from '../engine/turn.ts'
import type { Feed } from './feed.ts'
import { isOfAll } from './inventories.ts'

/** What a client says it has of a query, in some of its buckets. */
export interface Had {
  readonly of: BucketCount
  readonly buckets: ReadonlySet<number>
  readonly versions: ReadonlyMap<DocId, Version>
}

/**
 * Documents of a query that the client has to get, by pages: those in its buckets that it does not have as they are. What it
 * named and was not met is in `missing` at the end: it does not exist, or is not for this client, and nobody says which.
 */
export class Differences implements AsyncIterable<readonly { readonly row: StoredRow }[]> {
  readonly missing: Set<DocId>
  readonly #feed: Feed
  readonly #query: Query
  readonly #had: Had

  constructor(feed: Feed, query: Query, had: Had) {
    this.#feed = feed
    this.#query = query
    this.#had = had
    this.missing = new Set(had.versions.keys())
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly { readonly row: StoredRow }[], void> {
    const { actor, reading } = this.#feed
    const pages = isOfAll(this.#feed, this.#query)
      ? this.#byVersions()
      : findAll(reading, actor, this.#query, { only: id => this.#isAsked(id) })
    for await (const page of pages)
      yield page.filter(({ row: { id, version } }) => this.#differs(id, version))
  }

  /** Where everything is to be had, versions tell what has to be read. */
  async *#byVersions(): AsyncGenerator<readonly { readonly row: StoredRow }[], void> {
    const { env, engine } = this.#feed.reading
    const { collection } = this.#query
    const listed = await this.#feed.fanout.inventories.listed(collection)
    if (listed) {
      const rows = listed.flatMap((bucket, at) => {
        const asked = this.#had.buckets.has(Math.floor((at * this.#had.of) / listed.length))
        return asked ? [...bucket] : []
      })
      for (let at = 0; at < rows.length; at += pageRows) {
        yield await this.#read(rows.slice(at, at + pageRows))
        await nextTurn()
      }
      return
    }
    let after: DocId | undefined
    for (;;) {
      const { rows } = await engine.versions(env, collection, after, pageRows)
      if (rows.length === 0) return
      yield await this.#read(rows.filter(([id]) => this.#isAsked(id)))
      after = rows.at(-1)![0]
      await nextTurn()
    }
  }

  /** Of these documents those that differ. */
  async #read(
    rows: readonly (readonly [id: DocId, version: Version])[],
  ): Promise<readonly { readonly row: StoredRow }[]> {
    const { env, engine } = this.#feed.reading
    const ids = rows.flatMap(([id, version]) => (this.#differs(id, version) ? [id] : []))
    if (ids.length === 0) return []
    const found = await engine.get(env, this.#query.collection, ids)
    return found.flatMap(row => (row ? [{ row }] : []))
  }

  #isAsked(id: DocId): boolean {
    return this.#had.buckets.has(bucketOf(id, this.#had.of))
  }

  #differs(id: DocId, version: Version): boolean {
    this.missing.delete(id)
    return this.#had.versions.get(id) !== version
  }
}

const pageRows = 1_000
