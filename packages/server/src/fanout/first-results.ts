import type { DocId, Version } from '@nearcloud/protocol'
import type { Priority } from '@nearcloud/query'
import type { Change } from '../commit/change.ts'
import { keyOf } from '../commit/stage.ts'
import type { Had } from './differences.ts'
import { tellDigest } from './digest.ts'
import type { Feed } from './feed.ts'
import { tellInventory } from './inventories.ts'
import { streamSnapshot, streamWindow } from './snapshot.ts'
import { rankOf, rankOfChecks, rankOfHere, Turns } from './turns.ts'

/** How a subscription's first result is wanted. */
export interface Wish {
  /** Default normal. */
  readonly priority?: Priority | undefined
  /** The client has everything up to this id. */
  readonly after?: DocId | undefined
  /** The client has some of it, and is told first what there is. */
  readonly holds?: boolean | undefined
  /** The client has all of it, as it was: of a window. */
  readonly complete?: boolean
}

/** The first results of a feed's subscriptions, on their way, and the digests that were asked for. */
export class FirstResults {
  readonly #feed: Feed
  readonly #turns: Turns
  /** How urgent those are that were told what there is, and have not said what they have. */
  readonly #asked = new Map<number, Priority>()
  /** The versions of each document since the oldest of them that is under way began. */
  #meanwhile: Map<string, Version[]> | undefined

  /** Nothing leaves before `begun`. `ended`: one of them is told, or nobody wants it any more. */
  constructor(feed: Feed, begun: Promise<void>, events: { ended(): void; failed(thrown: unknown): void }) {
    this.#feed = feed
    this.#turns = new Turns(begun, {
      idle: () => {
        this.#meanwhile = undefined
      },
      ...events,
    })
  }

  /** Sends the first result of a followed query, after what was due when the feed went live. */
  snapshot(subscription: number, { priority = 'normal', after, holds, complete }: Wish = {}): void {
    const { followed } = this.#feed
    const plain = followed.plain(subscription)
    const window = followed.window(subscription)
    const isWanted = this.#isWanted(subscription)
    if (window) {
      const rank = complete ? rankOfHere : rankOf[priority]
      this.#begin(subscription, rank, streamWindow(this.#feed, window, isWanted))
    }
    if (!plain) return
    const { query } = plain
    if (holds && after === undefined) {
      this.#asked.set(subscription, priority)
      const steps = tellInventory(this.#feed, { subscription, query, isWanted })
      this.#begin(subscription, rankOf[priority], steps)
    } else {
      const steps = streamSnapshot(this.#feed, { subscription, query, isWanted, after })
      this.#begin(subscription, rankOf[priority], steps)
    }
  }

  /** The client has said what it has: sends what is different, or everything; nothing when it is the same. */
  differences(subscription: number, had: Had | undefined): void {
    const plain = this.#feed.followed.plain(subscription)
    const priority = this.#asked.get(subscription)
    if (!plain || !priority) return
    this.#asked.delete(subscription)
    if (had?.buckets.size === 0) return // it is the same
    const { query } = plain
    const isWanted = this.#isWanted(subscription)
    const steps = streamSnapshot(this.#feed, { subscription, query, isWanted, had })
    this.#begin(subscription, rankOf[priority], steps)
  }

  /** Not all of its first result was sent. */
  isArriving(subscription: number): boolean {
    return this.#asked.has(subscription) || this.#turns.find('snapshot', subscription) !== undefined
  }

  /** The rest of its first result is more urgent now, or less. */
  prioritise(subscription: number, priority: Priority): void {
    if (this.#asked.has(subscription)) this.#asked.set(subscription, priority)
    const job = this.#turns.find('snapshot', subscription)
    if (job && job.rank !== rankOfHere) job.rank = rankOf[priority]
  }

  /** The subscription is over. */
  drop(subscription: number): void {
    this.#asked.delete(subscription)
    this.#turns.drop(subscription)
  }

  /** Sends the digest of a followed query without a limit, when nothing else waits; of another nothing. */
  check(subscription: number): void {
    const plain = this.#feed.followed.plain(subscription)
    if (!plain || this.#turns.find('digest', subscription)) return
    const steps = tellDigest(this.#feed, { subscription, ...plain, isWanted: this.#isWanted(subscription) })
    this.#turns.add({ kind: 'digest', subscription, rank: rankOfChecks, steps })
  }

  note({ collection, id, version }: Change): void {
    if (!this.#meanwhile) return
    const key = keyOf(collection, id)
    const versions = this.#meanwhile.get(key)
    if (versions) versions.push(version)
    else this.#meanwhile.set(key, [version])
  }

  /** Was the client told of something newer about this document, since the snapshots under way began? */
  hasTold(collection: string, id: DocId, version: Version): boolean {
    const versions = this.#meanwhile?.get(keyOf(collection, id)) ?? []
    return versions.some(each => each > version && each <= this.#feed.sent)
  }

  close(): void {
    this.#turns.drop()
    this.#meanwhile = undefined
  }

  #begin(subscription: number, rank: number, steps: AsyncGenerator<void, void>): void {
    this.#turns.add({ kind: 'snapshot', subscription, rank, steps: this.#noting(steps) })
  }

  async *#noting(steps: AsyncGenerator<void, void>): AsyncGenerator<void, void> {
    this.#meanwhile ??= new Map()
    yield* steps
  }

  #isWanted(subscription: number): () => boolean {
    const { followed } = this.#feed
    const plain = followed.plain(subscription)
    const window = followed.window(subscription)
    return () =>
      this.#feed.isOpen && followed.plain(subscription) === plain && followed.window(subscription) === window
  }
}
