import { CloudError, type Millis, type MutationId, type Version } from '@nearcloud/protocol'
import { stampsText } from '@nearcloud/query'
import type { Batch, ClientRow, OutcomeRow, StoredChange } from '../engine/engine.ts'
import type { Indexes } from '../indexes/indexes.ts'
import type { Log } from '../log-line.ts'
import type { Judge } from '../rules/judge.ts'
import { GroupTexts } from '../texts/group-texts.ts'
import type { Texts } from '../texts/texts.ts'
import { type Change, changeOf } from './change.ts'
import type { CommitRequest, Decision } from './environment.ts'
import { GroupKeys } from './group-keys.ts'
import { GroupReads } from './group-reads.ts'
import type { KnownReads } from './known-reads.ts'
import type { Loaded } from './loaded.ts'
import { onceKey } from './once.ts'
import { Stage, type StagedChange } from './stage.ts'

export interface GroupOptions {
  readonly loaded: Loaded
  readonly indexes: Indexes
  /** What rules read of other documents. */
  readonly reads: KnownReads
  readonly texts: Texts
  /** When it was received. */
  readonly now: Millis
  readonly judge: Judge
  readonly log: Log
  /** The server's own, which may write what says which indexes there are. */
  readonly isOurs: boolean
}

/**
 * Commits that are decided one after the other and become durable together. It knows beforehand everything they touch,
 * so deciding them never waits.
 */
export class Group {
  readonly stage: Stage
  readonly keys: GroupKeys
  readonly reads: GroupReads
  readonly texts: GroupTexts
  readonly judge: Judge
  readonly log: Log
  readonly now: Millis
  readonly isOurs: boolean
  readonly #from: Version
  readonly #horizon: Version
  #version: Version
  readonly #loaded: Loaded
  /** Clients whose mutations were decided, as they are now. */
  readonly #clients = new Map<string, Writable<ClientRow>>()
  /** What was decided here, by client and mutation. */
  readonly #decided = new Map<string, Map<MutationId, OutcomeRow>>()
  readonly #once: Map<string, Decision>
  readonly #outcomes: OutcomeRow[] = []
  readonly #changes: Change[] = []
  readonly #stored: StoredChange[] = []
  readonly #state = new Map<string, string | null>()

  constructor({ loaded, indexes, reads, texts, now, judge, log, isOurs }: GroupOptions) {
    this.stage = new Stage(loaded.documents)
    this.keys = new GroupKeys(indexes, loaded)
    this.reads = new GroupReads(reads, this.#changes)
    this.texts = new GroupTexts(texts)
    this.#loaded = loaded
    this.#once = new Map(loaded.once)
    this.#from = loaded.head
    this.#horizon = loaded.horizon
    this.#version = loaded.head
    this.now = now
    this.judge = judge
    this.log = log
    this.isOurs = isOurs
  }

  /** The version that the last accepted commit has. */
  get version(): Version {
    return this.#version
  }

  /** History begins after this version. */
  get horizon(): Version {
    return this.#horizon
  }

  /** When a client's edit was made: not later than its receipt, not before its edits that came earlier. */
  timeOf(client: string, time: Millis): Millis {
    const last = this.#client(client)?.lastTime ?? 0
    // what is no moment says nothing of when it was
    return Number.isNaN(time) ? last : Math.max(last, Math.floor(Math.min(time, this.now)))
  }

  /**
   * The first answer to a mutation that was decided before. Throws PROTOCOL_ERROR for one that does not continue its
   * client's count, or that reuses the number of another one: its author has to look at a new welcome.
   */
  decidedBefore(request: CommitRequest): Decision | undefined {
    if (!('client' in request)) return request.once === undefined ? undefined : this.#once.get(request.once)
    const { id, mutation } = request.client
    const last = this.#client(id)?.lastMutation
    if (last === undefined) throw breach('this client has not introduced itself')
    if (mutation.id === last + 1) return undefined
    if (mutation.id > last + 1) throw breach(`mutation ${mutation.id} came after ${last}`)
    const earlier = (this.#decided.get(id) ?? this.#loaded.earlier.get(id))?.get(mutation.id)
    if (earlier?.nonce !== mutation.nonce)
      throw breach(`mutation ${mutation.id} was decided, and it was another one`)
    return { outcome: earlier.outcome, effects: [] }
  }

  /** Keeps the outcome of a client's mutation, accepted or not, and what was decided once under a name. */
  remember(request: CommitRequest, decision: Decision): void {
    const { outcome } = decision
    if (!('client' in request)) {
      if (request.once === undefined || outcome.status === 'rejected') return
      this.#once.set(request.once, decision)
      this.#state.set(onceKey(request.once), JSON.stringify(decision))
      return
    }
    const { id, mutation } = request.client
    let row = this.#clients.get(id)
    let decided = this.#decided.get(id)
    if (!row || !decided) {
      row = { ...this.#loaded.clients.get(id)! }
      decided = new Map(this.#loaded.earlier.get(id))
      this.#clients.set(id, row)
      this.#decided.set(id, decided)
    }
    row.lastTime = this.timeOf(id, mutation.time)
    row.lastMutation = mutation.id
    row.lastSeen = this.now
    const outcomeRow = { client: id, nonce: mutation.nonce, outcome }
    this.#outcomes.push(outcomeRow)
    decided.set(mutation.id, outcomeRow)
  }

  /** Writes down an accepted commit: its documents, and the state that goes with them. */
  record(request: CommitRequest, version: Version, changed: readonly StagedChange[]): void {
    this.#version = version
    if ('state' in request) for (const [key, value] of request.state ?? []) this.#state.set(key, value)
    changed.forEach(({ collection, id, before, after, dataType }, ordinal) => {
      const change = changeOf(
        {
          version,
          ordinal,
          collection,
          id,
          beforeText: before?.text ?? null,
          afterText: after?.text ?? null,
          dataType,
          actor: request.actor,
          client: 'client' in request ? request.client.id : null,
          time: this.now,
        },
        {
          before: before?.stored.doc ?? null,
          after: after?.stored.doc ?? null,
          beforeVersion: before?.version,
        },
      )
      const stamps = after ? stampsText(after.stored.stamps, after.stored.doc) : '{}'
      this.#stored.push({ record: change, stamps })
      this.#changes.push(change)
    })
  }

  get changes(): readonly Change[] {
    return this.#changes
  }

  /** Was nothing guessed so far? */
  get isKnown(): boolean {
    return this.keys.unknown.size + this.reads.unknown.size === 0
  }

  /** The clients whose mutations were decided, as they are now. */
  get clients(): readonly ClientRow[] {
    return [...this.#clients.values()]
  }

  /** What has to become durable; undefined when nothing has. */
  get batch(): Batch | undefined {
    const texts = this.texts.state
    if (this.#stored.length + this.#outcomes.length + this.#state.size + texts.length === 0) return undefined
    return {
      from: this.#from,
      to: this.#version,
      changes: this.#stored,
      keys: this.keys.changes,
      clients: this.clients,
      outcomes: this.#outcomes,
      forgotten: [],
      state: [...this.keys.state, ...this.#state, ...texts],
    }
  }

  #client(id: string): ClientRow | undefined {
    return this.#clients.get(id) ?? this.#loaded.clients.get(id)
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

function breach(words: string): CloudError {
  return new CloudError('PROTOCOL_ERROR', { errMsg: words })
}
