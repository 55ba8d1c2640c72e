import type { Document, Version } from '@nearcloud/protocol'
import { type DocChange, type DocumentChange, type Query, ResultSet } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import { decided } from '../rules/rule-reads.ts'
import type { Change } from './change.ts'
import { type Found, findFirst, type Reading } from './find.ts'

/** Where a document of a result comes from. */
export interface Source {
  readonly version: Version
  readonly text: string
}

/** Looks while nothing is committed. */
type Still = <T>(look: () => Promise<T>) => Promise<T>

/** Looks up what is in a query. */
export type Find = (reading: Reading, actor: Actor, query: Query) => Promise<readonly Found[]>

/**
 * The result of a query as its actor sees it, kept in step by the changes of its collection. Callers hand over all of
 * them from before `start` on, in order, one `step` at a time.
 */
export class LiveResult {
  readonly #reading: Reading
  readonly #actor: Actor
  readonly #query: Query
  readonly #result: ResultSet
  readonly #find: Find
  readonly #still: Still | undefined
  readonly #sources = new WeakMap<Document, Source>()
  #asOf: Version = 0
  #isTorn = false

  /** `still`: a result that is refilled is of one moment, also when somebody commits meanwhile. */
  constructor(
    reading: Reading,
    actor: Actor,
    query: Query,
    { find = findFirst, still }: { readonly find?: Find; readonly still?: Still } = {},
  ) {
    this.#find = find
    this.#still = still
    this.#reading = reading
    this.#actor = actor
    this.#query = query
    this.#result = new ResultSet(query)
  }

  get documents(): readonly Document[] {
    return this.#result.documents
  }

  /** Of a document of the result; without a projection. */
  sourceOf(document: Document): Source {
    return this.#sources.get(document)!
  }

  /** What was looked up last may show what was committed up to here. */
  get asOf(): Version {
    return this.#asOf
  }

  /** Somebody committed while it was looked up: it may show one half of that, until it was told of what was committed up to `asOf`. */
  get isTorn(): boolean {
    return this.#isTorn
  }

  async start(): Promise<readonly Document[]> {
    return this.#result.reset(await this.#fetch())
  }

  /** What these changes did to the result. */
  async step(changes: readonly Change[]): Promise<readonly DocChange[]> {
    const seen: DocumentChange[] = []
    for (const change of changes) seen.push(await this.#asSeen(change))
    const refill = this.#result.runsOut(seen) ? await this.#refill() : []
    return this.#result.change(seen, () => refill)
  }

  async #refill(): Promise<readonly Document[]> {
    const found = await this.#fetch()
    return this.#isTorn && this.#still ? this.#still(() => this.#fetch()) : found
  }

  async #fetch(): Promise<readonly Document[]> {
    const { collection, where, orderBy, limit } = this.#query
    const first = limit === undefined ? {} : { limit: this.#result.wanted }
    const query = { collection, where, orderBy, skip: 0, ...first }
    const { engine, env } = this.#reading
    const begun = await engine.head(env)
    const found = await this.#find(this.#reading, this.#actor, query)
    for (const { document, row } of found) this.#sources.set(document, row)
    this.#asOf = await engine.head(env)
    this.#isTorn = this.#asOf !== begun
    return found.map(each => each.document)
  }

  async #asSeen(change: Change): Promise<DocumentChange> {
    const { id, version, dataType } = change
    const [before, after] = [await this.#seen(change.before), await this.#seen(change.after)]
    if (after) this.#sources.set(after, { version, text: change.afterText! })
    return { id, before, after, dataType: !before ? 'add' : !after ? 'remove' : dataType }
  }

  async #seen(document: Document | null): Promise<Document | null> {
    const { judge, reads } = this.#reading
    const { collection } = this.#query
    if (!document) return null
    const mayRead = await decided(reads, () => judge.mayRead(this.#actor, collection, document, reads))
    return mayRead ? document : null
  }
}
