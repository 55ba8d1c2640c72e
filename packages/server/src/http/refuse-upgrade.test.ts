import type { Server } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { Hono } from 'hono'
import { expect, onTestFinished, test } from 'vitest'
import { listen, stopListening } from './listen.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'

/** Asks for an upgrade, and says more than it was asked for. */
async function upgraded(answer: (socket: Duplex) => void) {
  const { server, port } = await listen(new Hono(), { host: '127.0.0.1', port: 0 })
  server.on('upgrade', (_, socket: Duplex) => {
    socket.on('error', () => socket.destroy())
    answer(socket)
  })
  onTestFinished(() => stopListening(server))
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  onTestFinished(() => void client.destroy())
  client.on('error', () => {})
  client.write('GET /x HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
  const said = await new Promise<string>(resolve => client.once('data', data => resolve(String(data))))
  client.write('and more, which nobody reads')
  return { server, client, said }
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
}

test('[DOOR-9] an upgrade that is refused ends its connection for good, whatever follows it', async () => {
  const { server, said } = await upgraded(socket => refuseUpgrade(socket, '404 Not Found'))
  expect(said).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/)
  await expect.poll(() => connectionsOf(server)).toBe(0)
})

test('[DOOR-9] a connection that was upgraded keeps nobody from stopping', async () => {
  const { server } = await upgraded(socket => void socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
  expect(await connectionsOf(server)).toBe(1)
  await stopListening(server)
  expect(await connectionsOf(server)).toBe(0)
})
