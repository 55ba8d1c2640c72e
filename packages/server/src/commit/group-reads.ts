import { CloudError, type DocId, type Document } from '@nearcloud/protocol'
import { compileFilter, type Filter } from '@nearcloud/query'
import { nameOf, ReadNeeded, type RuleRead, type RuleReads } from '../rules/rule-reads.ts'
import type { Change } from './change.ts'
import { type KnownReads, sizeOf } from './known-reads.ts'

/**
 * What rules read while a group is decided: what is stored, with what the group has decided so far laid over; not what the
 * commit at hand tries. It never waits: what is not known is named in `unknown`, and then the group has to be decided
 * again, knowing it.
 */
export class GroupReads implements RuleReads {
  readonly unknown = new Map<string, RuleRead>()
  readonly #known: KnownReads
  readonly #changes: readonly Change[]
  readonly #documents = new Map<string, Document | null>()
  readonly #matching = new Map<
    string,
    { ids: Set<DocId>; noted: number; matches(document: Document): boolean }
  >()
  readonly #ofCommit = { documents: new Set<string>(), lists: new Set<string>() }
  #noted = 0

  /** `changes`: of what the group has decided, in order; it grows. */
  constructor(known: KnownReads, changes: readonly Change[]) {
    this.#known = known
    this.#changes = changes
  }

  /** What is read from here on is for another commit. */
  beginCommit(): void {
    const { documents, lists } = this.#ofCommit
    if (documents.size > 0) documents.clear()
    if (lists.size > 0) lists.clear()
  }

  document(collection: string, id: string): Document | null {
    const name = this.#meet({ collection, id })
    for (; this.#noted < this.#changes.length; this.#noted++) {
      const { collection, id, after } = this.#changes[this.#noted]!
      if (typeof id === 'string') this.#documents.set(nameOf({ collection, id }), after)
    }
    const decided = this.#documents.get(name)
    return decided === undefined ? this.#known.document(collection, id) : decided
  }

  count(collection: string, where: Filter): number {
    const name = this.#meet({ collection, where })
    let matching = this.#matching.get(name)
    if (!matching) {
      const ids = new Set(this.#known.matching(collection, where))
      sizeOf(ids) // of too many not all are known
      matching = { ids, noted: 0, matches: compileFilter(where) }
      this.#matching.set(name, matching)
    }
    for (; matching.noted < this.#changes.length; matching.noted++) {
      const change = this.#changes[matching.noted]!
      if (change.collection !== collection) continue
      if (change.after && matching.matches(change.after)) matching.ids.add(change.id)
      else matching.ids.delete(change.id)
    }
    return sizeOf(matching.ids)
  }

  /** What `decide` says, or `otherwise` when it needs what is not known: then nothing of the group holds. */
  guess<T>(decide: () => T, otherwise: T): T {
    try {
      return decide()
    } catch (thrown) {
      if (!(thrown instanceof ReadNeeded)) throw thrown
      this.unknown.set(nameOf(thrown.read), thrown.read)
      return otherwise
    }
  }

  /** The name of a read, which counts for the commit at hand. */
  #meet(read: RuleRead): string {
    const name = nameOf(read)
    const { documents, lists } = this.#ofCommit
    if ('id' in read) documents.add(name)
    else lists.add(name)
    if (documents.size <= mostDocuments && lists.size <= mostLists) return name
    throw new CloudError('DATABASE_REQUEST_FAILED', {
      errMsg: `the rules read more than ${mostDocuments} other documents, or count more than ${mostLists} times, for these writes: write fewer at once`,
      details: { limit: 'ruleReads' },
    })
  }
}

/** What rules read for one commit. All others wait while it is loaded. */
const [mostDocuments, mostLists] = [100, 10]
