import {
  CloudError,
  type Document,
  type MutationId,
  protocolVersion,
  type Version,
} from '@nearcloud/protocol'
import type { Actor } from '../actor.ts'
import type { Change } from '../commit/change.ts'
import type { Reading } from '../commit/find.ts'
import type { Fanout } from './fanout.ts'
import { FeedReads } from './feed-reads.ts'
import { FeedRooms } from './feed-rooms.ts'
import { FeedTexts } from './feed-texts.ts'
import { FirstResults } from './first-results.ts'
import { Followed, type PlainFollower } from './followed.ts'
import { changesFrame } from './frames.ts'
import { inParts, itemsOf, loadReads, type Reader } from './items.ts'
import { type PendingChange, PendingChanges } from './pending-changes.ts'
import { lookAgain, recallOwn, resumeFrom } from './resume.ts'
import { windowFrames } from './snapshot.ts'
import { Waiters } from './waiters.ts'

/** Where a feed's frames go. */
export interface Sink {
  send(frame: string): void
  /** A part of a first result, of which so many characters went before; it may be left to be fetched. */
  sendPart?(frame: string, before: number): void
  /** Bytes that were sent and have not left, or not been fetched. */
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
  /** What its client speaks. Default: the newest. */
  readonly protocol?: number
}

/**
 * What one client is told. It notes what happens to the queries the client follows and to what the client wrote, and
 * tells it as ranges of versions, each whole: documents the client may see now, and ids of what it could see before and
 * cannot any more; nothing about anything else.
 */
export class Feed implements PlainFollower, Reader {
  readonly client: string
  readonly actor: Actor
  readonly viewKey: string
  readonly fanout: Fanout
  readonly sink: Sink
  readonly protocol: number
  readonly followed: Followed
  readonly first: FirstResults
  readonly reads: FeedReads
  readonly texts: FeedTexts
  readonly rooms: FeedRooms
  /** Documents as this client's rules let them be read. */
  readonly reading: Reading
  readonly #pending = new PendingChanges()
  #state: 'opening' | 'live' | 'closed' = 'opening'
  #holds = 0
  #isAsked = false
  #isPumping = false
  /** The `to` of the last message, and the mutations that were in it. */
  #sent: Version = 0
  #sentMutation: MutationId = 0
  #lastMutation: MutationId = 0
  /** When something happened that was not told yet. */
  #since: number | undefined
  readonly #waiters = new Waiters()
  /** Resolves the first time that nothing is due, or when the feed is closed. */
  #begin: () => void = () => {}
  readonly #begun = new Promise<void>(resolve => {
    this.#begin = resolve
  })

  constructor(options: FeedOptions) {
    const { fanout, client, actor, viewKey, sink, protocol = protocolVersion } = options
    this.client = client
    this.actor = actor
    this.viewKey = viewKey
    this.fanout = fanout
    this.sink = sink
    this.protocol = protocol
    const { env, engine, indexes, judge } = fanout.environment
    this.reads = new FeedReads(fanout.environment.reads)
    this.reading = { env, engine, indexes, judge, reads: this.reads }
    this.texts = new FeedTexts(this)
    this.rooms = new FeedRooms(this)
    this.followed = new Followed(fanout.index, this, {
      reading: this.reading,
      actor,
      find: fanout.lookups.find,
      changed: () => {
        this.#since ??= fanout.environment.meter.moment()
        this.#ask()
      },
    })
    this.first = new FirstResults(this, this.#begun, {
      ended: () => this.#ask(), // somebody may wait for it
      failed: thrown => this.#failed(thrown),
    })
  }

  get isOpen(): boolean {
    return this.#state !== 'closed'
  }

  /** The version the client is at, or is told to begin at. */
  get sent(): Version {
    return this.#sent
  }

  /** Too much waits to be told: the client is better off with snapshots. */
  get isOverfull(): boolean {
    const { size, characters } = this.#pending
    if (size > maxPending || characters > maxPendingCharacters) return true
    return characters > maxSlowCharacters && this.sink.bufferedBytes > maxBufferedBytes
  }

  /** Something happened to a query without a limit. */
  note(change: Change): void {
    this.#note(change, false)
  }

  begins(collection: string, matches: (document: Document) => boolean): void {
    this.#pending.doubt(collection, matches)
  }

  /** The client's own mutation did this. Of a commit that is not published yet it is told after that. */
  noteOwn(change: Change): void {
    this.#note(change, true)
    if (change.version > this.fanout.head)
      this.#pending.doubt(change.collection, document => document._id === change.id)
  }

  /** Mutations of the client up to this one are decided. */
  decided(lastMutation: MutationId): void {
    if (lastMutation <= this.#lastMutation) return
    this.#lastMutation = lastMutation
    this.#since ??= this.fanout.environment.meter.moment()
    this.#ask()
  }

  /**
   * Collects what a client at `from`, which has everything up to its mutation `seen`, has to be told to be at `head`.
   * False when that cannot be said (history is gone, or it is too much): begin anew.
   */
  async resume(from: Version, seen: MutationId, head: Version): Promise<boolean> {
    this.#sentMutation = seen
    this.#sent = from
    return resumeFrom(this, from, head)
  }

  /** The client begins at the head; snapshots bring it everything. */
  beginAnew(seen: MutationId): void {
    this.#sentMutation = seen
    this.#sent = this.fanout.head
    this.#pending.take()
    this.reads.beginAnew()
  }

  /** What rules read has changed, and may let the client see other documents: it begins anew. */
  viewChanged(): void {
    this.sink.cut(new CloudError('ABORTED', { errMsg: 'what this user may see has changed' }), 0)
  }

  /** The client has to be told what its mutations after `from` did, whatever else it is told. */
  recall(from: Version, head: Version): Promise<boolean> {
    return recallOwn(this, from, head)
  }

  /** From now on messages flow; the first one at once, if there is anything to say. */
  goLive(): void {
    if (this.#state !== 'opening') return
    this.#state = 'live'
    this.#ask()
  }

  /** Resolves when the client was told everything up to `version`, or the feed is closed. */
  reached(version: Version): Promise<void> {
    return this.until(() => this.#sent >= version)
  }

  /** As `reached`, and so was what is in its windows at first. */
  caughtUp(version: Version): Promise<void> {
    return this.until(() => this.#sent >= version && this.followed.windows.every(({ isTold }) => isTold))
  }

  /** Resolves when this is so after something was told, or the feed is closed. */
  until(isDue: () => boolean): Promise<void> {
    if (isDue() || !this.isOpen) return Promise.resolve()
    const waited = this.#waiters.until(isDue)
    this.#ask()
    return waited
  }

  /** Resolves when there is room for more on the way to the client. */
  async drained(): Promise<void> {
    while (this.isOpen && this.sink.bufferedBytes > maxBufferedBytes)
      await new Promise<void>(resolve => this.fanout.environment.clock.after(drainPollMs, resolve))
  }

  /**
   * No changes are told until the answer releases them: the client hears how its mutations were decided before it hears
   * what they did.
   */
  hold(): () => void {
    this.#holds++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#holds--
      this.#ask()
    }
  }

  /** Nothing is sent any more. */
  close(): void {
    if (!this.isOpen) return
    this.#state = 'closed'
    this.followed.removeAll()
    this.first.close()
    this.texts.closeAll()
    this.rooms.leaveAll()
    this.#pending.take()
    this.fanout.forget(this)
    this.#waiters.releaseAll()
    this.#begin()
  }

  /** Sends what is due. The fan-out calls it once in a turn. */
  pump(): void {
    this.#isAsked = false
    if (this.#state !== 'live' || this.#holds > 0) return
    if (this.#isPumping) {
      this.#isAsked = true
      return
    }
    if (this.#isReady) {
      this.#settle()
      return
    }
    this.#isPumping = true
    this.#pump().then(
      () => {
        this.#isPumping = false
        if (this.#isAsked) this.fanout.schedule(this)
      },
      error => this.#failed(error),
    )
  }

  /** Is there nothing to wait for before it is told? Of most, and then they are told without a promise for each. */
  get #isReady(): boolean {
    return (
      this.sink.bufferedBytes <= maxBufferedBytes &&
      !this.followed.hasWindows &&
      this.#pending.doubtful.length === 0 &&
      !this.reading.judge.readsOthers
    )
  }

  #settle(): void {
    try {
      this.#tellAll()
    } catch (thrown) {
      this.#failed(thrown)
    }
  }

  async #pump(): Promise<void> {
    await this.drained()
    do for (const window of this.followed.windows) await window.refresh()
    while (
      (await this.#hasLookedAgain()) ||
      (await this.#hasWaitedForReads()) ||
      this.followed.windows.some(window => window.isBehind)
    )
    this.#tellAll()
  }

  /** Tells what is due, as of this moment. */
  #tellAll(): void {
    if (!this.isOpen || this.#holds > 0) return
    const to = this.fanout.head
    const all = this.followed.windows
    if (this.#pending.doubtful.length > 0 || all.some(window => window.asOf > to)) {
      this.fanout.scheduleNext(this) // of a commit that is not published yet
      return
    }
    const windows = all.filter(window => window.hasNews)
    const due = all.filter(window => window.isDue)
    const hasNews = this.#pending.size > 0 || windows.length > 0 || this.#lastMutation > this.#sentMutation
    const isWaitedFor = to > this.#sent && this.#waiters.size + due.length > 0
    for (const window of due) window.tell()
    if (hasNews || isWaitedFor) {
      const items = itemsOf(this, { pending: this.#pending.take(), windows })
      this.#tell(
        to,
        items,
        windows.map(({ subscription, told }) => [subscription, [...told.keys()]] as const),
      )
    }
    for (const window of due) for (const frame of windowFrames(this, window, to)) this.sink.send(frame)
    this.#since = undefined
    this.#waiters.release()
    if (this.#waiters.size > 0) this.fanout.scheduleNext(this)
    this.#begin()
  }

  /** Has looked up documents that may not be as they were noted. True when that took time: there may be more by now. */
  async #hasLookedAgain(): Promise<boolean> {
    const { doubtful } = this.#pending
    if (doubtful.length === 0 || !this.isOpen) return false
    return lookAgain(this, doubtful)
  }

  /** Has everything loaded that is going to be judged. True when that took time: there may be more by now. */
  #hasWaitedForReads(): Promise<boolean> | boolean {
    const { judge } = this.reading
    if (!judge.readsOthers || !this.isOpen) return false
    const windows = this.followed.windows
    return loadReads(this, { pending: this.#pending.all, windows }, this.reads)
  }

  patchOf(change: PendingChange): string | undefined {
    return this.#holdsBase(change) ? this.fanout.patches.itemOf(change) : undefined
  }

  mayRead(collection: string, document: Document): boolean {
    const { judge, reads } = this.reading
    return judge.mayRead(this.actor, collection, document, reads)
  }

  /**
   * Does the client hold the document as it was before this change? It does when a query brought it that is all there: what
   * its own writes alone brought, or a window, or a part of a snapshot, it may have lost again or not have yet.
   */
  #holdsBase({ collection, before, base }: PendingChange): boolean {
    if (this.protocol < firstWithPatches || !before || base === undefined || base > this.#sent) return false
    const isArriving = (subscription: number) => this.first.isArriving(subscription)
    return this.followed.holds(collection, before, isArriving) && this.mayRead(collection, before)
  }

  /** One message; several when it is too large for a frame, of which the last alone says how far they reach. */
  #tell(to: Version, items: readonly string[], windows: Parameters<typeof changesFrame>[0]['windows']): void {
    const from = this.#sent
    const isBrief = this.protocol >= firstWithPatches
    const viewKey = isBrief ? undefined : this.viewKey
    const parts = inParts(items, this.fanout.parts.changeCharacters)
    for (const part of parts.slice(0, -1)) {
      const lastMutation = isBrief ? undefined : this.#sentMutation
      this.sink.send(changesFrame({ from, to: from, viewKey, lastMutation, items: part, windows: [] }))
    }
    const isDecided = this.#lastMutation > this.#sentMutation
    this.#sentMutation = Math.max(this.#lastMutation, this.#sentMutation)
    this.#sent = to
    const lastMutation = isBrief && !isDecided ? undefined : this.#sentMutation
    this.sink.send(changesFrame({ from, to, viewKey, lastMutation, items: parts.at(-1)!, windows }))
    const { meter } = this.fanout.environment
    if (this.#since !== undefined) meter.told(meter.moment() - this.#since)
  }

  #note(change: Change, isOwn: boolean): void {
    this.#since ??= this.fanout.environment.meter.moment()
    this.#pending.note(change, isOwn)
    this.first.note(change)
    if (this.isOverfull && this.#state === 'live') this.sink.cut(tooSlow(), retryMs)
    else this.#ask()
  }

  #ask(): void {
    if (this.#isAsked || this.#state !== 'live') return
    this.#isAsked = true
    this.fanout.schedule(this)
  }

  #failed(thrown: unknown): void {
    const error =
      thrown instanceof CloudError
        ? thrown
        : new CloudError('SYS_ERR', { errMsg: 'the server could not read what to send', cause: thrown })
    this.sink.cut(error, retryMs)
  }
}

function tooSlow(): CloudError {
  return new CloudError('EXCEED_REQUEST_LIMIT', {
    errMsg: 'too many changes wait for this client to read them',
  })
}

/** The protocol version. */
const firstWithPatches = 4
const maxPending = 20_000
const maxPendingCharacters = 33_554_432
/** For who has not taken what was sent: many of them at once must not fill the memory. */
const maxSlowCharacters = 8_388_608
const maxBufferedBytes = 1_048_576
const drainPollMs = 10
const retryMs = 1_000
