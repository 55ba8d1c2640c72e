import {
  type Clock,
  CloudError,
  type DownOf,
  errorFromData,
  fromBase64,
  type Millis,
  type Mutation,
  type RandomBytes,
  type Room,
  toBase64,
  toCloudError,
  type Write,
} from '@nearcloud/protocol'
import { type TextHandle, textsBegun } from '@nearcloud/query'
import type { CommitReceipt, ConfirmedStep, Store, StoredText, TextPlace, TextStep } from '@nearcloud/store'
import { textKey } from '@nearcloud/store'
import type { Rejection } from '../greeting.ts'
import type { Push } from '../push.ts'
import type { Presence } from '../rooms/presence.ts'
import type { ServerClock } from '../server-clock.ts'
import { Handle } from './handle.ts'
import type { TextRuntime } from './text-runtime.ts'
import { pendingEdits, TextSession, textOver, updatesOf } from './text-session.ts'

export interface TextsOptions {
  readonly store: Store
  readonly clock: Clock
  readonly random: RandomBytes
  readonly serverClock: ServerClock
  readonly push: Push
  /** Absent on a platform that brings none. */
  readonly runtime: (() => Promise<TextRuntime>) | undefined
  enter(room: Room): Presence
  isOnline(): boolean
  /** There is a server to ask, or about to be. */
  isReachable(): boolean
  /** An edit is durable. */
  committed(receipt: CommitReceipt): void
  /** Something is settled that was not. */
  changed(): void
  diverged(place: TextPlace): void
  failed(error: CloudError): void
}

/** A text that is followed on the server in this conversation. */
interface Followed {
  readonly id: number
  readonly place: TextPlace
  isAnswered: boolean
  /** All of it was asked for, since it was found to differ. */
  isAnew: boolean
}

/** Somebody waits for a text that is not here. */
interface Fetch {
  readonly place: TextPlace
  readonly promise: Promise<void>
  resolve(): void
  reject(error: CloudError): void
}

/**
 * The texts of this device: those that are open, and those that were, or began here. The latter are kept in step with the
 * server as long as their documents are here, a hundred at most, so that they open without a network.
 */
export class Texts {
  readonly #options: TextsOptions
  readonly #sessions = new Map<string, TextSession>()
  readonly #handles = new Map<TextSession, Set<Handle>>()
  readonly #fetches = new Map<string, Fetch>()
  #followedByKey = new Map<string, Followed>()
  #followedById = new Map<number, Followed>()
  #lastId = 0
  #send: ((frame: string) => void) | undefined
  #runtime: TextRuntime | undefined
  #loading: Promise<TextRuntime> | undefined
  #cancelPush: (() => void) | undefined
  #isStopped = false
  #isTrimming = false

  constructor(options: TextsOptions) {
    this.#options = options
    if (this.#hasAny)
      void this.#load()
        .then(() => this.#showPending())
        .catch(() => undefined)
  }

  // ---- the app ---------------------------------------------------------------------------------------------------

  async open({ collection, id, path }: TextPlace): Promise<TextHandle> {
    const place = { collection, id, path }
    await this.#load()
    for (;;) {
      const stored = this.#here(place)
      const session = stored && (await this.#sessionOf(stored))
      if (session) return this.#handleOf(session)
      if (!this.#options.isReachable())
        throw new CloudError('OFFLINE', {
          errMsg: `document.text:fail ${collection}/${id}/${path} was never opened on this device, and there is no connection to the server`,
        })
      await this.#fetch(place)
    }
  }

  /** Assignments of texts that are open, as edits of them: so an editor shows them at once, and merges with them. */
  rewritten(writes: readonly Write[]): { readonly writes: readonly Write[]; takeBack(): void } {
    const undo: (() => void)[] = []
    const rewritten = this.#sessions.size === 0 ? writes : writes.flatMap(write => this.#rewrite(write, undo))
    return {
      writes: rewritten,
      takeBack: () => {
        for (const each of undo.reverse()) each()
      },
    }
  }

  stop(): void {
    this.#isStopped = true
    this.end()
    this.lost()
    this.#cancelPush?.()
    for (const session of [...this.#sessions.values()])
      this.#over(session, new CloudError('CLOSED', { errMsg: 'the cloud was closed' }))
  }

  // ---- the conversation --------------------------------------------------------------------------------------------

  begin(send: (frame: string) => void): void {
    this.#send = send
    if (this.#hasAny)
      void this.#load()
        .then(() => this.#reconcile())
        .catch(() => undefined)
    else this.#reconcile()
  }

  end(): void {
    this.#send = undefined
    this.#followedByKey = new Map()
    this.#followedById = new Map()
  }

  /** There is nobody to ask. */
  lost(): void {
    const error = new CloudError('OFFLINE', {
      errMsg: 'document.text:fail the connection to the server is gone',
    })
    for (const [key, fetch] of [...this.#fetches]) {
      this.#fetches.delete(key)
      fetch.reject(error)
    }
  }

  /** A message took effect: there may be other texts to keep, and some to let go. */
  advanced(): void {
    for (const session of [...this.#sessions.values()]) this.#letGo(session)
    if (this.#options.store.texts.size > mostKept) void this.#trim().catch(() => undefined)
    this.#reconcile()
  }

  get isSettled(): boolean {
    return this.#fetches.size === 0 && [...this.#followedById.values()].every(({ isAnswered }) => isAnswered)
  }

  /** What a message says of a text, to be confirmed by the store; undefined when nobody asked. */
  async heard({ id, text, update, hash }: DownOf<'text'>): Promise<void> {
    const followed = this.#followedById.get(id)
    if (!followed) return
    const { place } = followed
    const known = this.#options.store.texts.get(place)
    const runtime = await this.#load()
    const key = textKey(place)
    const bytes = readUpdate(runtime, update)
    const session = this.#sessions.get(key)
    const isOther = session && session.text !== text && this.#here(place)?.text !== session.text
    if (session?.text === text) session.heard(bytes)
    const step = stepOf(runtime, place, { text, update: bytes, known: followed.isAnew ? undefined : known })
    await this.#options.store.confirm({ texts: [step] })
    followed.isAnswered = true
    if (isOther) this.#over(session, textOver())
    else if (session?.replica.isMisplaced) this.#over(session, another())
    this.#fetches.get(key)?.resolve()
    this.#fetches.delete(key)
    if (hash !== undefined) await this.#compare(followed, hash)
    await this.#trim()
    this.#options.changed()
  }

  /** The text ended, or may not be read (any more): it goes from this device. */
  async closed({ id, error }: DownOf<'textClosed'>): Promise<void> {
    const followed = this.#followedById.get(id)
    if (!followed) return
    const { place } = followed
    const key = textKey(place)
    const reason = errorFromData(error)
    if (reason.code === 'EXCEED_REQUEST_LIMIT')
      followed.isAnswered = true // in this conversation it is not asked for again
    else {
      this.#unfollow(followed)
      await this.#options.store.confirm({ texts: [{ ...place, put: null }] })
    }
    const session = this.#sessions.get(key)
    if (session && session.text !== this.#pendingBeginning(place)?.text) this.#over(session, reason)
    this.#fetches.get(key)?.reject(reason)
    this.#fetches.delete(key)
    this.#options.changed()
  }

  /** A mutation was refused: of what the gate refused there is nothing on the server for later edits to stand on. */
  rejected({ writes }: Mutation, { code, reason, details = {} }: Rejection): void {
    if (details.refusal === undefined && details.reason !== 'text ended') return
    for (const write of writes) {
      const session = write.op === 'text' ? this.#sessions.get(textKey(write)) : undefined
      if (session && write.op === 'text' && session.text === write.text)
        this.#over(session, errorFromData({ code, errMsg: reason, details }))
    }
  }

  /** Compares one text after the other with the server's, from time to time. */
  check(): void {
    const [due] = [...this.#followedByKey.values()].filter(({ isAnswered }) => isAnswered)
    if (!due || !this.#send) return
    this.#followedByKey.delete(textKey(due.place))
    this.#followedByKey.set(textKey(due.place), due) // the next time it is another's turn
    this.#ask(due)
  }

  // ---- parts -----------------------------------------------------------------------------------------------------

  get #hasAny(): boolean {
    const { store, runtime } = this.#options
    if (!runtime) return false
    for (const _ of store.texts) return true
    return store.outbox.mutations.some(({ writes }) => writes.some(({ op }) => op === 'text'))
  }

  #load(): Promise<TextRuntime> {
    const { runtime } = this.#options
    if (!runtime)
      return Promise.reject(
        new CloudError('INVALID_PARAM', {
          errMsg: 'document.text:fail this platform brings no texts: hand in `text` with it',
        }),
      )
    this.#loading ??= runtime().then(
      loaded => {
        this.#runtime = loaded
        return loaded
      },
      (thrown: unknown) => {
        this.#loading = undefined // perhaps the next time
        throw toCloudError(thrown)
      },
    )
    return this.#loading
  }

  /** What of a text is here: as it begins in the outbox, or as the server has said it. */
  #here(place: TextPlace): StoredText | undefined {
    return this.#pendingBeginning(place) ?? this.#options.store.texts.get(place)
  }

  #pendingBeginning(place: TextPlace): StoredText | undefined {
    const { collection, id, path } = place
    const mutations = this.#options.store.outbox.of(collection, id)
    for (let n = mutations.length - 1; n >= 0; n--)
      for (const write of [...mutations[n]!.writes].reverse()) {
        if (write.collection !== collection || write.id !== id) continue
        const begun = textsBegun(write).find(([at]) => at === path)
        if (begun) return { collection, id, path, text: mutations[n]!.nonce, began: begun[1], updates: [] }
      }
    return undefined
  }

  /** Undefined for a text that cannot be read any more: it goes, to be brought anew. */
  async #sessionOf(stored: StoredText): Promise<TextSession | undefined> {
    try {
      return this.#session(stored)
    } catch (thrown) {
      if (thrown instanceof CloudError) throw thrown
      const { collection, id, path } = stored
      if (this.#options.store.texts.get(stored) !== stored) throw toCloudError(thrown)
      this.#options.diverged({ collection, id, path })
      await this.#options.store.confirm({ texts: [{ collection, id, path, put: null }] })
      return undefined
    }
  }

  #session(stored: StoredText): TextSession {
    const key = textKey(stored)
    const open = this.#sessions.get(key)
    if (open?.text === stored.text) return open
    if (open) this.#over(open, textOver())
    const { store, clock, random, serverClock, push, isOnline, enter } = this.#options
    const session: TextSession = new TextSession(stored, {
      store,
      clock,
      runtime: this.#runtime!,
      clientId: clientIdFrom(random),
      now: () => serverClock.now(),
      isSent: nonce => push.lastSent === nonce,
      isOnline,
      enter,
      committed: receipt => this.#committed(receipt),
      failed: error => this.#over(session, error),
    })
    this.#sessions.set(key, session)
    return session
  }

  #handleOf(session: TextSession): TextHandle {
    const handle: Handle = new Handle(session, () => {
      this.#handles.get(session)?.delete(handle)
      this.#letGo(session)
    })
    const handles = this.#handles.get(session) ?? new Set()
    handles.add(handle)
    this.#handles.set(session, handles)
    return handle
  }

  /** A session stays while somebody has it open, and while something of it is pending. */
  #letGo(session: TextSession): void {
    if ((this.#handles.get(session)?.size ?? 0) > 0 || session.hasPending) return
    this.#over(session, undefined)
  }

  #over(session: TextSession, error: CloudError | undefined): void {
    const key = textKey(session.place)
    if (this.#sessions.get(key) === session) this.#sessions.delete(key)
    session.close()
    const handles = this.#handles.get(session)
    this.#handles.delete(session)
    for (const handle of handles ?? []) handle.ended(error)
  }

  /** What is pending is laid over what the server said by who understands it. */
  #showPending(): void {
    if (this.#isStopped) return
    for (const { writes } of this.#options.store.outbox.mutations)
      for (const write of writes) {
        if (write.op !== 'text') continue
        const stored = this.#here(write)
        if (stored?.text === write.text && !this.#sessions.has(textKey(write))) this.#session(stored)
      }
  }

  #committed(receipt: CommitReceipt): void {
    this.#options.committed(receipt)
    if (this.#cancelPush) return
    this.#cancelPush = this.#options.clock.after(coalesceMs, () => {
      this.#cancelPush = undefined
      this.#options.push.wake()
    })
  }

  #rewrite(write: Write, undo: (() => void)[]): Write[] {
    if (write.op !== 'update') return [write]
    const edits: Write[] = []
    const changes = write.changes.filter(([path, operator, argument]) => {
      const { collection, id } = write
      const session = operator === 'set' && this.#sessions.get(textKey({ collection, id, path }))
      if (!session || typeof argument !== 'string') return true
      const before = session.replica.plain
      const edit = session.rewrite(argument)
      if (edit) {
        edits.push(edit)
        undo.push(() => session.takeBack(edit, before))
      }
      return false
    })
    if (changes.length === write.changes.length) return [write]
    return changes.length > 0 ? [{ ...write, changes }, ...edits] : edits
  }

  // ---- following -------------------------------------------------------------------------------------------------

  #fetch(place: TextPlace): Promise<void> {
    const key = textKey(place)
    const known = this.#fetches.get(key)
    if (known) return known.promise
    let resolve!: () => void
    let reject!: (error: CloudError) => void
    const promise = new Promise<void>((done, failed) => {
      resolve = done
      reject = failed
    })
    this.#fetches.set(key, { place, promise, resolve, reject })
    this.#reconcile()
    return promise
  }

  /** What is here, or wanted, is followed; the rest is not. */
  #reconcile(): void {
    if (!this.#send) return
    const wanted = new Map<string, TextPlace>()
    for (const { place } of this.#fetches.values()) wanted.set(textKey(place), place)
    if (this.#runtime)
      for (const { collection, id, path } of this.#kept)
        wanted.set(textKey({ collection, id, path }), { collection, id, path })
    for (const [key, followed] of this.#followedByKey)
      if (!wanted.has(key)) {
        this.#unfollow(followed)
        this.#send(JSON.stringify({ type: 'closeText', id: followed.id }))
      }
    for (const [key, place] of wanted) {
      if (this.#followedByKey.has(key)) continue
      const followed: Followed = { id: ++this.#lastId, place, isAnswered: false, isAnew: false }
      this.#followedByKey.set(key, followed)
      this.#followedById.set(followed.id, followed)
      this.#ask(followed)
    }
  }

  #ask(followed: Followed): void {
    const { id, place } = followed
    const { collection, path } = place
    const stored = followed.isAnew ? undefined : this.#options.store.texts.get(place)
    followed.isAnswered = false
    let vector: Uint8Array | undefined
    try {
      vector = stored && this.#runtime?.vectorOf(updatesOf(this.#runtime, stored))
    } catch {
      followed.isAnew = true // what is here cannot be read
    }
    this.#send?.(
      JSON.stringify({
        ...{ type: 'openText', id, collection, doc: place.id, path },
        ...(stored && vector && { text: stored.text, vector: toBase64(vector) }),
      }),
    )
  }

  #unfollow(followed: Followed): void {
    this.#followedById.delete(followed.id)
    const key = textKey(followed.place)
    if (this.#followedByKey.get(key) === followed) this.#followedByKey.delete(key)
  }

  /** Equal state vectors do not promise equal texts: what they show does. */
  async #compare(followed: Followed, hash: string): Promise<void> {
    const { store, diverged, failed } = this.#options
    const { place } = followed
    const stored = store.texts.get(place)
    const runtime = this.#runtime
    if (!stored || !runtime) return
    const isSame = hashOf(runtime, stored) === hash
    const session = this.#sessions.get(textKey(place))
    const isSessionSame = !session || session.hasPending || session.replica.hash === hash
    if (isSame && isSessionSame) {
      followed.isAnew = false
      return
    }
    if (session) this.#over(session, another())
    if (isSame) return
    diverged(place)
    if (followed.isAnew) {
      failed(
        new CloudError('SYS_ERR', {
          errMsg: 'a text is not as the server says, even when it brings all of it',
        }),
      )
      return
    }
    followed.isAnew = true
    this.#ask(followed)
  }

  /** Only so many are kept that nobody has open and of which nothing is pending: the latest. */
  get #kept(): readonly StoredText[] {
    const { store } = this.#options
    const texts = [...store.texts]
    if (texts.length <= mostKept) return texts
    const isBusy = (text: StoredText) =>
      this.#sessions.has(textKey(text)) || pendingEdits(store, text, text.text).length > 0
    return [...texts.slice(0, -mostKept).filter(isBusy), ...texts.slice(-mostKept)]
  }

  async #trim(): Promise<void> {
    const { store } = this.#options
    if (this.#isTrimming) return
    const kept = new Set(this.#kept)
    const gone = [...store.texts].filter(text => !kept.has(text))
    if (gone.length === 0) return
    this.#isTrimming = true
    try {
      const texts = gone.map(({ collection, id, path }): TextStep => ({ collection, id, path, put: null }))
      await store.confirm({ texts })
    } finally {
      this.#isTrimming = false
    }
  }
}

/** What is here of a text with an update: appended, or in one where there are many. */
function stepOf(
  runtime: TextRuntime,
  place: TextPlace,
  { text, update, known }: { text: string; update: Uint8Array; known: StoredText | undefined },
): NonNullable<ConfirmedStep['texts']>[number] {
  if (known?.text !== text) return { ...place, put: { text, updates: [toBase64(update)] } }
  if (known.updates.length < longestTail) return { ...place, text, add: toBase64(update) }
  const whole = runtime.compact([...updatesOf(runtime, known), update])
  return { ...place, put: { text, updates: [toBase64(whole)] } }
}

/** Throws PROTOCOL_ERROR for what is no update. */
function readUpdate(runtime: TextRuntime, text: string): Uint8Array {
  try {
    const update = fromBase64(text)!
    runtime.merge([update, update])
    return update
  } catch (cause) {
    throw new CloudError('PROTOCOL_ERROR', { errMsg: 'the server said what is no edit of a text', cause })
  }
}

function hashOf(runtime: TextRuntime, stored: StoredText): string | undefined {
  try {
    const copy = runtime.open(updatesOf(runtime, stored), 0)
    const { hash } = copy
    copy.close()
    return hash
  } catch {
    return undefined // what cannot be read is like nothing
  }
}

function clientIdFrom(random: RandomBytes): number {
  const [a = 0, b = 0, c = 0, d = 0] = random(4)
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0 || 1
}

function another(): CloudError {
  return new CloudError('ABORTED', { errMsg: 'this copy of the text was not the server’s: open it again' })
}

/** From an edit to its sending: what is typed meanwhile goes with it. */
const coalesceMs: Millis = 60
const longestTail = 50
const mostKept = 100
