import type { DocId, Document, Version } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Change } from '../commit/change.ts'
import type { Reading } from '../commit/find.ts'
import { type Find, LiveResult } from '../commit/live-result.ts'
import type { Follower } from './subscription-index.ts'

/** A document of a window, with what an item needs. */
export interface Windowed {
  readonly version: Version
  readonly text: string
  readonly document: Document
}

/**
 * What left a window, as it is now, with its version: when others displaced it that is an old one, and another query may
 * still bring it.
 */
export interface Left {
  readonly document: Document | null
  readonly version: Version
}

export interface FeedWindowOptions {
  readonly subscription: number
  readonly query: Query
  readonly reading: Reading
  readonly actor: Actor
  readonly find: Find
  /** Something of it changed. */
  readonly changed: () => void
}

/** A followed query with a limit or a skip: the documents in it as its reader sees them, and what is told of them. */
export class FeedWindow implements Follower {
  readonly subscription: number
  readonly query: Query
  readonly #result: LiveResult
  readonly #changed: () => void
  #noted: Change[] = []
  /** `found`: looked up, and its client has not heard of it. */
  #phase: 'new' | 'found' | 'told' = 'new'
  #isStale = false
  /** Documents as they were last noted, since it was told. */
  readonly #latest = new Map<DocId, Left>()
  #told: ReadonlyMap<DocId, Windowed> = new Map()

  constructor(options: FeedWindowOptions) {
    this.subscription = options.subscription
    this.query = options.query
    const { reading, actor, query, find } = options
    this.#result = new LiveResult(reading, actor, query, { find })
    this.#changed = options.changed
  }

  note(change: Change): void {
    this.#noted.push(change)
    if (this.#phase !== 'new') this.#changed()
  }

  /** What the client was told is in it, or is told with the rest of a message. */
  get told(): ReadonlyMap<DocId, Windowed> {
    return this.#told
  }

  /** Looks up what is in it; from then on it is told with the rest. */
  async start(): Promise<void> {
    await this.#result.start()
    this.#phase = 'found'
    this.#changed()
  }

  /** Takes over what was noted. */
  async refresh(): Promise<void> {
    if (this.#phase === 'new' || this.#noted.length === 0) return
    const noted = this.#noted
    this.#noted = []
    await this.#result.step(noted)
    this.#isStale = true
    for (const { id, after, version } of noted) this.#latest.set(id, { document: after, version })
  }

  /** Its client waits for what is in it at first, and it is known. */
  get isDue(): boolean {
    return this.#phase === 'found'
  }

  /** Was its client told what is in it at first? */
  get isTold(): boolean {
    return this.#phase === 'told'
  }

  /** Something was noted that has to be taken over before anything is told. */
  get isBehind(): boolean {
    return this.#phase !== 'new' && this.#noted.length > 0
  }

  /** Its contents may show what was committed up to here. */
  get asOf(): Version {
    return this.#phase === 'new' ? 0 : this.#result.asOf
  }

  /** Is something different from what was told? */
  get hasNews(): boolean {
    return this.isTold && this.#isStale && !isSame(this.#told, this.#contents())
  }

  /** Counts as told from now on. */
  tell(): { readonly before: ReadonlyMap<DocId, Windowed>; readonly left: ReadonlyMap<DocId, Left> } {
    const before = this.#told
    this.#told = this.#contents()
    this.#isStale = false
    this.#phase = 'told'
    const left = this.#leftOf(before, this.#told)
    this.#latest.clear()
    return { before, left }
  }

  /** The documents that left it and are not told yet, as they are now. */
  get leaving(): readonly Document[] {
    if (!this.#isStale) return []
    return [...this.#leftOf(this.#told, this.#contents()).values()].flatMap(({ document }) => document ?? [])
  }

  #leftOf(before: ReadonlyMap<DocId, Windowed>, now: ReadonlyMap<DocId, Windowed>): ReadonlyMap<DocId, Left> {
    const left = new Map<DocId, Left>()
    for (const [id, { document, version }] of before)
      if (!now.has(id)) left.set(id, this.#latest.get(id) ?? { document, version })
    return left
  }

  #contents(): ReadonlyMap<DocId, Windowed> {
    return new Map(
      this.#result.documents.map(document => {
        const { version, text } = this.#result.sourceOf(document)
        return [document._id, { version, text, document }]
      }),
    )
  }
}

/** The same documents of the same versions, in the same order. */
function isSame(a: ReadonlyMap<DocId, Windowed>, b: ReadonlyMap<DocId, Windowed>): boolean {
  if (a.size !== b.size) return false
  const others = b.entries()
  for (const [id, { version }] of a) {
    const [otherId, other] = others.next().value!
    if (id !== otherId || version !== other.version) return false
  }
  return true
}

/** `skip` and `limit` of a followed query together, at most. */
export const largestWindow = 5_000
