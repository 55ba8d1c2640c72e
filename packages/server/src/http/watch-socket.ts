import type { IncomingMessage, Server } from 'node:http'
import type { Watchers } from '../official/watch/watchers.ts'
import { acceptUpgrades, closeSocket } from './accept-upgrades.ts'
import type { Doorkeeper } from './doorkeeper.ts'

/** Where the official SDKs come to for their watches. */
export const watchPath = '/web/watch'

/** Takes WebSockets at `/web/watch`. Returns the way to end. */
export function acceptWatchers(
  server: Server,
  { watchers, doorkeeper }: { readonly watchers: Watchers; readonly doorkeeper: Doorkeeper },
): () => Promise<void> {
  return acceptUpgrades(server, {
    isFor: isForWatchers,
    doorkeeper,
    mostBytes: 65_536,
    converse(socket, { url = '' }, visit) {
      const token = new URLSearchParams(url.split('?', 2)[1]).get('sign') ?? undefined
      const line = {
        send(frame: string) {
          // a reader that takes nothing must not fill the memory; it comes back and has it all anew
          if (socket.bufferedAmount + frame.length > mostBufferedBytes) socket.terminate()
          else socket.send(frame)
        },
        close: (code: number, reason: string) => closeSocket(socket, code, reason),
        greeted: () => visit.greeted(),
      }
      const conversation = watchers.begin(line, token)
      socket.on('error', () => socket.terminate())
      socket.on('message', (data, isBinary) => conversation.received(isBinary ? '' : String(data)))
      socket.on('close', () => conversation.closed())
    },
  })
}

export function isForWatchers({ url = '' }: IncomingMessage): boolean {
  return url === watchPath || url.startsWith(`${watchPath}?`)
}

const mostBufferedBytes = 16_777_216
