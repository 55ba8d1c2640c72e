import { existsSync } from 'node:fs'
import { constants, copyFile, mkdir, open, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CloudError } from '@nearcloud/protocol'
import { backup, DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { syncFolder } from '../files/sync-folder.ts'

/** How far it is: bytes of the database, uploaded files, or commits that are undone. */
export interface BackupProgress {
  readonly part: 'database' | 'files' | 'documents'
  readonly done: number
  readonly total: number
}

/** In one read transaction: another process may write meanwhile, and nothing of that is in it. */
export async function copyDatabase(
  from: string,
  to: string,
  progress: (progress: BackupProgress) => void,
): Promise<number> {
  const db: DatabaseSyncInstance = new DatabaseSync(from)
  try {
    db.exec('PRAGMA busy_timeout = 5000')
    db.exec('BEGIN')
    db.prepare('SELECT epoch FROM meta').get()
    const { page_size: size } = db.prepare('PRAGMA page_size').get() as { page_size: number }
    const { page_count: pages } = db.prepare('PRAGMA page_count').get() as { page_count: number }
    const tell = (left: number) =>
      progress({ part: 'database', done: (pages - left) * size, total: pages * size })
    await backup(db, to, { rate: pagesAtOnce, progress: ({ remainingPages }) => tell(remainingPages) })
    tell(0)
  } finally {
    db.close()
  }
  checkDatabase(to)
  const file = await open(to, 'r+')
  try {
    await file.chmod(0o600)
    await file.sync()
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

export function checkDatabase(path: string): void {
  let db: DatabaseSyncInstance | undefined
  try {
    db = new DatabaseSync(path)
    const [found] = Object.values(db.prepare('PRAGMA quick_check(1)').get() as Record<string, unknown>)
    if (found !== 'ok') throw new Error(String(found))
    db.prepare('SELECT format, epoch FROM meta').get()
    db.exec('PRAGMA journal_mode = DELETE')
  } catch (cause) {
    throw refuse(`the database ${path} is damaged, or is none: take another backup`, cause)
  } finally {
    db?.close()
  }
}

/** Whole files never change: those that are there already are left as they are. */
export async function copyFiles(
  from: string,
  to: string,
  progress: (progress: BackupProgress) => void,
): Promise<number> {
  const names = await blobsIn(from)
  let done = 0
  for (const name of names) {
    const target = join(to, name)
    if (!existsSync(target)) {
      await mkdir(dirname(target), { recursive: true, mode: 0o700 })
      // it may have been removed since it was listed
      const isCopied = await copyPrivately(join(from, name), `${target}.copying`)
      if (isCopied) await rename(`${target}.copying`, target)
    }
    done++
    if (done % 100 === 0 || done === names.length) progress({ part: 'files', done, total: names.length })
  }
  for (const shelf of new Set(names.map(name => dirname(name)))) await syncFolder(join(to, shelf))
  return names.length
}

async function blobsIn(folder: string): Promise<readonly string[]> {
  const root = join('files', 'blobs')
  const shelves = await list(join(folder, root))
  const names = await Promise.all(shelves.map(shelf => list(join(folder, root, shelf))))
  return shelves.flatMap((shelf, at) =>
    names[at]!.filter(name => !name.endsWith('.copying')).map(name => join(root, shelf, name)),
  )
}

async function list(folder: string): Promise<readonly string[]> {
  try {
    if (!(await stat(folder)).isDirectory()) return []
    return (await readdir(folder)).sort()
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return []
    throw thrown
  }
}

/** False when there is none. For its owner alone, and durable. */
export async function copyPrivately(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE)
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT' && !existsSync(from)) return false
    throw thrown
  }
  const file = await open(to, 'r+')
  try {
    await file.chmod(0o600)
    await file.sync()
  } finally {
    await file.close()
  }
  return true
}

export async function writeDurably(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600, flush: true })
}

export function refuse(errMsg: string, cause?: unknown): CloudError {
  return new CloudError('SERVER_CONFIGURATION', { errMsg, cause })
}

export function codeOf(thrown: unknown): unknown {
  return (thrown as NodeJS.ErrnoException | null)?.code
}

const pagesAtOnce = 1_000
