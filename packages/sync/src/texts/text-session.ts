import {
  type Clock,
  CloudError,
  fromBase64,
  type Room,
  type TextWrite,
  toBase64,
  toCloudError,
  type Write,
} from '@nearcloud/protocol'
import type { CommitReceipt, Store, StoredText, TextPlace } from '@nearcloud/store'
import type { Presence } from '../rooms/presence.ts'
import { type Hunk, hunkBetween, hunkOfBoth } from './hunk.ts'
import type { TextReplica, TextRuntime } from './text-runtime.ts'

export interface TextSessionOptions {
  readonly store: Store
  readonly runtime: TextRuntime
  readonly clock: Clock
  readonly clientId: number
  /** The moment of an edit, by the server's clock. */
  now(): number
  /** Was this mutation ever sent? */
  isSent(nonce: string): boolean
  /** Edits are on their way to the server, so that one of them had better not grow for ever. */
  isOnline(): boolean
  /** An edit is durable. */
  committed(receipt: CommitReceipt): void
  /** Comes into the room of the text. */
  enter(room: Room): Presence
  /** It cannot go on. */
  failed(error: CloudError): void
}

/**
 * One text, alive on this device: what the server has said of it with what is pending laid over, and whatever an editor does
 * to it. Every edit becomes a write in the outbox at once; edits that follow each other, of which nothing was sent, become one.
 */
export class TextSession {
  readonly place: TextPlace
  readonly text: string
  readonly replica: TextReplica
  /** Handles that are open. */
  holders = 0
  readonly #options: TextSessionOptions
  readonly #stopEdits: () => void
  readonly #stopShowing: () => void
  #plain: string
  /** The last mutation, while it may be said anew. */
  #last: { nonce: string; update: Uint8Array; hunk: Hunk; since: number } | undefined
  /** Edits that storage refused: they go with the next one. */
  #unsaved: Uint8Array[] = []
  #cancelRetry: () => void = () => undefined
  #capturing: Uint8Array[] | undefined
  #presence: Presence | undefined
  #isClosed = false

  constructor(stored: StoredText, options: TextSessionOptions) {
    const { collection, id, path, text } = stored
    this.place = { collection, id, path }
    this.text = text
    this.#options = options
    const { store, runtime, clientId } = options
    const pending = pendingEdits(store, this.place, text).map(({ update }) => fromBase64(update)!)
    this.replica = runtime.open([...updatesOf(runtime, stored), ...pending], clientId)
    this.#plain = this.replica.plain
    this.#stopEdits = this.replica.onEdit(update => this.#edited(update))
    this.#stopShowing = store.showText(this.place, () => this.replica.plain)
  }

  get hasPending(): boolean {
    return this.#unsaved.length > 0 || pendingEdits(this.#options.store, this.place, this.text).length > 0
  }

  /** An edit that the server told of. */
  heard(update: Uint8Array): void {
    this.#last = undefined // what it showed was of another text
    this.replica.apply(update)
    this.#plain = this.replica.plain
  }

  /** The edit that makes the text say `value`, for a mutation that the caller commits; undefined when it says so. */
  rewrite(value: string): TextWrite | undefined {
    this.#last = undefined
    this.#capturing = []
    const before = this.#plain
    this.replica.replaceAll(value)
    const made = this.#capturing
    this.#capturing = undefined
    this.#plain = this.replica.plain
    if (made.length === 0) return undefined
    return this.#write(this.#options.runtime.merge(made), hunkBetween(before, this.#plain))
  }

  /** A rewrite was not committed: the text says again what it did. */
  takeBack({ update }: TextWrite, before: string): void {
    this.#unsaved.push(fromBase64(update)!)
    this.replica.replaceAll(before)
  }

  /** An `Awareness`; from here on this device is seen in the text, once the editor says something of itself. */
  get awareness(): unknown {
    const { awareness } = this.replica
    if (this.#presence || this.#isClosed) return awareness.object
    const { collection, id, path } = this.place
    const presence = this.#options.enter([collection, id, path])
    this.#presence = presence
    presence.watch(others => awareness.setOthers(others))
    awareness.onState(state => {
      try {
        presence.set(state)
      } catch {
        // too large to be seen, or the room is closed: the text is there all the same
      }
    })
    return awareness.object
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#presence?.close()
    this.#cancelRetry()
    this.#stopEdits()
    this.#stopShowing()
    this.replica.close()
  }

  #edited(update: Uint8Array): void {
    if (this.#capturing) {
      this.#capturing.push(update)
      return
    }
    const hunk = hunkBetween(this.#plain, this.replica.plain)
    this.#plain = this.replica.plain
    const { runtime } = this.#options
    const whole = this.#unsaved.length > 0 ? runtime.merge([...this.#unsaved, update]) : update
    this.#unsaved = []
    this.#save(whole, hunk)
  }

  #save(update: Uint8Array, hunk: Hunk): void {
    try {
      this.#keep(this.#amend(update, hunk) ?? this.#commit(update, hunk), update)
    } catch (thrown) {
      // what does not fit into a write, or a store that is closed: the editor has what nobody else will ever have
      this.#options.failed(toCloudError(thrown))
    }
  }

  #commit(update: Uint8Array, hunk: Hunk): CommitReceipt {
    const { store, now, clock } = this.#options
    const receipt = store.commit([this.#write(update, hunk)], { time: now() })
    this.#last = { nonce: receipt.mutation.nonce, update, hunk, since: clock.now() }
    return receipt
  }

  #amend(update: Uint8Array, hunk: Hunk): CommitReceipt | undefined {
    const last = this.#last
    const { store, runtime, now, clock, isSent, isOnline } = this.#options
    if (!last || isSent(last.nonce) || last.update.length + update.length > largestMerge) return undefined
    if (isOnline() && clock.now() - last.since >= longestOnlineMs) return undefined
    const merged = runtime.merge([last.update, update])
    const both = hunkOfBoth(last.hunk, hunk, this.#plain)
    const receipt = store.amend(last.nonce, [this.#write(merged, both)], { time: now() })
    if (receipt) this.#last = { nonce: receipt.mutation.nonce, update: merged, hunk: both, since: last.since }
    return receipt
  }

  #keep(receipt: CommitReceipt, update: Uint8Array): void {
    receipt.durable.then(
      () => this.#options.committed(receipt),
      () => {
        if (this.#isClosed) return
        this.#last = undefined
        this.#unsaved.push(update)
        this.#cancelRetry()
        this.#cancelRetry = this.#options.clock.after(retryMs, () => this.#retry())
      },
    )
  }

  /** Edits that storage refused are tried again, also when nothing more is typed. */
  #retry(): void {
    const unsaved = this.#unsaved
    if (this.#isClosed || unsaved.length === 0) return
    this.#unsaved = []
    this.#save(this.#options.runtime.merge(unsaved), [0, 0, ''])
  }

  #write(update: Uint8Array, shows: Hunk): TextWrite {
    return { op: 'text', ...this.place, text: this.text, update: toBase64(update), shows }
  }
}

/** What is stored of a text as updates, its beginning first. */
export function updatesOf(runtime: TextRuntime, { began, updates }: StoredText): Uint8Array[] {
  const known = updates.map(update => fromBase64(update)!)
  return began === undefined ? known : [runtime.beginningOf(began), ...known]
}

/** The edits of a text that the server has not answered, in order. */
export function pendingEdits(
  store: Store,
  { collection, id, path }: TextPlace,
  text: string,
): readonly TextWrite[] {
  return store.outbox
    .of(collection, id)
    .flatMap(({ writes }) => writes.filter(write => isEditOf(write, { collection, id, path }, text)))
}

function isEditOf(write: Write, { collection, id, path }: TextPlace, text: string): write is TextWrite {
  if (write.op !== 'text' || write.collection !== collection || write.id !== id) return false
  return write.path === path && write.text === text
}

/** Larger edits are mutations of their own. */
const largestMerge = 131_072
/** Online an edit grows no longer than this before it is sent. */
const longestOnlineMs = 100
const retryMs = 1_000

export function textOver(): CloudError {
  return new CloudError('DATABASE_REQUEST_FAILED', {
    errMsg: 'this text has ended: another one begins there',
    details: { reason: 'text ended' },
  })
}
