import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { transportSuite } from '@nearcloud/sync/testing'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import type { Host } from './host.ts'
import { myHost } from './my-host.ts'
import { SocketTransport } from './socket-transport.ts'
import { MyPhone, WxPhone } from './testing/index.ts'
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

/** A phone, its host, and the ways it has to be one. */
const phones = {
  wx: () => {
    const phone = new WxPhone()
    return { phone, host: () => wxHost(phone.wx), sockets: 5 }
  },
  my: () => {
    const phone = new MyPhone()
    return { phone, host: () => myHost(phone.my), sockets: 5 }
  },
  'an old my': () => {
    const phone = new MyPhone({ hasOneSocket: true })
    return { phone, host: () => myHost(phone.my), sockets: 1 }
  },
}
const names = Object.keys(phones) as (keyof typeof phones)[]

for (const name of names)
  transportSuite(`SocketTransport on ${name}`, { test, expect }, async () => {
    const { url, stop } = await echo()
    const { host } = phones[name]()
    const to = (address: string) => new SocketTransport(address, { host: host(), clock: hostClock })
    return { transport: to(url), refused: to(`ws://127.0.0.1:${await closedPort()}`), stop }
  })

/** What a connection was told. */
async function connected(host: Host, url: string) {
  const log: string[] = []
  let opened: () => void = () => undefined
  let closed: () => void = () => undefined
  const whenOpen = new Promise<void>(resolve => {
    opened = resolve
  })
  const whenClosed = new Promise<void>(resolve => {
    closed = resolve
  })
  const connection = new SocketTransport(url, { host, clock: hostClock }).connect({
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

test.each(names)('[MP-10] bytes where text belongs end the connection (%s)', async name => {
  const { url, stop } = await echo()
  onTestFinished(stop)
  const { log, connection, whenOpen, whenClosed } = await connected(phones[name]().host(), url)
  await whenOpen
  connection.send('bytes')
  await whenClosed
  expect(log).toEqual(['opened', 'closed 1003'])
})

test.each(names)(
  '[MP-10] a socket too many, an address that is none, and no network at all are a connection that never opens (%s)',
  async name => {
    const { url, stop } = await echo()
    onTestFinished(stop)
    const { phone, host, sockets } = phones[name]()
    const open = []
    for (let i = 0; i < sockets; i++) {
      const each = await connected(host(), url)
      await each.whenOpen
      open.push(each)
    }
    const oneMore = await connected(host(), url)
    await oneMore.whenClosed
    expect(oneMore.log).toEqual(['closed 1006'])
    expect(open.every(({ log }) => log.join() === 'opened')).toBe(true)
    const none = await connected(host(), 'https://example.com')
    await none.whenClosed
    expect(none.log).toEqual(['closed 1006'])
    phone.goOffline()
    const offline = await connected(host(), url)
    await offline.whenClosed
    expect(offline.log).toEqual(['closed 1006'])
  },
)

test.each(names)('[MP-10] closed here, it says so even if the host never does (%s)', async name => {
  const { url, stop } = await echo()
  onTestFinished(stop)
  const { phone, host } = phones[name]()
  const { log, connection, whenOpen, whenClosed } = await connected(host(), url)
  await whenOpen
  phone.toBackground()
  connection.close()
  await whenClosed
  expect(log).toEqual(['opened', 'closed 1006'])
})

test('[MP-10] the one socket of an old my is had again after the first has ended, and each hears its own', async () => {
  const { url, stop } = await echo()
  onTestFinished(stop)
  const { phone, host } = phones['an old my']()
  const first = await connected(host(), url)
  await first.whenOpen
  first.connection.send('close')
  await first.whenClosed
  expect(phone.network.openSockets).toBe(0)
  const second = await connected(host(), url)
  await second.whenOpen
  second.connection.send('hello')
  second.connection.send('close')
  await second.whenClosed
  expect(first.log).toEqual(['opened', 'closed 1006'])
  expect(second.log).toEqual(['opened', 'hello', 'closed 1006'])
})

test('[MP-10] where there is one socket, who connects before the last has ended waits for that, or gives up', async () => {
  const { url, stop } = await echo()
  onTestFinished(stop)
  const { phone, host } = phones['an old my']()
  const one = host()
  const closedWhileHostSleeps = async () => {
    const each = await connected(one, url)
    await each.whenOpen
    phone.toBackground()
    each.connection.close()
    await each.whenClosed
  }
  await closedWhileHostSleeps()
  const second = await connected(one, url)
  phone.toForeground()
  await second.whenOpen
  second.connection.send('hello')
  second.connection.send('close')
  await second.whenClosed
  expect(second.log).toEqual(['opened', 'hello', 'closed 1006'])

  await closedWhileHostSleeps()
  const third = await connected(one, url)
  third.connection.send('lost')
  third.connection.close()
  await third.whenClosed
  const refused = await connected(one, url)
  const ended = new Promise<void>(resolve => phone.my.onSocketClose(() => resolve()))
  phone.toForeground()
  await Promise.all([refused.whenClosed, ended])
  expect(refused.log).toEqual(['closed 1006'])
  const fourth = await connected(one, url)
  await fourth.whenOpen
  expect(third.log).toEqual(['closed 1006'])
})
