import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { until } from '../scenario/until.ts'
import type { RelayFaults } from './faults.ts'
import { openRelay, type Relay } from './relay.ts'

test('[RELAY-1] without faults everything passes as it is, HTTP and WebSocket', async () => {
  const { relay } = await openHouse()
  const answer = await fetch(`${relay.url}/hello`, { method: 'POST', body: 'x'.repeat(300_000) })
  expect(await answer.text()).toBe(`POST /hello ${'x'.repeat(300_000)}`)
  const socket = await openSocket(relay)
  const messages = ['a', '你好', 'y'.repeat(200_000), 'z'.repeat(70)]
  for (const message of messages) socket.send(message)
  await until('all came back', () => socket.heard.length === 4)
  expect(socket.heard).toEqual(messages)
  expect(Object.values(relay.counts).every(count => count === 0)).toBe(true)
  expect(relay.bytes.up).toBeGreaterThan(500_000)
})

test('[RELAY-2] the same seed does the same to the same messages', async () => {
  const run = async (seed: number) => {
    const { relay, server } = await openHouse({}, seed)
    const socket = await openSocket(relay)
    relay.set({ duplicate: { chance: 0.3 }, direction: 'up' })
    for (let i = 0; i < 100; i++) socket.send(`message ${i}`)
    await until('the last came', () => server.heard.includes('message 99'))
    relay.set({})
    socket.send('end')
    await until('the end came', () => server.heard.includes('end'))
    return [...server.heard]
  }
  const first = await run(7)
  expect(await run(7)).toEqual(first)
  expect(await run(8)).not.toEqual(first)
  expect(first.length).toBeGreaterThan(101)
  expect([...new Set(first)]).toEqual([...Array.from({ length: 100 }, (_, i) => `message ${i}`), 'end'])
})

test('[RELAY-3] a message that was dropped never arrives, and its connection is cut', async () => {
  const { relay, server } = await openHouse()
  const socket = await openSocket(relay)
  relay.set({ drop: { chance: 1, cutAfterMs: 5 } })
  socket.send('lost')
  await socket.closed
  expect(server.heard).toEqual([])
  expect(relay.counts.drop).toBe(1)
})

test('[RELAY-4] cut breaks both ends in the place of a message, truncate in the middle of it', async () => {
  for (const [name, faults] of Object.entries({
    cut: { cut: { chance: 1 } },
    truncate: { truncate: { chance: 1 } },
  })) {
    const { relay, server } = await openHouse()
    const socket = await openSocket(relay)
    relay.set(faults)
    socket.send('never whole')
    await socket.closed
    await until('the server heard of it', () => server.sockets.clients.size === 0)
    expect(server.heard).toEqual([])
    expect(relay.counts[name as 'cut']).toBe(1)
  }
})

test('[RELAY-5] above the ceiling everything vanishes, also what follows, and the connection stays', async () => {
  const { relay, server } = await openHouse()
  const socket = await openSocket(relay)
  relay.set({ ceilingBytes: 1_200 })
  socket.send('small')
  await until('the small one came back', () => socket.heard.length === 1)
  socket.send('x'.repeat(1_200))
  socket.send('small again')
  await until('it vanished', () => relay.counts.ceiling === 1)
  const other = await openSocket(relay)
  other.send('other')
  await until('another connection works', () => other.heard.length === 1)
  expect(server.heard).toEqual(['small', 'other'])
  expect(socket.readyState).toBe(WebSocket.OPEN)
})

test('[RELAY-6] a proxy without WebSocket: the upgrade is refused, HTTP works', async () => {
  const { relay } = await openHouse({ stripUpgrade: true })
  const socket = new WebSocket(relay.url.replace('http', 'ws'))
  const error = await new Promise<Error>(resolve => socket.once('error', resolve))
  expect(error.message).toContain('200')
  expect(await (await fetch(`${relay.url}/x`)).text()).toBe('GET /x ')
  expect(relay.counts.strip).toBe(1)
})

test('[RELAY-7] a captive portal answers for the server, and refuse answers nobody', async () => {
  const { relay, server } = await openHouse({ portal: '<html>pay here</html>' })
  expect(await (await fetch(relay.url)).text()).toBe('<html>pay here</html>')
  relay.set({ refuse: true })
  await expect(fetch(relay.url)).rejects.toThrow()
  expect(server.requests).toEqual([])
  expect([relay.counts.portal, relay.counts.refuse]).toEqual([1, 1])
})

test('[RELAY-8] frozen connections carry nothing and stay open at both ends; new ones work', async () => {
  const { relay, server } = await openHouse()
  const socket = await openSocket(relay)
  relay.freeze()
  socket.send('into the void')
  const other = await openSocket(relay)
  other.send('here')
  await until('another connection works', () => other.heard.length === 1)
  expect(server.heard).toEqual(['here'])
  socket.terminate()
  other.terminate()
  await until('one end is left', () => server.sockets.clients.size === 1)
  expect(relay.open).toBe(1)
})

test('[RELAY-9] an HTTP request that is duplicated reaches the server twice, and is answered once', async () => {
  const { relay, server } = await openHouse({ duplicate: { chance: 1 }, direction: 'up' })
  const answer = await fetch(`${relay.url}/pay`, { method: 'POST', body: 'ten' })
  expect(await answer.text()).toBe('POST /pay ten')
  await until('it came twice', () => server.requests.length === 2)
  expect(server.requests).toEqual(['POST /pay ten', 'POST /pay ten'])
})

test('[RELAY-10] a trickle takes its time, and delays keep the order', async () => {
  const { relay } = await openHouse()
  const socket = await openSocket(relay)
  relay.set({ bytesPerSecond: 20_000, delay: { chance: 0.5, mostMs: 5 }, direction: 'up' })
  const messages = Array.from({ length: 20 }, (_, i) => `${i} ${'x'.repeat(90)}`)
  for (const message of messages) socket.send(message)
  await until('all came back', () => socket.heard.length === messages.length)
  expect(socket.heard).toEqual(messages)
  expect(relay.counts.trickle).toBeGreaterThanOrEqual(20)
  expect(relay.counts.delay).toBeGreaterThan(0)
})

/** An echo for HTTP and WebSocket behind a relay. */
async function openHouse(faults: RelayFaults = {}, seed = 1) {
  const requests: string[] = []
  const heard: string[] = []
  const http = createServer(async (request, response) => {
    const words = `${request.method} ${request.url} ${await bodyOf(request)}`
    requests.push(words)
    response.end(words)
  })
  const sockets = new WebSocketServer({ server: http })
  sockets.on('connection', socket => {
    socket.on('error', () => undefined)
    socket.on('message', data => {
      heard.push(data.toString())
      socket.send(data.toString())
    })
  })
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  const relay = await openRelay({
    to: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    seed,
    faults,
  })
  onTestFinished(async () => {
    await relay.stop()
    for (const socket of sockets.clients) socket.terminate()
    http.closeAllConnections()
    await new Promise(resolve => http.close(resolve))
  })
  return { relay, server: { requests, heard, sockets } }
}

async function openSocket(relay: Relay) {
  const socket = new WebSocket(relay.url.replace('http', 'ws'), { perMessageDeflate: false })
  const heard: string[] = []
  socket.on('message', data => heard.push(data.toString()))
  socket.on('error', () => undefined)
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return Object.assign(socket, { heard, closed })
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
