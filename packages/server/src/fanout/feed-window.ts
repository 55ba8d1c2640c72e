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
  #isAnnounced = false
  #isStale = false
  /** Documents as they were last noted, since it was told. */
  readonly #latest = new Map<DocId, Left>()
  #told: ReadonlyMap<DocId, Windowed> = new Map()

  constructor(options: FeedWindowOptions) {
    this.subscription = options.subscription
    this.query = options.query
    this.#result = new LiveResult(options.reading, options.actor, options.query, options.find)
    this.#changed = options.changed
  }

  note(change: Change): void {
    this.#noted.push(change)
    if (this.#isAnnounced) this.#changed()
  }

  /** What the client was told is in it, or is about to be. */
  get told(): ReadonlyMap<DocId, Windowed> {
    return this.#told
  }

  /** Looks up what is in it; nothing is taken over until it was announced. */
  async start(): Promise<void> {
    await this.#result.start()
    this.#told = this.#contents()
  }

  /** The client has heard of `told`: now it can hear what changes. */
  announced(): void {
    this.#isAnnounced = true
    if (this.#noted.length > 0) this.#changed()
  }

  /** Takes over what was noted. */
  async refresh(): Promise<void> {
    if (!this.#isAnnounced || this.#noted.length === 0) return
    const noted = this.#noted
    this.#noted = []
    await this.#result.step(noted)
    this.#isStale = true
    for (const { id, after, version } of noted) this.#latest.set(id, { document: after, version })
  }

  /** Nothing was noted that is not taken over: its contents are those of the last commit. */
  get isFresh(): boolean {
    return this.#isAnnounced && this.#noted.length === 0
  }

  /** Is there anything up to `version` that was not told yet, be it what is in it at first? */
  lagsBehind(version: Version): boolean {
    return !this.#isAnnounced || this.hasNews || this.#noted.some(change => change.version <= version)
  }

  /** Is something different from what was told? */
  get hasNews(): boolean {
    return this.#isStale && !isSame(this.#told, this.#contents())
  }

  /** Counts as told from now on. */
  tell(): { readonly before: ReadonlyMap<DocId, Windowed>; readonly left: ReadonlyMap<DocId, Left> } {
    const before = this.#told
    this.#told = this.#contents()
    this.#isStale = false
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
