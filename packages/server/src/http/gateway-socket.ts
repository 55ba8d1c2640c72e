import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { limits } from '@nearcloud/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Gateway } from '../gateway/gateway.ts'
import { addressOfRequest } from './address-of.ts'
import type { Doorkeeper, Visit } from './doorkeeper.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'

/** Where providers of editors come to. */
export const gatewayPath = '/y/'

/**
 * Takes WebSockets below `/y/` and gives each to the gateway. Returns the way to end: those that are being closed get a moment
 * for the handshake.
 */
export function acceptEditors(
  server: Server,
  { gateway, doorkeeper }: { readonly gateway: Gateway; readonly doorkeeper: Doorkeeper },
): () => Promise<void> {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: limits.frameBytes,
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isForEditors(request)) return
    socket.on('error', () => socket.destroy())
    const refuse = (status: string) => refuseUpgrade(socket, status)
    if (!doorkeeper.mayEnter(request.headers.origin)) return refuse('403 Forbidden')
    const visit = doorkeeper.enter(addressOfRequest(request))
    if (!visit) return refuse('503 Service Unavailable\r\nRetry-After: 5')
    socket.once('close', () => visit.left())
    sockets.handleUpgrade(request, socket, head, webSocket => converse(webSocket, request, gateway, visit))
  })
  return async () => {
    const left = [...sockets.clients].map(socket => new Promise(resolve => socket.once('close', resolve)))
    await Promise.all(left) // each is terminated a moment after it was closed
    sockets.close()
  }
}

export function isForEditors({ url = '' }: IncomingMessage): boolean {
  return url.startsWith(gatewayPath)
}

function converse(socket: WebSocket, { url = '' }: IncomingMessage, gateway: Gateway, visit: Visit): void {
  const [path, search = ''] = url.slice(gatewayPath.length).split('?', 2) as [string, string?]
  const token = new URLSearchParams(search).get('token') ?? ''
  socket.binaryType = 'nodebuffer'
  const member = gateway.begin(
    {
      send: frame => socket.send(frame),
      close(code, reason) {
        socket.close(code, reason)
        setTimeout(() => socket.terminate(), closingMs).unref()
      },
      ping: () => socket.ping(),
      get bufferedBytes() {
        return socket.bufferedAmount
      },
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      greeted: () => visit.greeted(),
    },
    path,
    token,
  )
  socket.on('error', () => socket.terminate())
  if (!member) return
  socket.on('message', (data, isBinary) => {
    // text is no message: an empty frame is refused like any other
    member.received(isBinary ? new Uint8Array(data as Buffer) : new Uint8Array())
  })
  socket.on('pong', () => member.alive())
  socket.on('close', () => member.closed())
}

/** For the closing handshake. */
const closingMs = 1_000
