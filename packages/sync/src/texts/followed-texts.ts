import { CloudError, type DownOf, errorFromData, toBase64 } from '@nearcloud/protocol'
import type { StoredText, TextPlace, TextStep } from '@nearcloud/store'
import type { OpenTexts } from './open-texts.ts'
import { hashOf, pendingBeginning, readUpdate, stepOf, textHere } from './stored-texts.ts'
import { textKey } from './text-key.ts'
import type { TextRuntime } from './text-runtime.ts'
import { pendingEdits, textOver, updatesOf } from './text-session.ts'
import type { TextsOptions } from './texts-options.ts'

/** A text that is followed on the server in this conversation. */
interface Followed {
  readonly id: number
  readonly place: TextPlace
  isAnswered: boolean
  /** Something was said of it in this conversation. */
  wasHeard: boolean
  /** The text of which the server was told what is here: what it answers goes on from there. Undefined: it was asked for all. */
  from: string | undefined
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

/** The texts that are kept in step with the server: those that are here, a hundred at most, and those that somebody waits for. */
export class FollowedTexts {
  readonly #options: TextsOptions
  readonly #runtime: TextRuntime
  readonly #open: OpenTexts
  readonly #fetches = new Map<string, Fetch>()
  #followedByKey = new Map<string, Followed>()
  #followedById = new Map<number, Followed>()
  #lastId = 0
  #send: ((frame: string) => void) | undefined
  #isTrimming = false

  constructor(options: TextsOptions, runtime: TextRuntime, open: OpenTexts) {
    this.#options = options
    this.#runtime = runtime
    this.#open = open
  }

  /** Resolves when the text is here; rejects with why it cannot be. */
  fetch(place: TextPlace): Promise<void> {
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
    this.reconcile()
    return promise
  }

  /** A conversation is under way; `reconcile` says what is wanted of it. */
  begin(send: (frame: string) => void): void {
    this.#send = send
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

  get isSettled(): boolean {
    return this.#fetches.size === 0 && [...this.#followedById.values()].every(({ isAnswered }) => isAnswered)
  }

  /** What is here, or wanted, is followed; the rest is not. */
  reconcile(): void {
    if (!this.#send) return
    const wanted = new Map<string, TextPlace>()
    for (const { place } of this.#fetches.values()) wanted.set(textKey(place), place)
    for (const { collection, id, path } of this.#kept)
      wanted.set(textKey({ collection, id, path }), { collection, id, path })
    for (const [key, followed] of this.#followedByKey)
      if (!wanted.has(key)) {
        this.#unfollow(followed)
        this.#send(JSON.stringify({ type: 'closeText', id: followed.id }))
      }
    for (const [key, place] of wanted) {
      if (this.#followedByKey.has(key)) continue
      const followed: Followed = {
        id: ++this.#lastId,
        place,
        isAnswered: false,
        wasHeard: false,
        from: undefined,
        isAnew: false,
      }
      this.#followedByKey.set(key, followed)
      this.#followedById.set(followed.id, followed)
      this.#ask(followed)
    }
  }

  /** What a message says of a text, durable when this resolves. */
  async heard({ id, text, update, hash }: DownOf<'text'>): Promise<void> {
    const followed = this.#followedById.get(id)
    if (!followed) return
    const { store } = this.#options
    const { place } = followed
    const known = store.texts.get(place)
    if (!known && (followed.isAnswered || followed.from === text)) {
      this.#begunAnew(followed)
      return
    }
    const runtime = this.#runtime
    const bytes = readUpdate(runtime, update)
    const session = this.#open.get(place)
    const isOther = session && session.text !== text && textHere(store, place)?.text !== session.text
    if (session?.text === text) session.heard(bytes)
    const step = stepOf(runtime, place, { text, update: bytes, known: followed.isAnew ? undefined : known })
    await store.confirm({ texts: [step] })
    followed.isAnswered = true
    if (isOther) this.#open.over(session, textOver())
    else if (session?.replica.isMisplaced) this.#open.over(session, another())
    this.#fetched(place)?.resolve()
    // the first answer had to wait for the copy, and says nothing of what came meanwhile (CROSS-2)
    const isLate = hash === undefined && !followed.wasHeard
    followed.wasHeard = true
    if (hash !== undefined) await this.#compare(followed, hash)
    else if (isLate) this.#ask(followed)
    await this.#trim()
    this.#options.changed()
  }

  /** The text ended, or may not be read (any more): it goes from this device. */
  async closed({ id, error }: DownOf<'textClosed'>): Promise<void> {
    const followed = this.#followedById.get(id)
    if (!followed) return
    const { store } = this.#options
    const { place } = followed
    const reason = errorFromData(error)
    if (reason.code === 'EXCEED_REQUEST_LIMIT')
      followed.isAnswered = true // in this conversation it is not asked for again
    else {
      this.#unfollow(followed)
      await store.confirm({ texts: [{ ...place, put: null }] })
    }
    const session = this.#open.get(place)
    if (session && session.text !== pendingBeginning(store, place)?.text) this.#open.over(session, reason)
    this.#fetched(place)?.reject(reason)
    this.#options.changed()
  }

  /** Compares one text after the other with the server's, from time to time. */
  check(): void {
    const [due] = [...this.#followedByKey.values()].filter(({ isAnswered }) => isAnswered)
    if (!due || !this.#send) return
    this.#followedByKey.delete(textKey(due.place))
    this.#followedByKey.set(textKey(due.place), due) // the next time it is another's turn
    this.#ask(due)
  }

  /** A message took effect: there may be other texts to keep, and some to let go. */
  advanced(): void {
    if (this.#options.store.texts.size > mostKept) void this.#trim().catch(() => undefined)
    this.reconcile()
  }

  #fetched(place: TextPlace): Fetch | undefined {
    const key = textKey(place)
    const fetch = this.#fetches.get(key)
    this.#fetches.delete(key)
    return fetch
  }

  #ask(followed: Followed): void {
    const { id, place } = followed
    const { collection, path } = place
    const runtime = this.#runtime
    const stored = followed.isAnew ? undefined : this.#options.store.texts.get(place)
    followed.isAnswered = false
    followed.from = undefined
    let vector: Uint8Array | undefined
    try {
      vector = stored && runtime.vectorOf(updatesOf(runtime, stored))
    } catch {
      followed.isAnew = true // what is here cannot be read
    }
    if (stored && vector) followed.from = stored.text
    this.#send?.(
      JSON.stringify({
        ...{ type: 'openText', id, collection, doc: place.id, path },
        ...(stored && vector && { text: stored.text, vector: toBase64(vector) }),
      }),
    )
  }

  /** What it goes on from was let go meanwhile: all of it is asked for, if somebody still wants it. */
  #begunAnew(followed: Followed): void {
    this.#unfollow(followed)
    this.#send?.(JSON.stringify({ type: 'closeText', id: followed.id }))
    this.reconcile()
    this.#options.changed()
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
    if (!stored) return
    const isSame = hashOf(runtime, stored) === hash
    const session = this.#open.get(place)
    const isSessionSame = !session || session.hasPending || session.replica.hash === hash
    if (isSame && isSessionSame) {
      followed.isAnew = false
      return
    }
    if (session) this.#open.over(session, another())
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
      this.#open.get(text) !== undefined || pendingEdits(store, text, text.text).length > 0
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

function another(): CloudError {
  return new CloudError('ABORTED', { errMsg: 'this copy of the text was not the server’s: open it again' })
}

const mostKept = 100
