import { assert, type DocId, type MutationId, utf8Length, type Version } from '@nearcloud/protocol'
import { compareValues } from '@nearcloud/query'
import { type Change, changeOf } from '../commit/change.ts'
import {
  type Batch,
  type ClientRow,
  type Engine,
  type Horizon,
  historyBytesOf,
  type IndexWalk,
  type KeyChange,
  type Opening,
  type OutcomeRow,
  type ScanPlan,
  type StoredChange,
  type StoredRow,
  type VersionPage,
} from '../engine/engine.ts'
import { nextTurn } from '../engine/turn.ts'

/** The engine as a model: what the contract says, in the fewest words, forgotten when the process ends. */
export class MemoryEngine implements Engine {
  readonly epoch: string
  readonly #earlier: readonly Opening[]
  readonly #environments = new Map<string, MemoryEnvironment>()
  /** Throws here to make the next commits fail. */
  beforeCommit: () => void = () => {}
  commits = 0

  /** With the openings before this one, in every environment; `start` of this one is where they ended. */
  constructor(
    epoch = 'memory',
    { earlier = [], start = 0 }: { earlier?: readonly Opening[]; start?: number } = {},
  ) {
    this.epoch = epoch
    this.#earlier = [...earlier, { epoch, start }]
  }

  async lineage(_env: string): Promise<readonly Opening[]> {
    return this.#earlier
  }

  async bytes(env: string): Promise<{ documents: number; history: number }> {
    const { documents, history } = this.#in(env)
    let size = 0
    for (const rows of documents.values()) for (const { text } of rows.values()) size += utf8Length(text)
    return { documents: size, history: history.reduce((sum, change) => sum + bytesOf(change), 0) }
  }

  async versions(
    env: string,
    collection: string,
    after: DocId | undefined,
    limit: number,
  ): Promise<VersionPage> {
    const rows = this.#sorted(env, collection).filter(
      ({ id }) => after === undefined || compareValues(id, after) > 0,
    )
    return {
      head: this.#in(env).head,
      rows: rows.slice(0, limit).map(({ id, version }) => [id, version] as const),
    }
  }

  async head(env: string): Promise<Version> {
    return this.#in(env).head
  }

  async horizon(env: string): Promise<Version> {
    return this.#in(env).horizon
  }

  async get(env: string, collection: string, ids: readonly DocId[]): Promise<readonly (StoredRow | null)[]> {
    const rows = this.#in(env).documents.get(collection)
    return ids.map(id => rows?.get(id) ?? null)
  }

  async *scan(env: string, plan: ScanPlan): AsyncIterable<readonly StoredRow[]> {
    if (plan.ids) {
      const rows = await this.get(env, plan.collection, plan.ids)
      yield rows.filter(row => row !== null)
      return
    }
    const pageSize = plan.pageSize ?? 100
    if (plan.index) {
      yield* this.#walk(env, plan.collection, plan.index, pageSize)
      return
    }
    let after = plan.after
    for (;;) {
      const rows = this.#sorted(env, plan.collection)
      const start = after === undefined ? 0 : rows.findIndex(row => compareValues(row.id, after!) > 0)
      const page = start < 0 ? [] : rows.slice(start, start + pageSize)
      if (page.length === 0) return
      yield page.filter(row => mayBeWanted(row.text, plan.containing ?? []))
      after = page.at(-1)!.id
      await nextTurn()
    }
  }

  async collections(env: string): Promise<readonly string[]> {
    const found = [...this.#in(env).documents].filter(([, rows]) => rows.size > 0)
    return found.map(([name]) => name).sort(compareValues)
  }

  async size(env: string, collection: string): Promise<number> {
    return this.#in(env).documents.get(collection)?.size ?? 0
  }

  async log(env: string, after: Version, limit: number): Promise<readonly Change[] | undefined> {
    const { history, horizon } = this.#in(env)
    if (after < horizon) return undefined
    const rest = history.filter(({ record }) => record.version > after)
    const last = rest[Math.max(0, limit - 1)]?.record.version ?? Number.POSITIVE_INFINITY
    return rest.filter(({ record }) => record.version <= last).map(({ record }) => changeOf(record))
  }

  async commit(env: string, batch: Batch): Promise<void> {
    this.beforeCommit()
    const target = this.#in(env)
    assert(batch.from === target.head, 'a batch builds on the head')
    this.commits++
    target.head = batch.to
    for (const change of batch.changes) target.apply(change)
    for (const change of batch.keys) target.changeKeys(change)
    for (const row of batch.clients) {
      const forgotten = Math.max(row.forgotten, target.clients.get(row.client)?.forgotten ?? 0)
      target.clients.set(row.client, { ...row, forgotten })
    }
    for (const row of batch.outcomes) target.outcomes.push(row)
    for (const { client, upTo } of batch.forgotten)
      target.outcomes = target.outcomes.filter(row => row.client !== client || row.outcome.id > upTo)
    for (const [key, value] of batch.state)
      if (value === null) target.state.delete(key)
      else target.state.set(key, value)
  }

  async dropRows(env: string, index: number, limit: number): Promise<boolean> {
    const rows = this.#in(env).indexRows.get(index) ?? new Map()
    for (const name of [...rows.keys()].slice(0, limit)) rows.delete(name)
    return rows.size > 0
  }

  async client(env: string, client: string): Promise<ClientRow | undefined> {
    return this.#in(env).clients.get(client)
  }

  async outcomes(env: string, client: string, after: MutationId): Promise<readonly OutcomeRow[]> {
    const rows = this.#in(env).outcomes.filter(row => row.client === client && row.outcome.id > after)
    return rows.sort((a, b) => a.outcome.id - b.outcome.id)
  }

  async readState(env: string, key: string): Promise<string | undefined> {
    return this.#in(env).state.get(key)
  }

  async writeState(env: string, key: string, value: string | null): Promise<void> {
    if (value === null) this.#in(env).state.delete(key)
    else this.#in(env).state.set(key, value)
  }

  async listState(env: string, prefix: string): Promise<readonly (readonly [key: string, value: string])[]> {
    const found = [...this.#in(env).state].filter(([key]) => key.startsWith(prefix))
    return found.sort(([a], [b]) => compareValues(a, b))
  }

  async prune(env: string, { before, maxBytes, upTo }: Horizon, limit: number): Promise<boolean> {
    const target = this.#in(env)
    let { history: bytes } = await this.bytes(env)
    const first = target.history.slice(0, limit)
    const last = first.at(-1)?.record.version ?? 0
    let cut = 0
    for (const version of new Set(first.map(({ record }) => record.version))) {
      const of = target.history.filter(({ record }) => record.version === version)
      const isOld = of.some(({ record }) => record.time < before)
      if (version > upTo || !(isOld || bytes > maxBytes)) continue
      for (const change of target.history)
        if (change.record.version > cut && change.record.version <= version) bytes -= bytesOf(change)
      cut = version
    }
    if (cut === 0) return false
    target.horizon = cut
    target.history = target.history.filter(({ record }) => record.version > cut)
    return cut === last && target.history.length > 0
  }

  async forgetClients(
    env: string,
    before: number,
    after: string,
    limit: number,
  ): Promise<string | undefined> {
    const target = this.#in(env)
    const names = [...target.clients.keys()].sort().filter(name => name > after)
    for (const name of names.slice(0, limit)) {
      const row = target.clients.get(name)!
      if (row.lastSeen >= before) continue
      target.outcomes = target.outcomes.filter(({ client }) => client !== name)
      if (row.lastMutation === 0) target.clients.delete(name)
      else target.clients.set(name, { ...row, forgotten: row.lastMutation })
    }
    return names.length > limit ? names[limit - 1] : undefined
  }

  async tidy(): Promise<boolean> {
    return false
  }

  async close(): Promise<void> {}

  async *#walk(env: string, collection: string, walk: IndexWalk, pageSize: number) {
    const sign = walk.direction === 'desc' ? -1 : 1
    const order = (a: IndexRow, b: IndexRow) =>
      sign * (compareKeys(a.key, b.key) || compareValues(a.id, b.id))
    let last: IndexRow | undefined
    for (;;) {
      const rows = [...(this.#in(env).indexRows.get(walk.number)?.values() ?? [])]
      const documents = this.#in(env).documents.get(collection)
      const page: StoredRow[] = []
      for (const row of rows.sort(order)) {
        if (page.length === pageSize || (last && order(row, last) <= 0)) continue
        if (!walk.ranges.some(({ from, to }) => row.key >= from && (to === undefined || row.key < to)))
          continue
        const document = documents?.get(row.id)
        if (document) page.push({ ...document, key: row.key })
      }
      if (page.length === 0) return
      yield page
      last = { key: page.at(-1)!.key!, id: page.at(-1)!.id }
      await nextTurn()
    }
  }

  #in(env: string): MemoryEnvironment {
    let found = this.#environments.get(env)
    if (!found) {
      found = new MemoryEnvironment()
      this.#environments.set(env, found)
    }
    return found
  }

  #sorted(env: string, collection: string): StoredRow[] {
    const rows = this.#in(env).documents.get(collection)?.values() ?? []
    return [...rows].sort((a, b) => compareValues(a.id, b.id))
  }
}

class MemoryEnvironment {
  head = 0
  horizon = 0
  readonly documents = new Map<string, Map<DocId, StoredRow>>()
  /** By the index's number, then by key and id. */
  readonly indexRows = new Map<number, Map<string, IndexRow>>()
  history: StoredChange[] = []
  readonly clients = new Map<string, ClientRow>()
  outcomes: OutcomeRow[] = []
  readonly state = new Map<string, string>()

  apply(change: StoredChange): void {
    const { collection, id, version, afterText } = change.record
    this.history.push(change)
    const rows = this.documents.get(collection) ?? new Map<DocId, StoredRow>()
    this.documents.set(collection, rows)
    if (afterText === null) rows.delete(id)
    else rows.set(id, { id, version, text: afterText, stamps: change.stamps })
  }

  changeKeys({ index, id, removed, added }: KeyChange): void {
    const rows = this.indexRows.get(index) ?? new Map<string, IndexRow>()
    this.indexRows.set(index, rows)
    const nameOf = (key: string) => `${typeof id}/${id}/${key}`
    for (const key of removed) rows.delete(nameOf(key))
    for (const key of added) rows.set(nameOf(key), { key, id })
  }
}

function bytesOf({ record }: StoredChange): number {
  return historyBytesOf(record.beforeText === null ? 0 : utf8Length(record.beforeText))
}

interface IndexRow {
  readonly key: string
  readonly id: DocId
}

/** Of keys, whose characters are bytes. */
function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function mayBeWanted(text: string, lists: readonly (readonly string[])[]): boolean {
  return lists.every(list => list.some(each => text.includes(each)))
}
