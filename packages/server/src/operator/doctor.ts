import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { decode, encode } from '@nearcloud/protocol'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { transformSync } from 'esbuild'
import { openKeys } from '../auth/key-file.ts'
import { unfinishedRestore } from '../data-folder.ts'
import { storedFormat } from '../engine/sqlite-database.ts'
import { sqliteFault } from '../engine/sqlite-version.ts'
import { readFunctionConfig } from '../functions/function-config.ts'
import { findFunctionsFolder, readFunctionFolders } from '../functions/function-folder.ts'
import { readRuntimeConfig } from '../functions/runtime-config.ts'
import { systemRandom } from '../host.ts'
import { parseRules } from '../rules/rules-file.ts'
import { readTriggers } from '../triggers/trigger-config.ts'
import { lastAddress } from './operator-token.ts'
import { serverProcess } from './server-status.ts'

/** One thing that was looked at. */
export interface Finding {
  readonly level: 'ok' | 'warn' | 'bad'
  /** `data folder`, `disk`, `rules` … */
  readonly about: string
  /** In one sentence: how it is, and what to do where it is not well. */
  readonly words: string
}

export interface DoctorOptions {
  readonly dataFolder: string
  readonly project: string
  /** The port that a server is going to use; absent: any free one. */
  readonly port?: number
  /** Reads every page and every document of the database: minutes for gigabytes. */
  readonly isDeep?: boolean
  readonly now?: () => number
}

/**
 * Looks at all that a server needs: Node, SQLite, the data folder, its keys and its database, the disk, the port, the rules, the functions
 * and the clock. Changes nothing, and may look at a folder that a server uses. Never rejects for what it finds.
 */
export async function examine({
  dataFolder,
  project,
  port,
  isDeep = false,
  now = Date.now,
}: DoctorOptions): Promise<readonly Finding[]> {
  const folder = resolve(dataFolder)
  const pid = serverProcess(folder)
  const database = join(folder, 'nearcloud.db')
  const looks: [about: string, look: () => Finding['words'] | Promise<Finding['words']>][] = [
    ['node', lookAtNode],
    ['sqlite', lookAtSqlite],
    ['data folder', () => lookAtFolder(folder, pid)],
    ['disk', () => lookAtDisk(folder, database)],
    ['keys', () => lookAtKeys(folder)],
    ['database', () => lookAtDatabase(database, isDeep)],
    ['clock', () => lookAtClock(database, now())],
    ['port', () => lookAtPort(folder, pid, port)],
    ['rules', () => lookAtRules(project)],
    ['functions', () => lookAtFunctions(project)],
  ]
  const findings: Finding[] = []
  for (const [about, look] of looks)
    try {
      findings.push({ level: 'ok', about, words: await look() })
    } catch (thrown) {
      const level = thrown instanceof Doubt ? 'warn' : 'bad'
      findings.push({ level, about, words: thrown instanceof Error ? thrown.message : String(thrown) })
    }
  return findings
}

/** It works, and somebody should look at it. */
class Doubt extends Error {}

function lookAtNode(): string {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19))
    throw new Error(`Node ${process.versions.node} is too old: install 20.19 or newer`)
  return `Node ${process.versions.node}`
}

function lookAtSqlite(): string {
  const db = new DatabaseSync(':memory:')
  try {
    const { version } = db.prepare('SELECT sqlite_version() AS version').get() as { version: string }
    const fault = sqliteFault(version)
    if (fault) throw new Error(fault)
    return `SQLite ${version}`
  } finally {
    db.close()
  }
}

function lookAtFolder(folder: string, pid: number | undefined): string {
  const place = nearest(folder)
  try {
    accessSync(place, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch {
    throw new Error(`${place} cannot be written by this user: change its owner, or name another folder`)
  }
  if (place !== folder) return `${folder} is made at the first start`
  if (existsSync(join(folder, unfinishedRestore)))
    throw new Error(`a restore into ${folder} was cut off: run "nearcloud restore" once more`)
  const { mode } = statSync(folder)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new Doubt(`others of this machine can look into ${folder}: run chmod 700 ${folder}`)
  return `${folder}${pid === undefined ? ', no server uses it' : `, a server uses it (process ${pid})`}`
}

async function lookAtDisk(folder: string, database: string): Promise<string> {
  const { bavail, bsize } = await statfs(nearest(folder))
  const free = bavail * bsize
  const used = existsSync(database) ? statSync(database).size : 0
  const words = `${sizeOf(free)} free, the database has ${sizeOf(used)}`
  if (free < leastFree) throw new Error(`${words}: make room, writes are going to be refused (STORE_FULL)`)
  if (free < 2 * used) throw new Doubt(`${words}: a backup on this disk has no room`)
  return words
}

async function lookAtKeys(folder: string): Promise<string> {
  if (!existsSync(join(folder, 'keys.json'))) {
    if (existsSync(join(folder, 'nearcloud.db')))
      throw new Error(
        'keys.json is missing beside a database: bring it back from a backup, or everybody is signed out',
      )
    return 'are made at the first start'
  }
  await openKeys(folder, systemRandom)
  return 'are there, and their owner alone can read them'
}

function lookAtDatabase(file: string, isDeep: boolean): string {
  return reading(file, 'there is none yet', db => {
    const found = db.prepare(isDeep ? 'PRAGMA integrity_check(1)' : 'PRAGMA quick_check(1)').get() as Record<
      string,
      unknown
    >
    if (Object.values(found)[0] !== 'ok')
      throw new Error('it is damaged: stop the server, and restore the last backup ("nearcloud restore")')
    const { format } = db.prepare('SELECT format FROM meta').get() as { format: number }
    if (format > storedFormat)
      throw new Error(
        `a newer nearcloud wrote it (format ${format}; this one knows ${storedFormat}): use that one`,
      )
    const { envs } = db.prepare('SELECT count(*) AS envs FROM environments').get() as { envs: number }
    return `is whole; environments: ${envs}${isDeep ? `; ${checkDocuments(db)} documents read` : ''}`
  })
}

/** How many there are. Throws for one that is none, and where the sizes that are kept are not the sizes that are there. */
function checkDocuments(db: DatabaseSyncInstance): number {
  let count = 0
  for (const row of db.prepare('SELECT collection, id, doc FROM documents').iterate()) {
    const { collection, id, doc } = row as { collection: string; id: string | number; doc: string }
    count++
    try {
      if (encode(decode(doc)) === doc) continue
    } catch {
      // said below
    }
    throw new Error(`the document ${collection}/${id} does not read: restore the last backup`)
  }
  const sizes = 'SELECT coalesce(sum(octet_length(doc)), 0) FROM documents AS d WHERE d.env = e.env'
  const apart = db.prepare(`SELECT env FROM environments AS e WHERE document_bytes <> (${sizes})`).get()
  if (apart) throw new Error('the sizes it keeps are not those of its documents: restore the last backup')
  return count
}

/** A clock that runs behind what was written makes later edits lose. */
function lookAtClock(file: string, now: number): string {
  const lastBuilt = Date.UTC(2025, 0, 1)
  if (now < lastBuilt)
    throw new Error(`it says ${new Date(now).toISOString()}: set the clock of this machine`)
  return reading(file, new Date(now).toISOString(), db => {
    const { last } = db.prepare('SELECT max(time) AS last FROM history').get() as { last: number | null }
    if (last !== null && last > now + clockPatienceMs)
      throw new Error(
        `the last commit was made at ${new Date(last).toISOString()}, and now is ${new Date(now).toISOString()}: set the clock of this machine`,
      )
    return new Date(now).toISOString()
  })
}

async function lookAtPort(
  folder: string,
  pid: number | undefined,
  asked: number | undefined,
): Promise<string> {
  const last = lastAddress(folder)
  if (pid !== undefined) {
    if (last === undefined) throw new Doubt(`process ${pid} has not begun to listen yet`)
    const answer = await fetch(`${last}/health/ready`, { signal: AbortSignal.timeout(3_000) }).catch(
      () => undefined,
    )
    if (!answer) throw new Error(`the server (process ${pid}) does not answer at ${last}: look at its log`)
    const { status } = (await answer.json().catch(() => ({}))) as { status?: string }
    if (status !== 'ok')
      throw new Error(`the server at ${last} says "${status ?? answer.status}": look at its log`)
    return `the server answers at ${last}`
  }
  const port = asked ?? (last === undefined ? undefined : Number(new URL(last).port))
  if (port === undefined) return 'any free one'
  if (!(await isFree(port)))
    throw new Error(`something else listens at ${port}: stop it, or start with another --port`)
  return `${port} is free`
}

function lookAtRules(project: string): string {
  const file = join(project, 'rules.json')
  if (!existsSync(file))
    throw new Doubt('there is no rules.json: documents belong to who made them, and nothing is shared')
  parseRules(readFileSync(file, 'utf8'), file)
  return `${file} reads`
}

function lookAtFunctions(project: string): string {
  const root = findFunctionsFolder(project)
  if (root === undefined) return 'there are none'
  const names: string[] = []
  const doubts: string[] = []
  for (const folder of readFunctionFolders(root)) {
    const file = join(folder.path, 'config.json')
    readRuntimeConfig(file)
    doubts.push(...readTriggers({ folder, config: readFunctionConfig(file) }).unsupported)
    checkSyntax(folder)
    names.push(folder.name)
  }
  if (doubts.length > 0) throw new Doubt(doubts.join('; '))
  return names.length === 0 ? 'there are none' : names.join(', ')
}

function checkSyntax({ name, path }: { readonly name: string; readonly path: string }): void {
  for (const file of ['index.js', 'index.cjs', 'index.mjs', 'index.ts']) {
    const code = join(path, file)
    if (!existsSync(code)) continue
    try {
      transformSync(readFileSync(code, 'utf8'), {
        loader: file.endsWith('.ts') ? 'ts' : 'js',
        logLevel: 'silent',
      })
    } catch (thrown) {
      const [first] =
        (thrown as { errors?: { text: string; location: { line: number } | null }[] }).errors ?? []
      throw new Error(
        `${name}/${file} is no code: ${first?.text ?? String(thrown)} (line ${first?.location?.line ?? '?'})`,
      )
    }
  }
}

function reading(file: string, without: string, look: (db: DatabaseSyncInstance) => string): string {
  if (!existsSync(file)) return without
  let db: DatabaseSyncInstance | undefined
  try {
    db = new DatabaseSync(file, { readOnly: true })
    db.exec('PRAGMA busy_timeout = 2000')
    return look(db)
  } catch (thrown) {
    const code = (thrown as { errcode?: number }).errcode
    if (code === undefined) throw thrown
    throw new Error(
      `it cannot be read (${(thrown as Error).message}): stop the server, and restore the last backup`,
    )
  } finally {
    db?.close()
  }
}

/** The folder, or the first one above it that is there. */
function nearest(folder: string): string {
  for (let place = folder; ; place = dirname(place))
    if (existsSync(place) || dirname(place) === place) return place
}

function isFree(port: number): Promise<boolean> {
  return new Promise(done => {
    const probe = createServer()
    probe.once('error', () => done(false))
    probe.listen({ port, host: '127.0.0.1' }, () => probe.close(() => done(true)))
  })
}

function sizeOf(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

const leastFree = 100_000_000
const clockPatienceMs = 60_000
