import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudError, type Document, type DocumentData, type Write } from '@nearcloud/protocol'
import type { Aggregation, IndexDefinition, Query } from '@nearcloud/query'
import { aggregate } from '@nearcloud/query/aggregate'
import {
  type Actor,
  admin,
  type Engine,
  LiveEnvironment,
  ManualClock,
  MemoryEngine,
  OpenJudge,
  SqliteEngine,
} from '@nearcloud/server/testing'
import { openStore, type Store } from '@nearcloud/store'
import { MemoryStorage, seededRandom } from '@nearcloud/store/testing'

/** Server time of all houses; it stands still. */
export const now = 1_800_000_000_000

/** Somewhere documents live and questions about them are answered. */
export interface House {
  readonly name: string
  put(documents: Iterable<readonly [collection: string, document: Document]>): Promise<void>
  get(query: Query): Promise<readonly Document[]>
  count(query: Query): Promise<number>
  aggregate(aggregation: Aggregation): Promise<readonly DocumentData[]>
  /** Each write alone, in order; the codes of those refused. */
  write(writes: readonly Write[]): Promise<readonly (string | undefined)[]>
  close(): Promise<void>
}

/** Opens the local store, the server over SQLite, and the server over its engine in memory, and closes them behind `use`. */
export async function inHouses(
  use: (houses: readonly [LocalHouse, ServerHouse, ServerHouse]) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-differential-'))
  const sqlite = new SqliteEngine({ file: join(folder, 'data.sqlite'), random: seededRandom(2) })
  const houses = [
    new LocalHouse(await openStore({ storage: new MemoryStorage(), random: seededRandom(1) })),
    new ServerHouse('server on SQLite', sqlite),
    new ServerHouse('server in memory', new MemoryEngine()),
  ] as const
  try {
    await use(houses)
  } finally {
    for (const house of houses) await house.close()
    rmSync(folder, { recursive: true })
  }
}

export class LocalHouse implements House {
  readonly name = 'local store'
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  async put(documents: Iterable<readonly [string, Document]>): Promise<void> {
    const puts = [...documents].map(([collection, document]) => ({ collection, document, version: 1 }))
    await this.#store.confirm({ puts })
  }

  async get(query: Query): Promise<readonly Document[]> {
    return this.#store.run({ verb: 'get', query }).documents
  }

  async count(query: Query): Promise<number> {
    return this.#store.run({ verb: 'count', query }).total
  }

  /** As a client computes over what it holds. */
  aggregate(aggregation: Aggregation): Promise<readonly DocumentData[]> {
    const store = this.#store
    async function* find(query: Query) {
      yield store.run({ verb: 'get', query }).documents
    }
    return aggregate(aggregation, { source: { find }, now: () => now, random: () => 0.5 })
  }

  async write(writes: readonly Write[]): Promise<readonly (string | undefined)[]> {
    const codes: (string | undefined)[] = []
    let durable: Promise<void> | undefined
    for (const write of writes)
      try {
        durable = this.#store.commit([write], { time: now }).durable
        codes.push(undefined)
      } catch (thrown) {
        codes.push(codeOf(thrown))
      }
    await durable
    return codes
  }

  /** How an answer is found: by `id`, `index` or `scan`. */
  async plan(query: Query): Promise<string> {
    return (await this.#store.explain(query)).plan
  }

  async close(): Promise<void> {
    await this.#store.close()
  }
}

/** Whose writes are checked, and then allowed. */
const aFunction: Actor = { kind: 'function', name: 'f', depth: 0 }

export class ServerHouse implements House {
  readonly name: string
  readonly #environment: LiveEnvironment

  constructor(name: string, engine: Engine) {
    this.name = name
    this.#environment = new LiveEnvironment({
      env: 'test',
      engine,
      clock: new ManualClock(now),
      judge: new OpenJudge(),
    })
  }

  async put(documents: Iterable<readonly [string, Document]>): Promise<void> {
    const writes = [...documents].map(
      ([collection, { _id: id, ...data }]): Write => ({ op: 'add', collection, id, data }),
    )
    const { outcome } = await this.#environment.commit({ actor: admin, writes })
    if (outcome.status === 'rejected') throw new Error(outcome.reason)
  }

  async get(query: Query): Promise<readonly Document[]> {
    return (await this.#environment.executorFor(admin).run({ verb: 'get', query })).documents
  }

  async count(query: Query): Promise<number> {
    return (await this.#environment.executorFor(admin).run({ verb: 'count', query })).total
  }

  async aggregate(aggregation: Aggregation): Promise<readonly DocumentData[]> {
    const answer = await this.#environment.executorFor(admin).run({ verb: 'aggregate', aggregation })
    return answer.results!
  }

  async index(collection: string, createIndex: IndexDefinition): Promise<void> {
    await this.#environment.executorFor(admin).commit({ collection, createIndex })
  }

  /** How an answer is found: by `id`, `index` or `scan`. */
  async plan(query: Query): Promise<string> {
    const answer = await this.#environment.executorFor(admin).run({ verb: 'explain', query })
    return answer.explanation!.plan
  }

  async write(writes: readonly Write[]): Promise<readonly (string | undefined)[]> {
    const decisions = writes.map(write => this.#environment.commit({ actor: aFunction, writes: [write] }))
    const outcomes = (await Promise.all(decisions)).map(decision => decision.outcome)
    return outcomes.map(outcome => (outcome.status === 'rejected' ? outcome.code : undefined))
  }

  async close(): Promise<void> {
    await this.#environment.close()
    await this.#environment.engine.close()
  }
}

export function codeOf(thrown: unknown): string {
  if (thrown instanceof CloudError) return thrown.code
  throw thrown
}
