import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

export interface HoldingsReport {
  /** Open files and connections, when everybody is there: before the weather, and at the end. */
  readonly filesBefore: number
  readonly filesAfter: number
  /** Of the write-ahead log, at most. */
  readonly logMb: number
}

/** What a server holds open, and how large its write-ahead log becomes. Where the system does not tell, nothing. */
export class Holdings {
  readonly #pid: number
  readonly #log: string
  readonly #filesBefore: number
  #logBytes = 0

  constructor(pid: number, data: string) {
    this.#pid = pid
    this.#log = join(data, 'nearcloud.db-wal')
    this.#filesBefore = openFiles(pid)
  }

  note(): void {
    const { size } = statSync(this.#log, { throwIfNoEntry: false }) ?? { size: 0 }
    this.#logBytes = Math.max(this.#logBytes, size)
  }

  report(): HoldingsReport {
    const logMb = Math.round(this.#logBytes / 104_857.6) / 10
    return { filesBefore: this.#filesBefore, filesAfter: openFiles(this.#pid), logMb }
  }
}

/** What of it is too much after many connections, in words. */
export function tooMuchOf({ filesBefore, filesAfter, logMb }: HoldingsReport): string[] {
  return [
    ...(filesAfter > filesBefore + moreFiles
      ? [`the server has ${filesAfter} files open, and had ${filesBefore}`]
      : []),
    ...(logMb > mostLogMb ? [`the write-ahead log had ${logMb} MB`] : []),
  ]
}

function openFiles(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return 0
  }
}

/** Connections that are dead and not yet known to be. */
const moreFiles = 64
const mostLogMb = 256
