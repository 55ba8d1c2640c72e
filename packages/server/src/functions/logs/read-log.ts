import { createReadStream, existsSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type LogLevel, logLevels } from '@nearcloud/server-sdk/channel'
import { type FunctionLogEntry, logFileName, logFolder } from './function-log.ts'

/** Which entries are wanted; what is absent does not matter. */
export interface LogWish {
  readonly function?: string
  readonly requestId?: string
  /** This one and the more serious ones. */
  readonly level?: LogLevel
  /** Part of the message. */
  readonly text?: string
  /** Not before this; milliseconds. */
  readonly since?: number
}

/** The newest entries of a server's log that are wanted, oldest first; the server may run or not. */
export async function readFunctionLog(
  dataFolder: string,
  wish: LogWish,
  most: number,
): Promise<readonly FunctionLogEntry[]> {
  const folder = logFolder(dataFolder)
  let found: FunctionLogEntry[] = []
  for (let at = 0; existsSync(join(folder, logFileName(at))) && found.length < most; at++) {
    const inFile: FunctionLogEntry[] = []
    const lines = createInterface({
      input: createReadStream(join(folder, logFileName(at))),
      crlfDelay: Infinity,
    })
    for await (const line of lines) {
      const entry = entryOf(line)
      if (!entry || !isWanted(entry, wish)) continue
      inFile.push(entry)
      if (inFile.length > 2 * most) inFile.splice(0, most)
    }
    found = [...inFile, ...found]
  }
  return found.slice(-most)
}

/** Tells entries that are written from now on; `pollMs` says how often it looks. Returns the way to stop. */
export function followFunctionLog(
  dataFolder: string,
  wish: LogWish,
  heard: (entry: FunctionLogEntry) => void,
  pollMs = 200,
): () => void {
  const path = join(logFolder(dataFolder), logFileName(0))
  const now = statSync(path, { throwIfNoEntry: false })
  let place = { inode: now?.ino, offset: now?.size ?? 0 }
  let rest = ''
  let isLooking = false
  const look = async () => {
    const file = await open(path, 'r').catch(() => undefined)
    if (!file) return
    try {
      const { ino, size } = await file.stat()
      // another file has taken its place: the end of the former is not waited for
      if (ino !== place.inode || size < place.offset) place = { inode: ino, offset: 0 }
      const bytes = Buffer.alloc(Math.min(size - place.offset, mostReadBytes))
      const { bytesRead } = await file.read(bytes, 0, bytes.length, place.offset)
      place = { inode: ino, offset: place.offset + bytesRead }
      const lines = (rest + bytes.toString('utf8', 0, bytesRead)).split('\n')
      rest = lines.pop()!
      for (const entry of lines.map(entryOf)) if (entry && isWanted(entry, wish)) heard(entry)
    } finally {
      await file.close()
    }
  }
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    void look().finally(() => {
      isLooking = false
    })
  }, pollMs)
  return () => clearInterval(timer)
}

const mostReadBytes = 1_048_576

/** Undefined for half a line, and for what is none. */
function entryOf(line: string): FunctionLogEntry | undefined {
  try {
    const entry = JSON.parse(line) as FunctionLogEntry
    return typeof entry.message === 'string' && typeof entry.time === 'string' ? entry : undefined
  } catch {
    return undefined
  }
}

function isWanted(entry: FunctionLogEntry, wish: LogWish): boolean {
  if (wish.function !== undefined && entry.function !== wish.function) return false
  if (wish.requestId !== undefined && entry.requestId !== wish.requestId) return false
  if (wish.level !== undefined && logLevels.indexOf(entry.level) < logLevels.indexOf(wish.level)) return false
  if (wish.text !== undefined && !entry.message.includes(wish.text)) return false
  return wish.since === undefined || Date.parse(entry.time) >= wish.since
}
