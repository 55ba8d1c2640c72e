import {
  CloudError,
  checkCollectionName,
  type DocId,
  type Document,
  errorFromData,
  limits,
  type Version,
  type Write,
} from '@nearcloud/protocol'
import {
  type Answer,
  applyWrite,
  type Commit,
  type Committed,
  compileFilter,
  compileOrder,
  compileProjection,
  type Executor,
  firstInOrder,
  type Query,
  type Run,
  type Stored,
} from '@nearcloud/query'
import type { OpenTransaction } from '@nearcloud/query/transactions'
import type { Actor } from '../actor.ts'
import { checkRights, judgedWrite, ownedBy, untold } from '../commit/authorise.ts'
import type { EffectNames } from '../commit/effect-names.ts'
import type { Environment, SeenDocument } from '../commit/environment.ts'
import { askedBy, findFirst } from '../commit/find.ts'
import { keyOf, unpack } from '../commit/stage.ts'
import { decided } from '../rules/rule-reads.ts'
import { lifetimeMs, transactionConflict, transactionEnded } from './transaction-errors.ts'
import type { Transactions } from './transactions.ts'

interface Seen extends SeenDocument {
  readonly document: Document | null
  /** Somebody changed it since. */
  readonly isChanged: boolean
}

interface Own {
  readonly collection: string
  readonly id: DocId
  readonly stored: Stored | null
}

type State =
  | { readonly name: 'open' }
  | { readonly name: 'lost'; readonly error: CloudError }
  | { readonly name: 'ended'; readonly how: string }

/**
 * One transaction at work: what it reads is the state of one version with its own writes laid over; what it writes is
 * kept here until it commits. What is asked of it at once is done one after the other.
 */
export class ServerTransaction implements OpenTransaction {
  readonly executor: Executor
  readonly #actor: Actor
  readonly #environment: Environment
  readonly #transactions: Transactions
  readonly #effects: EffectNames | undefined
  readonly #seen = new Map<string, Seen>()
  readonly #own = new Map<string, Own>()
  readonly #writes: Write[] = []
  readonly #cancelExpiry: () => void
  #snapshot: Version = -1
  #state: State = { name: 'open' }
  #last: Promise<unknown> = Promise.resolve()
  #lostAt: string | undefined

  constructor(
    actor: Actor,
    environment: Environment,
    transactions: Transactions,
    effects: EffectNames | undefined,
  ) {
    this.#actor = actor
    this.#environment = environment
    this.#transactions = transactions
    this.#effects = effects
    this.#cancelExpiry = environment.clock.after(lifetimeMs, () => this.expire('it was open for too long'))
    this.executor = {
      run: question => this.#inOrder(() => this.#run(question)),
      commit: asked => this.#inOrder(() => this.#change(asked)),
      watch() {
        throw new CloudError('WATCH_FAILED', { errMsg: 'a transaction reads and ends: it cannot watch' })
      },
    }
  }

  /** Of a user's. */
  get openid(): string | undefined {
    return this.#actor.kind === 'user' ? this.#actor.openid : undefined
  }

  /** What it sees is what was written up to this version; -1 before it has begun. */
  get snapshot(): Version {
    return this.#snapshot
  }

  /** Somebody else was faster. */
  get isLost(): boolean {
    return this.#state.name === 'lost'
  }

  /** The documents it read by id or tried to write. */
  get keys(): readonly string[] {
    const keys = new Set([...this.#seen.keys(), ...this.#own.keys()])
    if (this.#lostAt !== undefined) keys.add(this.#lostAt)
    return [...keys]
  }

  /** Called once, first. `keys`: documents to wait for. */
  async begin(keys: readonly string[] | undefined): Promise<void> {
    const { engine, env } = this.#environment
    if (keys && keys.length > 0 && !(await this.#transactions.turns.wait(this, keys)))
      throw new CloudError('DATABASE_TRANSACTION_CONFLICT', {
        errMsg: 'too many transactions want the same documents: try later',
      })
    const snapshot = await this.#transactions.settled(() => engine.head(env))
    this.#checkOpen()
    this.#snapshot = snapshot
  }

  commit(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#writes.length === 0) return this.#end('it was committed')
      const seen = [...this.#seen.values()].map(({ collection, id, version }) => ({
        collection,
        id,
        version,
      }))
      const decision = this.#environment.commit({
        actor: this.#actor,
        writes: this.#writes,
        seen,
        ...(this.#effects && { once: this.#effects.nextOfWrites(this.#writes) }),
      })
      this.#cancelExpiry()
      const { outcome } = await decision.finally(() => this.#end('it was committed'))
      if (outcome.status === 'accepted') return
      const { code, reason, details } = outcome
      const error = errorFromData({ code, errMsg: reason, details })
      if (code === 'DATABASE_TRANSACTION_CONFLICT') this.#state = { name: 'lost', error }
      throw error
    })
  }

  async rollback(): Promise<void> {
    if (this.#state.name === 'open') this.#end('it was rolled back')
  }

  expire(how: string): void {
    if (this.#state.name === 'open') this.#end(how)
  }

  #end(how: string): void {
    this.#state = { name: 'ended', how }
    this.#cancelExpiry()
    this.#transactions.end(this)
  }

  #lose(collection: string, id: DocId): never {
    const error = transactionConflict(collection, id)
    this.#lostAt = keyOf(collection, id)
    this.#end('it met a conflict')
    this.#state = { name: 'lost', error }
    throw error
  }

  #checkOpen(): void {
    if (this.#state.name === 'lost') throw this.#state.error
    if (this.#state.name === 'ended') throw transactionEnded(this.#state.how)
  }

  #inOrder<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#last.then(() => {
      this.#checkOpen()
      return work()
    })
    this.#last = done.catch(() => {})
    return done
  }

  async #run(question: Run): Promise<Answer> {
    if (question.verb !== 'get' && question.verb !== 'count')
      throw new CloudError('INVALID_PARAM', { errMsg: `${question.verb} is not done inside a transaction` })
    const query = await askedBy(this.#environment, this.#actor, question.query)
    const { collection } = query
    const id = idOf(query)
    if (question.verb === 'get' && id !== undefined) {
      const own = this.#own.get(keyOf(collection, id))
      const document = own ? (own.stored?.doc ?? null) : (await this.#at(collection, id)).document
      const shown = await this.#readable(collection, [document])
      // nor is what it may not see looked after: a conflict would tell of it
      if (document && !own && shown.length === 0) this.#seen.delete(keyOf(collection, id))
      return answerOf(query, shown)
    }
    if (question.verb === 'get') return answerOf(query, await this.#find(query))
    const found = await this.#find({ collection, where: query.where, orderBy: [], skip: 0 })
    return { documents: [], total: found.length, fromCache: false }
  }

  async #change(asked: Commit): Promise<Committed> {
    if ('collection' in asked)
      throw new CloudError('INVALID_PARAM', { errMsg: 'indexes are not changed inside a transaction' })
    if ('writes' in asked) return this.#write(asked.writes)
    const { change, first } = asked
    const target = await askedBy(this.#environment, this.#actor, asked.target)
    const { collection } = target
    const found = await this.#find(first ? { ...target, limit: 1 } : target)
    return this.#write(
      found.map(
        ({ _id: id }): Write =>
          change === 'remove'
            ? { op: 'remove', collection, id }
            : { op: 'update', collection, id, changes: change },
      ),
    )
  }

  async #write(writes: readonly Write[]): Promise<Committed> {
    if (this.#writes.length + writes.length > limits.batchWrites)
      throw new CloudError('INVALID_PARAM', {
        errMsg: `a transaction has at most ${limits.batchWrites} writes`,
      })
    const now = this.#environment.clock.now()
    const context = { base: Number.POSITIVE_INFINITY, time: now, version: this.#snapshot + 1, now }
    const tried = new Map<string, Own>()
    let [updated, removed, created] = [0, 0, 0]
    for (const write of writes) {
      const { collection, id } = write
      const key = keyOf(collection, id)
      if (this.#actor.kind === 'user') checkCollectionName(collection)
      const isOurs = this.#actor.kind !== 'user'
      if (isOurs && !this.#transactions.turns.take(this, key)) this.#lose(collection, id)
      const { document, isChanged } = await this.#at(collection, id)
      this.#checkOpen()
      if (isOurs && isChanged) this.#lose(collection, id)
      const known = tried.get(key) ?? this.#own.get(key)
      const before = known ? known.stored : document && { doc: document, stamps: {} }
      const { after } = await this.#toldOf(collection, before, () =>
        applyWrite(before, ownedBy(this.#actor, write, before), context),
      )
      await this.#checkRights(write, before?.doc ?? null, after?.doc ?? null)
      this.#checkOpen()
      if (!isOurs && !this.#transactions.turns.take(this, key)) this.#lose(collection, id)
      if (isChanged) this.#lose(collection, id)
      if (before && after) updated++
      else if (before) removed++
      else if (after) created++
      tried.set(key, { collection, id, stored: after })
    }
    for (const [key, own] of tried) this.#own.set(key, own)
    this.#writes.push(...writes)
    return { ids: writes.map(({ id }) => id), updated, removed, created, pending: false }
  }

  /** The document as it was when the transaction began: the same one each time. */
  async #at(collection: string, id: DocId): Promise<Seen> {
    const key = keyOf(collection, id)
    const known = this.#seen.get(key)
    const { engine, env } = this.#environment
    const { earlier, settled } = {
      earlier: this.#transactions.earlier,
      settled: <T>(read: () => Promise<T>) => this.#transactions.settled(read),
    }
    if (known) return { ...known, isChanged: earlier.at(collection, id, this.#snapshot) !== undefined }
    if (this.#seen.size >= limits.batchWrites)
      throw new CloudError('INVALID_PARAM', {
        errMsg: `a transaction looks at no more than ${limits.batchWrites} documents by id`,
      })
    const [row] = await settled(() => engine.get(env, collection, [id]))
    const before = earlier.at(collection, id, this.#snapshot)
    const document = before ? before.document : row ? unpack(row).stored.doc : null
    const version = before ? before.version : (row?.version ?? 0)
    const seen = { collection, id, document, version, isChanged: before !== undefined }
    this.#seen.set(key, seen)
    return seen
  }

  /** What matched when the transaction began, with its own writes laid over. */
  async #find(query: Query): Promise<readonly Document[]> {
    const { collection, where, skip, limit } = query
    const own = [...this.#own.values()].filter(each => each.collection === collection)
    const end = limit === undefined ? Number.POSITIVE_INFINITY : skip + limit
    const changedNow = () => this.#transactions.earlier.allAt(collection, this.#snapshot)
    for (let changed = changedNow(); ; changed = changedNow()) {
      // documents that are not as they were may take the place of others, so more are looked for
      const most = end + changed.length + own.length
      const { limit: _, fields: __, ...asked } = query
      const wide = { ...asked, skip: 0, ...(Number.isFinite(most) && { limit: most }) }
      const found = await this.#transactions.settled(() => findFirst(this.#environment, this.#actor, wide))
      const before = changedNow()
      if (before.length > changed.length) continue
      const documents = new Map<DocId, Document | null>()
      for (const { document } of found) documents.set(document._id, document)
      for (const { id, document } of before) documents.set(id, document)
      for (const { id, stored } of own) documents.set(id, stored?.doc ?? null)
      const matches = compileFilter(where)
      const wanted = [...documents.values()].filter(document => document !== null && matches(document))
      const shown = await this.#readable(collection, wanted)
      return firstInOrder([...shown], compileOrder(query), end).slice(skip)
    }
  }

  /** Those that its user may read, as they are here. */
  async #readable(collection: string, documents: readonly (Document | null)[]): Promise<readonly Document[]> {
    const { judge, reads } = this.#environment
    const all = documents.filter(document => document !== null)
    if (this.#actor.kind !== 'user') return all
    const readable: Document[] = []
    for (const document of all)
      if (await decided(reads, () => judge.mayRead(this.#actor, collection, document, reads)))
        readable.push(document)
    return readable
  }

  /** Why a write cannot be done may quote the document: that is for who may read it. */
  async #toldOf<T>(collection: string, before: Stored | null, work: () => T): Promise<T> {
    try {
      return work()
    } catch (thrown) {
      const isTold = before === null || (await this.#readable(collection, [before.doc])).length > 0
      throw isTold ? thrown : untold(thrown, { collection, id: before.doc._id })
    }
  }

  /** What a user may not write holds nobody up: it is refused here already, and judged again at the commit. */
  async #checkRights(write: Write, before: Document | null, after: Document | null): Promise<void> {
    if (this.#actor.kind !== 'user') return
    const { judge, reads } = this.#environment
    const judged = judgedWrite(write, before, after)
    const judgement = await decided(reads, () => judge.judgeWrite(this.#actor, judged, reads))
    checkRights(judge, this.#actor, { write, judged }, judgement)
  }
}

/** Of a query for one document by its id. */
function idOf({ where }: Query): DocId | undefined {
  if (where[0] !== 'field' || where[1] !== '_id') return undefined
  const [operator, id] = where[2]
  return operator === 'eq' && (typeof id === 'string' || typeof id === 'number') ? id : undefined
}

function answerOf({ fields }: Query, found: readonly Document[]): Answer {
  const documents = fields ? found.map(compileProjection(fields)) : found
  return { documents, total: documents.length, fromCache: false }
}
