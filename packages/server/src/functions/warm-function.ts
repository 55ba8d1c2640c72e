import type { FunctionConfig } from './function-config.ts'
import { functionsClosed, tooManyCalls } from './function-errors.ts'
import type { FunctionFolder } from './function-folder.ts'
import { FunctionProcess } from './function-process.ts'
import type { Job, ProcessOptions } from './job.ts'
import type { RuntimeConfig } from './runtime-config.ts'

export interface WarmOptions
  extends Pick<ProcessOptions, 'env' | 'appId' | 'clock' | 'onLog' | 'onDebug' | 'jail' | 'debug'> {
  /** Calls of one function that run at once, if its own configuration does not say fewer, and that wait for one of those to end. */
  readonly maxRunning?: number
  readonly maxWaiting: number
}

/** The code a function has now. */
export interface FunctionCode {
  readonly folder: FunctionFolder
  readonly config: FunctionConfig
}

/** And how it runs. */
export interface RunnableCode extends FunctionCode {
  readonly runtime: RuntimeConfig
}

/**
 * A function's place on the server. Its first process is started by the first call and kept for the next ones; more are
 * started while those there are have enough to do, and end when they were idle for a while. All are replaced when the code
 * changed (calls that run finish in the old ones).
 */
export class WarmFunction {
  readonly #options: WarmOptions
  readonly #processes = new Set<FunctionProcess>()
  readonly #waiting: (() => void)[] = []
  #code: RunnableCode
  #running = 0
  #closing: { whenIdle(): void } | undefined

  constructor(code: RunnableCode, options: WarmOptions) {
    this.#code = code
    this.#options = options
  }

  get code(): FunctionCode {
    return this.#code
  }

  /** It asked for the SDK that is installed for it. */
  get isOfficial(): boolean {
    return this.#code.runtime.sdk === 'official'
  }

  /** Processes that are there, old and new. */
  get processes(): number {
    return this.#processes.size
  }

  /** Its first process is started now. */
  warm(): void {
    this.#process()
  }

  /** Later calls run this code. */
  replace(code: RunnableCode): void {
    this.#code = code
    for (const process of this.#processes) process.retire()
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

  /** The oldest that has room; else another one, as long as there may be more; else the one with the least to do. */
  #process(): FunctionProcess {
    // a debugger looks at one process
    const { instances, concurrency } = this.#options.debug ? single : this.#code.runtime
    const open = [...this.#processes].filter(process => process.isOpen)
    const roomy = open.find(process => process.load < concurrency)
    if (roomy) return roomy
    if (open.length >= instances)
      return open.reduce((least, process) => (process.load < least.load ? process : least))
    const started = new FunctionProcess({
      ...this.#options,
      ...this.#code,
      ...(open.length > 0 && { idleMs: spareIdleMs }),
      onEnded: () => this.#processes.delete(started),
    })
    this.#processes.add(started)
    return started
  }

  get #mostRunning(): number {
    const { instances, concurrency } = this.#code.runtime
    return Math.min(this.#options.maxRunning ?? Number.POSITIVE_INFINITY, instances * concurrency)
  }

  async #enter(): Promise<void> {
    if (this.#running >= this.#mostRunning) {
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

const single = { instances: 1, concurrency: 1_000 }
/** A process that was started for a rush and has had nothing to do for so long ends. */
const spareIdleMs = 60_000
