import type { ChildProcess } from 'node:child_process'
import { CloudError, toCloudError } from '@nearcloud/protocol'
import {
  type AskMessage,
  type Call,
  type FromWorker,
  LogBudget,
  type LogLevel,
  parseFromWorker,
  type Thrown,
  type ToWorker,
} from '@nearcloud/server-sdk/channel'
import { forkWorker, killWorker } from './fork-worker.ts'
import { endOfProcess, executeFail, timeLimitExceeded } from './function-errors.ts'
import type { Job, ProcessOptions, Running } from './job.ts'
import { readLines } from './read-lines.ts'
import { compile } from './typescript/compile.ts'
import { watchUse } from './use-watch.ts'

/**
 * One process with one function's code, for many calls one after another or at once. It is *open* to calls (while the
 * code is loaded, too), *retired* (finishes what runs) or *ended*; whatever the code does, every call is settled.
 */
export class FunctionProcess {
  readonly #options: ProcessOptions
  readonly #child: ChildProcess
  readonly #running = new Map<string, Running>()
  readonly #logs: LogBudget
  /** Settles when the code is loaded, or never. */
  readonly #ready: Promise<void>
  #becomeReady = () => {}
  readonly #gone: Promise<void>
  #becomeGone = () => {}
  #cancelStart: () => void
  #stopUseWatch: () => void
  #cancelIdle = () => {}
  #state: 'open' | 'retired' | 'ended' = 'open'
  /** Why it ended or will: the first reason counts. */
  #reason: string | undefined
  #errorOutput = ''
  #cancelPing: (() => void) | undefined
  #asking = 0

  constructor(options: ProcessOptions) {
    const { folder, config, runtime, env, appId, clock } = options
    this.#options = options
    this.#logs = new LogBudget(() => clock.now())
    this.#child = forkWorker(options.jail, { folder, config, runtime }, options.debug)
    this.#ready = new Promise(resolve => {
      this.#becomeReady = resolve
    })
    this.#gone = new Promise(resolve => {
      this.#becomeGone = resolve
    })
    this.#cancelStart = options.debug
      ? () => {}
      : clock.after(Math.max(startLimitMs, config.timeLimitMs), () =>
          this.#kill('the code did not finish loading in time'),
        )
    const { pid } = this.#child
    const limits = { memoryMb: config.memoryMb + overheadMb, processes: maxProcesses }
    this.#stopUseWatch =
      pid === undefined ? () => {} : watchUse(clock, pid, limits, what => this.#exceeded(what))
    this.#listen()
    void this.#start(env, appId)
  }

  /** Calls that run in it or wait for it to be ready. */
  get load(): number {
    return this.#running.size
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** What the function returned, as canonical text. Rejects with the error of the call. */
  invoke(job: Job): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'ended') return reject(this.#ended(job.call))
      const running: Running = { job, resolve, reject, cancel: () => {} }
      this.#running.set(job.call.id, running)
      this.#cancelIdle()
      void this.#ready.then(() => this.#begin(running))
    })
  }

  /** Takes no more calls, and ends when those that run are settled. */
  retire(): void {
    if (this.#state !== 'open') return
    this.#state = 'retired'
    this.#endWhenIdle()
  }

  /** Ends it now, and what runs fails. Resolves when it is gone. */
  stop(): Promise<void> {
    this.#kill('the server is stopping')
    return this.#gone
  }

  async #start(env: string, appId: string): Promise<void> {
    const { folder } = this.#options
    const { name, entry, ownPackage } = folder
    try {
      const code = await compile(folder)
      const { runtime } = this.#options
      const sdk = runtime.sdk === 'official' && { sdk: runtime.sdk }
      const start = {
        type: 'start',
        name,
        entry,
        ownPackage,
        env,
        appId,
        allow: [...runtime.allow],
        ...sdk,
      } as const
      this.#send(code === undefined ? start : { ...start, code })
    } catch (error) {
      this.#unloadable({ message: (error as Error).message })
    }
  }

  #begin(running: Running): void {
    const { call, event } = running.job
    if (this.#running.get(call.id) !== running) return
    const { clock, debug } = this.#options
    if (!debug) running.cancel = clock.after(call.timeLimitMs, () => this.#expire(call))
    this.#send({ type: 'invoke', call, event })
  }

  #listen(): void {
    const child = this.#child
    const { config } = this.#options
    child.on('message', message => this.#hear(parseFromWorker(message)))
    child.on('error', error => this.#ending(`the process could not be used (${error.message})`))
    child.on('exit', (code, signal) => {
      killWorker(child)
      this.#reason ??= endOfProcess({ code, signal, errorOutput: this.#errorOutput }, config.memoryMb)
      // What it said before it ended is still on its way.
      if (child.connected) child.once('disconnect', () => this.#ending())
      else this.#ending()
    })
    readLines(child.stdout!, line => this.#log('info', line, undefined))
    readLines(child.stderr!, line => {
      const address = this.#options.debug && /^Debugger listening on (ws:\S+)/.exec(line)?.[1]
      if (address) this.#options.onDebug?.(address)
      this.#errorOutput = `${this.#errorOutput}${line}\n`.slice(-errorOutputLength)
      this.#log('error', line, undefined)
    })
  }

  #hear(message: FromWorker | undefined): void {
    switch (message?.type) {
      case 'ready':
        this.#cancelStart()
        this.#becomeReady()
        break
      case 'unloadable':
        this.#unloadable(message.error)
        break
      case 'returned':
        this.#settle(message.call, running => {
          running.job.measured?.(message.memoryMb)
          running.resolve(message.text)
        })
        break
      case 'threw':
        this.#running.get(message.call)?.job.measured?.(message.memoryMb)
        this.#threw(message.call, message.error)
        break
      case 'crashed':
        this.#reason ??= message.error.message
        break
      case 'log':
        this.#log(message.level, message.text, message.call)
        break
      case 'pong':
        this.#cancelPing?.()
        this.#cancelPing = undefined
        break
      case 'ask':
        void this.#answer(message)
    }
  }

  #unloadable(error: Thrown): void {
    this.#log('error', error.stack ?? error.message, undefined)
    this.#kill(error.message)
  }

  #exceeded(what: 'memory' | 'processes'): void {
    const { memoryMb } = this.#options.config
    this.#kill(
      what === 'memory'
        ? `out of memory: more than ${memoryMb} MB`
        : `too many processes: more than ${maxProcesses}`,
    )
  }

  #threw(id: string, error: Thrown): void {
    this.#settle(id, running => {
      this.#log('error', error.stack ?? error.message, id)
      running.reject(executeFail(this.#options.folder.name, id, error.message))
    })
  }

  async #answer(message: AskMessage): Promise<void> {
    const { ask } = message
    this.#asking++
    try {
      if (this.#asking > maxAsks)
        throw new CloudError('EXCEED_REQUEST_LIMIT', {
          errMsg: `more than ${maxAsks} questions of one function are waiting for their answers`,
        })
      const running = this.#running.get(message.call)
      if (!running)
        throw new CloudError('ABORTED', {
          errMsg: 'the invocation has ended: a function awaits what it asks of the cloud before it returns',
        })
      this.#send({ type: 'answer', ask, result: await running.job.ask(message.verb, message.text) })
    } catch (error) {
      this.#send({ type: 'answer', ask, error: toCloudError(error).toJSON() })
    } finally {
      this.#asking--
    }
  }

  #settle(id: string, settle: (running: Running) => void): void {
    const running = this.#running.get(id)
    if (!running) return
    this.#running.delete(id)
    running.cancel()
    settle(running)
    this.#endWhenIdle()
    const { clock, idleMs } = this.#options
    if (idleMs !== undefined && this.#running.size === 0)
      this.#cancelIdle = clock.after(idleMs, () => this.retire())
  }

  /**
   * The call fails at once. Nothing tells an endless loop from an endless promise but whether the process answers: while
   * it does, other calls in it may finish; in any case it is not used again.
   */
  #expire(call: Call): void {
    const { folder, clock } = this.#options
    this.#settle(call.id, running =>
      running.reject(timeLimitExceeded(folder.name, call.id, call.timeLimitMs)),
    )
    this.retire()
    if (this.#running.size === 0) return
    this.#send({ type: 'ping' })
    this.#cancelPing ??= clock.after(pongLimitMs, () =>
      this.#kill('the process ended because another call in it exceeded its time limit'),
    )
  }

  #endWhenIdle(): void {
    if (this.#state === 'retired' && this.#running.size === 0) this.#kill('retired')
  }

  #kill(reason: string): void {
    this.#reason ??= reason
    if (this.#state === 'ended') return
    killWorker(this.#child)
    this.retire()
  }

  /** Everything that waits for this process learns that it is gone. */
  #ending(reason?: string): void {
    if (this.#state === 'ended') return
    this.#reason ??= reason
    this.#state = 'ended'
    this.#cancelStart()
    this.#stopUseWatch()
    this.#cancelIdle()
    this.#cancelPing?.()
    for (const { job, reject } of this.#takeRunning()) reject(this.#ended(job.call))
    this.#options.onEnded()
    this.#becomeGone()
  }

  #takeRunning(): Running[] {
    const all = [...this.#running.values()]
    this.#running.clear()
    for (const running of all) running.cancel()
    return all
  }

  #ended(call: Call): CloudError {
    return executeFail(this.#options.folder.name, call.id, this.#reason ?? 'the process ended')
  }

  #log(level: LogLevel, text: string, requestId: string | undefined): void {
    for (const line of this.#logs.admit(text)) this.#options.onLog(level, line, requestId)
  }

  #send(message: ToWorker): void {
    // An error means that it is gone, and its exit is heard anyway.
    if (this.#child.connected) this.#child.send(message, () => {})
  }
}

/** Loading the code is not part of a call's time. */
const startLimitMs = 10_000
/** What Node itself holds besides the heap that the limit is about. */
const overheadMb = 96
/** Of one function's process and all it started. */
const maxProcesses = 64
const pongLimitMs = 250
const maxAsks = 1_000
const errorOutputLength = 4_096
