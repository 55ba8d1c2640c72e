import { once } from 'node:events'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { type WebSocket, WebSocketServer } from 'ws'
import * as sync from 'y-protocols/sync'
import * as Y from 'yjs'

/*
 * The servers ours is compared with: each the least that does it, without a disk, without rules. They give their address.
 */

/** Sends all of it to whoever connects, as arrays in frames of about 64 KB, then closes. */
export function serveBare(texts: readonly string[]): Promise<string> {
  const frames: string[] = []
  for (let n = 0; n < texts.length; n += 200) frames.push(`[${texts.slice(n, n + 200).join(',')}]`)
  return serve(socket => {
    for (const frame of frames) socket.send(frame)
    socket.close()
  })
}

/** A question for the next page. */
export interface PageQuestion {
  readonly after: number
  readonly limit: number
}

/** Answers with `{documents, checkpoint}`, the texts spliced as they are. */
export function servePages(texts: readonly string[]): Promise<string> {
  return serve(socket => {
    socket.on('message', data => {
      const { after, limit } = JSON.parse(String(data)) as PageQuestion
      const page = texts.slice(after, after + limit)
      socket.send(`{"documents":[${page.join(',')}],"checkpoint":{"after":${after + page.length}}}`)
    })
  })
}

/** Whatever one says, the others hear. */
export function serveEcho(): Promise<string> {
  const sockets = new Set<WebSocket>()
  return serve(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('message', data => {
      for (const other of sockets) if (other !== socket) other.send(String(data))
    })
  })
}

/** One Yjs document for all, by the sync messages of y-protocols; awareness is not answered. */
export function serveYjs(): Promise<string> {
  const document = new Y.Doc()
  const sockets = new Set<WebSocket>()
  document.on('update', (update: Uint8Array) => {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, syncMessage)
    sync.writeUpdate(encoder, update)
    for (const socket of sockets) socket.send(encoding.toUint8Array(encoder))
  })
  return serve(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('message', data => {
      const decoder = decoding.createDecoder(new Uint8Array(data as Buffer))
      if (decoding.readVarUint(decoder) !== syncMessage) return
      const encoder = encoding.createEncoder()
      encoding.writeVarUint(encoder, syncMessage)
      sync.readSyncMessage(decoder, encoder, document, socket)
      if (encoding.length(encoder) > 1) socket.send(encoding.toUint8Array(encoder))
    })
  })
}

async function serve(connected: (socket: WebSocket) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
  await once(server, 'listening')
  server.on('connection', connected)
  return `ws://127.0.0.1:${(server.address() as { port: number }).port}`
}

const syncMessage = 0
