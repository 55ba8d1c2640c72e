import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createServer } from '@nearcloud/server'
import type { Fault } from './shim.ts'

/** A backup of a folder that was written to after a moment, and what it said at that moment. */
export class RestoreWorld {
  readonly #root = mkdtempSync(join(tmpdir(), 'nearcloud-crash-restore-'))
  #moment = ''
  #expected = ''

  async open(documents: number): Promise<void> {
    const server = await createServer({ dataFolder: join(this.#root, 'data'), history: { maxBytes: 1e9 } })
    const all = Array.from({ length: documents }, (_, n) => n)
    const write = (suffix: string, of: readonly number[]) =>
      server.executorFor({ kind: 'admin' }).commit({
        writes: of.map(
          n =>
            ({ op: 'set', collection: 'todos', id: `d${n}`, data: { n, text: `${suffix} ${n}` } }) as const,
        ),
      })
    await write('before', all)
    this.#expected = await read(server)
    this.#moment = new Date().toISOString()
    while (Date.now() <= Date.parse(this.#moment)) await new Promise(setImmediate)
    for (let at = 0; at < documents; at += 10) await write('after', all.slice(at, at + 7))
    await server.executorFor({ kind: 'admin' }).commit({
      writes: [{ op: 'remove', collection: 'todos', id: 'd1' }],
    })
    await server.backup(this.backup)
    await server.stop()
  }

  get backup(): string {
    return join(this.#root, 'backup')
  }

  /** A new place for what is restored; `disk` is what a fault is about. */
  newTarget(): { readonly home: string; readonly disk: string; readonly data: string } {
    const home = mkdtempSync(join(this.#root, 'target-'))
    const disk = join(home, 'disk')
    mkdirSync(disk)
    mkdirSync(join(home, 'aside'))
    return { home, disk, data: join(disk, 'data') }
  }

  /** `nearcloud restore --at` the moment. */
  restore(
    { home, disk, data }: ReturnType<RestoreWorld['newTarget']>,
    shim?: string,
    fault?: Fault,
  ): ChildProcess {
    const faults = fault && {
      LD_PRELOAD: shim,
      NEARCLOUD_FAULT_FOLDER: disk,
      NEARCLOUD_FAULT_ASIDE: join(home, 'aside'),
      NEARCLOUD_FAULT_REPORT: join(home, 'report'),
      NEARCLOUD_FAULT_MODE: fault.mode,
      NEARCLOUD_FAULT_AT: String(fault.at),
      NEARCLOUD_FAULT_SEED: String(fault.seed),
      NEARCLOUD_FAULT_ONLY: fault.only ?? '',
    }
    return spawn(process.execPath, [command, 'restore', this.backup, data, '--at', this.#moment], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...faults },
    })
  }

  hit({ home }: { readonly home: string }): string | undefined {
    const report = join(home, 'report')
    return existsSync(report) ? readFileSync(report, 'utf8').split('\n')[0] : undefined
  }

  /** Undefined: all is as it was. What is half restored must be opened by no server, and be whole after another restore. */
  async judge(target: ReturnType<RestoreWorld['newTarget']>): Promise<string | undefined> {
    const { data } = target
    if (existsSync(join(data, 'restoring'))) {
      const opened = await createServer({ dataFolder: data }).then(
        async server => {
          await server.stop()
          return 'a server opens what is half restored'
        },
        ({ message }: Error) => (message.includes('restore it once more') ? undefined : message),
      )
      if (opened) return opened
    }
    const isThere = existsSync(join(data, 'nearcloud.db')) && !existsSync(join(data, 'restoring'))
    if (!isThere) {
      const again = await endOf(this.restore(target))
      if (again.code !== 0) return `another restore ended with ${again.code}: ${again.said}`
    }
    const server = await createServer({ dataFolder: data })
    try {
      const found = await read(server)
      return found === this.#expected ? undefined : `restored is something else: ${found.slice(0, 200)}`
    } finally {
      await server.stop()
    }
  }

  close(): void {
    rmSync(this.#root, { recursive: true, force: true })
  }
}

export async function endOf(
  child: ChildProcess,
): Promise<{ code: number | null; signal: string | null; said: string }> {
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  return new Promise(done => child.once('close', (code, signal) => done({ code, signal, said })))
}

async function read(server: Awaited<ReturnType<typeof createServer>>): Promise<string> {
  const { data } = await server.database().collection('todos').orderBy('n', 'asc').limit(1_000).get()
  return JSON.stringify(data)
}

const command = resolve(import.meta.dirname, '../../../cli/dist/main.js')
