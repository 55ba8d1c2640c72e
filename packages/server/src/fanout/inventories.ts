import { bucketOf, bucketsFor, type DocId, Inventory, type Version } from '@nearcloud/protocol'
import { clausesOf, compareValues, type Query } from '@nearcloud/query'
import type { Change } from '../commit/change.ts'
import { findAll } from '../commit/find.ts'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import { nextTurn } from '../engine/turn.ts'
import type { Feed } from './feed.ts'

/**
 * What whole collections have, by ids and versions: counted when it is first asked for, and from then on kept in step with
 * every commit, so that a client with all of it costs no reading.
 */
export class Inventories {
  readonly #environment: LiveEnvironment
  readonly #byCollection = new Map<string, Counted>()

  constructor(environment: LiveEnvironment) {
    this.#environment = environment
  }

  note(changes: readonly Change[]): void {
    if (this.#byCollection.size > 0)
      for (const change of changes) this.#byCollection.get(change.collection)?.note(change)
  }

  /** Of everything that was published; it goes on changing. */
  async of(collection: string): Promise<Inventory> {
    return (await this.#counted(collection)).inventory
  }

  /** What is in each of 256 buckets; undefined for a collection too large to keep that of. */
  async listed(collection: string): Promise<Listed | undefined> {
    return (await this.#counted(collection)).buckets
  }

  async #counted(collection: string): Promise<Counted> {
    let counted = this.#byCollection.get(collection)
    if (!counted) {
      const [oldest] = this.#byCollection.keys()
      if (oldest !== undefined && this.#byCollection.size >= mostCollections)
        this.#byCollection.delete(oldest)
      counted = new Counted(this.#environment, collection)
      this.#byCollection.set(collection, counted)
    }
    try {
      await counted.whole
      return counted
    } catch (thrown) {
      if (this.#byCollection.get(collection) === counted) this.#byCollection.delete(collection)
      throw thrown
    }
  }
}

/** Ids and versions of some documents, by bucket of 256. */
export type Listed = readonly ReadonlyMap<DocId, Version>[]

/** One collection. While it is counted, a change counts where the count had been before it. */
class Counted {
  readonly whole: Promise<void>
  readonly inventory = new Inventory()
  buckets: Map<DocId, Version>[] | undefined = Array.from({ length: 256 }, () => new Map())
  /** The last id of each page, undefined for the rest, and the head when it was read. */
  #pages: { readonly last: DocId | undefined; readonly head: Version }[] = []
  #isWhole = false

  constructor(environment: LiveEnvironment, collection: string) {
    this.whole = this.#count(environment, collection)
    this.whole.catch(() => undefined) // whoever asked is told
  }

  note({ id, version, before, beforeVersion, after }: Change): void {
    const page = this.#pages.find(({ last }) => last === undefined || compareValues(id, last) <= 0)
    if (this.#isWhole && version > this.#pages.at(-1)!.head) this.#pages = this.#pages.slice(-1)
    if (!page || version <= page.head) return
    if (before) this.inventory.remove(id, beforeVersion!)
    this.buckets?.[bucketOf(id, 256)]?.delete(id)
    if (after) this.#add(id, version)
  }

  #add(id: DocId, version: Version): void {
    this.inventory.add(id, version)
    if (this.inventory.count > mostListed) this.buckets = undefined
    this.buckets?.[bucketOf(id, 256)]?.set(id, version)
  }

  async #count({ engine, env }: LiveEnvironment, collection: string): Promise<void> {
    let after: DocId | undefined
    for (;;) {
      const { head, rows } = await engine.versions(env, collection, after, pageRows)
      for (const [id, version] of rows) this.#add(id, version)
      const isLast = rows.length === 0
      after = rows.at(-1)?.[0]
      this.#pages.push({ last: isLast ? undefined : after, head })
      if (isLast) break
      await nextTurn()
    }
    this.#isWhole = true
  }
}

/** What of a followed query this client has to have, and nothing about anything else. */
export async function* tellInventory(
  feed: Feed,
  { subscription, query, isWanted }: { subscription: number; query: Query; isWanted(): boolean },
): AsyncGenerator<void, void> {
  if (!isWanted()) return
  let inventory: Inventory
  if (isOfAll(feed, query)) {
    inventory = await feed.fanout.inventories.of(query.collection)
  } else {
    inventory = new Inventory()
    for await (const page of findAll(feed.reading, feed.actor, query)) {
      for (const { row } of page) inventory.add(row.id, row.version)
      yield
      if (!isWanted()) return
    }
  }
  // who has the same holds what there was then: what happened until then is told before
  await feed.reached(await feed.reading.engine.head(feed.reading.env))
  await feed.drained()
  if (!isWanted()) return
  const sums = inventory.sums(bucketsFor(inventory.count))
  feed.sink.send(JSON.stringify({ type: 'inventory', id: subscription, sums }))
}

/** Does the query ask for every document of its collection, and may this client read them all? */
export function isOfAll({ reading, actor }: Feed, { collection, where }: Query): boolean {
  return clausesOf(where).length === 0 && reading.judge.mayReadAll?.(actor, collection) === true
}

const mostCollections = 200
const mostListed = 100_000
const pageRows = 1_000
