import {
  bucketOf,
  bucketsFor,
  Digest,
  type DocId,
  type Document,
  type DownMessage,
  type DownOf,
  fromJson,
  IncomingNumbers,
  Inventory,
  type Item,
  mutationFromJson,
  OutgoingNumbers,
  parseUp,
  toCloudError,
  toJson,
  type UpMessage,
  type UpOf,
  type Version,
} from '@nearcloud/protocol'
import { compareValues, parseQuery, type Query } from '@nearcloud/query'
import { aggregate, parseAggregation, type Source } from '@nearcloud/query/aggregate'
import type { Peer, PeerListener } from './local-pair.ts'
import type { KnownClient, ScriptedServer } from './scripted-server.ts'

interface Followed {
  readonly query: Query
  window: readonly DocId[]
}

/** One connection to a ScriptedServer. */
export class ScriptedSession implements PeerListener {
  readonly #server: ScriptedServer
  readonly #peer: Peer
  readonly #followed = new Map<number, Followed>()
  readonly #refused = new Set<number>()
  #client: { readonly id: string; readonly known: KnownClient } | undefined
  #sent: Version = 0
  #sentMutation = -1
  #in: IncomingNumbers | undefined
  #out: OutgoingNumbers | undefined

  constructor(server: ScriptedServer, peer: Peer) {
    this.#server = server
    this.#peer = peer
  }

  received(frame: string): void {
    if (this.#server.isSilent || !this.#server.sessions.has(this)) return
    const said = this.#numbered(frame)
    if (said === undefined) return
    try {
      this.#handle(parseUp(said))
    } catch (error) {
      this.#violation(toCloudError(error).errMsg)
    }
  }

  /** The network's doing, and no violation. */
  #numbered(frame: string): string | undefined {
    try {
      return this.#in ? this.#in.read(frame) : frame
    } catch (error) {
      const { code, errMsg } = toCloudError(error)
      this.bye({ error: { code, errMsg }, retryAfterMs: 0 })
      return undefined
    }
  }

  closed(): void {
    this.#server.sessions.delete(this)
  }

  close(): void {
    this.#server.sessions.delete(this)
    this.#peer.close()
  }

  /** Says anything at all. */
  say(message: DownMessage): void {
    const frame = JSON.stringify(message)
    this.sayText(this.#out?.number(frame) ?? frame)
  }

  /** Not even a message. */
  sayText(frame: string): void {
    this.#peer.send(frame)
  }

  /** Sends away. */
  bye(message: Omit<DownOf<'bye'>, 'type'>): void {
    this.say({ type: 'bye', ...message })
    this.close()
  }

  /** What happened since the last change message to what this client follows, and to what it wrote itself. */
  pump(): void {
    if (!this.#client || this.#server.isSilent) return
    const { version, viewKey, log } = this.#server
    const { known } = this.#client
    if (this.#sent === version && this.#sentMutation === known.lastMutation) return
    const items = new Map<string, Item>()
    const first = new Map<string, (typeof log)[number]>()
    for (const change of log)
      if (change.version > this.#sent && !first.has(keyOf(change.collection, change.id)))
        first.set(keyOf(change.collection, change.id), change)
    for (const [key, { collection, id, before }] of first) {
      const after = this.#server.get(collection, id)
      const isOwn = log.some(
        change =>
          change.version > this.#sent &&
          change.client === this.#client?.id &&
          change.collection === collection &&
          change.id === id,
      )
      const follows = (document: typeof before | undefined) =>
        document != null &&
        this.#server.mayRead(known.openid, collection, document) &&
        (isOwn ||
          [...this.#followed.values()].some(
            ({ query }) => query.collection === collection && this.#server.matches(query, document),
          ))
      const isReadable = after !== undefined && this.#server.mayRead(known.openid, collection, after)
      if (isReadable && (follows(after) || follows(before)))
        items.set(key, [collection, this.#server.versionOf(collection, id), toJson(after) as never])
      else if (follows(before)) items.set(key, [collection, version, null, id])
    }
    const windows = this.#moveWindows(items)
    this.say({
      type: 'changes',
      from: this.#sent,
      to: version,
      viewKey,
      lastMutation: known.lastMutation,
      items: [...items.values()],
      ...(windows.length > 0 && { windows }),
    })
    this.#sent = version
    this.#sentMutation = known.lastMutation
  }

  #handle(message: UpMessage) {
    if (message.type === 'hello') return this.#hello(message)
    if (message.type === 'signIn') return this.#signIn(message)
    if (!this.#client) return this.#violation(`"${message.type}" before hello`)
    switch (message.type) {
      case 'push':
        return this.#push(message)
      case 'subscribe':
        return this.#follow(message.id, parseQuery(message.query), {
          isResumed: false,
          holds: message.holds === true,
        })
      case 'unsubscribe':
        if (!this.#followed.delete(message.id) && !this.#refused.delete(message.id))
          this.#violation('an unknown subscription')
        return
      case 'prioritise':
        if (!this.#followed.has(message.id)) this.#violation('an unknown subscription')
        return
      case 'check':
        return this.#check(message.id)
      case 'merge':
        return this.say({
          type: 'answer',
          id: message.id,
          result: {
            documents: this.#server.merge(message.token.slice('token-of-'.length), this.#client.known.openid),
            left: 0,
          },
        })
      case 'have':
        return this.#have(message)
      case 'recall':
        return this.#violation('a recall that nobody asked for')
      case 'ping':
        this.pump()
        return this.say({ type: 'pong' })
      case 'openText':
      case 'closeText':
      case 'enter':
      case 'leave':
      case 'present':
        return this.#violation('texts and rooms are not scripted')
      default:
        return this.#answer(message)
    }
  }

  #hello(hello: UpOf<'hello'>) {
    const { clients, epoch, viewKey, version, clock, heartbeatMs, storeFailure } = this.#server
    if (this.#client) return this.#violation('a second hello')
    const { oldest, newest, isTold } = this.#server.spoken
    if (hello.protocol < oldest || hello.protocol > newest) {
      const errMsg = `not protocol ${hello.protocol}`
      this.bye({ error: { code: 'UPGRADE_NEEDED', errMsg, ...(isTold && { details: { oldest, newest } }) } })
      return
    }
    const reason = hello.token === undefined ? undefined : this.#server.refusesToken(hello.token)
    if (reason !== undefined) {
      this.bye({ error: { code: 'TOKEN_REFUSED', errMsg: 'refused', details: { reason } } })
      return
    }
    if (storeFailure && !clients.has(hello.client))
      return this.bye({ error: storeFailure, retryAfterMs: 1_000 })
    const openid = hello.token?.slice('token-of-'.length) ?? this.#server.newOpenid()
    const known = clients.get(hello.client) ?? {
      openid,
      lastMutation: 0,
      lastTime: 0,
      nonces: [],
      outcomes: new Map(),
    }
    clients.set(hello.client, known)
    if (known.openid !== openid) {
      this.bye({ error: { code: 'TOKEN_REFUSED', errMsg: 'this local store belongs to another user' } })
      return
    }
    for (const id of known.outcomes.keys()) if (id <= hello.seen) known.outcomes.delete(id)
    for (const session of [...this.#server.sessions])
      if (session !== this && session.#client?.id === hello.client) session.close()
    this.#client = { id: hello.client, known }
    const { common } = this.#server
    const resumed = hello.epoch === epoch && hello.viewKey === viewKey && hello.version <= version
    this.#sent = resumed ? hello.version : version
    this.#sentMutation = hello.seen
    this.say({
      type: 'welcome',
      protocol: hello.protocol,
      openid,
      token: `token-of-${openid}`,
      access: `access-of-${openid}`,
      epoch,
      version: this.#sent,
      viewKey,
      lastMutation: known.lastMutation,
      nonces: known.nonces,
      outcomes: [...known.outcomes.values()] as DownOf<'welcome'>['outcomes'],
      resumed,
      time: clock.now(),
      heartbeatMs,
      lineage: this.#server.lineage ?? [[epoch, 0]],
      ...(this.#server.forgotten > 0 && { forgotten: this.#server.forgotten }),
      ...(hello.epoch !== undefined && hello.epoch !== epoch && common !== undefined && { common }),
    })
    if (hello.numbered) {
      this.#in = new IncomingNumbers()
      this.#out = new OutgoingNumbers()
    }
    // whoever goes on in the middle of a snapshot hears all that happened to it before the rest of it
    for (const { id, query, complete, after } of hello.subscriptions)
      if (resumed && !complete && after !== undefined)
        this.#followed.set(id, { query: parseQuery(query), window: [] })
    const asked = hello.subscriptions.map(each => ({ ...each, query: parseQuery(each.query) }))
    const isKept = ({ query, complete }: (typeof asked)[number]) => resumed && complete && !isWindowed(query)
    // windows begin with their snapshots again, behind what changed in the rest
    for (const { id, query, holds } of asked.filter(isKept))
      this.#follow(id, query, { isResumed: true, holds: holds === true })
    for (const { id, query, after, holds } of asked.filter(each => !isKept(each)))
      this.#follow(id, query, {
        isResumed: false,
        holds: holds === true,
        ...(resumed && after !== undefined && { after }),
      })
    this.pump()
  }

  #signIn({ ticket }: UpOf<'signIn'>) {
    const signedIn = this.#server.signIn(ticket)
    if (!signedIn)
      return this.bye({ error: { code: 'TOKEN_REFUSED', errMsg: 'refused', details: { reason: 'used' } } })
    this.say({ type: 'signedIn', ...signedIn })
    this.close()
  }

  #check(id: number) {
    const followed = this.#followed.get(id)
    if (!followed) return this.#violation('an unknown subscription')
    this.pump()
    const digest = new Digest()
    const { collection } = followed.query
    for (const { _id } of this.#server.find(followed.query, this.#client!.known.openid))
      digest.add(_id, this.#server.versionOf(collection, _id))
    const { count, sum } = digest
    this.say({ type: 'digest', id, version: this.#sent, count, sum })
  }

  #push({ mutations }: UpOf<'push'>) {
    const { storeFailure } = this.#server
    if (storeFailure) return this.bye({ error: storeFailure, retryAfterMs: 1_000 })
    const outcomes = []
    for (const json of mutations) {
      const outcome = this.#server.execute(this.#client!.id, mutationFromJson(json))
      if (outcome === 'gap') return this.#violation(`mutation ${json.id} leaves a gap`)
      outcomes.push(outcome)
    }
    this.say({ type: 'pushed', outcomes: outcomes as DownOf<'pushed'>['outcomes'] })
    this.#server.publish()
  }

  #follow(id: number, query: Query, options: { isResumed: boolean; holds: boolean; after?: DocId }): void {
    const { openid } = this.#client!.known
    const reason = this.#server.mayFollow(query, openid)
    if (reason !== undefined) {
      this.#refused.add(id)
      this.say({ type: 'denied', id, error: { code: 'DATABASE_PERMISSION_DENIED', errMsg: reason } })
      return
    }
    if (!options.isResumed) this.pump()
    const { after } = options
    const documents = this.#server
      .find(query, openid)
      .filter(({ _id }) => after === undefined || compareValues(_id, after) > 0)
    const window = documents.map(document => document._id)
    this.#followed.set(id, { query, window: options.isResumed ? [] : window })
    if (options.isResumed) return
    const items = documents.map(document => this.#item(query.collection, document))
    if (!options.holds || after !== undefined || isWindowed(query)) {
      this.#snapshot(id, items, isWindowed(query) ? window : undefined)
      return
    }
    const inventory = new Inventory()
    for (const { _id } of documents) inventory.add(_id, this.#server.versionOf(query.collection, _id))
    this.say({ type: 'inventory', id, sums: inventory.sums(bucketsFor(inventory.count)) })
  }

  #have({ id, of, buckets, documents }: UpOf<'have'>): void {
    const followed = this.#followed.get(id)
    if (!followed || (documents && buckets.length === 0)) return
    this.pump()
    const { collection } = followed.query
    const there = this.#server.find(followed.query, this.#client!.known.openid)
    const had = new Map(documents)
    const differing = there.filter(({ _id }) => {
      const isHere = had.get(_id) === this.#server.versionOf(collection, _id)
      had.delete(_id)
      return !documents || (buckets.includes(bucketOf(_id, of)) && !isHere)
    })
    const gone = [...had.keys()].map((each): DownOf<'snapshot'>['items'][number] => [
      collection,
      this.#server.version,
      null,
      each,
    ])
    this.#snapshot(id, [...differing.map(document => this.#item(collection, document)), ...gone])
  }

  #item(collection: string, document: Document): DownOf<'snapshot'>['items'][number] {
    return [collection, this.#server.versionOf(collection, document._id), toJson(document) as never]
  }

  #snapshot(id: number, items: DownOf<'snapshot'>['items'], window?: readonly DocId[]): void {
    const { pageSize, version, namesCollections } = this.#server
    for (let at = 0; at === 0 || at < items.length; at += pageSize) {
      const page = items.slice(at, at + pageSize)
      const last = at + pageSize >= items.length
      this.say({
        type: 'snapshot',
        id,
        version,
        items: namesCollections ? page : page.map(item => (item.length === 3 ? [item[1], item[2]] : item)),
        ...(last && window && { window: [...window] }),
        done: at + page.length,
        total: items.length,
        last,
      })
    }
  }

  #answer(message: UpOf<'count'> | UpOf<'aggregate'> | UpOf<'call'> | UpOf<'files'>): void {
    const { id } = message
    const { openid } = this.#client!.known
    if (message.type === 'aggregate') {
      void this.#aggregate(message)
      return
    }
    try {
      const result =
        message.type === 'count'
          ? this.#server.find(parseQuery(message.query), openid).length
          : message.type === 'call'
            ? toJson(this.#server.call(message.name, fromJson(message.data), openid))
            : toJson(this.#server.files(message.ask, openid))
      this.say({ type: 'answer', id, result })
    } catch (error) {
      const { code, errMsg, details } = toCloudError(error)
      this.say({ type: 'answer', id, error: { code, errMsg, details } })
    }
  }

  async #aggregate({ id, aggregation }: UpOf<'aggregate'>): Promise<void> {
    const server = this.#server
    const { openid } = this.#client!.known
    const source: Source = {
      async *find(query) {
        yield server.find(query, openid)
      },
    }
    try {
      const options = { source, now: () => server.clock.now(), random: () => 0 }
      const result = toJson(await aggregate(parseAggregation(aggregation), options))
      this.say({ type: 'answer', id, result })
    } catch (error) {
      const { code, errMsg, details } = toCloudError(error)
      this.say({ type: 'answer', id, error: { code, errMsg, details } })
    }
  }

  #moveWindows(items: Map<string, Item>): [number, DocId[]][] {
    const moved: [number, DocId[]][] = []
    for (const [id, followed] of this.#followed) {
      if (!isWindowed(followed.query)) continue
      const documents = this.#server.find(followed.query, this.#client!.known.openid)
      const window = documents.map(document => document._id)
      if (JSON.stringify(window) === JSON.stringify(followed.window)) continue
      followed.window = window
      moved.push([id, window])
      const { collection } = followed.query
      for (const document of documents)
        items.set(keyOf(collection, document._id), [
          collection,
          this.#server.versionOf(collection, document._id),
          toJson(document) as never,
        ])
    }
    return moved
  }

  #violation(words: string): void {
    this.#server.violations.push(words)
    this.close()
  }
}

function isWindowed(query: Query): boolean {
  return query.skip > 0 || query.limit !== undefined
}

function keyOf(collection: string, id: DocId): string {
  return `${collection}/${typeof id}/${id}`
}
