import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { CloudError, type Millis } from '@nearcloud/protocol'
import { openDataFolder, unfinishedRestore } from '../data-folder.ts'
import { openDatabase } from '../engine/sqlite-database.ts'
import { syncFolder } from '../files/sync-folder.ts'
import {
  type BackupProgress,
  checkDatabase,
  codeOf,
  copyDatabase,
  copyFiles,
  copyPrivately,
  refuse,
  writeDurably,
} from './copying.ts'
import { type Rewound, reachBack, rewind } from './rewind.ts'

export interface BackupFacts {
  readonly databaseBytes: number
  readonly files: number
  /** The moment it is of; absent in backups of earlier versions. */
  readonly at?: Millis
}

/**
 * Copies a data folder to a new folder, as it was at one moment: every commit up to it is there whole, and none after it;
 * uploaded files besides that nobody refers to, perhaps. A server may go on writing to it meanwhile.
 *
 * Throws SERVER_CONFIGURATION, in one sentence, when there is nothing to copy, or when `to` is there already and not
 * empty. What was cut off is no backup, and restoring refuses it.
 */
export async function backUp(options: {
  readonly dataFolder: string
  readonly to: string
  readonly progress?: (progress: BackupProgress) => void
}): Promise<BackupFacts> {
  const [from, to] = [resolve(options.dataFolder), resolve(options.to)]
  const { progress = () => undefined } = options
  if (!existsSync(join(from, database)))
    throw refuse(`there is no data to back up in ${from}: name the folder a server keeps its data in`)
  if (`${to}/`.startsWith(`${from}/`)) throw refuse(`a backup of ${from} cannot be kept inside it`)
  try {
    await mkdir(to, { recursive: true, mode: 0o700 })
    if ((await readdir(to)).length > 0) throw refuse(`${to} is not empty: name a new folder for the backup`)
    // files before and after the database, so that every file that it names is there, whatever is added or removed meanwhile
    await copyFiles(from, to, () => undefined)
    const at = Date.now()
    const databaseBytes = await copyDatabase(join(from, database), join(to, database), progress)
    const files = await copyFiles(from, to, progress)
    await copySecrets(from, to)
    await writeDurably(join(to, label), `${JSON.stringify({ format: 1, databaseBytes, files, at })}\n`)
    await syncFolder(to)
    return { databaseBytes, files, at }
  } catch (thrown) {
    throw explained(thrown, `the backup to ${to} could not be finished`)
  }
}

/**
 * Puts a backup in place as a data folder. The history goes on under a new name, by which clients that are ahead of it
 * notice: they keep what they have not sent, and are compared.
 *
 * With `moment` what was committed after it is undone, in all environments or in one (`env`): see `rewind`. Where the history in the backup does not
 * reach back so far, or the backup is of an earlier moment, nothing is touched.
 *
 * What the folder held is moved into `replaced-1` (2, 3 …) in it with `isReplacing`; without it a folder that holds data is
 * refused, as is one a server uses, and what is no whole backup: SERVER_CONFIGURATION. When it is cut off, no server opens
 * the folder until it was run again.
 */
export async function restoreBackup(options: {
  readonly from: string
  readonly dataFolder: string
  readonly isReplacing?: boolean
  readonly moment?: Millis
  readonly env?: string
  readonly progress?: (progress: BackupProgress) => void
}): Promise<BackupFacts & { readonly replaced: string | undefined; readonly rewound?: Rewound }> {
  const { progress = () => undefined, isReplacing = false, moment } = options
  const from = resolve(options.from)
  const facts = await readLabel(from)
  checkDatabase(join(from, database))
  if (moment !== undefined && facts.at !== undefined && moment > facts.at)
    throw refuse(
      `the backup ${from} is of ${new Date(facts.at).toISOString()}: for a later moment take a later one`,
    )
  const reaches = moment === undefined ? [] : reachBack(join(from, database), moment, options.env)
  const folder = openDataFolder(options.dataFolder, { isRestoring: true })
  const { path } = folder
  const marker = join(path, unfinishedRestore)
  try {
    const isGoingOn = existsSync(marker)
    const there = [...moved].filter(name => existsSync(join(path, name)))
    if (!isGoingOn && there.includes(database) && !isReplacing)
      throw refuse(`${path} holds data already: restore into a new folder, or ask for it to be replaced`)
    await writeDurably(marker, `${from}\n`)
    await syncFolder(path)
    const replaced = there.length > 0 && !isGoingOn ? await moveAside(path, there) : undefined
    await copyFiles(from, path, progress)
    await copySecrets(from, path)
    for (const tail of ['', '-wal', '-shm']) await rm(join(path, `${database}${tail}`), { force: true })
    const draft = join(path, `${database}.restoring`)
    await rm(draft, { force: true })
    await copyDatabase(join(from, database), draft, progress)
    await rename(draft, join(path, database))
    // gives it a name of its own, and finds what a disk may have done to it
    openDatabase(join(path, database), randomBytes).db.close()
    const rewound = moment === undefined ? undefined : await rewind(folder, reaches, progress)
    await rm(marker)
    await syncFolder(path)
    return { ...facts, replaced, ...(rewound && { rewound }) }
  } catch (thrown) {
    throw explained(thrown, `the backup ${from} could not be restored`)
  } finally {
    folder.release()
  }
}

/** A folder that no newer server ran on has no admin key. */
async function copySecrets(from: string, to: string): Promise<void> {
  await copyPrivately(join(from, keys), join(to, keys))
  if (existsSync(join(from, adminKey))) await copyPrivately(join(from, adminKey), join(to, adminKey))
}

async function moveAside(path: string, names: readonly string[]): Promise<string> {
  for (let number = 1; ; number++) {
    const aside = join(path, `replaced-${number}`)
    if (existsSync(aside)) continue
    await mkdir(aside, { mode: 0o700 })
    for (const name of names) await rename(join(path, name), join(aside, name))
    await syncFolder(aside)
    await syncFolder(path)
    return aside
  }
}

async function readLabel(folder: string): Promise<BackupFacts> {
  try {
    const said = JSON.parse(await readFile(join(folder, label), 'utf8')) as Record<string, unknown> | null
    const { format, databaseBytes, files, at } = said ?? {}
    if (format === 1 && typeof databaseBytes === 'number' && typeof files === 'number')
      return { databaseBytes, files, ...(typeof at === 'number' && { at }) }
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT' && !(thrown instanceof SyntaxError))
      throw explained(thrown, `${folder} cannot be read`)
  }
  throw refuse(`${folder} is no whole backup: it has no ${label} that this version knows`)
}

function explained(thrown: unknown, words: string): CloudError {
  if (thrown instanceof CloudError && thrown.code === 'SERVER_CONFIGURATION') return thrown
  return refuse(`${words}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, thrown)
}

const database = 'nearcloud.db'
const keys = 'keys.json'
const adminKey = 'admin-key'
const label = 'backup.json'
const moved = [database, `${database}-wal`, `${database}-shm`, keys, adminKey, 'files'] as const
