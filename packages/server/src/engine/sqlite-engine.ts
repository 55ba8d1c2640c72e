import { assert, CloudError, type DocId, type RandomBytes, type Version } from '@nearcloud/protocol'
import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import type { Actor } from '../actor.ts'
import type { Change } from '../commit/change.ts'
import {
  type Batch,
  type ClientRow,
  type Engine,
  emptyBatch,
  type Horizon,
  historyBytesOf,
  type IndexWalk,
  type KeyChange,
  type Opening,
  type OutcomeRow,
  type ScanPlan,
  type StoredRow,
  type VersionPage,
} from './engine.ts'
import { openDatabase, storeError } from './sqlite-database.ts'
import { forgetOutcomes, outcomesAfter, putOutcomes } from './sqlite-outcomes.ts'
import {
  changeOfRow,
  type RawChange,
  type RawEnvironment,
  type RawRow,
  type RawVersion,
  storedRow,
  versionRow,
} from './sqlite-rows.ts'
import { prepareStatements, type Statements } from './sqlite-statements.ts'
import { forgetClients, pruneHistory, tidy } from './sqlite-upkeep.ts'
import { type Place, storedIndexKey, walkPage } from './sqlite-walk.ts'
import { storedKey, storedText, textOfStored } from './text-key.ts'
import { nextTurn } from './turn.ts'

/** The embedded engine: one SQLite file, one process. */
export class SqliteEngine implements Engine {
  readonly epoch: string
  readonly file: string
  /** Was it read through when it was opened? A large file is not: see `checkWhileServing`. */
  readonly isChecked: boolean
  readonly #db: DatabaseSyncInstance
  readonly #statements: Statements
  #failure: CloudError | undefined

  /** Larger files than `mostCheckedBytes` are opened without being read through. */
  constructor(options: { file: string; random: RandomBytes; mostCheckedBytes?: number }) {
    const { db, epoch, isChecked } = openDatabase(options.file, options.random, options.mostCheckedBytes)
    this.file = options.file
    this.isChecked = isChecked
    this.epoch = epoch
    this.#db = db
    this.#statements = prepareStatements(db)
  }

  get failure(): CloudError | undefined {
    return this.#failure
  }

  /** Stores nothing any more; reading goes on. The first reason stays. */
  fail(reason: CloudError): void {
    this.#failure ??= reason
  }

  async head(env: string): Promise<Version> {
    return this.#environment(env).head
  }

  async horizon(env: string): Promise<Version> {
    return this.#environment(env).horizon
  }

  async lineage(env: string): Promise<readonly Opening[]> {
    const openings = this.#reading(() => this.#statements.openings.all(env)) as unknown as Opening[]
    return openings.length > 0 ? openings : [{ epoch: this.epoch, start: 0 }]
  }

  async bytes(env: string): Promise<{ documents: number; history: number }> {
    const { documents, history } = this.#environment(env)
    return { documents, history }
  }

  async versions(
    env: string,
    collection: string,
    after: DocId | undefined,
    limit: number,
  ): Promise<VersionPage> {
    return this.#reading(() => {
      const { head } = this.#environment(env)
      const from = after === undefined ? [] : [storedKey(after)]
      const rows = this.#statements.versions(after !== undefined).all(env, collection, ...from, limit)
      return { head, rows: rows.map(row => versionRow(row as unknown as RawVersion)) }
    })
  }

  async get(env: string, collection: string, ids: readonly DocId[]): Promise<readonly (StoredRow | null)[]> {
    return this.#reading(() =>
      ids.map(id => {
        const row = this.#statements.document.get(env, collection, storedKey(id))
        return row ? storedRow(row as unknown as RawRow) : null
      }),
    )
  }

  async *scan(env: string, plan: ScanPlan): AsyncIterable<readonly StoredRow[]> {
    const pageSize = plan.pageSize ?? defaultPageSize
    if (plan.ids) {
      for (let at = 0; at < plan.ids.length; at += pageSize) {
        const rows = await this.get(env, plan.collection, plan.ids.slice(at, at + pageSize))
        yield rows.filter(row => row !== null)
        await nextTurn()
      }
      return
    }
    if (plan.index) {
      yield* this.#walk(env, plan.collection, plan.index, pageSize)
      return
    }
    let after = plan.after === undefined ? null : storedKey(plan.after)
    for (;;) {
      const page = this.#reading(() => this.#page(env, plan, after, pageSize))
      if (page.rows.length > 0) yield page.rows
      if (page.last === undefined) return
      after = page.last
      await nextTurn()
    }
  }

  async collections(env: string): Promise<readonly string[]> {
    return this.#reading(() =>
      this.#statements.collections.all(env).map(row => (row as { collection: string }).collection),
    )
  }

  async size(env: string, collection: string): Promise<number> {
    return this.#reading(() => (this.#statements.size.get(env, collection) as { size: number }).size)
  }

  async log(env: string, after: Version, limit: number): Promise<readonly Change[] | undefined> {
    return this.#reading(() => {
      const { head, horizon } = this.#environment(env)
      if (after < horizon) return undefined
      const last = this.#statements.versionOfNth.get(env, after, Math.max(0, limit - 1)) as
        | { version: number }
        | undefined
      const rows = this.#statements.log.all(env, after, last?.version ?? head) as unknown as RawChange[]
      return rows.map(changeOfRow)
    })
  }

  async commit(env: string, batch: Batch): Promise<void> {
    this.#atomically(() => this.#write(env, batch))
  }

  async dropRows(env: string, index: number, limit: number): Promise<boolean> {
    return this.#reading(() => {
      const end = this.#statements.nthRow.get(env, index, limit) as { key: Uint8Array; id: DocId } | undefined
      if (end) this.#statements.dropRowsBefore.run(env, index, end.key, end.id)
      else this.#statements.dropRows.run(env, index)
      return end !== undefined
    })
  }

  async client(env: string, client: string): Promise<ClientRow | undefined> {
    return this.#reading(() => this.#statements.client.get(env, client) as ClientRow | undefined)
  }

  async outcomes(env: string, client: string, after: number): Promise<readonly OutcomeRow[]> {
    return this.#reading(() => outcomesAfter(this.#statements, env, client, after))
  }

  async readState(env: string, key: string): Promise<string | undefined> {
    const row = this.#reading(() => this.#statements.readState.get(env, key)) as { value: string } | undefined
    return row && textOfStored(row.value)
  }

  async writeState(env: string, key: string, value: string | null): Promise<void> {
    const { head } = this.#environment(env)
    await this.commit(env, { ...emptyBatch(head), state: [[key, value]] })
  }

  async listState(env: string, prefix: string): Promise<readonly (readonly [key: string, value: string])[]> {
    return this.#reading(() =>
      this.#statements.listState.all(env, prefix, behind(prefix)).map(row => {
        const { key, value } = row as { key: string; value: string }
        return [key, textOfStored(value)] as const
      }),
    )
  }

  async prune(env: string, horizon: Horizon, limit: number): Promise<boolean> {
    return this.#atomically(() => pruneHistory(this.#statements, env, horizon, limit))
  }

  async forgetClients(
    env: string,
    before: number,
    after: string,
    limit: number,
  ): Promise<string | undefined> {
    return this.#atomically(() => forgetClients(this.#statements, env, { before, after, limit }))
  }

  async tidy(): Promise<boolean> {
    return this.#reading(() => tidy(this.#db))
  }

  async close(): Promise<void> {
    try {
      if (!this.#failure) this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } catch {
      // a disk that is full or failed keeps it in the log, from where the next opening takes it
    } finally {
      this.#db.close()
    }
  }

  #write(env: string, batch: Batch): void {
    const statements = this.#statements
    const known = statements.environment.get(env) as RawEnvironment | undefined
    const head = known?.head ?? 0
    assert(head === batch.from, `a batch builds on the head (${head}, not ${batch.from})`)
    if (!known) {
      statements.makeEnvironment.run(env)
      statements.makeOpening.run(env, this.epoch)
    }
    let [documents, history] = [0, 0]
    const actorText = rememberingLast((actor: Actor) => JSON.stringify(actor))
    for (const { record, stamps } of batch.changes) {
      const key = storedKey(record.id)
      const { version, ordinal, collection, beforeText, afterText } = record
      const before = beforeText === null ? 0 : Buffer.byteLength(beforeText)
      history += historyBytesOf(before)
      documents += (afterText === null ? 0 : Buffer.byteLength(afterText)) - before
      statements.insertChange.run(
        env,
        version,
        ordinal,
        collection,
        key,
        beforeText,
        record.dataType,
        actorText(record.actor),
        record.client,
        record.time,
      )
      if (afterText === null) statements.deleteDocument.run(env, collection, key)
      else statements.putDocument.run(env, collection, key, version, afterText, stamps)
    }
    if (batch.to !== head) statements.raiseHead.run(batch.to, documents, history, env)
    for (const change of batch.keys) this.#changeKeys(env, change)
    for (const row of batch.clients) {
      const { client, openid, lastMutation, lastTime, lastSeen, forgotten } = row
      statements.putClient.run(env, client, openid, lastMutation, lastTime, lastSeen, forgotten)
    }
    putOutcomes(statements, env, batch.outcomes)
    for (const { client, upTo } of batch.forgotten) forgetOutcomes(statements, env, client, upTo)
    for (const [key, value] of batch.state)
      if (value === null) statements.deleteState.run(env, key)
      else statements.putState.run(env, key, storedText(value))
  }

  /** In one transaction, durable when it returns. */
  #atomically<T>(write: () => T): T {
    if (this.#failure) throw this.#failure
    let result: T
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      result = write()
    } catch (thrown) {
      this.#rollback()
      throw storeError(thrown)
    }
    try {
      this.#db.exec('COMMIT')
    } catch (thrown) {
      this.#rollback()
      const error = storeError(thrown)
      if (error.code === 'STORE_FULL') throw error
      // what was not synced may be on the disk or not, and a sync that succeeds later says nothing of it
      this.#failure = new CloudError('STORE_FAILED', {
        errMsg:
          'a commit could not be synced to the disk: nothing is stored any more until the server is started again; reading goes on',
        cause: thrown,
      })
      throw this.#failure
    }
    return result
  }

  #changeKeys(env: string, { index, id, removed, added }: KeyChange): void {
    const stored = storedKey(id)
    for (const key of removed) this.#statements.removeRow.run(env, index, storedIndexKey(key), stored)
    for (const key of added) this.#statements.addRow.run(env, index, storedIndexKey(key), stored)
  }

  async *#walk(
    env: string,
    collection: string,
    walk: IndexWalk,
    pageSize: number,
  ): AsyncIterable<readonly StoredRow[]> {
    let place: Place | undefined
    for (;;) {
      const limits = { rows: pageSize, maxCharacters: pageCharacters }
      const page = this.#reading(() => walkPage(this.#statements, env, collection, walk, place, limits))
      if (page.rows.length > 0) yield page.rows
      if (page.last === undefined) return
      place = page.last
      await nextTurn()
    }
  }

  #page(env: string, plan: ScanPlan, after: DocId | null, pageSize: number) {
    const bound = this.#statements.boundary(after !== null)
    const from = after === null ? [] : [after]
    const end = bound.get(env, plan.collection, ...from, pageSize - 1) as { id: DocId } | undefined
    const lists = (plan.containing ?? []).slice(0, maxLists)
    const select = this.#statements.page(after !== null, end !== undefined, lists.length)
    const values = [...from, ...(end ? [end.id] : []), ...lists.map(list => JSON.stringify(list))]
    const rows: StoredRow[] = []
    let size = 0
    for (const raw of select.iterate(env, plan.collection, ...values)) {
      const row = raw as unknown as RawRow
      rows.push(storedRow(row))
      size += row.text.length
      if (size > pageCharacters) return { rows, last: row.id }
    }
    return { rows, last: end?.id }
  }

  #environment(env: string): RawEnvironment {
    const row = this.#reading(() => this.#statements.environment.get(env))
    return (row as RawEnvironment | undefined) ?? { head: 0, horizon: 0, documents: 0, history: 0 }
  }

  #reading<T>(read: () => T): T {
    try {
      return read()
    } catch (thrown) {
      throw storeError(thrown)
    }
  }

  #rollback(): void {
    try {
      this.#db.exec('ROLLBACK')
    } catch {
      // there is no transaction any more
    }
  }
}

/** What comes in a row is made once. */
function rememberingLast<T, R>(make: (of: T) => R): (of: T) => R {
  let last: { readonly of: T; readonly made: R } | undefined
  return of => {
    if (last?.of !== of) last = { of, made: make(of) }
    return last.made
  }
}

const defaultPageSize = 500
const pageCharacters = 4_000_000
/** Lists of a plan that are used; more would narrow little. */
const maxLists = 3

/** Behind every text that begins with the prefix. */
function behind(prefix: string): string {
  const points = [...prefix]
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const next = last.codePointAt(0)! + 1
    if (next <= 0x10ffff) return points.join('') + String.fromCodePoint(next === 0xd800 ? 0xe000 : next)
  }
  return '\u{10ffff}\u{10ffff}'
}
