import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { limits } from '@nearcloud/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Sessions } from '../session/sessions.ts'
import { addressOfRequest } from './address-of.ts'
import type { Doorkeeper, Visit } from './doorkeeper.ts'
import { FrameQueue } from './frame-queue.ts'
import { isForEditors } from './gateway-socket.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'
import { isForReplicas } from './rxdb-socket.ts'
import { isForWatchers } from './watch-socket.ts'

/**
 * Takes WebSockets at `path` and gives each a session. Returns the way to end: those that are being closed get a moment
 * for their last words.
 */
export function acceptSockets(
  server: Server,
  path: string,
  options: { readonly sessions: Sessions; readonly doorkeeper: Doorkeeper },
): () => Promise<void> {
  const { sessions, doorkeeper } = options
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false, // costs 250 KB a connection
    maxPayload: limits.frameBytes,
    autoPong: false,
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (isForEditors(request) || isForWatchers(request) || isForReplicas(request)) return
    socket.on('error', () => socket.destroy())
    const refuse = (status: string) => refuseUpgrade(socket, status)
    if (pathOf(request) !== path) return refuse('404 Not Found')
    if (doorkeeper.isMisdirected(request.headers.host)) return refuse('421 Misdirected Request')
    if (!doorkeeper.mayEnter(request.headers.origin)) return refuse('403 Forbidden')
    const address = addressOfRequest(request)
    const visit = doorkeeper.enter(address)
    if (!visit) return refuse('503 Service Unavailable\r\nRetry-After: 5')
    socket.once('close', () => visit.left())
    sockets.handleUpgrade(request, socket, head, webSocket =>
      converse(webSocket, socket, { sessions, visit, address }),
    )
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

function converse(
  socket: WebSocket,
  stream: Duplex,
  { sessions, visit, address }: { sessions: Sessions; visit: Visit; address: string },
): void {
  let isGreeted = false
  let strangerBytes = 0
  const frames = new FrameQueue(stream)
  const session = sessions.begin({
    address,
    send(frame) {
      // a reader that takes nothing must not fill the memory
      if (frames.bytes + frame.length > mostBufferedBytes) socket.terminate()
      else if (socket.readyState === socket.OPEN) frames.send(frame)
    },
    close() {
      frames.whenEmpty(() => socket.close(1000))
      setTimeout(() => socket.terminate(), closingMs).unref()
    },
    get bufferedBytes() {
      return frames.bytes
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    greeted() {
      isGreeted = true
      visit.greeted()
    },
  })
  if (!session) return
  stream.on('data', (bytes: Buffer) => {
    session.alive() // a large frame on a slow network takes its time
    if (!isGreeted) strangerBytes += bytes.length
    if (!isGreeted && strangerBytes > mostStrangerBytes) socket.terminate()
  })
  socket.on('message', (data, isBinary) => session.received(isBinary ? undefined : data.toString()))
  socket.on('ping', data => {
    if (socket.bufferedAmount < mostPongBytes) socket.pong(data)
  })
  socket.on('error', () => socket.terminate()) // a frame too large, or no frame at all
  socket.on('close', () => session.closed())
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0]!
}

/** What was not taken: a large frame waits, another comes, and some besides. */
const mostBufferedBytes = 2 * limits.frameBytes + 1_048_576
/** Before it said who it is. */
const mostStrangerBytes = 1_048_576
/** While more waits, pings have no answer. */
const mostPongBytes = 65_536
/** For the closing handshake. */
const closingMs = 1_000
