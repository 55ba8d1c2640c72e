import type { Version } from '@nearcloud/protocol'
import type { Published } from '../commit/committer.ts'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import { nextTurn } from '../engine/turn.ts'
import { Feed, type FeedOptions } from './feed.ts'
import { type Parts, usualParts } from './snapshot.ts'
import { SubscriptionIndex } from './subscription-index.ts'

/**
 * Tells every client what concerns it. Commits are noted with those who follow them as they happen; what was noted in
 * one turn of the process is sent in one message to each.
 */
export class Fanout {
  readonly environment: LiveEnvironment
  readonly index = new SubscriptionIndex()
  readonly parts: Parts
  readonly #feedOfClient = new Map<string, Feed>()
  readonly #due = new Set<Feed>()
  readonly #waiting = new Set<Feed>()
  readonly #stop: () => void
  #head: Version
  #isTicking = false

  private constructor(environment: LiveEnvironment, head: Version, parts: Parts) {
    this.environment = environment
    this.parts = parts
    this.#head = head
    this.#stop = environment.onPublish(published => this.#publish(published))
  }

  static async open(environment: LiveEnvironment, parts: Parts = usualParts): Promise<Fanout> {
    return new Fanout(environment, await environment.engine.head(environment.env), parts)
  }

  /** The last version that was published. */
  get head(): Version {
    return this.#head
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
    this.#stop()
  }

  async #tick(): Promise<void> {
    await nextTurn()
    this.#isTicking = false
    const due = [...this.#due]
    this.#due.clear()
    for (const feed of due) feed.pump()
  }

  #publish({ head, changes, clients }: Published): void {
    this.#head = head
    for (const change of changes) {
      this.index.note(change)
      if (change.client !== null) this.#feedOfClient.get(change.client)?.noteOwn(change)
    }
    for (const { client, lastMutation } of clients) this.#feedOfClient.get(client)?.decided(lastMutation)
    for (const feed of this.#waiting) this.schedule(feed)
    this.#waiting.clear()
  }
}
