import { type Document, fractionFrom, toCloudError, type Write } from '@nearcloud/protocol'
import {
  type Aggregation,
  type Answer,
  bindOpenid,
  type Commit,
  type Committed,
  compileFilter,
  compileProjection,
  type Executor,
  evaluate,
  type Following,
  type FollowOptions,
  loadAggregation,
  prepare,
  type Query,
  type Run,
  type TextHandle,
  type TextPlace,
  type WatchObserver,
} from '@nearcloud/query'
import type { LensHost } from '../lenses.ts'
import { narrowedWatch, newerWatch } from './newer-watch.ts'
import {
  type OlderCommit,
  olderIndex,
  olderWrite,
  olderWrites,
  type Surroundings,
  withUnchanged,
} from './older-writes.ts'
import type { Shape } from './shape.ts'

/**
 * Answers in the shapes of this app what is stored in older ones. What cannot be asked of the older documents is asked of more of
 * them and found here; so the answer is right, and may cost more.
 */
export class LensedExecutor implements Required<Executor> {
  readonly #stored: Required<Executor>
  readonly #shapes: ReadonlyMap<string, Shape>
  readonly #host: LensHost
  /** Until the last write that looks at its document first has been asked for: what comes behind it stays behind it. */
  #turn: Promise<unknown> | undefined

  constructor(stored: Required<Executor>, shapes: ReadonlyMap<string, Shape>, host: LensHost) {
    this.#stored = stored
    this.#shapes = shapes
    this.#host = host
  }

  async run(run: Run): Promise<Answer> {
    if (this.#turn) await this.#turn
    if (run.verb === 'aggregate') return this.#aggregate(run.aggregation)
    if (run.verb === 'indexes') return this.#indexes(run.collection)
    const shape = this.#shapes.get(run.query.collection)
    if (!shape) return this.#stored.run(run)
    if (run.verb === 'explain') return this.#stored.run({ ...run, query: shape.reading(run.query).query })
    const query = this.#meant(run.query)
    if (run.verb === 'get') return this.#get(query, shape)
    const { query: wider, isExact } = shape.reading(query)
    if (isExact) return this.#stored.run({ verb: 'count', query: wider })
    const { documents, fromCache } = await this.#matching(query, shape)
    return { documents: [], total: documents.length, fromCache }
  }

  async commit(commit: Commit): Promise<Committed> {
    if ('collection' in commit)
      return this.#stored.commit(olderIndex(commit, this.#shapes.get(commit.collection)))
    const earlier = this.#turn
    const older = earlier ? earlier.then(() => this.#older(commit)) : this.#older(commit)
    if (!(older instanceof Promise)) return this.#handOn(older)
    const handing = older.then(ready => ({ committed: this.#handOn(ready) }))
    const turn = handing.then(
      () => undefined,
      () => undefined,
    )
    this.#turn = turn
    void turn.then(() => {
      if (this.#turn === turn) this.#turn = undefined
    })
    return (await handing).committed
  }

  watch(asked: Query, observer: WatchObserver): { close(): Promise<void> } {
    const shape = this.#shapes.get(asked.collection)
    if (!shape) return this.#stored.watch(asked, observer)
    let isClosed = false
    let watch: { close(): Promise<void> } | undefined
    const begin = () => {
      if (isClosed) return
      const query = this.#meant(asked)
      const { query: wider, isExact } = shape.reading(query)
      const newer = isExact ? newerWatch : narrowedWatch
      watch = this.#stored.watch(wider, newer(query, observer, this.#upOf(shape)))
    }
    const preparing = Promise.all([this.#turn, prepare(asked)])
    preparing.then(begin).catch((thrown: unknown) => {
      if (!isClosed) observer.error(toCloudError(thrown))
    })
    return {
      async close() {
        isClosed = true
        await watch?.close()
      },
    }
  }

  follow(query: Query, options?: FollowOptions): Following {
    const shape = this.#shapes.get(query.collection)
    return this.#stored.follow(shape ? shape.reading(query).query : query, options)
  }

  async text(asked: TextPlace): Promise<TextHandle> {
    if (this.#turn) await this.#turn
    const { collection, id, path } = asked
    const place = this.#shapes.get(collection)?.place(path) ?? path
    const handle = await this.#stored.text({ collection, id, path: place })
    if (place === path) return handle
    return {
      ...{ collection, id, path },
      ytext: handle.ytext,
      doc: handle.doc,
      get awareness() {
        return handle.awareness
      },
      closed: handle.closed,
      toString: () => handle.toString(),
      close: () => handle.close(),
    }
  }

  async #get(query: Query, shape: Shape): Promise<Answer> {
    const { query: wider, isExact } = shape.reading(query)
    const { documents, ...answer } = await this.#stored.run({ verb: 'get', query: wider })
    const seen = documents.map(this.#upOf(shape))
    if (!isExact) {
      await prepare(query)
      const found = evaluate(query, seen)
      return { ...answer, documents: found, total: found.length }
    }
    return { ...answer, documents: query.fields ? seen.map(compileProjection(query.fields)) : seen }
  }

  /** The stored documents of those that match, as they are seen. */
  async #matching(query: Query, shape: Shape): Promise<Pick<Answer, 'documents' | 'fromCache'>> {
    const { query: wider, isExact } = shape.reading(query)
    const answer = await this.#stored.run({ verb: 'get', query: wider })
    if (isExact) return answer
    await prepare(query)
    const matches = compileFilter(query.where)
    const up = this.#upOf(shape)
    return { ...answer, documents: answer.documents.filter(stored => matches(up(stored))) }
  }

  /** Here, over documents as they are seen; of collections that all know alike whoever has them is asked. */
  async #aggregate(asked: Aggregation): Promise<Answer> {
    const { aggregate, bindAggregation, readsOf } = await loadAggregation()
    if (!readsOf(asked).some(({ collection }) => this.#shapes.has(collection)))
      return this.#stored.run({ verb: 'aggregate', aggregation: asked })
    const { openid, clock, random } = this.#host
    const user = openid()
    let fromCache = false
    const find = async (query: Query) => {
      const answer = await this.run({ verb: 'get', query })
      fromCache ||= answer.fromCache
      return answer.documents
    }
    const results = await aggregate(user === undefined ? asked : bindAggregation(asked, user), {
      source: {
        async *find(query) {
          yield await find(query)
        },
      },
      now: () => clock.now(),
      random: () => fractionFrom(random),
    })
    return { documents: [], total: results.length, fromCache, results }
  }

  async #indexes(collection: string): Promise<Answer> {
    const answer = await this.#stored.run({ verb: 'indexes', collection })
    const shape = this.#shapes.get(collection)
    if (!shape || !answer.indexes) return answer
    const indexes = answer.indexes.map(({ keys, ...index }) => ({
      ...index,
      keys: keys.map(([path, kind]) => [shape.newPlace(path), kind] as const),
    }))
    return { ...answer, indexes }
  }

  #older(commit: Exclude<Commit, { readonly collection: string }>): OlderCommit | Promise<OlderCommit> {
    if ('writes' in commit) {
      const writes = commit.writes.map(write => olderWrite(write, this.#shapes.get(write.collection)))
      return writes.includes(undefined)
        ? olderWrites(commit, this.#surroundings)
        : asked({ ...commit, writes: writes as Write[] })
    }
    const shape = this.#shapes.get(commit.target.collection)
    if (!shape) return asked(commit)
    const query = this.#meant(commit.target)
    const { query: target, isExact } = shape.reading(query)
    const change = commit.change === 'remove' ? commit.change : shape.changes(commit.change)
    return isExact && change ? asked({ ...commit, target, change }) : this.#olderOfEach(commit, query, shape)
  }

  async #olderOfEach(
    { first, change, wait }: Extract<Commit, { readonly target: Query }>,
    query: Query,
    shape: Shape,
  ): Promise<OlderCommit> {
    const { documents } = await this.#matching(first ? { ...query, limit: 1 } : query, shape)
    const found = first ? documents.slice(0, 1) : documents
    const { collection } = query
    const writes = found.map(
      ({ _id: id }): Write =>
        change === 'remove'
          ? { op: 'remove', collection, id }
          : { op: 'update', collection, id, changes: change },
    )
    return olderWrites({ writes, ...(wait && { wait }) }, this.#surroundings, found)
  }

  async #handOn(older: OlderCommit): Promise<Committed> {
    return withUnchanged(older.commit && (await this.#stored.commit(older.commit)), older)
  }

  get #surroundings(): Surroundings {
    return {
      stored: this.#stored,
      shapeOf: collection => this.#shapes.get(collection),
      now: () => this.#host.clock.now(),
    }
  }

  #upOf(shape: Shape): (stored: Document) => Document {
    return stored => shape.up(stored, this.#host.failed)
  }

  /** With `'{openid}'` read as who this device is. */
  #meant(query: Query): Query {
    const openid = this.#host.openid()
    return openid === undefined ? query : bindOpenid(query, openid)
  }
}

function asked(commit: Commit): OlderCommit {
  return { commit, unchanged: [] }
}
