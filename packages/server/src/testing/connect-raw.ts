import { WebSocket } from 'ws'
import { RawClient } from './raw-client.ts'

/** A client over a real socket of a server. */
export async function connectRaw({ url }: { readonly url: string }): Promise<RawClient> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/sync`)
  const client = new RawClient()
  client.attach({ send: frame => socket.send(frame), close: () => socket.close() })
  socket.on('message', data => client.received(data.toString()))
  socket.on('close', () => client.closed())
  socket.on('error', () => {})
  await new Promise(resolve => socket.once('open', resolve))
  return client
}
