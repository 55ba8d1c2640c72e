import type { IncomingMessage, Server } from 'node:http'
import { limits } from '@nearcloud/protocol'
import type { WebSocket } from 'ws'
import type { Gateway } from '../gateway/gateway.ts'
import { acceptUpgrades, wireOf } from './accept-upgrades.ts'
import type { Doorkeeper, Visit } from './doorkeeper.ts'

/** Where providers of editors come to. */
export const gatewayPath = '/y/'

/** Takes WebSockets below `/y/` and gives each to the gateway. Returns the way to end. */
export function acceptEditors(
  server: Server,
  { gateway, doorkeeper }: { readonly gateway: Gateway; readonly doorkeeper: Doorkeeper },
): () => Promise<void> {
  return acceptUpgrades(server, {
    isFor: isForEditors,
    doorkeeper,
    mostBytes: limits.frameBytes,
    converse: (socket, request, visit) => converse(socket, request, gateway, visit),
  })
}

export function isForEditors({ url = '' }: IncomingMessage): boolean {
  return url.startsWith(gatewayPath)
}

function converse(socket: WebSocket, { url = '' }: IncomingMessage, gateway: Gateway, visit: Visit): void {
  const [path, search = ''] = url.slice(gatewayPath.length).split('?', 2) as [string, string?]
  const token = new URLSearchParams(search).get('token') ?? ''
  socket.binaryType = 'nodebuffer'
  const member = gateway.begin(wireOf(socket, visit), path, token)
  socket.on('error', () => socket.terminate())
  if (!member) return
  socket.on('message', (data, isBinary) => {
    // text is no message: an empty frame is refused like any other
    member.received(isBinary ? new Uint8Array(data as Buffer) : new Uint8Array())
  })
  socket.on('pong', () => member.alive())
  socket.on('close', () => member.closed())
}
