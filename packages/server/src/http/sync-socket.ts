import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { limits } from '@nearcloud/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Sessions } from '../session/sessions.ts'
import { isForEditors } from './gateway-socket.ts'

/**
 * Takes WebSockets at `path` and gives each a session. Returns the way to end: those that are being closed get a moment
 * for their last words.
 */
export function acceptSockets(server: Server, path: string, sessions: Sessions): () => Promise<void> {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false, // costs 250 KB a connection
    maxPayload: limits.frameBytes,
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (isForEditors(request)) return
    socket.on('error', () => socket.destroy())
    if (pathOf(request) !== path) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, webSocket => converse(webSocket, sessions))
  })
  return async () => {
    const left = [...sockets.clients].map(socket => new Promise(resolve => socket.once('close', resolve)))
    const timer = setTimeout(() => {
      for (const socket of sockets.clients) socket.terminate()
    }, closingMs)
    await Promise.all(left)
    clearTimeout(timer)
    sockets.close()
  }
}

function converse(socket: WebSocket, sessions: Sessions): void {
  const session = sessions.begin({
    send(frame) {
      socket.send(frame)
      // a reader that takes nothing must not fill the memory
      if (socket.bufferedAmount > maxBufferedBytes) socket.terminate()
    },
    close() {
      socket.close(1000)
      setTimeout(() => socket.terminate(), closingMs).unref()
    },
    get bufferedBytes() {
      return socket.bufferedAmount
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  })
  if (!session) return
  socket.on('message', (data, isBinary) => session.received(isBinary ? undefined : data.toString()))
  socket.on('error', () => socket.terminate()) // a frame too large, or no frame at all
  socket.on('close', () => session.closed())
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0]!
}

const maxBufferedBytes = 67_108_864
/** For the closing handshake. */
const closingMs = 1_000
