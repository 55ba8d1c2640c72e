import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Fault } from './shim.ts'

/** How a life of the server ended. */
export interface Ended {
  readonly signal: NodeJS.Signals | null
  readonly code: number | null
  /** The call that was hit: `3941 sync /…/nearcloud.db-wal 0`. */
  readonly hit: string | undefined
}

export interface ServerLife {
  /** Its address; undefined when it ended before it had one. */
  readonly url: Promise<string | undefined>
  readonly ended: Promise<Ended>
  readonly pid: number
  /** The call the fault was at, when it was reached. */
  hit(): string | undefined
  /** Everything it said. */
  said(): string
  kill(signal?: NodeJS.Signals): void
  /** From now on a disk that was full has room. */
  makeRoom(): void
}

export interface ServerProcessOptions {
  readonly project: string
  /** The disk is `disk` in here, and the data folder `data` on it. */
  readonly home: string
  /** The compiled fault library; needed for faults. */
  readonly shim?: string
  /** The program; default: the `nearcloud` command. */
  readonly main?: string
}

/** The `nearcloud` command on one data folder, as a process that is started again and again; the same address each time. */
export class ServerProcess {
  readonly data: string
  readonly #options: ServerProcessOptions
  readonly #disk: string
  #port: string | undefined

  constructor(options: ServerProcessOptions) {
    this.#options = options
    this.#disk = join(options.home, 'disk')
    this.data = join(this.#disk, 'data')
    mkdirSync(this.#disk)
  }

  start(fault?: Fault): ServerLife {
    const { project, home, shim, main = commandMain } = this.#options
    const report = join(home, 'fault-report')
    const room = join(home, 'fault-room')
    const aside = join(home, 'aside')
    for (const path of [report, room, aside]) rmSync(path, { recursive: true, force: true })
    mkdirSync(aside)
    const faults = fault && {
      LD_PRELOAD: shim,
      NEARCLOUD_FAULT_FOLDER: this.#disk,
      NEARCLOUD_FAULT_ASIDE: aside,
      NEARCLOUD_FAULT_REPORT: report,
      NEARCLOUD_FAULT_ROOM: room,
      NEARCLOUD_FAULT_MODE: fault.mode,
      NEARCLOUD_FAULT_AT: String(fault.at),
      NEARCLOUD_FAULT_SEED: String(fault.seed),
      NEARCLOUD_FAULT_ONLY: fault.only ?? '',
    }
    const options = ['start', '--project', project, '--data', this.data]
    if (this.#port !== undefined) options.push('--port', this.#port)
    const child = spawn(process.execPath, [main, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...faults },
    })
    let said = ''
    const hear = (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-20_000)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    const orphan = () => void child.kill('SIGKILL')
    process.once('exit', orphan)
    const ended = new Promise<Ended>(done =>
      child.once('close', (code, signal) => {
        process.off('exit', orphan)
        done({ code, signal, hit: hitIn(report) })
      }),
    )
    return {
      ended,
      url: this.#addressOf(child, ended, () => said),
      pid: child.pid!,
      hit: () => hitIn(report),
      said: () => said,
      kill: (signal = 'SIGKILL') => void child.kill(signal),
      makeRoom: () => writeFileSync(room, ''),
    }
  }

  #addressOf(child: ChildProcess, ended: Promise<Ended>, said: () => string): Promise<string | undefined> {
    return new Promise(found => {
      child.stdout!.on('data', () => {
        const url = /http:\/\/127\.0\.0\.1:(\d+)/.exec(said())
        if (!url) return
        this.#port = url[1]
        found(url[0])
      })
      void ended.then(() => found(undefined))
    })
  }
}

function hitIn(report: string): string | undefined {
  if (!existsSync(report)) return undefined
  return readFileSync(report, 'utf8')
    .split('\n')
    .find(line => line !== '' && !/^\d+ end /.test(line))
}

const commandMain = resolve(import.meta.dirname, '../../../cli/dist/main.js')
