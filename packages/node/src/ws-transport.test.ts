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

test('[LINK-13] while it is paused nothing more is read, and after it everything comes, in order', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await new Promise(resolve => server.once('listening', resolve))
  const count = 400
  const frame = 'x'.repeat(100_000)
  const finished: number[] = []
  server.on('connection', socket => {
    for (let i = 0; i < count; i++) socket.send(`${i} ${frame}`, () => finished.push(i))
  })
  const { port } = server.address() as AddressInfo
  const received: number[] = []
  await new Promise<void>(resolve => {
    const connection = new WsTransport(`ws://127.0.0.1:${port}`).connect({
      opened: () => undefined,
      received(text) {
        received.push(Number(text.split(' ', 1)[0]))
        if (received.length === 1) {
          connection.pause?.()
          void untilStill(() => finished.length + received.length).then(() => {
            // 40 MB: what the network's buffers hold is a part of it
            expect(received.length).toBeLessThan(count / 2)
            connection.resume?.()
          })
        }
        if (received.length === count) connection.close()
      },
      closed: () => resolve(),
    })
  })
  expect(received).toEqual(Array.from({ length: count }, (_, i) => i))
  await new Promise(resolve => server.close(resolve))
})

/** Resolves when the number has stayed the same for many turns of the process. */
async function untilStill(number: () => number): Promise<void> {
  for (let [last, turns] = [number(), 0]; turns < 200; turns = number() === last ? turns + 1 : 0) {
    last = number()
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** A port where nobody listens: one that was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
