import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { CloudError } from '@nearcloud/protocol'
import type { Payload, Storage, StorageInfo, StorageOptions, StoredRecord } from '@nearcloud/store'
import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from '@photostructure/sqlite'

export interface SqliteStorageOptions {
  /** The file may have so many pages of 4,096 bytes; default: what the disk gives. */
  readonly maxPages?: number
}

/**
 * The storage contract in a SQLite file; its folder is made when it is missing.
 *
 * `<path>.lock` is locked while it is open: a second opener, also in another process, gets STORE_IN_USE; the lock ends
 * with the process. What SQLite calls FULL (`strict`) or NORMAL (`relaxed`) is set and read back at each open, since a
 * file does not remember it.
 */
export class SqliteStorage implements Storage {
  readonly #path: string
  readonly #options: SqliteStorageOptions
  #lock: DatabaseSyncInstance | undefined
  #database: DatabaseSyncInstance | undefined
  #insert: StatementSyncInstance | undefined

  constructor(path: string, options: SqliteStorageOptions = {}) {
    this.#path = path
    this.#options = options
  }

  /** SQLite's setting on this connection: 2 FULL, 1 NORMAL. */
  get synchronous(): number {
    return this.#attempt('read', database => pragma(database, 'synchronous')) as number
  }

  async open({ durability }: StorageOptions): Promise<StorageInfo> {
    try {
      mkdirSync(dirname(this.#path), { recursive: true })
    } catch (cause) {
      throw new CloudError('STORE_FAILED', {
        errMsg: `the folder ${dirname(this.#path)} for the local store cannot be made: ${wordsOf(cause)}`,
        cause,
      })
    }
    try {
      this.#lock = new DatabaseSync(this.#lockPath)
      this.#lock.exec('BEGIN EXCLUSIVE')
      this.#database = new DatabaseSync(this.#path)
      prepare(this.#database, durability)
      if (this.#options.maxPages !== undefined)
        this.#database.exec(`PRAGMA max_page_count = ${this.#options.maxPages}`)
    } catch (thrown) {
      this.#release()
      throw this.#errorOf(thrown, 'opened')
    }
    return { maxPayloadBytes: 268_435_456, volatile: false }
  }

  async *read(after = 0): AsyncIterable<readonly StoredRecord[]> {
    let last = after
    for (;;) {
      const page = this.#attempt('read', database =>
        database
          .prepare(
            'SELECT sequence, payload, is_text FROM records WHERE sequence > ? ORDER BY sequence LIMIT ?',
          )
          .all(last, pageSize),
      ) as Row[]
      if (page.length === 0) return
      last = page[page.length - 1]!.sequence
      yield page.map(fromRow)
    }
  }

  async append(payloads: readonly Payload[]): Promise<readonly number[]> {
    if (payloads.length === 0) return []
    return this.#attempt('written', database => {
      this.#insert ??= database.prepare('INSERT INTO records (payload, is_text) VALUES (?, ?)')
      const insert = this.#insert
      const put = (payload: Payload) => Number(insert.run(...toRow(payload)).lastInsertRowid)
      // one statement is a transaction by itself
      if (payloads.length === 1) return payloads.map(put)
      return inTransaction(database, () => payloads.map(put))
    })
  }

  async drop(sequences: readonly number[]): Promise<void> {
    if (sequences.length === 0) return
    this.#attempt('written', database =>
      inTransaction(database, () => {
        const remove = database.prepare('DELETE FROM records WHERE sequence = ?')
        for (const sequence of sequences) remove.run(sequence)
      }),
    )
  }

  async close(options: { destroy?: boolean } = {}): Promise<void> {
    const wasOpen = this.#database !== undefined
    this.#release()
    if (!wasOpen || !options.destroy) return
    for (const suffix of ['', '-wal', '-shm', '.lock']) rmSync(this.#path + suffix, { force: true })
  }

  /**
   * A file of its own, since a closed database keeps its locks as long as a statement on it waits for the garbage
   * collector; on this one no statement is prepared.
   */
  get #lockPath(): string {
    return `${this.#path}.lock`
  }

  #release(): void {
    this.#insert = undefined
    const [database, lock] = [this.#database, this.#lock]
    this.#database = undefined
    this.#lock = undefined
    try {
      database?.close()
    } finally {
      lock?.close()
    }
  }

  #attempt<T>(what: string, act: (database: DatabaseSyncInstance) => T): T {
    if (!this.#database) throw new CloudError('CLOSED', { errMsg: 'the local store is closed' })
    try {
      return act(this.#database)
    } catch (thrown) {
      throw this.#errorOf(thrown, what)
    }
  }

  #errorOf(cause: unknown, what: string): CloudError {
    if (cause instanceof CloudError) return cause
    const code = (cause as { errcode?: number }).errcode ?? 0
    const baseCode = code & 0xff
    if (baseCode === busy || baseCode === locked)
      return new CloudError('STORE_IN_USE', {
        errMsg: `the local store ${this.#path} is open in another process, or twice in this one`,
        cause,
      })
    if (baseCode === full)
      return new CloudError('STORE_FULL', {
        errMsg: `no space left for the local store ${this.#path}`,
        cause,
      })
    return new CloudError('STORE_FAILED', {
      errMsg: `the local store ${this.#path} cannot be ${what}: ${wordsOf(cause)}`,
      cause,
    })
  }
}

function prepare(database: DatabaseSyncInstance, durability: StorageOptions['durability']): void {
  const synchronous = durability === 'strict' ? 2 : 1
  database.exec('PRAGMA journal_mode = WAL')
  database.exec(`PRAGMA synchronous = ${synchronous}`)
  database.exec(
    'CREATE TABLE IF NOT EXISTS records (sequence INTEGER PRIMARY KEY AUTOINCREMENT, payload NOT NULL, is_text NOT NULL)',
  )
  demand(database, 'journal_mode', 'wal')
  demand(database, 'synchronous', synchronous)
}

interface Row {
  readonly sequence: number
  readonly payload: string | Uint8Array
  readonly is_text: number
}

/** The driver cuts text at its first NUL: such text goes in as bytes. */
function toRow(payload: Payload): [payload: string | Uint8Array, isText: number] {
  if (typeof payload !== 'string') return [payload, 0]
  return [payload.includes('\0') ? Buffer.from(payload, 'utf8') : payload, 1]
}

function fromRow({ sequence, payload, is_text }: Row): StoredRecord {
  if (is_text === 0 || typeof payload === 'string') return { sequence, payload }
  return { sequence, payload: Buffer.from(payload).toString('utf8') }
}

function demand(database: DatabaseSyncInstance, name: string, value: unknown): void {
  const actual = pragma(database, name)
  if (actual === value) return
  throw new CloudError('STORE_FAILED', {
    errMsg: `the local store needs the SQLite setting ${name} = ${String(value)}, and it is ${String(actual)}`,
  })
}

function pragma(database: DatabaseSyncInstance, name: string): unknown {
  return (database.prepare(`PRAGMA ${name}`).get() as Record<string, unknown>)[name]
}

function inTransaction<T>(database: DatabaseSyncInstance, act: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = act()
    database.exec('COMMIT')
    return result
  } catch (thrown) {
    // SQLite has rolled back by itself after some errors
    if (database.isTransaction) database.exec('ROLLBACK')
    throw thrown
  }
}

function wordsOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

const pageSize = 16
const busy = 5
const locked = 6
const full = 13
