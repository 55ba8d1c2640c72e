import { existsSync, rmSync, statSync } from 'node:fs'
import { CloudError, type RandomBytes, toHex } from '@nearcloud/protocol'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { bringUp } from './sqlite-formats.ts'
import { sqliteFault } from './sqlite-version.ts'

/**
 * The layout of the tables below. A server refuses a database of a later one, and brings an earlier one up to this.
 *
 * 1: without `index_rows`. 2: without `openings`, sizes, and when clients were seen; free space stays in the file. 3: a row for
 * each outcome, all stamps by name, an index of openings.
 */
export const storedFormat = 4

/** How long a statement waits for another process. */
export const busyMs = 2_000

/** What `openDatabase` gives. `isChecked`: it was read through. */
export interface OpenedDatabase {
  readonly db: DatabaseSyncInstance
  readonly epoch: string
  readonly isChecked: boolean
}

/**
 * Opens or creates the database file for one process: write-ahead log, every commit synced to the disk. One of at most
 * `mostCheckedBytes`, or that is in doubt, is read through before; for a larger one the caller has it done.
 *
 * Throws SERVER_CONFIGURATION, in one sentence, when it was written by a newer nearcloud, when it is damaged or busy, and
 * when the disk would not be synced. That one server alone writes to it is the data folder's business.
 */
export function openDatabase(
  file: string,
  random: RandomBytes,
  mostCheckedBytes = usuallyCheckedBytes,
): OpenedDatabase {
  let db: DatabaseSyncInstance | undefined
  try {
    const isChecked = existsSync(doubtOf(file)) || sizeOf(file) <= mostCheckedBytes
    db = new DatabaseSync(file)
    const { version } = db.prepare('SELECT sqlite_version() AS version').get() as { version: string }
    demand(sqliteFault(version) === undefined, sqliteFault(version) ?? '')
    db.exec(`PRAGMA busy_timeout = ${busyMs}`)
    db.exec('PRAGMA auto_vacuum = INCREMENTAL')
    db.exec('PRAGMA journal_mode = WAL')
    // a connection that opens an existing WAL database may begin with less than it was created with
    db.exec('PRAGMA synchronous = FULL')
    db.exec('PRAGMA journal_size_limit = 67108864')
    // documents in use stay in memory, and pages that are written again and again go to the file once for many commits
    db.exec(`PRAGMA cache_size = -${cacheKibibytes}`)
    db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`)
    demand(pragma(db, 'journal_mode') === 'wal', `the database ${file} cannot use a write-ahead log`)
    demand(pragma(db, 'synchronous') === 2, `the database ${file} does not sync its commits to the disk`)
    db.exec('BEGIN IMMEDIATE')
    const epoch = prepare(db, file, random)
    db.exec('COMMIT')
    // a file of an older format gives free space back from its next rewriting on
    if (pragma(db, 'auto_vacuum') !== incremental) db.exec('VACUUM')
    if (isChecked) {
      demand(pragma(db, 'quick_check(1)') === 'ok', `the database ${file} is damaged: restore a backup`)
      rmSync(doubtOf(file), { force: true })
    }
    return { db, epoch, isChecked }
  } catch (thrown) {
    db?.close()
    throw configurationError(thrown, file)
  }
}

/** Where it is said that the database was found to be damaged while it was in use: the next opening looks before it serves. */
export function doubtOf(file: string): string {
  return `${file}.doubt`
}

/** Brings the tables up to date, and gives this opening its name. */
function prepare(db: DatabaseSyncInstance, file: string, random: RandomBytes): string {
  const epoch = toHex(random(16))
  const isNew = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get() === undefined
  if (!isNew) {
    const meta = db.prepare('SELECT format, epoch FROM meta').get() as { format: number; epoch: string }
    demand(
      meta.format <= storedFormat,
      `the database ${file} was written by a newer nearcloud (format ${meta.format}; this one knows ${storedFormat})`,
    )
    bringUp(db, meta.format, () => db.exec(tables))
    db.prepare('UPDATE meta SET format = ?, epoch = ?').run(storedFormat, epoch)
  } else {
    db.exec(tables)
    db.prepare('INSERT INTO meta (format, epoch) VALUES (?, ?)').run(storedFormat, epoch)
  }
  db.prepare('INSERT INTO openings (env, epoch, start) SELECT env, ?, head FROM environments').run(epoch)
  db.exec(keepLatestOpenings)
  return epoch
}

const keepLatestOpenings = `
DELETE FROM openings WHERE rowid IN (
  SELECT rowid FROM (SELECT rowid, row_number() OVER (PARTITION BY env ORDER BY start DESC, rowid DESC) AS n FROM openings)
  WHERE n > 1000)
`

const tables = `
CREATE TABLE IF NOT EXISTS meta (format INTEGER NOT NULL, epoch TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS environments (
  env TEXT PRIMARY KEY, head INTEGER NOT NULL, horizon INTEGER NOT NULL,
  document_bytes INTEGER NOT NULL DEFAULT 0, history_bytes INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS openings (
  env TEXT NOT NULL, epoch TEXT NOT NULL, start INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS documents (
  env TEXT NOT NULL, collection TEXT NOT NULL, id ANY NOT NULL,
  version INTEGER NOT NULL, doc TEXT NOT NULL, stamps TEXT NOT NULL,
  PRIMARY KEY (env, collection, id)
) STRICT;
CREATE TABLE IF NOT EXISTS index_rows (
  env TEXT NOT NULL, number INTEGER NOT NULL, key BLOB NOT NULL, id ANY NOT NULL,
  PRIMARY KEY (env, number, key, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (
  env TEXT NOT NULL, version INTEGER NOT NULL, ordinal INTEGER NOT NULL,
  collection TEXT NOT NULL, id ANY NOT NULL, before TEXT,
  data_type TEXT NOT NULL, actor TEXT NOT NULL, client TEXT, time REAL NOT NULL,
  PRIMARY KEY (env, version, ordinal)
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS history_of_document ON history (env, collection, id, version);
CREATE TABLE IF NOT EXISTS clients (
  env TEXT NOT NULL, client TEXT NOT NULL, openid TEXT NOT NULL,
  last_mutation INTEGER NOT NULL, last_time REAL NOT NULL,
  last_seen REAL NOT NULL DEFAULT 0, forgotten INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (env, client)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outcomes (
  env TEXT NOT NULL, client TEXT NOT NULL, run INTEGER NOT NULL, last INTEGER NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (env, client, run)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (
  env TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (env, key)
) STRICT, WITHOUT ROWID;
`

/**
 * What the engine's callers hear of a failed statement: STORE_FULL when the disk is full (it may have room again
 * later), STORE_FAILED for everything else.
 */
export function storeError(thrown: unknown): CloudError {
  if (thrown instanceof CloudError) return thrown
  if (resultCode(thrown) === full)
    return new CloudError('STORE_FULL', { errMsg: 'the server has no space left on its disk', cause: thrown })
  return new CloudError('STORE_FAILED', { errMsg: 'the server could not reach its database', cause: thrown })
}

function configurationError(thrown: unknown, file: string): CloudError {
  if (thrown instanceof CloudError) return thrown
  const words =
    resultCode(thrown) === busy
      ? `the database ${file} is open in another process`
      : resultCode(thrown) === corrupt || resultCode(thrown) === notADatabase
        ? `the database ${file} is damaged: restore a backup`
        : `the database ${file} cannot be opened: ${thrown instanceof Error ? thrown.message : String(thrown)}`
  return new CloudError('SERVER_CONFIGURATION', { errMsg: words, cause: thrown })
}

function demand(truth: boolean, words: string): void {
  if (!truth) throw new CloudError('SERVER_CONFIGURATION', { errMsg: words })
}

function pragma(db: DatabaseSyncInstance, name: string): unknown {
  const row = db.prepare(`PRAGMA ${name}`).get() as Record<string, unknown> | undefined
  return row && Object.values(row)[0]
}

function resultCode(thrown: unknown): number | undefined {
  const code = (thrown as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** Read from a slow disk in about a second. */
const usuallyCheckedBytes = 67_108_864
const cacheKibibytes = 16_384
/** Of 4 KiB each. Copying them is the longest that a commit waits for the disk. */
const checkpointPages = 4_000
const incremental = 2
const busy = 5
const corrupt = 11
const full = 13
const notADatabase = 26
