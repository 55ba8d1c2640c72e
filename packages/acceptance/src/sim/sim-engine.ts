import type { DocId, MutationId, Outcome, Version } from '@nearcloud/protocol'
import type {
  Batch,
  Change,
  ClientRow,
  Engine,
  OutcomeRow,
  ScanPlan,
  StoredRow,
} from '@nearcloud/server/testing'
import { MemoryEngine } from '@nearcloud/server/testing'
import type { Lane } from './schedule.ts'

/** A mutation as the engine was told it was decided. */
export interface Decided {
  readonly client: string
  readonly nonce: string
  readonly outcome: Outcome
}

/** The server's disk: outlives its processes, and remembers everything that was ever committed. */
export class SimDisk {
  readonly memory = new MemoryEngine()
  readonly decided: Decided[] = []
  readonly byNonce = new Map<string, Decided[]>()
  /** Canonical text by `collection/id@version`; null: removed. */
  readonly committed = new Map<string, string | null>()
  /** Versions at which a document changed, by `collection/id`. */
  readonly versions = new Map<string, Version[]>()
  /** Which client changed a document, by `collection/id@version`. */
  readonly authors = new Map<string, string | null>()
  readonly changes: Batch['changes'][number]['record'][] = []

  /** Called with every batch when it is stored. */
  onCommit: (batch: Batch) => void = () => undefined

  note(batch: Batch): void {
    this.onCommit(batch)
    for (const { client, nonce, outcome } of batch.outcomes) {
      const decided = { client, nonce, outcome }
      this.decided.push(decided)
      this.byNonce.set(nonce, [...(this.byNonce.get(nonce) ?? []), decided])
    }
    for (const { record } of batch.changes) {
      const key = documentKey(record.collection, record.id)
      this.committed.set(`${key}@${record.version}`, record.afterText)
      this.authors.set(`${key}@${record.version}`, record.client)
      this.versions.set(key, [...(this.versions.get(key) ?? []), record.version])
      this.changes.push(record)
    }
  }

  /** The document as it was at a version; null when it did not exist. */
  textAt(key: string, version: Version): string | null {
    let last: Version | undefined
    for (const each of this.versions.get(key) ?? []) if (each <= version) last = each
    return last === undefined ? null : (this.committed.get(`${key}@${last}`) ?? null)
  }
}

export function documentKey(collection: string, id: DocId): string {
  return `${collection}/${typeof id === 'number' ? '#' : '$'}${id}`
}

/** The engine of one server process: each access takes its time, and may be the last. */
export class SimEngine implements Engine {
  readonly #disk: SimDisk
  readonly #lane: Lane
  /** Makes the next commit fail. */
  failsNext = false

  constructor(disk: SimDisk, lane: Lane) {
    this.#disk = disk
    this.#lane = lane
  }

  get epoch(): string {
    return this.#disk.memory.epoch
  }

  head(env: string): Promise<Version> {
    return this.#disk.memory.head(env)
  }

  horizon(env: string): Promise<Version> {
    return this.#disk.memory.horizon(env)
  }

  async get(env: string, collection: string, ids: readonly DocId[]): Promise<readonly (StoredRow | null)[]> {
    await this.#access('get')
    return this.#disk.memory.get(env, collection, ids)
  }

  async *scan(env: string, plan: ScanPlan): AsyncIterable<readonly StoredRow[]> {
    await this.#access('scan')
    for await (const page of this.#disk.memory.scan(env, { ...plan, pageSize: 3 })) {
      yield page
      await this.#access('scan on')
    }
  }

  collections(env: string): Promise<readonly string[]> {
    return this.#disk.memory.collections(env)
  }

  size(env: string, collection: string): Promise<number> {
    return this.#disk.memory.size(env, collection)
  }

  async log(env: string, after: Version, limit: number): Promise<readonly Change[] | undefined> {
    await this.#access('log')
    return this.#disk.memory.log(env, after, Math.min(limit, 4))
  }

  async commit(env: string, batch: Batch): Promise<void> {
    await this.#access('commit')
    if (this.failsNext) {
      this.failsNext = false
      throw new Error('the disk refused (injected)')
    }
    await this.#disk.memory.commit(env, batch)
    this.#disk.note(batch)
    await this.#access('committed')
  }

  dropRows(env: string, index: number, limit: number): Promise<boolean> {
    return this.#disk.memory.dropRows(env, index, limit)
  }

  client(env: string, client: string): Promise<ClientRow | undefined> {
    return this.#disk.memory.client(env, client)
  }

  async outcomes(env: string, client: string, after: MutationId): Promise<readonly OutcomeRow[]> {
    await this.#access('outcomes')
    return this.#disk.memory.outcomes(env, client, after)
  }

  readState(env: string, key: string): Promise<string | undefined> {
    return this.#disk.memory.readState(env, key)
  }

  writeState(env: string, key: string, value: string | null): Promise<void> {
    return this.#disk.memory.writeState(env, key, value)
  }

  listState(env: string, prefix: string): Promise<readonly (readonly [key: string, value: string])[]> {
    return this.#disk.memory.listState(env, prefix)
  }

  prune(env: string, horizon: { before: number; keep: number }): Promise<void> {
    return this.#disk.memory.prune(env, horizon)
  }

  async close(): Promise<void> {}

  #access(label: string): Promise<void> {
    return new Promise(resolve => this.#lane.push(label, resolve))
  }
}
