import {
  CloudError,
  limits,
  mutationToJson,
  type RandomBytes,
  toCloudError,
  type Write,
} from '@nearcloud/protocol'
import {
  type Answer,
  type ClientExecutor,
  type Commit,
  type Committed,
  type Following,
  type FollowOptions,
  prepare,
  type Query,
  queryToJson,
  type Run,
  type TextHandle,
  type TextPlace,
  type WatchObserver,
} from '@nearcloud/query'
import type { CommitReceipt, Store } from '@nearcloud/store'
import { answerAggregation } from './aggregation.ts'
import { followedQuery, isWindowed } from './followed.ts'
import type { Held, Holdings } from './holdings.ts'
import type { InPieces } from './in-pieces.ts'
import { asFound, countOf, madeBy } from './made.ts'
import { isUnknowable, meantBy } from './meaning.ts'
import { isUnreachable, lastMutation, type Requests } from './requests.ts'
import type { ServerClock } from './server-clock.ts'
import type { Holder } from './subscription.ts'
import type { Texts } from './texts/texts.ts'
import type { Verdicts } from './verdicts.ts'

export interface LocalFirstOptions {
  readonly store: Store
  readonly subscriptions: Holdings
  readonly requests: Pick<Requests, 'ask'>
  readonly serverClock: Pick<ServerClock, 'now'>
  readonly random: RandomBytes
  readonly verdicts: Pick<Verdicts, 'of' | 'forget'>
  readonly texts: Pick<Texts, 'open' | 'rewritten'>
  readonly inPieces?: InPieces | undefined
  /** There is a server to ask, or about to be. */
  isReachable(): boolean
  follow(query: Query, options?: FollowOptions): Following
  /** A mutation is durable. */
  committed(receipt: CommitReceipt): void
}

/**
 * The local store first: reads a subscription covers are answered here; others are asked of the server while there is
 * one, and answered with what is here (`fromCache`) while there is none. Writes do not wait for a network, unless they
 * are asked to.
 */
export class LocalFirstExecutor implements ClientExecutor {
  readonly #options: LocalFirstOptions

  constructor(options: LocalFirstOptions) {
    this.#options = options
  }

  async run(run: Run): Promise<Answer> {
    const { store } = this.#options
    switch (run.verb) {
      case 'aggregate':
        return answerAggregation(this.#options, run.aggregation)
      case 'indexes':
        return { ...nothing, indexes: store.indexes(run.collection) }
    }
    const query = meantBy(store, run.query)
    await prepare(query)
    switch (run.verb) {
      case 'explain':
        return { ...nothing, explanation: await store.explain(query) }
      case 'count':
        return this.#count(query)
      case 'get':
        return this.#get(query)
    }
  }

  async commit(commit: Commit): Promise<Committed> {
    if ('writes' in commit) return this.#commit(commit.writes, commit)
    if ('collection' in commit) return this.#changeIndexes(commit)
    const { target, first, change } = commit
    await prepare(target)
    const { fields, ...whole } = meantBy(this.#options.store, target)
    const query: Query = first ? { ...whole, limit: 1 } : whole
    const covering = this.#options.subscriptions.covering(query)
    const { documents } = covering ? this.#local(query, covering) : await this.#get(query)
    if (documents.length === 0) return { ids: [], updated: 0, removed: 0, created: 0, pending: false }
    return this.#commit(
      documents.map(({ _id: id }): Write => {
        const { collection } = target
        return change === 'remove'
          ? { op: 'remove', collection, id }
          : { op: 'update', collection, id, changes: change }
      }),
      commit,
    )
  }

  /** See `Sync.retry`. */
  async retry(nonce: string, writes: readonly Write[], wait: 'server' | undefined): Promise<Committed> {
    checkSize(writes)
    const { store, serverClock } = this.#options
    return this.#settled(store.retryRejected(nonce, writes, { time: serverClock.now() }), wait)
  }

  watch(asked: Query, observer: WatchObserver): { close(): Promise<void> } {
    const { store, subscriptions, inPieces } = this.#options
    const patient = isUnknowable(store, asked)
    let isOpen = true
    let stop: () => void = () => undefined
    const fail = (error: Error) => {
      if (!isOpen) return
      close()
      observer.error(error)
    }
    const holder: Holder = {
      denied: fail,
      moved(to) {
        subscription = to
      },
    }
    let subscription = subscriptions.hold(meantBy(store, asked), holder)
    const close = () => {
      if (!isOpen) return
      isOpen = false
      stop()
      subscriptions.release(subscription, holder, { warm: subscription.isComplete })
    }
    const begin = () => {
      if (!isOpen) return
      const preparing = prepare(asked) ?? store.load(asked.collection, meantBy(store, asked))
      if (preparing) {
        preparing.then(begin, fail)
        return
      }
      try {
        const query = meantBy(store, asked)
        const mayHaveWindow = isWindowed(followedQuery(query))
        const within = mayHaveWindow ? () => subscription.window : undefined
        stop = store.watch(query, observer, within, inPieces?.pause)
      } catch (error) {
        fail(toCloudError(error))
      }
    }
    if (subscription.isComplete || !(patient || this.#options.isReachable())) begin()
    else subscription.arrival({ patient }).then(begin, fail)
    return {
      async close() {
        close()
      },
    }
  }

  follow(query: Query, options?: FollowOptions): Following {
    return this.#options.follow(query, options)
  }

  text(place: TextPlace): Promise<TextHandle> {
    return this.#options.texts.open(place)
  }

  async #get(query: Query): Promise<Answer> {
    const { store, subscriptions, inPieces } = this.#options
    const loading = store.load(query.collection, query)
    if (loading) await loading.then(inPieces?.pause)
    const covering = subscriptions.covering(query)
    if (covering) return this.#local(query, covering)
    if (!this.#options.isReachable()) return this.#cached(query)
    const holder = {}
    const subscription = subscriptions.hold(query, holder)
    let isReady = false
    try {
      isReady = (await subscription.arrival({ patient: false })) === 'ready'
      const meant = meantBy(store, query)
      return isReady ? this.#local(meant, subscription) : this.#cached(meant)
    } finally {
      subscriptions.release(subscription, holder, { warm: isReady })
    }
  }

  async #count(query: Query): Promise<Answer> {
    const { store, subscriptions, requests } = this.#options
    const { limit, skip, ...rest } = query
    const whole: Query = { ...rest, skip: 0 }
    const here = (fromCache: boolean): Answer => ({
      ...store.run({ verb: 'count', query: whole }),
      fromCache,
    })
    if (subscriptions.covering(whole)) return here(false)
    if (!this.#options.isReachable()) return here(true)
    try {
      const asked = { type: 'count', query: queryToJson(whole) } as const
      const total = await requests.ask(asked, lastMutation(store))
      return { documents: [], total: Number(total), fromCache: false }
    } catch (error) {
      if (isUnreachable(error)) return here(true)
      throw error
    }
  }

  /** Indexes made on a client are the local store's. */
  async #changeIndexes(commit: Extract<Commit, { collection: string }>): Promise<Committed> {
    const { store } = this.#options
    if ('createIndex' in commit) await store.createIndex(commit.collection, commit.createIndex)
    else store.dropIndex(commit.collection, commit.dropIndex)
    return { ids: [], updated: 0, removed: 0, created: 0, pending: false }
  }

  #local(query: Query, subscription: Held): Answer {
    const { documents, total } = this.#options.store.run({ verb: 'get', query }, subscription.window)
    return { documents, total, fromCache: false }
  }

  #cached(query: Query): Answer {
    return { ...this.#options.store.run({ verb: 'get', query }), fromCache: true }
  }

  async #commit(writes: readonly Write[], { wait }: { readonly wait?: 'server' }): Promise<Committed> {
    checkSize(writes)
    const { store, serverClock, texts } = this.#options
    const rewritten = texts.rewritten(writes)
    // an assignment that changes nothing of a text is still asked: the server judges it
    const asked = rewritten.writes.length > 0 ? rewritten.writes : writes
    let receipt: CommitReceipt
    try {
      receipt = store.commit(asked, { time: serverClock.now() })
    } catch (thrown) {
      rewritten.takeBack()
      throw thrown
    }
    return this.#settled(receipt, wait)
  }

  /** What is said of a mutation once it is durable, or once the server has accepted it. */
  async #settled(receipt: CommitReceipt, wait: 'server' | undefined): Promise<Committed> {
    const { verdicts, committed } = this.#options
    const coming = wait && verdicts.of(receipt.mutation)
    try {
      await receipt.durable
    } catch (error) {
      verdicts.forget(receipt.mutation)
      throw error
    }
    committed(receipt)
    const { id } = receipt.mutation
    const made = madeBy(receipt)
    const ids = made.map(each => each.write.id)
    if (!coming) return { ids, ...countOf(made), pending: true, mutationId: id }
    const { id: mutationId, superseded } = await coming
    const found = made.map(each => asFound(each, superseded, this.#options.store))
    return {
      ids,
      ...countOf(found),
      pending: false,
      mutationId,
      ...(superseded.length > 0 && { superseded }),
    }
  }
}

/** A mutation goes in one frame. Throws INVALID_PARAM when it cannot. */
function checkSize(writes: readonly Write[]): void {
  const tooMuch =
    writes.length > limits.batchWrites
      ? `${writes.length} writes in one batch (at most ${limits.batchWrites})`
      : JSON.stringify(mutationToJson({ id: 1, nonce: '', base: 0, time: 0, writes })).length > mostText
        ? `a batch of more than ${mostText} bytes`
        : undefined
  if (tooMuch !== undefined)
    throw new CloudError('INVALID_PARAM', { errMsg: `${tooMuch}: write fewer documents at once` })
}

const nothing: Answer = { documents: [], total: 0, fromCache: false }
/** Room for the frame around it. */
const mostText = limits.frameBytes - 1_024
