import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { CloudError } from '@nearcloud/protocol'

/** The one folder a server keeps everything in, held by one server at a time. */
export interface DataFolder {
  readonly path: string
  /** The engine's file. */
  readonly database: string
  /** The folder of uploaded files. */
  readonly files: string
  /** The port it listened on last; undefined when it never did. */
  readonly port: number | undefined
  /** Durable when it returns: clients know the server by its port. Throws SERVER_CONFIGURATION when it cannot be written. */
  rememberPort(port: number): void
  /** Lets another server have it. */
  release(): void
}

/**
 * Makes the folder if it is missing, and takes it.
 *
 * Throws SERVER_CONFIGURATION, in one sentence, when it cannot be made or written, or when another server that lives
 * holds it. What a killed server left behind holds nothing.
 */
export function openDataFolder(folder: string, { isRestoring = false } = {}): DataFolder {
  const path = resolve(folder)
  try {
    makeFolder(path)
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw refuse(`the data folder ${path} cannot be written (${codeOf(cause)})`, cause)
  }
  const release = takeLock(path)
  if (!isRestoring && existsSync(join(path, unfinishedRestore))) {
    release()
    throw refuse(`a backup was being restored into ${path}, and that was cut off: restore it once more`)
  }
  const portFile = join(path, 'port')
  const remembered = readPort(portFile)
  return {
    path,
    database: join(path, 'nearcloud.db'),
    files: join(path, 'files'),
    port: remembered,
    rememberPort(port) {
      if (port === remembered) return
      try {
        replaceFile(portFile, `${port}\n`)
      } catch (cause) {
        throw refuse(`the port cannot be kept in ${portFile} (${codeOf(cause)})`, cause)
      }
    },
    release,
  }
}

/** The process of a server that holds the folder now. */
export function livingHolder(folder: string): number | undefined {
  const path = resolve(folder)
  if (heldHere.has(path)) return process.pid
  const holder = readHolder(join(path, 'server.lock'))
  return holder && isAlive(holder) ? holder.pid : undefined
}

/** Whether `openDataFolder` threw because a server that lives has the folder. */
export function isHeldError(thrown: unknown): boolean {
  return thrown instanceof CloudError && thrown.details.isHeld === true
}

/** Is in a data folder while a backup is put into it. */
export const unfinishedRestore = 'restoring'

/**
 * Durable with its parents, before anything in it is. `mkdir` with `recursive` never ends where the system denies that a
 * parent exists (Node 20 under `/proc`).
 */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST' && statSync(path).isDirectory()) return
    if (codeOf(cause) !== 'ENOENT' || existsSync(dirname(path)) || dirname(path) === path) throw cause
    makeFolder(dirname(path))
    mkdirSync(path, { mode: 0o700 })
  }
  syncPath(dirname(path), 'r')
}

/** There is the old text or the new one, whatever happens meanwhile. */
function replaceFile(path: string, text: string): void {
  const draft = `${path}.new`
  writeFileSync(draft, text)
  syncPath(draft, 'r+')
  renameSync(draft, path)
  syncPath(dirname(path), 'r')
}

/** A file's bytes, or the names in a folder. */
function syncPath(path: string, flags: 'r' | 'r+'): void {
  if (flags === 'r' && process.platform === 'win32') return // folders cannot be opened there
  const file = openSync(path, flags)
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Who holds a folder: a process, told apart from a later one with its number. */
interface Holder {
  readonly pid: number
  /** Of the machine's run. */
  readonly boot: string
  /** When the process began, in the machine's own count. */
  readonly began: string
}

function takeLock(path: string): () => void {
  if (heldHere.has(path)) throw held(path, process.pid)
  const file = join(path, 'server.lock')
  const mine = holderOf(process.pid)
  const draft = join(path, `server.lock.${process.pid}`)
  try {
    writeFileSync(draft, `${JSON.stringify(mine)}\n`, { mode: 0o600 })
    if (!link(draft, file)) {
      clearStale(path, file)
      if (!link(draft, file)) throw held(path, readHolder(file)?.pid)
    }
  } catch (cause) {
    if (cause instanceof CloudError) throw cause
    throw refuse(`the data folder ${path} cannot be written (${codeOf(cause)})`, cause)
  } finally {
    removeIfItGoes(draft)
  }
  heldHere.add(path)
  return () => {
    if (heldHere.delete(path)) removeIfItGoes(file)
  }
}

/** On a disk that has turned read-only it stays, and holds nothing once this process is gone. */
function removeIfItGoes(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {}
}

/** Takes away a lock whose holder is gone; throws when the holder lives. */
function clearStale(path: string, file: string): void {
  const holder = readHolder(file)
  if (holder && isAlive(holder)) throw held(path, holder.pid)
  const aside = join(path, `server.lock.stale.${process.pid}`)
  try {
    renameSync(file, aside)
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return
    throw cause
  }
  // between the look and the renaming another server may have taken it: then it gets it back
  const moved = readHolder(aside)
  if (moved && isAlive(moved)) link(aside, file)
  removeIfItGoes(aside)
}

/** False when there is one already. The file appears whole. */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false
    throw cause
  }
}

function readHolder(file: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(file, 'utf8')) as Partial<Holder>
    const { pid, boot, began } = holder
    if (!Number.isSafeInteger(pid) || typeof boot !== 'string' || typeof began !== 'string') return undefined
    return { pid: pid!, boot, began }
  } catch {
    return undefined
  }
}

function isAlive(holder: Holder): boolean {
  // in a container every server may have the same number: one with mine is an earlier life of it
  if (holder.pid === process.pid || holder.boot !== bootId()) return false
  try {
    process.kill(holder.pid, 0)
  } catch (cause) {
    return codeOf(cause) === 'EPERM'
  }
  return holderOf(holder.pid).began === holder.began
}

function holderOf(pid: number): Holder {
  return { pid, boot: bootId(), began: beganOf(pid) }
}

/** Empty where the system does not tell. */
function bootId(): string {
  return readText('/proc/sys/kernel/random/boot_id').trim()
}

function beganOf(pid: number): string {
  // the name in brackets may hold anything; the 20th field behind it is the start
  const text = readText(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function readPort(file: string): number | undefined {
  const port = Number(readText(file).trim() || Number.NaN)
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined
}

function held(path: string, pid: number | undefined): CloudError {
  const who = pid === undefined ? '' : ` (process ${pid})`
  return new CloudError('SERVER_CONFIGURATION', {
    errMsg: `the data folder ${path} is in use by another server${who}: stop it, or name another folder`,
    details: { isHeld: true },
  })
}

function refuse(errMsg: string, cause?: unknown): CloudError {
  return new CloudError('SERVER_CONFIGURATION', { errMsg, cause })
}

function codeOf(thrown: unknown): string {
  return String((thrown as NodeJS.ErrnoException | null)?.code ?? 'unknown error')
}

const heldHere = new Set<string>()
