import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createServer, type NearcloudServer, type ServerOptions } from '../create-server.ts'
import { OpenJudge } from '../testing/open-judge.ts'
import { clientId, queryOf } from '../testing/raw-client.ts'
import { Doorkeeper } from './doorkeeper.ts'

const root = mkdtempSync(join(tmpdir(), 'nearcloud-door-'))
const running: NearcloudServer[] = []
const sockets: { destroy?(): void; terminate?(): void }[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) (socket.terminate ?? socket.destroy)!.call(socket)
  for (const server of running.splice(0)) await server.stop()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

async function start(part: Partial<ServerOptions> = {}): Promise<NearcloudServer> {
  const server = await createServer({
    dataFolder: join(root, `data${folders++}`),
    judge: new OpenJudge(),
    ...part,
  })
  running.push(server)
  return server
}

function open(server: NearcloudServer, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/sync`, {
    headers,
    perMessageDeflate: true,
  })
  sockets.push(socket)
  const heard: { type: string; [field: string]: unknown }[] = []
  socket.on('message', data => heard.push(JSON.parse(data.toString())))
  const closed = new Promise<number>(resolve => socket.once('close', resolve))
  const outcome = new Promise<string>(resolve => {
    socket.once('open', () => resolve('open'))
    socket.once('unexpected-response', (_request, response) => resolve(String(response.statusCode)))
    socket.once('error', error => resolve(error.message))
  })
  return { socket, heard, closed, outcome }
}

const hello = (letter: string) =>
  JSON.stringify({
    type: 'hello',
    protocol: 4,
    env: '',
    client: clientId(letter),
    version: 0,
    seen: 0,
    subscriptions: [],
    clock: 0,
  })

async function until(isDue: () => boolean): Promise<void> {
  while (!isDue()) await new Promise(resolve => setImmediate(resolve))
}

test('[DOOR-1] a client that offers compression for every message gets a socket without it', async () => {
  const { socket, outcome } = open(await start())
  expect(await outcome).toBe('open')
  expect(socket.extensions).toBe('')
})

test('[DOOR-2] pages of origins that are not on the list get no socket; who is no page says no origin', async () => {
  const server = await start({ door: { origins: ['https://app.example'] } })
  expect(await open(server, { origin: 'https://evil.example' }).outcome).toBe('403')
  expect(await open(server, { origin: 'null' }).outcome).toBe('403')
  expect(await open(server, { origin: 'https://app.example' }).outcome).toBe('open')
  expect(await open(server).outcome).toBe('open')
})

test('[DOOR-3] who says nothing is counted by address, at all doors together, and not for ever', async () => {
  const server = await start({ door: { waitingPerAddress: 4 } })
  const poll = () => fetch(`${server.url}/sync/poll`, { method: 'POST', body: 'open 1\n' })
  expect((await poll()).status).toBe(200)
  const first = [open(server), open(server), open(server)]
  for (const each of first) expect(await each.outcome).toBe('open')
  expect(await open(server).outcome).toBe('503')
  expect((await poll()).status).toBe(503)
  first[0]!.socket.send(hello('a'))
  await until(() => first[0]!.heard.length > 0)
  expect(await open(server).outcome).toBe('open')
  expect(await open(server).outcome).toBe('503')
  first[1]!.socket.terminate()
  let outcome = '503'
  while (outcome === '503') outcome = await open(server).outcome
  expect(outcome).toBe('open')
})

test('[DOOR-3] of one address only its own are counted', () => {
  const door = new Doorkeeper({ waitingPerAddress: 1 })
  const visit = door.enter('10.0.0.1')
  expect(door.enter('10.0.0.1')).toBeUndefined()
  expect(door.enter('10.0.0.2')).toBeDefined()
  visit!.left()
  visit!.greeted()
  expect(door.enter('10.0.0.1')).toBeDefined()
  expect(door.enter('10.0.0.1')).toBeUndefined()
})

test('[DOOR-3] the second way in closes before the first', () => {
  const door = new Doorkeeper({ waitingPerAddress: 4 })
  expect([door.enter('a', 'poll'), door.enter('a', 'poll')].every(Boolean)).toBe(true)
  expect(door.enter('a', 'poll')).toBeUndefined()
  expect([door.enter('a'), door.enter('a')].every(Boolean)).toBe(true)
  expect(door.enter('a')).toBeUndefined()
})

test('[DOOR-7] requests with a megabyte of heads, thousands of them, or prototype names end alone', async () => {
  const server = await start()
  const raw = (text: string) =>
    new Promise<string>(resolve => {
      const socket = connectTcp(server.port, '127.0.0.1')
      sockets.push(socket)
      let heard = ''
      socket.on('data', bytes => {
        heard += bytes.toString('latin1')
        socket.end()
      })
      socket.on('error', () => resolve(heard))
      socket.on('close', () => resolve(heard))
      socket.write(text)
    })
  const upgrade = 'GET /sync HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
  const key = 'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n'
  expect(await raw(`${upgrade}X-Large: ${'x'.repeat(1_000_000)}\r\n${key}\r\n`)).toMatch(/^HTTP\/1.1 431|^$/)
  expect(await raw(`${upgrade}${'A: 1\r\n'.repeat(3_000)}${key}\r\n`)).toMatch(/^HTTP\/1.1 (431|101|400)|^$/)
  expect(await raw(`${upgrade}__proto__: x\r\nconstructor: y\r\n${key}\r\n`)).toMatch(/^HTTP\/1.1 101/)
  expect(await raw(`${upgrade}Sec-WebSocket-Key: no\r\nSec-WebSocket-Version: 99\r\n\r\n`)).toMatch(
    /^HTTP\/1.1 4/,
  )
  expect(
    await raw(
      'POST /sync/poll HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ),
  ).toMatch(/^HTTP\/1.1 400/)
  const healthy = open(server)
  expect(await healthy.outcome).toBe('open')
})

test('[DOOR-4] a stranger may say a megabyte, and one thing', async () => {
  const server = await start()
  const large = open(server)
  await large.outcome
  large.socket.send('x'.repeat(2_000_000))
  expect(await large.closed).toBe(1006)
  const other = open(server)
  await other.outcome
  other.socket.send(JSON.stringify({ type: 'ping' }))
  await other.closed
  expect(other.heard).toMatchObject([{ type: 'bye' }])
})

test('[DOOR-5] those who never read cost no more than a bound, and the others are served meanwhile', async () => {
  const server = await start()
  const slow: Socket[] = []
  for (let i = 0; i < 20; i++) slow.push(await subscribeAndStopReading(server, `slow${i}`))
  const reader = open(server)
  await reader.outcome
  reader.socket.send(hello('r'))
  reader.socket.send(JSON.stringify({ type: 'subscribe', id: 1, query: queryOf() }))
  await until(() => reader.heard.some(each => each.type === 'snapshot'))
  const before = process.memoryUsage().rss
  const todos = server.database().collection('todos')
  const title = 'x'.repeat(100_000)
  for (let i = 0; i < 400; i++) await todos.add({ data: { _id: `t${i}`, title, public: true } })
  const count = () =>
    reader.heard.reduce(
      (sum, each) => sum + (each.type === 'changes' ? (each.items as unknown[]).length : 0),
      0,
    )
  await until(() => count() === 400)
  // 40 MB for each of twenty, had they been kept
  expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000)
})

/** A client of sockets alone: after its greeting it takes nothing more from the wire. */
async function subscribeAndStopReading(server: NearcloudServer, name: string): Promise<Socket> {
  const socket = connectTcp(server.port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => undefined)
  const key = Buffer.from('0123456789abcdef').toString('base64')
  socket.write(
    `GET /sync HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  )
  const client = Buffer.from(name.padEnd(16, '.')).toString('hex')
  socket.write(frameOf(hello('x').replace(/"client":"[0-9a-f]+"/, `"client":"${client}"`)))
  socket.write(frameOf(JSON.stringify({ type: 'subscribe', id: 1, query: queryOf() })))
  let seen = ''
  await new Promise<void>(resolve =>
    socket.on('data', bytes => {
      seen += bytes.toString('latin1')
      if (seen.includes('"type":"snapshot"')) resolve()
    }),
  )
  socket.pause()
  return socket
}

/** A masked text frame. */
function frameOf(text: string): Buffer {
  const payload = Buffer.from(text)
  const head =
    payload.length < 126
      ? Buffer.from([0x81, 0x80 | payload.length])
      : Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 255])
  return Buffer.concat([head, Buffer.alloc(4), payload])
}
