import type { Clock, RandomBytes } from '@nearcloud/protocol'
import type { Executor } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Engine } from '../engine/engine.ts'
import { systemRandom } from '../host.ts'
import { type Log, silentLog } from '../log-line.ts'
import type { Judge } from '../rules/judge.ts'
import type { Change } from './change.ts'
import { Committer, type OpenedClient, type Published } from './committer.ts'
import type { CommitRequest, Decision, Environment } from './environment.ts'
import { createExecutor } from './executor.ts'

/** The environment of a running server. `close` decides what was asked, and leaves the engine open. */
export class LiveEnvironment implements Environment {
  readonly env: string
  readonly engine: Engine
  readonly clock: Clock
  readonly random: RandomBytes
  readonly judge: Judge
  readonly #log: Log
  readonly #committer: Committer
  readonly #listeners = new Set<(published: Published) => void>()

  constructor(options: {
    env: string
    engine: Engine
    clock: Clock
    judge: Judge
    log?: Log
    random?: RandomBytes
  }) {
    this.env = options.env
    this.engine = options.engine
    this.clock = options.clock
    this.random = options.random ?? systemRandom
    this.judge = options.judge
    this.#log = options.log ?? silentLog
    this.#committer = new Committer({
      ...options,
      log: this.#log,
      publish: published => this.#publish(published),
    })
  }

  executorFor(actor: Actor): Executor {
    return createExecutor(this, actor)
  }

  commit(request: CommitRequest): Promise<Decision> {
    return this.#committer.commit(request)
  }

  /** See `Committer.openClient`. */
  openClient(client: string, openid: string, seen: number): Promise<OpenedClient> {
    return this.#committer.openClient(client, openid, seen)
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

  close(): Promise<void> {
    return this.#committer.close()
  }

  #publish(published: Published): void {
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
