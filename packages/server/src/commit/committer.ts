import {
  type Clock,
  CloudError,
  type Millis,
  type MutationId,
  toCloudError,
  type Version,
  type Write,
} from '@nearcloud/protocol'
import { type Batch, type ClientRow, type Engine, emptyBatch, type OutcomeRow } from '../engine/engine.ts'
import { nextTurn } from '../engine/turn.ts'
import type { Indexes } from '../indexes/indexes.ts'
import type { Log } from '../log-line.ts'
import type { Meter } from '../metrics/meter.ts'
import type { Judge } from '../rules/judge.ts'
import type { TextChange } from '../texts/text-change.ts'
import type { Texts } from '../texts/texts.ts'
import { type TracedCommit, traceCommit } from '../tracing/traces.ts'
import type { Change } from './change.ts'
import { commit, writesOf } from './commit.ts'
import type { CommitRequest, Decision } from './environment.ts'
import { Group } from './group.ts'
import { KnownDocuments } from './known-documents.ts'
import type { KnownReads } from './known-reads.ts'
import { Loaded } from './loaded.ts'

/** What became durable together. */
export interface Published {
  /** The version after it. */
  readonly head: Version
  readonly changes: readonly Change[]
  /** Clients whose mutations were decided, as they are now. */
  readonly clients: readonly ClientRow[]
  readonly texts: readonly TextChange[]
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
  readonly indexes: Indexes
  readonly reads: KnownReads
  readonly texts: Texts
  readonly clock: Clock
  readonly judge: Judge
  readonly log: Log
  readonly meter: Meter
  /** Called after a group holds, before its commits resolve. Must not throw. */
  readonly publish: (published: Published) => void
}

/** What the one who has the order of commits for himself may do. */
export interface Alone {
  readonly head: Version
  /** Decided, stored and published at once; it may write what says which indexes there are. */
  commit(request: CommitRequest): Promise<Decision>
  /** Stores what is no change of a document. */
  store(part: Partial<Pick<Batch, 'keys' | 'clients' | 'forgotten' | 'state'>>): Promise<void>
}

interface CommitJob {
  readonly kind: 'commit'
  readonly request: CommitRequest
  readonly resolve: (decision: Decision) => void
  readonly reject: (error: unknown) => void
}

/** `run` never rejects. */
type Job = CommitJob | { readonly kind: 'alone'; run(): Promise<void> }

/**
 * The one writer of an environment. Commits are decided in the order they came; what came while the last group was
 * being synced goes into the next one, and becomes durable with it.
 */
export class Committer {
  readonly #options: CommitterOptions
  readonly #known = new KnownDocuments()
  readonly #queue: Job[] = []
  #running: Promise<void> | undefined
  #closed = false
  /** Commits in the next group, at most. */
  #mostInGroup = maxGroup

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /** Commits, and others, that wait for their turn. */
  get waiting(): number {
    return this.#queue.length
  }

  commit(request: CommitRequest): Promise<Decision> {
    return new Promise((resolve, reject) => {
      this.#checkRoom()
      this.#enqueue({ kind: 'commit', request, resolve, reject })
    })
  }

  /** As `commit` of each, in their order. Resolves when the last of them is decided; never rejects. */
  commitAll(requests: readonly CommitRequest[]): Promise<readonly PromiseSettledResult<Decision>[]> {
    return new Promise(resolve => {
      const settled: PromiseSettledResult<Decision>[] = []
      const settle = (n: number, result: PromiseSettledResult<Decision>) => {
        settled[n] = result
        if (--left === 0) resolve(settled)
      }
      let left = requests.length
      if (left === 0) resolve(settled)
      for (const [n, request] of requests.entries()) {
        const reject = (reason: unknown) => settle(n, { status: 'rejected', reason })
        try {
          this.#checkRoom()
          const accept = (value: Decision) => settle(n, { status: 'fulfilled', value })
          this.#enqueue({ kind: 'commit', request, resolve: accept, reject })
        } catch (thrown) {
          reject(thrown)
        }
      }
    })
  }

  /**
   * Introduces a client, made here if it is new, at this place of the order. Outcomes up to `seen` are forgotten, but for
   * the latest thousand: the client has them, and a store set back to an earlier day asks for them again. Throws
   * TOKEN_REFUSED when it belongs to another user.
   */
  async openClient(client: string, openid: string, seen: MutationId): Promise<OpenedClient> {
    this.#checkRoom()
    return this.alone(alone => this.#openClient(client, openid, seen, alone))
  }

  /** Nothing is decided while `work` is done: what was asked before it is stored, what comes later waits. */
  alone<T>(work: (alone: Alone) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = () => this.#whileAlone(work).then(resolve, reject)
      this.#enqueue({ kind: 'alone', run })
    })
  }

  /** Resolves when everything asked before is decided; nothing is taken afterwards. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  #checkRoom(): void {
    if (this.#queue.length < maxQueue) return
    throw new CloudError('EXCEED_REQUEST_LIMIT', {
      errMsg: 'the server has too many writes waiting: try later',
    })
  }

  #enqueue(job: Job): void {
    if (this.#closed) throw new CloudError('CLOSED', { errMsg: 'the server is stopping' })
    this.#queue.push(job)
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    await nextTurn() // what came with it in this turn joins it
    while (this.#queue.length > 0) {
      const first = this.#queue[0]!
      if (first.kind === 'alone') {
        this.#queue.shift()
        await first.run()
      } else await this.#commitGroup(this.#takeGroup(), false)
      if (this.#queue.length > 0) await nextTurn()
    }
    this.#running = undefined // in the same step as the last look at the queue
  }

  #takeGroup(): CommitJob[] {
    let size = 0
    let writes = 0
    while (size < this.#mostInGroup) {
      const next = this.#queue[size]
      if (next?.kind !== 'commit') break
      writes += writesOf(next.request).length
      if (size > 0 && writes > maxGroupWrites) break
      size++
    }
    return this.#queue.splice(0, size) as CommitJob[]
  }

  /** Jobs that could not be decided with the others go back to the head of the queue. */
  async #commitGroup(asked: CommitJob[], isOurs: boolean): Promise<void> {
    const { env, engine, indexes, reads, texts, clock, log, judge, meter, publish } = this.#options
    const began = meter.moment()
    let jobs = asked
    let group: Group | undefined
    try {
      await indexes.open()
      await texts.open()
      const requests = jobs.map(job => job.request)
      const [loaded, now] = [await Loaded.read(engine, env, requests, this.#known), clock.now()]
      for (let round = 1; ; round++) {
        await this.#loadTexts(jobs)
        group = new Group({ loaded, indexes, reads, texts, now, judge, log, isOurs })
        const { answers, known } = decideAll(group, jobs)
        if (known === jobs.length || !(await this.#learn(loaded, group))) {
          const { batch } = group
          if (batch) await engine.commit(env, batch)
          for (const answer of answers) traceCommit(engine, env, answer, now)
          this.#known.note(group.stage.decided)
          group.texts.keep()
          const { version, changes, clients } = group
          publish({ head: version, changes, clients, texts: group.texts.changes })
          meter.stored({ commits: jobs.length, changes: changes.length, tookMs: meter.moment() - began })
          for (const answer of answers) {
            meter.decided(answer.code)
            answer.tell()
          }
          break
        }
        group.texts.forget() // it is decided anew
        if (round < maxRounds) continue
        if (round > mostRounds)
          throw new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: 'the rules read too much: try later' })
        // each answer may raise another question, so they go on with those of which all is known
        const most = Math.max(known, 1)
        this.#queue.unshift(...jobs.slice(most))
        jobs = jobs.slice(0, most)
      }
      this.#mostInGroup = jobs.length < asked.length ? jobs.length : Math.min(this.#mostInGroup * 2, maxGroup)
    } catch (error) {
      this.#known.clear()
      group?.texts.forget()
      this.#failed(error, jobs.length)
      for (const job of jobs) {
        meter.decided(toCloudError(error).code)
        job.reject(error)
      }
    }
  }

  /** Has the texts of every document that is written, where there can be some. */
  async #loadTexts(jobs: readonly CommitJob[]): Promise<void> {
    const { texts } = this.#options
    for (const { collection, id } of writesWithTexts(jobs, texts)) await texts.load(collection, id)
  }

  #failed(error: unknown, writes: number): void {
    this.#options.log({
      level: 'error',
      event: 'commit.storage',
      message: `${writes} writes could not be stored: ${error instanceof Error ? error.message : String(error)}`,
    })
  }

  /** Finds out what a group had to guess. Tells whether it may have guessed wrong. */
  async #learn(loaded: Loaded, { keys, reads }: Group): Promise<boolean> {
    for (const read of reads.unknown.values()) await this.#options.reads.load(read)
    return (await loaded.readHolders(keys.unknown)) || reads.unknown.size > 0
  }

  async #whileAlone<T>(work: (alone: Alone) => Promise<T>): Promise<T> {
    const { env, engine, indexes } = this.#options
    await indexes.open()
    const head = await engine.head(env)
    return work({
      head,
      commit: request =>
        new Promise((resolve, reject) => {
          void this.#commitGroup([{ kind: 'commit', request, resolve, reject }], true)
        }),
      store: async part => engine.commit(env, { ...emptyBatch(await engine.head(env)), ...part }),
    })
  }

  async #openClient(client: string, openid: string, seen: MutationId, alone: Alone): Promise<OpenedClient> {
    const { env, engine } = this.#options
    const known = await engine.client(env, client)
    if (known && known.openid !== openid)
      throw new CloudError('TOKEN_REFUSED', { errMsg: 'this local store belongs to another user' })
    const lastSeen = this.#options.clock.now()
    const row = { ...(known ?? { client, openid, lastMutation: 0, lastTime: 0, forgotten: 0 }), lastSeen }
    const outcomes = known ? await engine.outcomes(env, client, seen) : []
    const upTo = Math.min(seen, row.lastMutation - keptOutcomes)
    const forgotten = upTo > 0 ? [{ client, upTo }] : []
    // whoever is known may come in and read while nothing can be stored
    if (!known) await alone.store({ clients: [row] })
    else if (forgotten.length > 0 || known.lastSeen < lastSeen - seenEveryMs)
      await alone.store({ clients: [row], forgotten }).catch(thrown => this.#failed(thrown, 0))
    return { head: alone.head, row, outcomes }
  }
}

/** What is written where there can be texts: nearly always nothing. */
function writesWithTexts(jobs: readonly CommitJob[], texts: Texts): readonly Write[] {
  const found: Write[] = []
  for (const { request } of jobs)
    for (const write of writesOf(request)) if (texts.isIn(write.collection)) found.push(write)
  return found
}

/** Decides them one after the other; the first `known` of them without guessing. */
function decideAll(
  group: Group,
  jobs: readonly CommitJob[],
): { readonly answers: readonly Told[]; readonly known: number } {
  let known = 0
  const answers = jobs.map((job, n) => {
    const answer = answerTo(group, job)
    if (group.isKnown) known = n + 1
    return answer
  })
  return { answers, known }
}

/** A decision, and the way to tell its author once the group holds. */
interface Told extends TracedCommit {
  tell(): void
}

function answerTo(group: Group, { request, resolve, reject }: CommitJob): Told {
  const { version: before } = group
  try {
    const decision = commit(group, request)
    const { outcome } = decision
    const code = outcome.status === 'accepted' ? 'OK' : outcome.code
    const version = group.version > before ? group.version : undefined
    return { request, code, version, tell: () => resolve(decision) }
  } catch (error) {
    return { request, code: toCloudError(error).code, version: undefined, tell: () => reject(error) }
  }
}

/** When a client was seen last is written down so often. */
const seenEveryMs: Millis = 86_400_000
const keptOutcomes = 1_000
const maxQueue = 20_000
const maxGroup = 1_000
/** While they are decided nobody else is served: 20 µs each. One commit may have more. */
const maxGroupWrites = 1_000
/** A group is decided so many times before it is made smaller. */
const maxRounds = 3
/** One commit alone needs a few; more, and what was loaded for it is forgotten faster. */
const mostRounds = 50
