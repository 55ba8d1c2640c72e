import type { Clock, RandomBytes, Version } from '@nearcloud/protocol'
import type { Executor, IndexDefinition } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Engine } from '../engine/engine.ts'
import { systemRandom } from '../host.ts'
import { IndexChanges } from '../indexes/change-indexes.ts'
import { Indexes } from '../indexes/indexes.ts'
import { type Log, silentLog } from '../log-line.ts'
import { type Meter, silentMeter } from '../metrics/meter.ts'
import type { Judge } from '../rules/judge.ts'
import type { TextChange, TextPlaceOf } from '../texts/text-change.ts'
import { Texts } from '../texts/texts.ts'
import { Transactions } from '../transactions/transactions.ts'
import type { Change } from './change.ts'
import { type Alone, Committer, type OpenedClient, type Published } from './committer.ts'
import type { EffectNames } from './effect-names.ts'
import type { CommitRequest, Decision, Environment, OpenText } from './environment.ts'
import { createExecutor } from './executor.ts'
import { KnownReads } from './known-reads.ts'

/** The environment of a running server. `close` decides what was asked, and leaves the engine open. */
export class LiveEnvironment implements Environment {
  readonly env: string
  readonly engine: Engine
  readonly clock: Clock
  readonly random: RandomBytes
  readonly judge: Judge
  readonly indexes: Indexes
  readonly reads: KnownReads
  readonly texts: Texts
  readonly transactions: Transactions
  readonly meter: Meter
  readonly #log: Log
  readonly #committer: Committer
  readonly #indexChanges: IndexChanges
  readonly #listeners = new Set<(published: Published) => void>()
  /** Openings of other histories that somebody had met. */
  readonly #toldOf = new Set<string>()

  constructor(options: {
    env: string
    engine: Engine
    clock: Clock
    judge: Judge
    log?: Log
    random?: RandomBytes
    meter?: Meter
  }) {
    this.env = options.env
    this.engine = options.engine
    this.clock = options.clock
    this.random = options.random ?? systemRandom
    this.judge = options.judge
    this.#log = options.log ?? silentLog
    this.meter = options.meter ?? silentMeter
    this.indexes = new Indexes(this.env, this.engine)
    this.reads = new KnownReads(this)
    this.texts = new Texts(this.env, this.engine, this.clock)
    this.#committer = new Committer({
      ...options,
      indexes: this.indexes,
      reads: this.reads,
      texts: this.texts,
      log: this.#log,
      meter: this.meter,
      publish: published => this.#publish(published),
    })
    this.transactions = new Transactions(this)
    this.#indexChanges = new IndexChanges({
      env: this.env,
      engine: this.engine,
      indexes: this.indexes,
      committer: this.#committer,
      log: this.#log,
    })
  }

  /** Commits, and others, that wait for their turn. */
  get waiting(): number {
    return this.#committer.waiting
  }

  executorFor(actor: Actor, effects?: EffectNames): Executor {
    return createExecutor(this, actor, effects)
  }

  commit(request: CommitRequest): Promise<Decision> {
    return this.#committer.commit(request)
  }

  /** See `Committer.commitAll`. */
  commitAll(requests: readonly CommitRequest[]): Promise<readonly PromiseSettledResult<Decision>[]> {
    return this.#committer.commitAll(requests)
  }

  /** See `Committer.openClient`. */
  openClient(client: string, openid: string, seen: number): Promise<OpenedClient> {
    return this.#committer.openClient(client, openid, seen)
  }

  /** See `Committer.alone`. */
  alone<T>(work: (alone: Alone) => Promise<T>): Promise<T> {
    return this.#committer.alone(work)
  }

  still<T>(look: () => Promise<T>): Promise<T> {
    return this.#committer.alone(look)
  }

  /** A client has heard of a later state than there is: the data folder was set back. Logged once for each opening it met. */
  tellSetBack(
    { epoch = '', version }: { readonly epoch?: string | undefined; readonly version: Version },
    common: Version,
  ): void {
    if (this.#toldOf.has(epoch) || this.#toldOf.size >= mostTold) return
    this.#toldOf.add(epoch)
    this.#log({
      level: 'warn',
      event: 'history.setBack',
      message: `a client has seen version ${version} of a history that this one shares up to ${common}: the data folder is of an earlier day, or another server's; what the client has is compared, and what it has not sent is kept`,
      facts: { version, common },
    })
  }

  onCommit(listener: (changes: readonly Change[]) => void): () => void {
    return this.onPublish(({ changes }) => {
      if (changes.length > 0) listener(changes)
    })
  }

  /** As `onCommit`, also for groups that changed no document but decided mutations. */
  onPublish(listener: (published: Published) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  onTexts(listener: (changes: readonly TextChange[]) => void): () => void {
    return this.onPublish(({ texts }) => {
      if (texts.length > 0) listener(texts)
    })
  }

  withText<T>(
    { collection, id, path }: TextPlaceOf,
    work: (text: OpenText | undefined) => T | Promise<T>,
  ): Promise<T> {
    return this.#committer.alone(async () => {
      await this.texts.open()
      await this.texts.load(collection, id)
      return work(this.texts.of(collection, id).get(path))
    })
  }

  createIndex(collection: string, definition: IndexDefinition): Promise<void> {
    return this.#indexChanges.create(collection, definition)
  }

  dropIndex(collection: string, name: string): Promise<void> {
    return this.#indexChanges.drop(collection, name)
  }

  /** Goes on building and dropping the indexes that a process before this one began to. */
  resumeIndexes(): Promise<void> {
    return this.#indexChanges.resume()
  }

  async close(): Promise<void> {
    this.transactions.close()
    await this.#committer.close()
    await this.#indexChanges.close()
  }

  #publish(published: Published): void {
    this.reads.note(published.changes)
    for (const listener of this.#listeners)
      try {
        listener(published)
      } catch (thrown) {
        this.#log({
          level: 'error',
          event: 'commit.listener',
          message: `a listener of commits threw: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
          facts: { stack: thrown instanceof Error ? thrown.stack : undefined },
        })
      }
  }
}

const mostTold = 1_000
