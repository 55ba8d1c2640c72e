import { settle, TestClock } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import type { Exchange } from './exchange.ts'
import { FallbackTransport } from './fallback-transport.ts'
import { PollTransport } from './poll-transport.ts'
import { LocalPair, type Peer } from './testing/index.ts'
import type { Connection, Transport } from './transport.ts'

/** Two networks to one echo, of which either may be down. */
function openHouse() {
  const clock = new TestClock()
  const peers: Peer[] = []
  const echo = (peer: Peer) => {
    peers.push(peer)
    return { received: (frame: string) => frame !== 'silence' && peer.send(frame), closed: () => undefined }
  }
  const sockets = new LocalPair({ accept: echo, clock })
  const polls = new LocalPair({ accept: echo, clock })
  const transport = new FallbackTransport({ socket: sockets.transport, poll: polls.transport, clock })
  return { clock, sockets, polls, transport, pass: (ms: number) => pass(clock, ms) }
}

async function pass(clock: TestClock, ms: number): Promise<void> {
  await settle()
  await clock.advance(ms)
  await settle()
}

function listenTo(transport: Transport): { log: string[]; connection: Connection } {
  const log: string[] = []
  const connection = transport.connect({
    opened: () => log.push('opened'),
    received: frame => log.push(frame),
    closed: () => log.push('closed'),
  })
  return { log, connection }
}

test('[POLL-15] where sockets open nothing else is tried', async () => {
  const { sockets, polls, transport } = openHouse()
  const { log, connection } = listenTo(transport)
  await settle()
  connection.send('hello')
  await settle()
  expect(log).toEqual(['opened', 'hello'])
  expect([sockets.attempts, polls.attempts]).toEqual([1, 0])
})

test('[POLL-15] where none opens and HTTP works it polls, and the next time polls at once', async () => {
  const { sockets, polls, transport } = openHouse()
  sockets.isUp = false
  const first = listenTo(transport)
  await settle()
  first.connection.send('hello')
  await settle()
  expect(first.log).toEqual(['opened', 'hello'])
  first.connection.close()
  await settle()
  const attempts = sockets.attempts
  const second = listenTo(transport)
  await settle()
  expect(second.log).toEqual(['opened'])
  expect([sockets.attempts, polls.attempts]).toEqual([attempts, 2])
})

test('[POLL-15] a socket that opens at the second try is taken: the server had only just begun to listen', async () => {
  const { sockets, polls, transport } = openHouse()
  sockets.isUp = false
  const { log } = listenTo({
    connect(listener) {
      const connection = transport.connect(listener)
      void settleOnce(() => polls.attempts === 1).then(() => {
        sockets.isUp = true
      })
      return connection
    },
  })
  await settle()
  expect(log).toEqual(['opened'])
  expect([sockets.connections, polls.connections]).toEqual([1, 0])
})

test('[POLL-15] where nothing opens it is offline, and the next attempt begins with a socket', async () => {
  const { sockets, polls, transport } = openHouse()
  sockets.isUp = false
  polls.isUp = false
  const first = listenTo(transport)
  await settle()
  expect(first.log).toEqual(['closed'])
  sockets.isUp = true
  const second = listenTo(transport)
  await settle()
  expect(second.log).toEqual(['opened'])
  expect([sockets.connections, polls.connections]).toEqual([1, 0])
})

test('[POLL-16] it goes back to a socket when one opens again, looking less and less often', async () => {
  const { sockets, polls, transport, pass } = openHouse()
  sockets.isUp = false
  const { log } = listenTo(transport)
  await settle()
  const tried = sockets.attempts
  await pass(300_000)
  expect(sockets.attempts).toBe(tried + 1)
  await pass(599_000)
  expect(sockets.attempts).toBe(tried + 1)
  await pass(1_000)
  expect(sockets.attempts).toBe(tried + 2)
  expect(log).toEqual(['opened'])
  sockets.isUp = true
  await pass(1_800_000)
  expect(log).toEqual(['opened', 'closed'])
  expect([sockets.connections, polls.connections]).toEqual([0, 0])
  const next = listenTo(transport)
  await settle()
  expect(next.log).toEqual(['opened'])
  expect([sockets.connections, polls.connections]).toEqual([1, 0])
})

test('[POLL-17] sockets that get stuck twice, or open and are silent, are left for a while', async () => {
  for (const how of ['stuck', 'silent'] as const) {
    const { sockets, polls, transport } = openHouse()
    for (let i = 0; i < 2; i++) {
      const { connection } = listenTo(transport)
      await settle()
      connection.send(how === 'stuck' ? 'hello' : 'silence')
      await settle()
      if (how === 'stuck') connection.close('stuck')
      else sockets.cut()
      await settle()
    }
    const { log } = listenTo(transport)
    await settle()
    expect(log).toEqual(['opened'])
    expect([sockets.connections, polls.connections]).toEqual([0, 1])
  }
})

test('[POLL-17] one that was stuck once is no reason, and neither is one that was closed here', async () => {
  const { sockets, transport } = openHouse()
  const first = listenTo(transport)
  await settle()
  first.connection.close('stuck')
  await settle()
  for (let i = 0; i < 5; i++) {
    const { connection } = listenTo(transport)
    await settle()
    connection.close()
    await settle()
  }
  listenTo(transport)
  await settle()
  expect(sockets.connections).toBe(1)
})

test('[POLL-18] a captive portal is no network: nothing it says is read, and its answers end the attempt', async () => {
  const clock = new TestClock()
  const pages: Awaited<ReturnType<Exchange>>[] = [
    answer(200, 'text/html', '<html>sign in</html>'),
    answer(200, 'text/plain', 'opened 0123456789abcdef0123456789abcdef 20000\n'),
    answer(200, 'application/x-nearcloud-poll-not', 'opened 0123456789abcdef0123456789abcdef 20000\n'),
    answer(302, 'text/html', ''),
    answer(200, 'application/x-nearcloud-poll', '<html>sign in</html>'),
  ]
  for (const page of pages) {
    const exchange: Exchange = async () => page
    const { log } = listenTo(new PollTransport({ url: 'http://x/sync/poll', exchange, clock }))
    await settle()
    expect(log).toEqual(['closed'])
  }
})

test('[POLL-18] a portal that comes in the middle ends the connection after a while, and is never read', async () => {
  const clock = new TestClock()
  let isPortal = false
  const exchange: Exchange = async ({ body }) => {
    if (isPortal) return answer(200, 'text/html', 'text 0\n5:hello')
    if (body?.startsWith('open'))
      return answer(200, 'application/x-nearcloud-poll', 'opened 0123456789abcdef0123456789abcdef 20000\n')
    isPortal = true
    return answer(200, 'application/x-nearcloud-poll', 'text 0\n2:hi')
  }
  const { log } = listenTo(new PollTransport({ url: 'http://x/sync/poll', exchange, clock }))
  await settle()
  await pass(clock, 44_000)
  expect(log).toEqual(['opened', 'hi'])
  await pass(clock, 2_000)
  expect(log).toEqual(['opened', 'hi', 'closed'])
})

test('[POLL-19] pieces grow while they get through, and those that vanish are not tried for ever', async () => {
  const clock = new TestClock()
  const sizes: number[] = []
  let taken = 0
  const exchange: Exchange = async ({ body = '' }) => {
    const page = (text: string) => answer(200, 'application/x-nearcloud-poll', text)
    if (body.startsWith('open')) return page('opened 0123456789abcdef0123456789abcdef 20000\n')
    if (body.startsWith('poll')) return new Promise(() => undefined)
    const text = body.slice(body.indexOf('\n') + 1)
    sizes.push(text.length)
    if (text.length > 1_200) throw new Error('vanished')
    taken += text.length
    return page(`sent ${taken}\n`)
  }
  const { connection } = listenTo(new PollTransport({ url: 'http://x/sync/poll', exchange, clock }))
  await settle()
  connection.send('x'.repeat(20_000))
  for (let i = 0; i < 100; i++) await pass(clock, 300)
  expect(connection.bufferedBytes).toBe(0)
  expect(sizes.slice(0, 3)).toEqual([600, 1_200, 2_400])
  expect(sizes.filter(size => size > 1_200)).toHaveLength(2)
})

test('[LINK-13] while it is paused polling asks for nothing more, and goes on where it was', async () => {
  const clock = new TestClock()
  let polls = 0
  const exchange: Exchange = async ({ body = '' }) => {
    const page = (text: string) => answer(200, 'application/x-nearcloud-poll', text)
    if (body.startsWith('open')) return page('opened 0123456789abcdef0123456789abcdef 20000\n')
    if (++polls > 3) return new Promise(() => undefined)
    return page(`text ${(polls - 1) * 3}\n1:${polls}`)
  }
  const transport = new PollTransport({ url: 'http://x/sync/poll', exchange, clock })
  const log: string[] = []
  const connection = transport.connect({
    opened: () => connection.pause?.(),
    received: frame => log.push(frame),
    closed: () => log.push('closed'),
  })
  await settle()
  expect(log).toEqual(['1'])
  connection.resume?.()
  await settle()
  expect(log).toEqual(['1', '2', '3'])
})

function answer(status: number, type: string, text: string): Awaited<ReturnType<Exchange>> {
  return { status, headers: { 'content-type': type }, body: new TextEncoder().encode(text) }
}

async function settleOnce(isDue: () => boolean): Promise<void> {
  while (!isDue()) await Promise.resolve()
}
