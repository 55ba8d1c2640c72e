import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { transportSuite } from '@nearcloud/sync/testing'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { SocketTransport } from './socket-transport.ts'
import { WxPhone } from './testing/index.ts'
import { hostClock } from './timers.ts'
import { wxHost } from './wx-host.ts'

async function echo() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await new Promise(resolve => server.once('listening', resolve))
  server.on('connection', socket =>
    socket.on('message', data => {
      const frame = data.toString()
      if (frame === 'close') socket.close()
      else if (frame === 'bytes') socket.send(Buffer.of(1, 2, 3))
      else socket.send(frame)
    }),
  )
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    async stop() {
      for (const socket of server.clients) socket.terminate()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

transportSuite('SocketTransport', { test, expect }, async () => {
  const { url, stop } = await echo()
  const phone = new WxPhone()
  const to = (address: string) => new SocketTransport(address, { host: wxHost(phone.wx), clock: hostClock })
  return { transport: to(url), refused: to(`ws://127.0.0.1:${await closedPort()}`), stop }
})

/** What a connection was told. */
async function connected(phone: WxPhone, url: string) {
  const log: string[] = []
  let opened: () => void = () => undefined
  let closed: () => void = () => undefined
  const whenOpen = new Promise<void>(resolve => {
    opened = resolve
  })
  const whenClosed = new Promise<void>(resolve => {
    closed = resolve
  })
  const connection = new SocketTransport(url, { host: wxHost(phone.wx), clock: hostClock }).connect({
    opened() {
      log.push('opened')
      opened()
    },
    received: frame => log.push(frame),
    closed({ code }) {
      log.push(`closed ${code}`)
      closed()
    },
  })
  return { log, connection, whenOpen, whenClosed }
}

test('[MP-10] bytes where text belongs end the connection', async () => {
  const { url, stop } = await echo()
  onTestFinished(stop)
  const { log, connection, whenOpen, whenClosed } = await connected(new WxPhone(), url)
  await whenOpen
  connection.send('bytes')
  await whenClosed
  expect(log).toEqual(['opened', 'closed 1003'])
})

test('[MP-10] a sixth socket, an address that is none, and no network at all are a connection that never opens', async () => {
  const { url, stop } = await echo()
  onTestFinished(stop)
  const phone = new WxPhone()
  for (let i = 0; i < 5; i++) await (await connected(phone, url)).whenOpen
  const sixth = await connected(phone, url)
  await sixth.whenClosed
  expect(sixth.log).toEqual(['closed 1006'])
  const none = await connected(phone, 'https://example.com')
  await none.whenClosed
  expect(none.log).toEqual(['closed 1006'])
  phone.goOffline()
  const offline = await connected(phone, url)
  await offline.whenClosed
  expect(offline.log).toEqual(['closed 1006'])
})

test('[MP-10] closed here, it says so even if the host never does', async () => {
  const { url, stop } = await echo()
  onTestFinished(stop)
  const phone = new WxPhone()
  const { log, connection, whenOpen, whenClosed } = await connected(phone, url)
  await whenOpen
  phone.toBackground()
  connection.close()
  await whenClosed
  expect(log).toEqual(['opened', 'closed 1006'])
})
