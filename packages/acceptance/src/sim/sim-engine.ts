import type { DocId, MutationId, Version } from '@nearcloud/protocol'
import type {
  Batch,
  Change,
  ClientRow,
  Engine,
  Horizon,
  Opening,
  OutcomeRow,
  ScanPlan,
  StoredRow,
  VersionPage,
} from '@nearcloud/server/testing'
import type { Dice } from '../scenario/dice.ts'
import type { Lane } from './schedule.ts'
import type { SimDisk } from './sim-disk.ts'

/**
 * The engine of one server process: each access takes its time, and may be the last. What is read overtakes what is written, and
 * other reads.
 */
export class SimEngine implements Engine {
  readonly #disk: SimDisk
  readonly #lane: Lane
  readonly #reading: readonly Lane[]
  readonly #dice: Dice
  /** Makes the next commit fail. */
  failsNext = false
  /** Makes the next read fail. */
  failsReading = false
  /** Where the commit under way is. */
  committing: 'no' | 'not durable' | 'durable' = 'no'

  constructor(disk: SimDisk, { lane, reading, dice }: { lane: Lane; reading: readonly Lane[]; dice: Dice }) {
    this.#disk = disk
    this.#lane = lane
    this.#reading = reading
    this.#dice = dice
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

  lineage(env: string): Promise<readonly Opening[]> {
    return this.#disk.memory.lineage(env)
  }

  bytes(env: string): Promise<{ documents: number; history: number }> {
    return this.#disk.memory.bytes(env)
  }

  async versions(
    env: string,
    collection: string,
    after: DocId | undefined,
    limit: number,
  ): Promise<VersionPage> {
    await this.#read('versions')
    return this.#disk.memory.versions(env, collection, after, Math.min(limit, 3))
  }

  async get(env: string, collection: string, ids: readonly DocId[]): Promise<readonly (StoredRow | null)[]> {
    // the answer may be of any moment between the question and itself
    const early = this.#dice.below(2) === 0 ? await this.#disk.memory.get(env, collection, ids) : undefined
    await this.#read('get')
    return early ?? this.#disk.memory.get(env, collection, ids)
  }

  async *scan(env: string, plan: ScanPlan): AsyncIterable<readonly StoredRow[]> {
    await this.#read('scan')
    for await (const page of this.#disk.memory.scan(env, { ...plan, pageSize: 3 })) {
      yield page
      await access(this.#dice.pick(this.#reading), 'scan on')
    }
  }

  collections(env: string): Promise<readonly string[]> {
    return this.#disk.memory.collections(env)
  }

  size(env: string, collection: string): Promise<number> {
    return this.#disk.memory.size(env, collection)
  }

  async log(env: string, after: Version, limit: number): Promise<readonly Change[] | undefined> {
    await this.#read('log')
    return this.#disk.memory.log(env, after, Math.min(limit, 4))
  }

  async commit(env: string, batch: Batch): Promise<void> {
    this.committing = 'not durable'
    this.#disk.onDecided()
    try {
      await access(this.#lane, 'commit')
      if (this.failsNext) {
        this.failsNext = false
        this.#disk.count('server disk refuses a commit')
        throw new Error('the disk refused (injected)')
      }
      await this.#disk.memory.commit(env, batch)
      this.#disk.note(batch)
      this.committing = 'durable'
      await access(this.#lane, 'committed')
    } finally {
      this.committing = 'no'
    }
  }

  dropRows(env: string, index: number, limit: number): Promise<boolean> {
    return this.#disk.memory.dropRows(env, index, limit)
  }

  client(env: string, client: string): Promise<ClientRow | undefined> {
    return this.#disk.memory.client(env, client)
  }

  async outcomes(env: string, client: string, after: MutationId): Promise<readonly OutcomeRow[]> {
    await this.#read('outcomes')
    return this.#disk.memory.outcomes(env, client, after)
  }

  readState(env: string, key: string): Promise<string | undefined> {
    return this.#disk.memory.readState(env, key)
  }

  async writeState(env: string, key: string, value: string | null): Promise<void> {
    const isOfCall = key.startsWith('call-')
    if (isOfCall) await access(this.#lane, 'write state')
    await this.#disk.writeState(env, key, value)
    if (isOfCall) await access(this.#lane, 'state written')
  }

  listState(env: string, prefix: string): Promise<readonly (readonly [key: string, value: string])[]> {
    return this.#disk.memory.listState(env, prefix)
  }

  prune(env: string, horizon: Horizon, limit: number): Promise<boolean> {
    return this.#disk.memory.prune(env, horizon, limit)
  }

  forgetClients(env: string, before: number, after: string, limit: number): Promise<string | undefined> {
    return this.#disk.memory.forgetClients(env, before, after, limit)
  }

  tidy(): Promise<boolean> {
    return this.#disk.memory.tidy()
  }

  async close(): Promise<void> {}

  async #read(label: string): Promise<void> {
    await access(this.#dice.pick(this.#reading), label)
    if (!this.failsReading) return
    this.failsReading = false
    this.#disk.count('server disk refuses a read')
    throw new Error('the disk could not be read (injected)')
  }
}

function access(lane: Lane, label: string): Promise<void> {
  return new Promise(resolve => lane.push(label, resolve))
}
