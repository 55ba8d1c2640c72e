import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { CloudError } from '@nearcloud/protocol'
import type { Hono } from 'hono'
import { noteAddress } from './address-of.ts'
import { TrustedProxies } from './trusted-proxies.ts'

/** An HTTP server that listens. */
export interface Listening {
  readonly server: Server
  readonly port: number
}

export interface ListenOptions {
  readonly host: string
  readonly port: number
  readonly remembered?: number | undefined
  /** Default: none. */
  readonly proxies?: TrustedProxies
  /** For the head of a request, and how often is looked. */
  readonly headMs?: number
  readonly lookEveryMs?: number
}

/**
 * Listens on a port; on 0 on the `remembered` one if it is free, and on any otherwise.
 *
 * Throws SERVER_CONFIGURATION, in one sentence, when the port is taken or may not be used.
 */
export async function listen(app: Hono, options: ListenOptions): Promise<Listening> {
  const { host, port, remembered, proxies = new TrustedProxies() } = options
  const { headMs = 20_000, lookEveryMs = 5_000 } = options
  const answer = getRequestListener(app.fetch)
  const server = createServer({ connectionsCheckingInterval: lookEveryMs }, (request, response) => {
    note(request)
    return answer(request, response)
  })
  server.on('upgrade', note)
  const open = new Set<Socket>()
  connections.set(server, open)
  server.on('connection', socket => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  // uploads take their time; what says nothing for so long is gone
  server.requestTimeout = 300_000
  server.headersTimeout = headMs
  if (port === 0 && remembered !== undefined && (await tryListen(server, host, remembered)) === undefined)
    return { server, port: remembered }
  const failure = await tryListen(server, host, port)
  if (failure) throw configurationError(failure, host, port)
  return { server, port: (server.address() as AddressInfo).port }

  function note(request: IncomingMessage): void {
    const forwarded = request.headers['x-forwarded-for']
    noteAddress(request, proxies.clientOf(request.socket.remoteAddress ?? '', forwarded?.toString()))
  }
}

/** Ends every connection, upgraded ones too, and waits until the port is free. */
export function stopListening(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    for (const socket of connections.get(server) ?? []) socket.destroy()
  })
}

function tryListen(server: Server, host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise(resolve => {
    const failed = (error: NodeJS.ErrnoException) => resolve(error)
    server.once('error', failed)
    server.listen({ port, host }, () => {
      server.off('error', failed)
      resolve(undefined)
    })
  })
}

function configurationError(failure: NodeJS.ErrnoException, host: string, port: number): CloudError {
  const words =
    failure.code === 'EADDRINUSE'
      ? `port ${port} is in use: stop what listens there, or choose another port`
      : failure.code === 'EACCES'
        ? `port ${port} may not be used by this user: choose one above 1023`
        : `the server cannot listen on ${host}:${port} (${failure.code ?? failure.message})`
  return new CloudError('SERVER_CONFIGURATION', { errMsg: words, cause: failure })
}

/** What a server knows no more of once it was upgraded. */
const connections = new WeakMap<Server, ReadonlySet<Socket>>()
