import type { Version } from '@nearcloud/protocol'
import type { Change } from '../commit/change.ts'
import type { Published } from '../commit/committer.ts'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import { nextTurn } from '../engine/turn.ts'
import { Rooms } from '../rooms/rooms.ts'
import { DocumentReaders } from './document-readers.ts'
import { Feed, type FeedOptions } from './feed.ts'
import { Inventories } from './inventories.ts'
import { Patches } from './patches.ts'
import { SharedLookups } from './shared-lookups.ts'
import { type Parts, usualParts } from './snapshot.ts'
import { SubscriptionIndex } from './subscription-index.ts'

export interface FanoutOptions {
  /** Clients times changes of one group that are held against each other. */
  readonly mostConcerns?: number
  /** How large the parts of first results and of changes are. */
  readonly parts?: Parts
}

/**
 * Tells every client what concerns it. Commits are noted with those who follow them as they happen; what was noted in
 * one turn of the process is sent in one message to each.
 */
export class Fanout {
  readonly environment: LiveEnvironment
  readonly index = new SubscriptionIndex()
  readonly inventories: Inventories
  readonly parts: Parts
  readonly patches = new Patches()
  readonly lookups = new SharedLookups(() => this.#head)
  readonly readers = new DocumentReaders()
  readonly rooms: Rooms
  readonly #feedOfClient = new Map<string, Feed>()
  readonly #due = new Set<Feed>()
  readonly #waiting = new Set<Feed>()
  readonly #mostConcerns: number
  readonly #stop: () => void
  #head: Version
  #isTicking = false

  private constructor(environment: LiveEnvironment, head: Version, options: Required<FanoutOptions>) {
    this.environment = environment
    this.rooms = new Rooms(environment.clock)
    this.inventories = new Inventories(environment)
    this.#mostConcerns = options.mostConcerns
    this.parts = options.parts
    this.#head = head
    this.#stop = environment.onPublish(published => this.#publish(published))
  }

  static async open(
    environment: LiveEnvironment,
    { mostConcerns = 500_000, parts = usualParts }: FanoutOptions = {},
  ): Promise<Fanout> {
    const head = await environment.engine.head(environment.env)
    return new Fanout(environment, head, { mostConcerns, parts })
  }

  /** The last version that was published. */
  get head(): Version {
    return this.#head
  }

  /** Queries that clients follow. */
  get subscriptions(): number {
    let count = 0
    for (const feed of this.#feedOfClient.values()) count += feed.followed.size
    return count
  }

  /** A feed for a client; there is one at most, and the caller closes the older. */
  openFeed(options: Omit<FeedOptions, 'fanout'>): Feed {
    const feed = new Feed({ ...options, fanout: this })
    this.#feedOfClient.set(options.client, feed)
    return feed
  }

  forget(feed: Feed): void {
    this.#due.delete(feed)
    this.#waiting.delete(feed)
    if (this.#feedOfClient.get(feed.client) === feed) this.#feedOfClient.delete(feed.client)
  }

  /** Has the feed send what it holds, at the end of this turn. */
  schedule(feed: Feed): void {
    this.#due.add(feed)
    if (this.#isTicking) return
    this.#isTicking = true
    void this.#tick()
  }

  /** Has the feed send what it holds after the next commit. */
  scheduleNext(feed: Feed): void {
    this.#waiting.add(feed)
  }

  close(): void {
    this.rooms.close()
    this.#stop()
  }

  async #tick(): Promise<void> {
    await nextTurn()
    this.#isTicking = false
    const due = [...this.#due]
    this.#due.clear()
    for (const feed of due) feed.pump()
  }

  #publish(published: Published): void {
    const { head, changes, clients } = published
    this.#head = head
    this.inventories.note(changes)
    this.#tellConcerned(changes)
    this.readers.publish(published)
    for (const change of changes) {
      this.index.note(change)
      if (change.client !== null) this.#feedOfClient.get(change.client)?.noteOwn(change)
    }
    for (const { client, lastMutation } of clients) this.#feedOfClient.get(client)?.decided(lastMutation)
    for (const feed of this.#waiting) this.schedule(feed)
    this.#waiting.clear()
  }

  /**
   * Rules may look at changed documents: for whom an answer may differ, everything begins anew. Of very many changes
   * together it is not found out whom they concern.
   */
  #tellConcerned(changes: readonly Change[]): void {
    const { judge } = this.environment
    const concerns = changes.flatMap(change => {
      const isConcerned = judge.concernedBy(change)
      return isConcerned ? [{ change, isConcerned }] : []
    })
    if (concerns.length === 0) return
    const feeds = [...this.#feedOfClient.values()]
    const isTooMuch = concerns.length * feeds.length > this.#mostConcerns
    for (const feed of feeds) {
      const looked = concerns.filter(({ change }) => feed.reads.mayHaveLookedAt(change))
      if (isTooMuch ? looked.length > 0 : looked.some(({ isConcerned }) => isConcerned(feed.actor)))
        feed.viewChanged()
    }
  }
}
