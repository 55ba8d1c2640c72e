import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { ServedWire } from '../gateway/gateway-wire.ts'
import { addressOfRequest } from './address-of.ts'
import type { Doorkeeper, Visit } from './doorkeeper.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'

export interface UpgradeOptions {
  /** Which requests are for this door. */
  isFor(request: IncomingMessage): boolean
  readonly doorkeeper: Doorkeeper
  /** Of one message. */
  readonly mostBytes: number
  converse(socket: WebSocket, request: IncomingMessage, visit: Visit): void
}

/**
 * Takes the WebSockets of one door. Returns the way to end: it waits for those that are being closed, each of which is terminated a moment
 * after.
 */
export function acceptUpgrades(
  server: Server,
  { isFor, doorkeeper, mostBytes, converse }: UpgradeOptions,
): () => Promise<void> {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: mostBytes })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isFor(request)) return
    socket.on('error', () => socket.destroy())
    const refuse = (status: string) => refuseUpgrade(socket, status)
    if (doorkeeper.isMisdirected(request.headers.host)) return refuse('421 Misdirected Request')
    if (!doorkeeper.mayEnter(request.headers.origin)) return refuse('403 Forbidden')
    const visit = doorkeeper.enter(addressOfRequest(request))
    if (!visit) return refuse('503 Service Unavailable\r\nRetry-After: 5')
    socket.once('close', () => visit.left())
    sockets.handleUpgrade(request, socket, head, webSocket => converse(webSocket, request, visit))
  })
  return async () => {
    const left = [...sockets.clients].map(socket => new Promise(resolve => socket.once('close', resolve)))
    await Promise.all(left)
    sockets.close()
  }
}

/** Closes, and terminates what has not answered a moment later. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason)
  setTimeout(() => socket.terminate(), closingMs).unref()
}

/** For the closing handshake. */
const closingMs = 1_000

/** The connection, for whoever serves it. */
export function wireOf<Frame extends string | Uint8Array>(
  socket: WebSocket,
  visit: Visit,
): ServedWire<Frame> {
  return {
    send: frame => socket.send(frame),
    close: (code, reason) => closeSocket(socket, code, reason),
    ping: () => socket.ping(),
    get bufferedBytes() {
      return socket.bufferedAmount
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    greeted: () => visit.greeted(),
  }
}
