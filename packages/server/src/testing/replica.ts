import {
  applyPatch,
  type DocId,
  type Document,
  encode,
  protocolVersion,
  readItem,
  readSnapshotItem,
  type Version,
} from '@nearcloud/protocol'
import { compileFilter, type Query, queryToJson } from '@nearcloud/query'
import { keyOf } from '../commit/stage.ts'
import type { LocalHouse } from './local-house.ts'
import { clientId, type RawClient } from './raw-client.ts'

/** A client as the protocol's rules describe it, in the fewest words: what it is told, it holds. */
export class Replica {
  readonly held = new Map<string, { collection: string; version: Version; document: Document }>()
  readonly #house: LocalHouse
  readonly #token: string
  readonly #client: string
  readonly #subscriptions: readonly { id: number; query: Query; matches(document: Document): boolean }[]
  readonly #complete = new Set<number>()
  readonly #windows = new Map<number, readonly DocId[]>()
  #checkpoint = {
    version: 0,
    epoch: undefined as string | undefined,
    viewKey: undefined as string | undefined,
  }
  #raw: RawClient | undefined
  #read = 0
  #snapshot: { id: number; version: Version; ids: Set<string> } | undefined

  constructor(house: LocalHouse, name: string, token: string, queries: readonly Query[]) {
    this.#house = house
    this.#token = token
    this.#client = clientId(name)
    this.#subscriptions = queries.map((query, id) => ({ id, query, matches: compileFilter(query.where) }))
  }

  get isConnected(): boolean {
    return this.#raw !== undefined && !this.#raw.isClosed
  }

  connect(): void {
    const { version, epoch, viewKey } = this.#checkpoint
    this.#raw = this.#house.connect()
    this.#read = 0
    this.#snapshot = undefined
    const hello = this.#raw.hello({
      protocol: protocolVersion,
      client: this.#client,
      token: this.#token,
      version,
      ...(epoch !== undefined && { epoch }),
      ...(viewKey !== undefined && { viewKey }),
      subscriptions: this.#subscriptions.map(({ id, query }) => ({
        id,
        query: queryToJson(query),
        complete: this.#complete.has(id),
      })),
    })
    hello.catch(() => {}) // it may be cut before
  }

  cut(): void {
    this.#raw?.close()
  }

  /** Takes over what was heard. */
  apply(): void {
    const heard = this.#raw?.heard ?? []
    for (; this.#read < heard.length; this.#read++) {
      const message = heard[this.#read]!
      if (message.type === 'welcome') {
        const { version, epoch, viewKey } = message
        this.#checkpoint = { version, epoch, viewKey }
        if (!message.resumed) this.#complete.clear()
      } else if (message.type === 'changes') {
        if (message.from !== this.#checkpoint.version) throw new Error('a gap in the changes')
        this.#checkpoint.version = message.to
        message.items.map(readItem).forEach(item => {
          this.#take(item)
        })
        for (const [id, window] of message.windows ?? []) this.#windows.set(id, window)
      } else if (message.type === 'snapshot') {
        this.#snapshot ??= { id: message.id, version: message.version, ids: new Set() }
        if (this.#snapshot.id !== message.id) throw new Error('snapshots one after the other')
        this.#snapshot.version = Math.min(this.#snapshot.version, message.version)
        const { collection } = this.#subscriptions.find(({ id }) => id === message.id)!.query
        for (const each of message.items) {
          const item = readSnapshotItem(collection, each)!
          this.#take(item)
          this.#snapshot.ids.add(keyOf(item.collection, item.document._id))
        }
        if (message.last) this.#finish(message.window)
      } else if (message.type === 'denied') this.#denied(message.id)
    }
  }

  /** What the complete queries without a limit follow, by key; and the windows, in order. */
  get view(): { documents: Map<string, string>; windows: Map<number, readonly (string | undefined)[]> } {
    const documents = new Map<string, string>()
    for (const [key, { collection, document }] of this.held)
      for (const { id, query, matches } of this.#subscriptions)
        if (
          this.#complete.has(id) &&
          query.limit === undefined &&
          query.collection === collection &&
          matches(document)
        )
          documents.set(key, encode(document))
    const windows = new Map<number, readonly (string | undefined)[]>()
    for (const { id, query } of this.#subscriptions) {
      if (query.limit === undefined) continue
      const ids = this.#windows.get(id) ?? []
      const texts = ids.map(each => this.held.get(keyOf(query.collection, each))?.document)
      windows.set(
        id,
        texts.map(document => document && encode(document)),
      )
    }
    return { documents, windows }
  }

  #take(item: ReturnType<typeof readItem>): void {
    const { collection, version } = item
    if ('patch' in item) {
      const held = this.held.get(keyOf(collection, item.id))
      if (held?.version !== item.base) throw new Error('a patch for what is not held')
      const document = applyPatch(held.document, item.patch)
      this.held.set(keyOf(collection, item.id), { collection, version, document })
      return
    }
    const key = keyOf(collection, 'gone' in item ? item.gone : item.document._id)
    if ((this.held.get(key)?.version ?? 0) > version) return
    if ('gone' in item) this.held.delete(key)
    else this.held.set(key, { collection, version, document: item.document })
  }

  /** What is here because of this query alone goes. */
  #denied(denied: number): void {
    this.#complete.delete(denied)
    const { query, matches } = this.#subscriptions.find(each => each.id === denied)!
    const window = this.#windows.get(denied) ?? []
    this.#windows.delete(denied)
    const others = this.#subscriptions.filter(each => each.id !== denied && this.#complete.has(each.id))
    for (const [key, { collection, document }] of this.held) {
      if (collection !== query.collection) continue
      const isOfIt = query.limit === undefined ? matches(document) : window.includes(document._id)
      const isOfAnother = others.some(each =>
        each.query.limit === undefined
          ? each.query.collection === collection && each.matches(document)
          : this.#windows.get(each.id)?.includes(document._id),
      )
      if (isOfIt && !isOfAnother) this.held.delete(key)
    }
  }

  #finish(window: readonly DocId[] | undefined): void {
    const { id, version, ids } = this.#snapshot!
    const { query, matches } = this.#subscriptions.find(each => each.id === id)!
    this.#snapshot = undefined
    this.#complete.add(id)
    const before = this.#windows.get(id) ?? []
    if (window) this.#windows.set(id, window)
    const isFollowed = (document: Document) =>
      this.#subscriptions.some(
        each =>
          each.query.collection === query.collection &&
          (each.query.limit === undefined
            ? each.matches(document)
            : this.#windows.get(each.id)?.includes(document._id)),
      )
    for (const [key, held] of this.held) {
      if (held.collection !== query.collection || ids.has(key) || held.version > version) continue
      const wasOfIt = window ? before.includes(held.document._id) : matches(held.document)
      if (wasOfIt && !(window && isFollowed(held.document))) this.held.delete(key)
    }
  }
}
