import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { LogLevel } from '@nearcloud/server-sdk/channel'

/** What a function said, or how a call of it went. */
export interface FunctionLogEntry {
  /** ISO 8601, UTC. */
  readonly time: string
  readonly level: LogLevel
  readonly function: string
  /** Absent for what was said outside a call. */
  readonly requestId?: string
  readonly message: string
  /** Of a call that ended. */
  readonly call?: {
    /** SOURCE of its caller. */
    readonly source: string
    readonly durationMs: number
    /** What its process held when it ended; absent where it did not end by itself. */
    readonly memoryMb?: number
    /** Of its error. */
    readonly code?: string
  }
}

export interface FunctionLogOptions {
  /** Bytes of one file, and how many there are. */
  readonly fileBytes?: number
  readonly files?: number
}

/**
 * The log of all functions: lines of JSON in files of bounded size in a folder, the newest in `functions.jsonl`, then `functions.1.jsonl` and
 * so on. What cannot be written is told once to `failed`, and left out.
 */
export class FunctionLog {
  readonly #folder: string
  readonly #fileBytes: number
  readonly #files: number
  readonly #failed: (error: Error) => void
  #file: number | undefined
  #size = 0
  #waiting: string[] = []
  #isScheduled = false
  #hasFailed = false

  constructor(folder: string, failed: (error: Error) => void, options: FunctionLogOptions = {}) {
    this.#folder = folder
    this.#failed = failed
    this.#fileBytes = options.fileBytes ?? 8_388_608
    this.#files = options.files ?? 5
  }

  write(entry: FunctionLogEntry): void {
    this.#waiting.push(`${JSON.stringify(entry)}\n`)
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#flush())
  }

  close(): void {
    this.#flush()
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #flush(): void {
    this.#isScheduled = false
    const text = this.#waiting.join('')
    this.#waiting = []
    if (text === '') return
    try {
      const bytes = Buffer.from(text)
      this.#file ??= this.#open()
      if (this.#size > 0 && this.#size + bytes.length > this.#fileBytes) this.#turn()
      writeSync(this.#file, bytes)
      this.#size += bytes.length
      this.#hasFailed = false
    } catch (thrown) {
      if (!this.#hasFailed) this.#failed(thrown as Error)
      this.#hasFailed = true
    }
  }

  #open(): number {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    const path = join(this.#folder, logFileName(0))
    this.#size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
    return openSync(path, 'a', 0o600)
  }

  #turn(): void {
    closeSync(this.#file!)
    this.#file = undefined
    rmSync(join(this.#folder, logFileName(this.#files - 1)), { force: true })
    for (let at = this.#files - 2; at >= 0; at--) {
      const from = join(this.#folder, logFileName(at))
      if (statSync(from, { throwIfNoEntry: false })) renameSync(from, join(this.#folder, logFileName(at + 1)))
    }
    this.#file = this.#open()
  }
}

/** 0 is the newest. */
export function logFileName(at: number): string {
  return at === 0 ? 'functions.jsonl' : `functions.${at}.jsonl`
}

/** Where a server keeps its log, in its data folder. */
export function logFolder(dataFolder: string): string {
  return join(dataFolder, 'logs')
}
