import {
  type Clock,
  CloudError,
  type DocId,
  type Document,
  type ErrorData,
  type FilesAsk,
  type Mutation,
  type MutationId,
  type Outcome,
  protocolVersion,
  type Value,
  type Version,
  type Write,
} from '@nearcloud/protocol'
import { applyWrite, checkWrite, compileFilter, evaluate, type Query, type Stored } from '@nearcloud/query'
import type { Peer, PeerListener } from './local-pair.ts'
import { ScriptedSession } from './scripted-session.ts'

export interface KnownClient {
  readonly openid: string
  lastMutation: MutationId
  lastTime: number
  nonces: [MutationId, string][]
  readonly outcomes: Map<MutationId, Outcome>
}

interface Row {
  readonly stored: Stored
  readonly version: Version
}

export interface LoggedChange {
  readonly version: Version
  readonly collection: string
  readonly id: DocId
  readonly before: Document | null
  /** Whose mutation it was; undefined: somebody else's commit. */
  readonly client: string | undefined
}

/**
 * The server's half of the protocol over documents in memory: as strict as the real one with what it is sent, and open
 * to whatever a test wants it to decide. What a client did wrong is in `violations`.
 */
export class ScriptedServer {
  readonly violations: string[] = []
  readonly sessions = new Set<ScriptedSession>()
  readonly clients = new Map<string, KnownClient>()
  /** Every mutation executed, in order. */
  readonly executed: { readonly client: string; readonly mutation: Mutation; readonly outcome: Outcome }[] =
    []
  readonly log: LoggedChange[] = []
  readonly clock: Clock
  epoch = 'epoch-1'
  /** Up to where another epoch's history is this one. */
  common: Version | undefined = 0
  /** What it tells of its history; undefined: that it is all of this epoch. */
  lineage: [epoch: string, start: Version][] | undefined
  /** How mutations up to this one were decided is forgotten, of every client. */
  forgotten: MutationId = 0
  viewKey = 'view-1'
  version: Version = 0
  heartbeatMs = 25_000
  /** Documents in one part of a snapshot. */
  pageSize = 100
  /** Items of snapshots say of which collection they are, as those of older servers do. */
  namesCollections = true
  /** The versions of the protocol it speaks; `isTold`: it says so when it is asked for another. */
  spoken: { oldest: number; newest: number; isTold: boolean } = {
    oldest: 1,
    newest: protocolVersion,
    isTold: true,
  }
  /** Says nothing, not even pong. */
  isSilent = false
  /** Why it cannot store what is sent, or who is new: the conversation ends with it. */
  storeFailure: ErrorData | undefined
  /** Why a write is refused; undefined: it is not. */
  judge: (write: Write, openid: string) => string | undefined = () => undefined
  mayRead: (openid: string, collection: string, document: Document) => boolean = () => true
  /** Why a query may not be followed; undefined: it may. */
  mayFollow: (query: Query, openid: string) => string | undefined = () => undefined
  call: (name: string, data: Value, openid: string) => Value = name => {
    throw new CloudError('FUNCTION_NOT_FOUND', { errMsg: `no function "${name}"` })
  }
  files: (ask: FilesAsk, openid: string) => Value = () => ({ fileList: [] })
  /** Uids by the tickets that are good for them, once each. */
  readonly tickets = new Map<string, string>()
  /** Why a session token is refused; undefined: it is not. */
  refusesToken: (token: string) => string | undefined = () => undefined
  readonly #openidByUid = new Map<string, string>()
  readonly #rows = new Map<string, Map<DocId, Row>>()
  #lastUser = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  readonly accept = (peer: Peer): PeerListener => {
    const session = new ScriptedSession(this, peer)
    this.sessions.add(session)
    return session
  }

  newOpenid(): string {
    return `user-${++this.#lastUser}`
  }

  /** Uses a ticket up; undefined when it is none. */
  signIn(ticket: string): { openid: string; uid: string; token: string } | undefined {
    const uid = this.tickets.get(ticket)
    if (uid === undefined || !this.tickets.delete(ticket)) return undefined
    const openid = this.#openidByUid.get(uid) ?? this.newOpenid()
    this.#openidByUid.set(uid, openid)
    return { openid, uid, token: `token-of-${openid}` }
  }

  /** Whoever has a ticket for this uid from now on is somebody else. */
  deleteUser(uid: string): void {
    const openid = this.#openidByUid.get(uid)
    this.#openidByUid.delete(uid)
    const before = this.refusesToken
    this.refusesToken = token => (token === `token-of-${openid}` ? 'deleted' : before(token))
  }

  /** What `from` owns is `into`'s; how many documents. */
  merge(from: string, into: string): number {
    let documents = 0
    for (const [collection, rows] of this.#rows)
      for (const [id, row] of rows) {
        if (row.stored.doc._openid !== from) continue
        documents++
        this.#commit([{ op: 'update', collection, id, changes: [['_openid', 'set', into]] }], {
          base: Infinity,
          time: this.clock.now(),
        })
      }
    this.publish()
    return documents
  }

  get(collection: string, id: DocId): Document | undefined {
    return this.#rows.get(collection)?.get(id)?.stored.doc
  }

  versionOf(collection: string, id: DocId): Version {
    return this.#rows.get(collection)?.get(id)?.version ?? 0
  }

  all(collection: string): Document[] {
    return [...(this.#rows.get(collection)?.values() ?? [])].map(row => row.stored.doc)
  }

  /** What this user finds. */
  find(query: Query, openid: string): Document[] {
    const readable = this.all(query.collection).filter(doc => this.mayRead(openid, query.collection, doc))
    return evaluate(query, readable)
  }

  /** Somebody else's commit, told to all. */
  put(collection: string, document: Document): void {
    const write: Write = { op: 'set', collection, id: document._id, data: withoutId(document) }
    this.#commit([write], { base: Infinity, time: this.clock.now() })
    this.publish()
  }

  /** As `put`. */
  remove(collection: string, id: DocId): void {
    this.#commit([{ op: 'remove', collection, id }], { base: Infinity, time: this.clock.now() })
    this.publish()
  }

  /** Another history: as after a restore of these documents, and of what was known of clients. */
  restore(epoch: string, version: Version): void {
    this.epoch = epoch
    this.version = version
    this.log.length = 0
    for (const rows of this.#rows.values()) for (const [id, row] of rows) rows.set(id, { ...row, version })
    for (const session of [...this.sessions]) session.close()
  }

  /** It is gone, and nobody is told. */
  drop(collection: string, id: DocId): void {
    this.#rows.get(collection)!.delete(id)
  }

  /** What a document's version is from now on. */
  setVersion(collection: string, id: DocId, version: Version): void {
    const rows = this.#rows.get(collection)!
    rows.set(id, { ...rows.get(id)!, version })
  }

  /** Decides a mutation, once. */
  execute(client: string, mutation: Mutation): Outcome | 'gap' {
    const known = this.clients.get(client)!
    if (mutation.id <= known.lastMutation)
      return known.outcomes.get(mutation.id) ?? { id: mutation.id, status: 'accepted', version: this.version }
    if (mutation.id !== known.lastMutation + 1) return 'gap'
    const time = Math.max(known.lastTime, Math.min(mutation.time, this.clock.now()))
    const outcome = this.#decide(mutation, known.openid, client, time)
    known.lastMutation = mutation.id
    known.lastTime = time
    known.nonces = [...known.nonces, [mutation.id, mutation.nonce] as [number, string]].slice(-1000)
    known.outcomes.set(mutation.id, outcome)
    this.executed.push({ client, mutation, outcome })
    return outcome
  }

  publish(): void {
    for (const session of [...this.sessions]) session.pump()
  }

  matches(query: Query, document: Document | null | undefined): boolean {
    return document != null && compileFilter(query.where)(document)
  }

  #decide(mutation: Mutation, openid: string, client: string, time: number): Outcome {
    const { id } = mutation
    try {
      for (const write of mutation.writes) {
        checkWrite(write)
        const reason = this.judge(write, openid)
        if (reason !== undefined)
          return {
            id,
            status: 'rejected',
            code: 'DATABASE_PERMISSION_DENIED',
            reason,
            details: { rule: 'test' },
          }
      }
      const superseded = this.#commit(mutation.writes, { base: mutation.base, time }, { openid, client })
      return { id, status: 'accepted', version: this.version, ...(superseded.length > 0 && { superseded }) }
    } catch (error) {
      if (!(error instanceof CloudError)) throw error
      return { id, status: 'rejected', code: error.code, reason: error.errMsg }
    }
  }

  #commit(
    writes: readonly Write[],
    context: { base: number; time: number },
    author?: { readonly openid: string; readonly client: string },
  ): string[] {
    const version = this.version + 1
    const staged = new Map<string, { collection: string; id: DocId; after: Stored | null }>()
    const superseded: string[] = []
    for (const write of writes) {
      const { collection, id } = write
      const key = `${collection}/${typeof id}/${id}`
      const before = staged.has(key)
        ? staged.get(key)!.after
        : (this.#rows.get(collection)?.get(id)?.stored ?? null)
      const isNew = before === null && (write.op === 'add' || write.op === 'set')
      const owned = isNew && author ? { ...write, data: { _openid: author.openid, ...write.data } } : write
      const applied = applyWrite(before, owned, { ...context, version, now: this.clock.now() })
      if (write.op === 'update' && !applied.after) superseded.push(`${collection}/${id}`)
      for (const path of applied.superseded) superseded.push(`${collection}/${id}/${path}`)
      if (applied.touched) staged.set(key, { collection, id, after: applied.after })
    }
    if (staged.size > 0) this.version = version
    for (const { collection, id, after } of staged.values()) {
      const rows = this.#rows.get(collection) ?? new Map<DocId, Row>()
      this.#rows.set(collection, rows)
      this.log.push({
        version,
        collection,
        id,
        before: rows.get(id)?.stored.doc ?? null,
        client: author?.client,
      })
      if (after) rows.set(id, { stored: after, version })
      else rows.delete(id)
    }
    return superseded
  }
}

function withoutId({ _id, ...data }: Document): { [key: string]: Value } {
  return data
}
