import { CloudError, type DocId, type Document, decodeTrusted } from '@nearcloud/protocol'
import { compileFilter, type Filter } from '@nearcloud/query'
import { type LoadingReads, mostMatching, nameOf, ReadNeeded, type RuleRead } from '../rules/rule-reads.ts'
import { RuleEvaluationError } from '../rules/scope.ts'
import { candidates, type Shelves } from './candidates.ts'
import type { Change } from './change.ts'
import { choosePlan } from './plan.ts'

/**
 * What rules read of other documents, kept from one decision to the next: it is as the last published commit left it, or
 * newer. What a commit changes is forgotten, and loaded again when it is needed.
 */
export class KnownReads implements LoadingReads {
  readonly #shelves: Shelves
  readonly #documents = new Map<string, Known<Document | null>>()
  readonly #matching = new Map<string, Known<ReadonlySet<DocId>> & Looked>()
  readonly #loading = new Map<string, Loading>()
  #characters = 0

  constructor(shelves: Shelves) {
    this.#shelves = shelves
  }

  document(collection: string, id: string): Document | null {
    const known = this.#documents.get(nameOf({ collection, id }))
    if (!known) throw new ReadNeeded({ collection, id })
    return known.value
  }

  count(collection: string, where: Filter): number {
    return sizeOf(this.matching(collection, where))
  }

  /** Those that match; when they are too many, some of them. */
  matching(collection: string, where: Filter): ReadonlySet<DocId> {
    const known = this.#matching.get(nameOf({ collection, where }))
    if (!known) throw new ReadNeeded({ collection, where })
    return known.value
  }

  /** Resolves when it is known. Throws EXCEED_REQUEST_LIMIT when it changes faster than it can be read. */
  load(read: RuleRead): Promise<void> {
    const name = nameOf(read)
    const underWay = this.#loading.get(name)
    if (underWay) return underWay.done
    const loading: Loading = { ...lookedAt(read), isTouched: false, done: Promise.resolve() }
    loading.done = this.#load(name, read, loading).finally(() => this.#loading.delete(name))
    this.#loading.set(name, loading)
    return loading.done
  }

  /** These were published: what they touch is not known any more. */
  note(changes: readonly Change[]): void {
    if (this.#documents.size + this.#matching.size + this.#loading.size === 0) return
    for (const change of changes) {
      if (typeof change.id === 'string')
        this.#forget(nameOf({ collection: change.collection, id: change.id }))
      for (const [name, looked] of this.#matching)
        if (isTouchedBy(looked, change)) this.#matching.delete(name)
      for (const loading of this.#loading.values()) loading.isTouched ||= isTouchedBy(loading, change)
    }
  }

  async #load(name: string, read: RuleRead, loading: Loading): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      loading.isTouched = false
      if ('id' in read) {
        const { env, engine } = this.#shelves
        const [row] = await engine.get(env, read.collection, [read.id])
        if (loading.isTouched) continue
        const value = row ? (decodeTrusted(row.text) as Document) : null
        this.#keep(name, { value, characters: (row?.text.length ?? 0) + name.length })
      } else {
        const value = await this.#find(read.collection, read.where)
        if (loading.isTouched) continue
        this.#matching.set(name, { ...lookedAt(read), value, characters: name.length })
        for (const oldest of this.#matching.keys()) {
          if (this.#matching.size <= mostLists) break
          this.#matching.delete(oldest)
        }
      }
      return
    }
    throw new CloudError('EXCEED_REQUEST_LIMIT', {
      errMsg: `${read.collection}: what a rule reads there changes too fast: try later`,
    })
  }

  async #find(collection: string, where: Filter): Promise<ReadonlySet<DocId>> {
    const { indexes } = this.#shelves
    await indexes.open()
    const matches = compileFilter(where)
    const found = new Set<DocId>()
    const plan = choosePlan({ collection, where, orderBy: [], skip: 0 }, indexes.of(collection))
    for await (const rows of candidates(this.#shelves, collection, plan)) {
      for (const row of rows) if (matches(decodeTrusted(row.text) as Document)) found.add(row.id)
      if (found.size > mostMatching) break
    }
    return found
  }

  #keep(name: string, known: Known<Document | null>): void {
    this.#forget(name)
    this.#documents.set(name, known)
    this.#characters += known.characters
    for (const oldest of this.#documents.keys()) {
      const isFull = this.#documents.size > mostDocuments || this.#characters > mostCharacters
      if (!isFull || oldest === name) break
      this.#forget(oldest)
    }
  }

  #forget(name: string): void {
    const known = this.#documents.get(name)
    if (!known) return
    this.#documents.delete(name)
    this.#characters -= known.characters
  }
}

/** Throws RuleEvaluationError when they are too many to be counted. */
export function sizeOf(matching: ReadonlySet<DocId>): number {
  if (matching.size > mostMatching)
    throw new RuleEvaluationError(`more than ${mostMatching} documents match a where of a rule`)
  return matching.size
}

interface Known<T> {
  readonly value: T
  /** What it weighs. */
  readonly characters: number
}

/** Where a read looked. */
interface Looked {
  readonly collection: string
  matches(document: Document): boolean
}

interface Loading extends Looked {
  /** Something changed there since the reading began. */
  isTouched: boolean
  done: Promise<void>
}

function lookedAt(read: RuleRead): Looked {
  const matches = 'id' in read ? ({ _id }: Document) => _id === read.id : compileFilter(read.where)
  return { collection: read.collection, matches }
}

function isTouchedBy({ collection, matches }: Looked, change: Change): boolean {
  if (collection !== change.collection) return false
  const { before, after } = change
  return (before !== null && matches(before)) || (after !== null && matches(after))
}

const mostDocuments = 20_000
const mostCharacters = 67_108_864
const mostLists = 2_000
const maxAttempts = 16
