import {
  CloudError,
  errorFromData,
  fromBase64,
  type Millis,
  type Mutation,
  type RandomBytes,
  toCloudError,
  type Write,
} from '@nearcloud/protocol'
import type { TextHandle } from '@nearcloud/query'
import type { CommitReceipt, StoredText, TextPlace } from '@nearcloud/store'
import type { Rejection } from '../greeting.ts'
import { Handle } from './handle.ts'
import { textHere } from './stored-texts.ts'
import { textKey } from './text-key.ts'
import type { TextRuntime } from './text-runtime.ts'
import { TextSession, textOver } from './text-session.ts'
import type { TextsOptions } from './texts-options.ts'

/** The texts that are alive here: somebody has them open, or something of them is pending. */
export class OpenTexts {
  readonly #options: TextsOptions
  readonly #runtime: TextRuntime
  readonly #sessions = new Map<string, TextSession>()
  readonly #handles = new Map<TextSession, Set<Handle>>()
  #cancelPush: (() => void) | undefined
  #isStopped = false

  constructor(options: TextsOptions, runtime: TextRuntime) {
    this.#options = options
    this.#runtime = runtime
  }

  get(place: TextPlace): TextSession | undefined {
    return this.#sessions.get(textKey(place))
  }

  /** For an app; undefined for a text that cannot be read any more: it goes, to be brought anew. */
  async handle(stored: StoredText): Promise<TextHandle | undefined> {
    try {
      return this.#handleOf(this.#session(stored))
    } catch (thrown) {
      if (thrown instanceof CloudError) throw thrown
      const { collection, id, path } = stored
      const { store, diverged } = this.#options
      if (store.texts.get(stored) !== stored) throw toCloudError(thrown)
      diverged({ collection, id, path })
      await store.confirm({ texts: [{ collection, id, path, put: null }] })
      return undefined
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

  /** A mutation was refused: of what the gate refused there is nothing on the server for later edits to stand on. */
  rejected({ writes }: Mutation, { code, reason, details = {} }: Rejection): void {
    if (details.refusal === undefined && details.reason !== 'text ended') return
    for (const write of writes) {
      const session = write.op === 'text' ? this.get(write) : undefined
      if (session && write.op === 'text' && session.text === write.text)
        this.over(session, errorFromData({ code, errMsg: reason, details }))
    }
  }

  /** What is pending is laid over what the server said by who understands it. */
  showPending(): void {
    const { store } = this.#options
    if (this.#isStopped) return
    for (const { writes } of store.outbox.mutations)
      for (const write of writes) {
        if (write.op !== 'text') continue
        const stored = textHere(store, write)
        if (stored?.text === write.text && !this.get(write)) this.#session(stored)
      }
  }

  /** Those that nobody has open, and of which nothing is pending any more. */
  letGo(): void {
    for (const session of [...this.#sessions.values()]) this.#letGo(session)
  }

  over(session: TextSession, error: CloudError | undefined): void {
    const key = textKey(session.place)
    if (this.#sessions.get(key) === session) this.#sessions.delete(key)
    session.close()
    const handles = this.#handles.get(session)
    this.#handles.delete(session)
    for (const handle of handles ?? []) handle.ended(error)
  }

  /** Edits that were made elsewhere, before they take effect in the store. */
  heard(place: TextPlace, text: string, updates: readonly string[]): void {
    const session = this.get(place)
    if (session?.text !== text) return
    for (const update of updates) {
      const bytes = fromBase64(update)
      if (bytes) session.heard(bytes)
    }
  }

  stop(reason = new CloudError('CLOSED', { errMsg: 'the cloud was closed' })): void {
    this.#isStopped = true
    this.#cancelPush?.()
    for (const session of [...this.#sessions.values()]) this.over(session, reason)
  }

  #session(stored: StoredText): TextSession {
    const key = textKey(stored)
    const open = this.#sessions.get(key)
    if (open?.text === stored.text) return open
    if (open) this.over(open, textOver())
    const { store, clock, random, serverClock, push, isOnline, enter } = this.#options
    const session: TextSession = new TextSession(stored, {
      store,
      clock,
      runtime: this.#runtime,
      clientId: clientIdFrom(random),
      now: () => serverClock.now(),
      isSent: nonce => push.wasSentLast(nonce),
      isOnline,
      enter,
      committed: receipt => this.#committed(receipt),
      failed: error => this.over(session, error),
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

  #letGo(session: TextSession): void {
    if ((this.#handles.get(session)?.size ?? 0) > 0 || session.hasPending) return
    this.over(session, undefined)
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
      const session = operator === 'set' && this.get({ collection, id, path })
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
}

function clientIdFrom(random: RandomBytes): number {
  const [a = 0, b = 0, c = 0, d = 0] = random(4)
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0 || 1
}

/** From an edit to its sending: what is typed meanwhile goes with it. */
const coalesceMs: Millis = 60
