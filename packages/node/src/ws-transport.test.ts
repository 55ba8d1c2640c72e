import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { transportSuite } from '@nearcloud/sync/testing'
import { expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { WsTransport } from './ws-transport.ts'

transportSuite('WsTransport', { test, expect }, async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await new Promise(resolve => server.once('listening', resolve))
  server.on('connection', socket => {
    socket.on('message', data => {
      const frame = data.toString()
      if (frame === 'close') socket.close()
      else socket.send(frame)
    })
  })
  const { port } = server.address() as AddressInfo
  return {
    transport: new WsTransport(`ws://127.0.0.1:${port}`),
    refused: new WsTransport(`ws://127.0.0.1:${await closedPort()}`),
    async stop() {
      for (const socket of server.clients) socket.terminate()
      await new Promise(resolve => server.close(resolve))
    },
  }
})

test('bytes where text belongs end the connection', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await new Promise(resolve => server.once('listening', resolve))
  server.on('connection', socket => socket.send(Buffer.of(1, 2, 3)))
  const { port } = server.address() as AddressInfo
  const received: string[] = []
  const reason = await new Promise<{ code: number }>(closed => {
    new WsTransport(`ws://127.0.0.1:${port}`).connect({
      opened: () => undefined,
      received: frame => received.push(frame),
      closed,
    })
  })
  expect(reason.code).toBe(1003)
  expect(received).toEqual([])
  await new Promise(resolve => server.close(resolve))
})

/** A port where nobody listens: one that was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
