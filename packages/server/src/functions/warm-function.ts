import type { FunctionConfig } from './function-config.ts'
import { functionsClosed, tooManyCalls } from './function-errors.ts'
import type { FunctionFolder } from './function-folder.ts'
import { FunctionProcess, type Job, type ProcessOptions } from './function-process.ts'

export interface WarmOptions extends Pick<ProcessOptions, 'env' | 'appId' | 'clock' | 'onLog'> {
  /** Calls of one function that run at once, and that wait for one of those to end. */
  readonly maxRunning: number
  readonly maxWaiting: number
}

/** The code a function has now. */
export interface FunctionCode {
  readonly folder: FunctionFolder
  readonly config: FunctionConfig
}

/**
 * A function's place on the server. Its process is started by the first call and kept for the next ones, and replaced
 * when it broke or the code changed (calls that run finish in the old one).
 */
export class WarmFunction {
  readonly #options: WarmOptions
  readonly #processes = new Set<FunctionProcess>()
  readonly #waiting: (() => void)[] = []
  #code: FunctionCode
  #current: FunctionProcess | undefined
  #running = 0
  #closing: { whenIdle(): void } | undefined

  constructor(code: FunctionCode, options: WarmOptions) {
    this.#code = code
    this.#options = options
  }

  get code(): FunctionCode {
    return this.#code
  }

  /** Later calls run this code. */
  replace(code: FunctionCode): void {
    this.#code = code
    this.#current?.retire()
  }

  /** Runs it, as soon as there is room. Rejects with EXCEED_REQUEST_LIMIT when too many wait already. */
  async invoke(job: Job): Promise<string> {
    await this.#enter()
    try {
      if (this.#closing) throw functionsClosed()
      return await this.#process().invoke(job)
    } finally {
      this.#leave()
    }
  }

  /** Refuses what waits, lets finish what runs for up to `graceMs`, and ends the processes. */
  async close(graceMs: number): Promise<void> {
    const idle = new Promise<void>(resolve => {
      this.#closing ??= { whenIdle: resolve }
    })
    for (const enter of this.#waiting.splice(0)) enter()
    if (this.#running > 0) {
      const cancel = this.#options.clock.after(graceMs, () => {
        void this.#stopAll()
      })
      await idle
      cancel()
    }
    await this.#stopAll()
  }

  async #stopAll(): Promise<void> {
    await Promise.all([...this.#processes].map(process => process.stop()))
  }

  #process(): FunctionProcess {
    if (this.#current?.isOpen) return this.#current
    const started = new FunctionProcess({
      ...this.#options,
      ...this.#code,
      onEnded: () => this.#processes.delete(started),
    })
    this.#processes.add(started)
    this.#current = started
    return started
  }

  async #enter(): Promise<void> {
    if (this.#running >= this.#options.maxRunning) {
      if (this.#waiting.length >= this.#options.maxWaiting) throw tooManyCalls(this.#code.folder.name)
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
    this.#running++
  }

  #leave(): void {
    this.#running--
    this.#waiting.shift()?.()
    if (this.#running === 0) this.#closing?.whenIdle()
  }
}
