import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inFolder } from '../measuring.ts'
import { ask, nextMessage, startProcess } from '../processes.ts'
import type { Costs, Loaded, LoadedOptions } from './serve.ts'

export interface LoadedServer extends Loaded {
  readonly folder: string
  /** For everything there is. */
  readonly adminKey: string
  costs(): Promise<Costs>
  /** Ends it at once, wherever it is. */
  kill(): Promise<void>
}

/** `serve.ts` in a process of its own. */
export async function startLoaded(options: LoadedOptions): Promise<LoadedServer> {
  const child = startProcess('server/serve', options)
  const loaded = await nextMessage<Loaded>(child)
  return {
    ...loaded,
    folder: options.folder,
    adminKey: readFileSync(join(options.folder, 'data/admin-key'), 'utf8').trim(),
    costs: () => ask<Costs>(child, 'costs'),
    kill() {
      const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
      child.kill('SIGKILL')
      return ended
    },
  }
}

/** A server with these rules, for `work`; gone afterwards. */
export function withServer<T>(rules: object, work: (server: LoadedServer) => Promise<T>): Promise<T> {
  return inFolder(async folder => {
    const server = await startLoaded({ folder, port: 0, rules })
    try {
      return await work(server)
    } finally {
      await server.kill()
    }
  })
}
