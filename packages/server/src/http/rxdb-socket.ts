import type { IncomingMessage, Server } from 'node:http'
import { limits } from '@nearcloud/protocol'
import type { Replicas } from '../rxdb/replicas.ts'
import { acceptUpgrades, wireOf } from './accept-upgrades.ts'
import type { Doorkeeper } from './doorkeeper.ts'

/** Where replicas of RxDB come to. */
export const rxdbPath = '/rxdb/'

/** Takes WebSockets below `/rxdb/`. Returns the way to end. */
export function acceptReplicas(
  server: Server,
  { replicas, doorkeeper }: { readonly replicas: Replicas; readonly doorkeeper: Doorkeeper },
): () => Promise<void> {
  return acceptUpgrades(server, {
    isFor: isForReplicas,
    doorkeeper,
    mostBytes: limits.frameBytes,
    converse(socket, { url = '' }, visit) {
      const [path, search = ''] = url.slice(rxdbPath.length).split('?', 2) as [string, string?]
      const replica = replicas.begin(wireOf(socket, visit), path, new URLSearchParams(search))
      socket.on('error', () => socket.terminate())
      if (!replica) return
      socket.on('message', (data, isBinary) => replica.received(isBinary ? '' : String(data)))
      socket.on('pong', () => replica.alive())
      socket.on('close', () => replica.closed())
    },
  })
}

export function isForReplicas({ url = '' }: IncomingMessage): boolean {
  return url.startsWith(rxdbPath)
}
