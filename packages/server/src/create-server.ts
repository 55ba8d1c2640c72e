import { resolve } from 'node:path'
import { newDocId, normalise } from '@nearcloud/protocol'
import { createDatabase, type DatabaseOptions } from '@nearcloud/query'
import { withTransactions } from '@nearcloud/query/transactions'
import { Hono } from 'hono'
import type { Actor } from './actor.ts'
import { assemble, type Opened } from './assemble.ts'
import { userAdmin } from './auth/user-admin.ts'
import { backUp } from './backup/back-up.ts'
import { openDoors } from './doors.ts'
import { acceptEditors } from './http/gateway-socket.ts'
import { listen, stopListening } from './http/listen.ts'
import { acceptReplicas } from './http/rxdb-socket.ts'
import { acceptSockets } from './http/sync-socket.ts'
import { TrustedProxies } from './http/trusted-proxies.ts'
import { acceptWatchers } from './http/watch-socket.ts'
import type { NearcloudServer, ServerOptions } from './server-options.ts'
import type { ServerTransaction } from './transactions/server-transaction.ts'
import { sendJob } from './triggers/queues/jobs.ts'

export type { NearcloudServer, ServerOptions } from './server-options.ts'

/**
 * Starts a server. Throws SERVER_CONFIGURATION, in one sentence for the operator, when the data folder, the port or the
 * project cannot be used; then nothing is left running.
 */
export async function createServer(given: ServerOptions): Promise<NearcloudServer> {
  const options = withFolders(given)
  const { host = '127.0.0.1' } = options
  const proxies = new TrustedProxies(options.trustedProxies)
  /** The ways to end what runs, the latest first. */
  const closers: (() => unknown)[] = []
  const opened: Opened = (thing, close) => {
    closers.unshift(close)
    return thing
  }
  let url = ''
  let phase: 'starting' | 'ok' = 'starting'
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= closeAll(closers))

  try {
    const assembly = await assemble(options, opened, {
      url: () => url,
      phase: () => (stopped ? 'stopping' : phase),
    })
    const { env, random, folder, environment, functions, sessions, gateway, replicas, triggers } = assembly
    const app = new Hono()
    const { doorkeeper, watchers, endPolls } = await openDoors(app, assembly, {
      options,
      opened,
      url: () => url,
    })
    const { server, port } = await listen(app, {
      host,
      port: options.port ?? 0,
      remembered: folder.port,
      proxies,
    })
    opened(server, () => stopListening(server))
    opened(sessions, endPolls)
    opened(sessions, acceptSockets(server, '/sync', { sessions, doorkeeper }))
    opened(sessions, () => sessions.close())
    opened(gateway, acceptEditors(server, { gateway, doorkeeper }))
    opened(gateway, () => gateway.close())
    opened(replicas, acceptReplicas(server, { replicas, doorkeeper }))
    opened(replicas, () => replicas.close())
    opened(watchers, acceptWatchers(server, { watchers, doorkeeper }))
    opened(watchers, () => watchers.sendAway('the server stops'))
    folder.rememberPort(port)
    url = `http://${urlHost(host)}:${port}`

    phase = 'ok'
    const executorFor = (actor: Actor) => environment.executorFor(actor)
    return {
      url,
      port,
      ...(assembly.apart && { metricsPort: assembly.apart.port }),
      env,
      dataFolder: folder.path,
      sdk: { ...assembly.keys[0]!, serviceUrl: `${url}/admin` },
      users: userAdmin(assembly.users, assembly.accounts),
      database() {
        const actor: Actor = { kind: 'admin' }
        const settings: DatabaseOptions = {
          newId: () => newDocId(random),
          limits: { default: 100, max: 1_000 },
          side: 'server',
        }
        return withTransactions(createDatabase(executorFor(actor), settings), settings, lost =>
          environment.transactions.begin(actor, { lost: lost as ServerTransaction | undefined }),
        )
      },
      executorFor,
      async callFunction({ name, data = {}, openid }) {
        const actor: Actor = openid === undefined ? { kind: 'admin' } : { kind: 'user', openid }
        return {
          result: await functions.invoke({
            name,
            data: normalise(data, { name: 'data', keys: 'call' }),
            actor,
          }),
        }
      },
      triggers,
      outbox: assembly.openapi.outbox,
      queue: name => ({
        send: (data, options) => sendJob(environment, { queue: name, data, depth: 0, ...options }),
      }),
      backup: (to, progress) => backUp({ dataFolder: folder.path, to, ...(progress && { progress }) }),
      stop,
    }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

/** All of them, whatever one of them throws; the first error at the end. */
async function closeAll(closers: readonly (() => unknown)[]): Promise<void> {
  let failure: unknown
  for (const close of closers)
    try {
      await close()
    } catch (thrown) {
      failure ??= thrown
    }
  if (failure !== undefined) throw failure
}

/** Listening everywhere, this machine still calls itself by its own name. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

/** Folders as they are now: functions run elsewhere, and this process may go elsewhere. */
function withFolders(options: ServerOptions): ServerOptions {
  const { dataFolder, project, site } = options
  return {
    ...options,
    dataFolder: resolve(dataFolder),
    ...(project !== undefined && { project: resolve(project) }),
    ...(site !== undefined && { site: resolve(site) }),
  }
}
