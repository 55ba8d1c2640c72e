import {
  CloudError,
  type DocId,
  type Millis,
  type MutationId,
  type Outcome,
  type Version,
} from '@nearcloud/protocol'
import type { Batch, ClientRow, Engine, OutcomeRow, StoredChange } from '../engine/engine.ts'
import type { Log } from '../log-line.ts'
import type { Judge } from '../rules/judge.ts'
import { type Change, changeOf, type DataType } from './change.ts'
import type { CommitRequest } from './environment.ts'
import { Stage, type Staged } from './stage.ts'

/**
 * Commits that are decided one after the other and become durable together. It knows beforehand everything they touch,
 * so deciding them never waits.
 */
export class Group {
  readonly stage = new Stage()
  readonly judge: Judge
  readonly log: Log
  /** When it was received. */
  readonly now: Millis
  readonly #from: Version
  #version: Version
  readonly #clients = new Map<string, ClientRow>()
  readonly #touchedClients = new Set<string>()
  readonly #earlier = new Map<string, OutcomeRow>()
  readonly #outcomes: OutcomeRow[] = []
  readonly #changes: Change[] = []
  readonly #stored: StoredChange[] = []
  readonly #state = new Map<string, string | null>()

  constructor(options: { from: Version; now: Millis; judge: Judge; log: Log }) {
    this.#from = options.from
    this.#version = options.from
    this.now = options.now
    this.judge = options.judge
    this.log = options.log
  }

  /** Reads what these requests touch. */
  async load(engine: Engine, env: string, requests: readonly CommitRequest[]): Promise<void> {
    const wanted = new Map<string, Set<DocId>>()
    for (const request of requests) {
      const writes = 'client' in request ? request.client.mutation.writes : request.writes
      for (const { collection, id } of writes) {
        const ids = wanted.get(collection)
        if (ids) ids.add(id)
        else wanted.set(collection, new Set([id]))
      }
      if ('client' in request)
        await this.#loadClient(engine, env, request.client.id, request.client.mutation.id)
    }
    for (const [collection, ids] of wanted) {
      const list = [...ids]
      const rows = await engine.get(env, collection, list)
      list.forEach((id, n) => {
        this.stage.load(collection, id, rows[n] ?? null)
      })
    }
  }

  async #loadClient(engine: Engine, env: string, client: string, mutation: MutationId): Promise<void> {
    if (!this.#clients.has(client)) {
      const row = await engine.client(env, client)
      if (row) this.#clients.set(client, row)
    }
    if (mutation > (this.#clients.get(client)?.lastMutation ?? 0)) return
    if (this.#earlier.has(`${client}/${mutation}`)) return
    for (const row of await engine.outcomes(env, client, mutation - 1))
      this.#earlier.set(`${client}/${row.outcome.id}`, row)
  }

  /** The version that the last accepted commit has. */
  get version(): Version {
    return this.#version
  }

  lastTimeOf(client: string): Millis {
    return this.#clients.get(client)?.lastTime ?? 0
  }

  /**
   * The first answer to a mutation that was decided before. Throws PROTOCOL_ERROR for one that does not continue its
   * client's count, or that reuses the number of another one: its author has to look at a new welcome.
   */
  decidedBefore(request: CommitRequest): Outcome | undefined {
    if (!('client' in request)) return undefined
    const { id, mutation } = request.client
    const last = this.#clients.get(id)?.lastMutation
    if (last === undefined) throw breach('this client has not introduced itself')
    if (mutation.id === last + 1) return undefined
    if (mutation.id > last + 1) throw breach(`mutation ${mutation.id} came after ${last}`)
    const earlier = this.#earlier.get(`${id}/${mutation.id}`)
    if (earlier?.nonce !== mutation.nonce)
      throw breach(`mutation ${mutation.id} was decided, and it was another one`)
    return earlier.outcome
  }

  /** Keeps the outcome of a client's mutation, accepted or not. */
  remember(request: CommitRequest, outcome: Outcome): void {
    if (!('client' in request)) return
    const { id, mutation } = request.client
    const row = this.#clients.get(id)!
    const lastTime = Math.max(row.lastTime, Math.min(mutation.time, this.now))
    this.#clients.set(id, { ...row, lastMutation: mutation.id, lastTime })
    this.#touchedClients.add(id)
    const decided = { client: id, nonce: mutation.nonce, outcome }
    this.#outcomes.push(decided)
    this.#earlier.set(`${id}/${mutation.id}`, decided)
  }

  /** Writes down an accepted commit: its documents, and the state that goes with them. */
  record(
    request: CommitRequest,
    version: Version,
    changed: readonly {
      collection: string
      id: DocId
      before: Staged | null
      after: Staged | null
      dataType: DataType
    }[],
  ): void {
    this.#version = version
    if ('state' in request) for (const [key, value] of request.state ?? []) this.#state.set(key, value)
    changed.forEach(({ collection, id, before, after, dataType }, ordinal) => {
      const record = {
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
      }
      this.#stored.push({ record, stamps: after ? JSON.stringify(after.stored.stamps) : '{}' })
      this.#changes.push(
        changeOf(record, { before: before?.stored.doc ?? null, after: after?.stored.doc ?? null }),
      )
    })
  }

  get changes(): readonly Change[] {
    return this.#changes
  }

  /** The clients whose mutations were decided, as they are now. */
  get clients(): readonly ClientRow[] {
    return [...this.#touchedClients].map(client => this.#clients.get(client)!)
  }

  /** What has to become durable; undefined when nothing has. */
  get batch(): Batch | undefined {
    if (this.#stored.length + this.#outcomes.length + this.#state.size === 0) return undefined
    return {
      from: this.#from,
      to: this.#version,
      changes: this.#stored,
      keys: [],
      clients: this.clients,
      outcomes: this.#outcomes,
      forgotten: [],
      state: [...this.#state],
    }
  }
}

function breach(words: string): CloudError {
  return new CloudError('PROTOCOL_ERROR', { errMsg: words })
}
