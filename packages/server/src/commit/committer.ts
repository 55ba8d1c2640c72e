import { type Clock, CloudError, type MutationId, type Version } from '@nearcloud/protocol'
import { type ClientRow, type Engine, emptyBatch, type OutcomeRow } from '../engine/engine.ts'
import { nextTurn } from '../engine/turn.ts'
import type { Log } from '../log-line.ts'
import type { Judge } from '../rules/judge.ts'
import type { Change } from './change.ts'
import { commit } from './commit.ts'
import type { CommitRequest, Decision } from './environment.ts'
import { Group } from './group.ts'

/** What became durable together. */
export interface Published {
  /** The version after it. */
  readonly head: Version
  readonly changes: readonly Change[]
  /** Clients whose mutations were decided, as they are now. */
  readonly clients: readonly ClientRow[]
}

/** A client as the server knows it at one place of the order of commits. */
export interface OpenedClient {
  readonly head: Version
  readonly row: ClientRow
  /** What was decided above `seen`. */
  readonly outcomes: readonly OutcomeRow[]
}

export interface CommitterOptions {
  readonly env: string
  readonly engine: Engine
  readonly clock: Clock
  readonly judge: Judge
  readonly log: Log
  /** Called after a group holds, before its commits resolve. Must not throw. */
  readonly publish: (published: Published) => void
}

type Job =
  | {
      readonly kind: 'commit'
      readonly request: CommitRequest
      readonly resolve: (decision: Decision) => void
      readonly reject: (error: unknown) => void
    }
  | { readonly kind: 'alone'; run(head: Version): Promise<void> }

/**
 * The one writer of an environment. Commits are decided in the order they came; what came while the last group was
 * being synced goes into the next one, and becomes durable with it.
 */
export class Committer {
  readonly #options: CommitterOptions
  readonly #queue: Job[] = []
  #running: Promise<void> | undefined
  #closed = false

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  commit(request: CommitRequest): Promise<Decision> {
    return new Promise((resolve, reject) => {
      this.#enqueue({ kind: 'commit', request, resolve, reject }, reject)
    })
  }

  /**
   * Introduces a client, made here if it is new, at this place of the order. Outcomes up to `seen` are forgotten, but for
   * the latest thousand: the client has them, and a store set back to an earlier day asks for them again. Throws
   * TOKEN_REFUSED when it belongs to another user.
   */
  openClient(client: string, openid: string, seen: MutationId): Promise<OpenedClient> {
    return new Promise((resolve, reject) => {
      const run = (head: Version) => this.#openClient(client, openid, seen, head).then(resolve, reject)
      this.#enqueue({ kind: 'alone', run }, reject)
    })
  }

  /** Resolves when everything asked before is decided; nothing is taken afterwards. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  #enqueue(job: Job, reject: (error: unknown) => void): void {
    if (this.#closed) {
      reject(new CloudError('CLOSED', { errMsg: 'the server is stopping' }))
    } else if (this.#queue.length >= maxQueue) {
      reject(
        new CloudError('EXCEED_REQUEST_LIMIT', {
          errMsg: 'the server has too many writes waiting: try later',
        }),
      )
    } else {
      this.#queue.push(job)
      this.#running ??= this.#run()
    }
  }

  async #run(): Promise<void> {
    await nextTurn() // what came with it in this turn joins it
    while (this.#queue.length > 0) {
      const first = this.#queue[0]!
      if (first.kind === 'alone') {
        this.#queue.shift()
        await first.run(await this.#options.engine.head(this.#options.env))
      } else await this.#commitGroup(this.#takeGroup())
      if (this.#queue.length > 0) await nextTurn()
    }
    this.#running = undefined // in the same step as the last look at the queue
  }

  #takeGroup(): Extract<Job, { kind: 'commit' }>[] {
    const group: Extract<Job, { kind: 'commit' }>[] = []
    let writes = 0
    while (group.length < maxGroup && writes < maxGroupWrites) {
      const next = this.#queue[0]
      if (next?.kind !== 'commit') break
      this.#queue.shift()
      group.push(next)
      writes +=
        'client' in next.request ? next.request.client.mutation.writes.length : next.request.writes.length
    }
    return group
  }

  async #commitGroup(jobs: Extract<Job, { kind: 'commit' }>[]): Promise<void> {
    const { env, engine, clock, judge, log, publish } = this.#options
    try {
      const group = new Group({ from: await engine.head(env), now: clock.now(), judge, log })
      await group.load(
        engine,
        env,
        jobs.map(job => job.request),
      )
      const answers = jobs.map(job => answerTo(group, job))
      if (group.batch) await engine.commit(env, group.batch)
      publish({ head: group.version, changes: group.changes, clients: group.clients })
      for (const answer of answers) answer()
    } catch (error) {
      log({
        level: 'error',
        event: 'commit.storage',
        message: `${jobs.length} writes could not be stored: ${error instanceof Error ? error.message : String(error)}`,
      })
      for (const job of jobs) job.reject(error)
    }
  }

  async #openClient(client: string, openid: string, seen: MutationId, head: Version): Promise<OpenedClient> {
    const { env, engine } = this.#options
    const known = await engine.client(env, client)
    if (known && known.openid !== openid)
      throw new CloudError('TOKEN_REFUSED', { errMsg: 'this local store belongs to another user' })
    const row = known ?? { client, openid, lastMutation: 0, lastTime: 0 }
    const outcomes = known ? await engine.outcomes(env, client, seen) : []
    const upTo = Math.min(seen, row.lastMutation - keptOutcomes)
    const forgotten = upTo > 0 ? [{ client, upTo }] : []
    await engine.commit(env, { ...emptyBatch(head), clients: known ? [] : [row], forgotten })
    return { head, row, outcomes }
  }
}

/** Decides one commit, and gives the way to tell its author once the group holds. */
function answerTo(group: Group, job: Extract<Job, { kind: 'commit' }>): () => void {
  try {
    const decision = commit(group, job.request)
    return () => job.resolve(decision)
  } catch (error) {
    return () => job.reject(error)
  }
}

const keptOutcomes = 1_000
const maxQueue = 20_000
const maxGroup = 1_000
const maxGroupWrites = 10_000
