import type { Document } from '@nearcloud/protocol'
import type { Filter } from '@nearcloud/query'
import type { Change } from '../commit/change.ts'
import { type LoadingReads, nameOf, type RuleRead } from '../rules/rule-reads.ts'

/** What rules read of other documents for one client, and which those were. */
export class FeedReads implements LoadingReads {
  readonly #known: LoadingReads
  readonly #documents = new Set<string>()
  readonly #lists = new Set<string>()
  /** The client may hold documents that were judged for an earlier conversation, by who knows what. */
  #isFollowing = true

  constructor(known: LoadingReads) {
    this.#known = known
  }

  document(collection: string, id: string): Document | null {
    if (this.#documents.size < mostNames) this.#documents.add(nameOf({ collection, id }))
    return this.#known.document(collection, id)
  }

  count(collection: string, where: Filter): number {
    this.#lists.add(collection)
    return this.#known.count(collection, where)
  }

  load(read: RuleRead): Promise<void> {
    return this.#known.load(read)
  }

  /** What the client holds, or is about to, is judged in this conversation. */
  beginAnew(): void {
    this.#isFollowing = false
  }

  /** May the client hold, or miss, something because of what this document says? */
  mayHaveLookedAt({ collection, id }: Pick<Change, 'collection' | 'id'>): boolean {
    if (this.#isFollowing || this.#documents.size >= mostNames || this.#lists.has(collection)) return true
    return typeof id === 'string' && this.#documents.has(nameOf({ collection, id }))
  }
}

/** More are not told apart. */
const mostNames = 10_000
