import {
  assert,
  CloudError,
  type DocId,
  type Document,
  type MutationId,
  type Version,
} from '@nearcloud/protocol'
import { compileFilter, type Query } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Change } from '../commit/change.ts'
import type { Fanout } from './fanout.ts'
import { FeedWindow, largestWindow, type Windowed } from './feed-window.ts'
import { changesFrame, goneItem, putItem } from './frames.ts'
import { type PendingChange, PendingChanges } from './pending-changes.ts'
import { resumeFrom } from './resume.ts'
import { streamSnapshot, streamWindow } from './snapshot.ts'
import type { Follower } from './subscription-index.ts'

/** Where a feed's frames go. */
export interface Sink {
  send(frame: string): void
  /** Bytes that were sent and have not left. */
  readonly bufferedBytes: number
  /** Ends the connection, with words. */
  cut(error: CloudError, retryAfterMs: number): void
}

export interface FeedOptions {
  readonly fanout: Fanout
  readonly client: string
  readonly actor: Actor
  readonly viewKey: string
  readonly sink: Sink
}

/** A followed query without a limit. */
interface Plain {
  readonly query: Query
  matches(document: Document): boolean
  stop(): void
}

/**
 * What one client is told. It notes what happens to the queries the client follows and to what the client wrote, and
 * tells it as ranges of versions, each whole: documents the client may see now, and ids of what it could see before and
 * cannot any more; nothing about anything else.
 */
export class Feed implements Follower {
  readonly client: string
  readonly actor: Actor
  readonly viewKey: string
  readonly fanout: Fanout
  readonly sink: Sink
  readonly #plain = new Map<number, Plain>()
  readonly #windows = new Map<number, { window: FeedWindow; stop(): void }>()
  readonly #pending = new PendingChanges()
  #state: 'opening' | 'live' | 'closed' = 'opening'
  #isPumping = false
  #isAsked = false
  /** The `to` of the last message, and the mutations it had. */
  #sent: Version = 0
  #sentMutation: MutationId = 0
  #lastMutation: MutationId = 0
  #waiters: { version: Version; resolve: () => void }[] = []
  #snapshots: Promise<void> = Promise.resolve()

  constructor(options: FeedOptions) {
    this.client = options.client
    this.actor = options.actor
    this.viewKey = options.viewKey
    this.fanout = options.fanout
    this.sink = options.sink
  }

  get isOpen(): boolean {
    return this.#state !== 'closed'
  }

  has(subscription: number): boolean {
    return this.#plain.has(subscription) || this.#windows.has(subscription)
  }

  get subscriptions(): number {
    return this.#plain.size + this.#windows.size
  }

  /** Follows a query that was checked: from now on its changes are told. Throws INVALID_PARAM for too large a window. */
  follow(subscription: number, query: Query): void {
    assert(!this.has(subscription), 'a subscription has one query')
    const { index, environment } = this.fanout
    if (!isWindowed(query)) {
      const stop = index.follow(query, this)
      this.#plain.set(subscription, { query, matches: compileFilter(query.where), stop })
      return
    }
    if (query.skip + (query.limit ?? 0) > largestWindow || query.limit === undefined)
      throw new CloudError('INVALID_PARAM', {
        errMsg: `a query with a skip or limit is followed up to ${largestWindow} documents`,
      })
    const window = new FeedWindow({
      subscription,
      query,
      reading: environment,
      actor: this.actor,
      changed: () => this.#ask(),
    })
    this.#windows.set(subscription, { window, stop: index.follow(query, window) })
  }

  unfollow(subscription: number): void {
    ;(this.#plain.get(subscription) ?? this.#windows.get(subscription))?.stop()
    this.#plain.delete(subscription)
    this.#windows.delete(subscription)
  }

  /** Something happened to a query without a limit. */
  note(change: Change): void {
    this.#note(change, false)
  }

  /** The client's own mutation did this. */
  noteOwn(change: Change): void {
    this.#note(change, true)
  }

  /** Mutations of the client up to this one are decided. */
  decided(lastMutation: MutationId): void {
    if (lastMutation <= this.#lastMutation) return
    this.#lastMutation = lastMutation
    this.#ask()
  }

  /**
   * Collects what a client at `from` has to be told to be at `head`. False when that cannot be said (history is gone,
   * or it is too much): then everything starts with snapshots, and nothing is pending.
   */
  async resume(from: Version, seen: MutationId, head: Version): Promise<boolean> {
    this.#sentMutation = seen
    this.#sent = from
    const resumed = await resumeFrom(this, from, head)
    if (!resumed) this.startAnew(seen)
    return resumed
  }

  /** The client begins with nothing at the head. */
  startAnew(seen: MutationId): void {
    this.#sentMutation = seen
    this.#sent = this.fanout.head
    this.#pending.take()
  }

  /** The version the client is at, or is told to begin at. */
  get sent(): Version {
    return this.#sent
  }

  /** Does a change of this document concern a followed query without a limit, or the client as its author? */
  concerns(change: Change): boolean {
    const { collection, before, after } = change
    if (change.client === this.client) return true
    return (
      (before !== null && this.#isFollowed(collection, before)) ||
      (after !== null && this.#isFollowed(collection, after))
    )
  }

  get pendingSize(): number {
    return this.#pending.size
  }

  get isOverfull(): boolean {
    return this.#pending.size > maxPending || this.#pending.characters > maxPendingCharacters
  }

  /** From now on messages flow; the first one at once, if there is anything to say. */
  goLive(): void {
    if (this.#state !== 'opening') return
    this.#state = 'live'
    this.#ask()
  }

  /** Sends the first result of a followed query, after those asked before. */
  snapshot(subscription: number): void {
    const plain = this.#plain.get(subscription)
    const windowed = this.#windows.get(subscription)
    this.#snapshots = this.#snapshots
      .then(async () => {
        if (windowed && this.#windows.get(subscription) === windowed)
          await streamWindow(this, windowed.window)
        if (plain) {
          const isWanted = () => this.isOpen && this.#plain.get(subscription) === plain
          await streamSnapshot(this, subscription, plain.query, isWanted)
        }
      })
      .catch(error => {
        const reason = error instanceof CloudError ? error : undefined
        this.sink.cut(
          reason ??
            new CloudError('SYS_ERR', { errMsg: 'the server could not read a snapshot', cause: error }),
          1_000,
        )
      })
  }

  /** Resolves when the client was told everything up to `version`, or the feed is closed. */
  reached(version: Version): Promise<void> {
    if (this.#sent >= version || this.#state === 'closed') return Promise.resolve()
    return new Promise(resolve => {
      this.#waiters.push({ version, resolve })
      this.#ask()
    })
  }

  /** Tells the client how far it is, even when nothing concerned it: it resumes from there. */
  advance(): void {
    if (this.#state === 'live' && this.#sent < this.fanout.head) void this.reached(this.fanout.head)
  }

  /** Room for more on the way to the client: resolves at once, or when there is some again. */
  async drained(): Promise<void> {
    while (this.isOpen && this.sink.bufferedBytes > maxBufferedBytes)
      await new Promise<void>(resolve => this.fanout.environment.clock.after(drainPollMs, resolve))
  }

  /** Nothing is sent any more. */
  close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    for (const { stop } of this.#plain.values()) stop()
    for (const { stop } of this.#windows.values()) stop()
    this.#plain.clear()
    this.#windows.clear()
    this.#pending.take()
    this.fanout.forget(this)
    for (const { resolve } of this.#waiters.splice(0)) resolve()
  }

  /** Sends what is due. The fan-out calls it once in a turn. */
  pump(): void {
    this.#isAsked = false
    if (this.#state !== 'live') return
    if (this.#isPumping) {
      this.#isAsked = true
      return
    }
    this.#isPumping = true
    void this.#pump().then(
      () => this.#pumped(),
      error =>
        this.sink.cut(
          new CloudError('SYS_ERR', { errMsg: 'the server could not read changes', cause: error }),
          1_000,
        ),
    )
  }

  async #pump(): Promise<void> {
    await this.drained()
    const refreshed: { window: FeedWindow; before: ReadonlyMap<DocId, Windowed> }[] = []
    for (const { window } of this.#windows.values()) {
      const before = await window.refresh()
      if (before) refreshed.push({ window, before })
    }
    if (!this.isOpen) return
    // nothing waits from here on: what is told is of one moment
    const to = this.fanout.head
    const isWaitedFor = this.#waiters.some(waiter => waiter.version > this.#sent) && to > this.#sent
    const hasNews = this.#pending.size > 0 || refreshed.length > 0 || this.#lastMutation > this.#sentMutation
    if (hasNews || isWaitedFor) this.#tell(to, refreshed)
    const reached = this.#waiters.filter(waiter => waiter.version <= this.#sent)
    this.#waiters = this.#waiters.filter(waiter => waiter.version > this.#sent)
    for (const { resolve } of reached) resolve()
    if (this.#waiters.length > 0) this.fanout.scheduleNext(this)
  }

  #pumped(): void {
    this.#isPumping = false
    if (this.#isAsked) this.fanout.schedule(this)
  }

  #tell(
    to: Version,
    refreshed: readonly { window: FeedWindow; before: ReadonlyMap<DocId, Windowed> }[],
  ): void {
    const items = new Map<string, string>()
    const put = (key: string, item: string) => items.set(key, item)
    for (const { window, before } of refreshed) this.#tellWindow(window, before, to, put)
    for (const change of this.#pending.take()) {
      const item = this.#itemOf(change)
      if (item === undefined) continue
      const key = itemKey(change.collection, change.id)
      items.delete(key) // to the end of the message: it may be the client's own
      items.set(key, item)
    }
    const windows = refreshed.map(({ window }) => [window.subscription, [...window.told.keys()]] as const)
    const parts = inParts([...items.values()])
    const { viewKey } = this
    for (const part of parts.slice(0, -1))
      this.sink.send(
        changesFrame({
          from: this.#sent,
          to: this.#sent,
          viewKey,
          lastMutation: this.#sentMutation,
          items: part,
          windows: [],
        }),
      )
    const lastMutation = Math.max(this.#lastMutation, this.#sentMutation)
    this.sink.send(
      changesFrame({ from: this.#sent, to, viewKey, lastMutation, items: parts.at(-1) ?? [], windows }),
    )
    this.#sent = to
    this.#sentMutation = lastMutation
  }

  #itemOf({
    collection,
    id,
    before,
    after,
    afterText,
    lastVersion,
    isOwn,
  }: PendingChange): string | undefined {
    if (after && this.#mayRead(collection, after) && (isOwn || this.#isFollowed(collection, after)))
      return putItem(collection, lastVersion, afterText!)
    if (this.#isInWindow(collection, id)) return undefined
    if (before && this.#mayRead(collection, before) && (isOwn || this.#isFollowed(collection, before)))
      return goneItem(collection, lastVersion, id)
    return undefined
  }

  #tellWindow(
    window: FeedWindow,
    before: ReadonlyMap<DocId, Windowed>,
    to: Version,
    put: (key: string, item: string) => void,
  ): void {
    const { collection } = window.query
    for (const [id, { version, text }] of window.told)
      if (before.get(id)?.version !== version)
        put(itemKey(collection, id), putItem(collection, version, text))
    for (const [id, { document }] of before) {
      if (window.told.has(id) || this.#isInWindow(collection, id)) continue
      // what another query follows is told through that one
      if (!this.#isFollowed(collection, document)) put(itemKey(collection, id), goneItem(collection, to, id))
    }
  }

  #mayRead(collection: string, document: Document): boolean {
    return this.fanout.environment.judge.mayRead(this.actor, collection, document)
  }

  #isFollowed(collection: string, document: Document): boolean {
    for (const { query, matches } of this.#plain.values())
      if (query.collection === collection && matches(document)) return true
    return false
  }

  #isInWindow(collection: string, id: DocId): boolean {
    for (const { window } of this.#windows.values())
      if (window.query.collection === collection && window.told.has(id)) return true
    return false
  }

  #note(change: Change, isOwn: boolean): void {
    this.#pending.note(change, isOwn)
    if (this.isOverfull && this.#state === 'live')
      this.sink.cut(
        new CloudError('EXCEED_REQUEST_LIMIT', {
          errMsg: 'too many changes wait for this client to read them',
        }),
        1_000,
      )
    else this.#ask()
  }

  #ask(): void {
    if (this.#isAsked || this.#state !== 'live') return
    this.#isAsked = true
    this.fanout.schedule(this)
  }
}

export function isWindowed(query: Query): boolean {
  return query.skip > 0 || query.limit !== undefined
}

function itemKey(collection: string, id: DocId): string {
  return `${collection}/${typeof id}/${id}`
}

/** Items of one message each, small enough for a frame. */
function inParts(items: readonly string[]): readonly (readonly string[])[] {
  const parts: string[][] = [[]]
  let characters = 0
  for (const item of items) {
    if (characters + item.length > partCharacters && parts.at(-1)!.length > 0) {
      parts.push([])
      characters = 0
    }
    parts.at(-1)!.push(item)
    characters += item.length
  }
  return parts
}

const maxPending = 20_000
const maxPendingCharacters = 33_554_432
const maxBufferedBytes = 1_048_576
const drainPollMs = 10
/** Of three bytes at most, and a document of a megabyte may come on top. */
const partCharacters = 2_000_000
