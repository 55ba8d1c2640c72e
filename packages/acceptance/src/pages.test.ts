import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { createCloud, nodePlatform } from '@nearcloud/node'
import type { NearcloudServer } from '@nearcloud/server'
import { MemoryStorage } from '@nearcloud/store/memory'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { openRelay } from './relay/relay.ts'
import { testFolder } from './scenario/folder.ts'
import { openTo, startServer } from './scenario/server.ts'
import { until } from './scenario/until.ts'

/** Documents as apps have them: the same fields, other words. */
function documents(count: number): { _id: string; [field: string]: unknown }[] {
  const words = ['milk', 'bread', 'call mother', '买菜', 'pay the rent', 'water the plants', 'write tests']
  let state = 11
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % below
  }
  return Array.from({ length: count }, (_, n) => ({
    _id: `doc-${String(n).padStart(6, '0')}`,
    title: `${words[next(7)]} ${next(10_000)}`,
    done: next(2) === 0,
    priority: next(5),
    tags: [words[next(7)], words[next(7)]],
    at: { $date: 1_700_000_000_000 + next(1_000_000_000) }.$date,
    note: `${words[next(7)]}, ${words[next(7)]} and ${words[next(7)]}`,
  }))
}

async function serverWith(count: number): Promise<{ server: NearcloudServer; jsonBytes: number }> {
  const server = await startServer({ rules: openTo('items') })
  const all = documents(count)
  const executor = server.executorFor({ kind: 'admin' })
  for (let i = 0; i < all.length; i += 1_000)
    await executor.commit({
      writes: all
        .slice(i, i + 1_000)
        .map(({ _id, ...data }) => ({ op: 'add', collection: 'items', id: _id, data }) as never),
    })
  return { server, jsonBytes: Buffer.byteLength(JSON.stringify(all)) }
}

function openReader(endpoint: string, snapshots: 'http' | 'socket', folder?: string) {
  const cloud = createCloud(folder === undefined ? {} : { folder })
  onTestFinished(() => cloud.close())
  cloud.init({ endpoint, env: 'default', subscribe: { items: true }, snapshots })
  return cloud
}

async function allOf(cloud: ReturnType<typeof createCloud>) {
  const all: unknown[] = []
  for (let skip = 0; ; skip += 1_000) {
    const { data } = await cloud
      .database()
      .collection('items')
      .orderBy('_id', 'asc')
      .skip(skip)
      .limit(1_000)
      .get()
    all.push(...data)
    if (data.length < 1_000) return all
  }
}

async function truthOf(server: NearcloudServer) {
  const query = {
    collection: 'items',
    where: ['and', []] as const,
    orderBy: [['_id', 'asc'] as const],
    skip: 0,
  }
  return (await server.executorFor({ kind: 'admin' }).run({ verb: 'get', query: query as never })).documents
}

test('[PAGES-1] a first result comes packed over HTTP, whole, in a third of its JSON', async () => {
  const { server, jsonBytes } = await serverWith(10_000)
  const relay = await openRelay({ to: server.url })
  onTestFinished(() => relay.stop())
  const cloud = createCloud()
  onTestFinished(() => cloud.close())
  cloud.init({
    endpoint: relay.url,
    subscribe: { items: true },
    snapshots: 'http',
    queryLimits: { default: 1_000, max: 1_000 },
  })
  await cloud.whenSynced()
  expect(await allOf(cloud)).toEqual(await truthOf(server))
  const ratio = relay.bytes.down / jsonBytes
  expect(ratio).toBeLessThan(0.36)
})

test('[PAGES-2] what changes meanwhile ends as on the server, with nothing that is gone, though cut again and again', async () => {
  const { server } = await serverWith(6_000)
  const relay = await openRelay({ to: server.url })
  onTestFinished(() => relay.stop())
  const items = server.database().collection('items')
  const cloud = createCloud({ folder: testFolder('app') })
  onTestFinished(() => cloud.close())
  let parts = 0
  cloud.on('progress', () => {
    parts++
    if (parts % 3 === 0) relay.cut()
  })
  cloud.init({
    endpoint: relay.url,
    subscribe: { items: true },
    snapshots: 'http',
    queryLimits: { default: 1_000, max: 1_000 },
  })
  let isDone = false
  const writing = (async () => {
    for (let n = 0; !isDone; n++) {
      const id = `doc-${String((n * 389) % 6_000).padStart(6, '0')}`
      if (n % 3 === 0) await items.doc(id).remove()
      else await items.doc(id).update({ data: { n } })
    }
  })()
  await until(
    'everything came',
    () => cloud.status().arriving.length === 0 && cloud.status().state === 'online',
  )
  isDone = true
  await writing
  await cloud.whenSynced()
  const truth = await truthOf(server)
  await expect.poll(() => allOf(cloud), { timeout: 20_000 }).toEqual(truth)
  expect(parts).toBeGreaterThan(3)
})

test('[PAGES-3] a first result that was cut goes on behind its last part', async () => {
  const { server } = await serverWith(10_000)
  const relay = await openRelay({ to: server.url })
  onTestFinished(() => relay.stop())
  const folder = testFolder('app')
  relay.set({ bytesPerSecond: 40_000, direction: 'down' })
  for (let cuts = 0; cuts < 2; cuts++) {
    const cloud = openReader(relay.url, 'http', folder)
    await new Promise<void>(resolve => cloud.on('progress', () => resolve()))
    relay.cut()
    await cloud.close()
  }
  relay.set({})
  const cloud = openReader(relay.url, 'http', folder)
  const counted: number[] = []
  cloud.on('progress', ({ done }) => counted.push(done))
  await cloud.whenSynced()
  expect(cloud.status().arriving).toEqual([])
  expect(counted[0]).toBeGreaterThan(3_000)
})

test('[PAGES-4] a part is for its user alone, while the conversation lasts, privately, packed as asked', async () => {
  const { server } = await serverWith(3_000)
  const mine = await converse(server, { protocol: 4, fetch: 0 }, 'a')
  const other = await converse(server, { protocol: 4, fetch: 0 }, 'b')
  mine.send({
    type: 'subscribe',
    id: 1,
    query: { collection: 'items', where: ['and', []], orderBy: [], skip: 0 },
  })
  const { path, characters } = (await mine.next('fetch')) as unknown as { path: string; characters: number }
  const get = (headers: Record<string, string>, at = path) => fetch(`${server.url}${at}`, { headers })
  expect((await get({})).status).toBe(401)
  expect((await get({ authorization: 'Bearer x.y.z' })).status).toBe(401)
  expect((await get({ authorization: `Bearer ${mine.welcome.token}` })).status).toBe(401)
  expect((await get({ authorization: `Bearer ${other.welcome.access}` })).status).toBe(404)
  const authorization = `Bearer ${mine.welcome.access}`
  expect((await get({ authorization }, `/sync/parts/${'0'.repeat(32)}`)).status).toBe(404)
  const texts: string[] = []
  for (const encoding of ['gzip', 'br', 'identity', 'gzip;q=0']) {
    const response = await get({ authorization, 'accept-encoding': encoding })
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toContain('private')
    expect(response.headers.get('content-encoding')).toBe(['gzip', 'br'].includes(encoding) ? encoding : null)
    texts.push(await response.text())
  }
  expect(new Set(texts).size).toBe(1)
  expect(texts[0]!.length).toBe(characters)
  expect(JSON.parse(texts[0]!)).toMatchObject({ type: 'snapshot', id: 1, last: false })
  mine.socket.close()
  await until('the part is gone', async () => (await get({ authorization })).status === 404)
})

test('[PAGES-5] who did not ask is told everything by the conversation, and so is who speaks an older version', async () => {
  const { server } = await serverWith(3_000)
  for (const hello of [{ protocol: 4 }, { protocol: 3 }, { protocol: 1 }]) {
    const client = await converse(server, hello, String(hello.protocol))
    client.send({
      type: 'subscribe',
      id: 1,
      query: { collection: 'items', where: ['and', []], orderBy: [], skip: 0 },
    })
    await until('it is whole', () =>
      client.heard.some(each => each.type === 'snapshot' && each.last === true),
    )
    expect(client.heard.map(each => each.type)).not.toContain('fetch')
  }
})

test('[PAGES-6] an answer that unpacks to more than was told is not read', async () => {
  const bomb = gzipSync(Buffer.alloc(100_000_000))
  const http = createHttpServer((_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' })
    response.end(bomb)
  })
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void http.close())
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`
  const platform = nodePlatform(() => new MemoryStorage())
  const before = process.memoryUsage().rss
  await expect(
    platform.request({ method: 'GET', url, timeoutMs: 30_000, mostBytes: 1_000_000 }),
  ).rejects.toMatchObject({ code: 'OFFLINE' })
  expect(process.memoryUsage().rss - before).toBeLessThan(60_000_000)
})

test('[PAGES-7] where parts cannot be fetched everything comes by the conversation', async () => {
  const { server } = await serverWith(3_000)
  const platform = nodePlatform(() => new MemoryStorage())
  let asked = 0
  const { createCloud: createCloudOn } = await import('@nearcloud/client')
  const cloud = createCloudOn({
    ...platform,
    request(request) {
      asked++
      return request.url.includes('/sync/parts/')
        ? Promise.resolve({ status: 200, headers: {}, body: Buffer.from('<html>pay here</html>') })
        : platform.request(request)
    },
  })
  onTestFinished(() => cloud.close())
  cloud.init({
    endpoint: server.url,
    subscribe: { items: true },
    snapshots: 'http',
    queryLimits: { default: 1_000, max: 1_000 },
  })
  await cloud.whenSynced()
  expect(await allOf(cloud)).toHaveLength(3_000)
  expect(asked).toBeGreaterThanOrEqual(2)
})

/** A conversation by hand. */
async function converse(server: NearcloudServer, hello: object, letter: string) {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/sync`, { perMessageDeflate: false })
  onTestFinished(() => socket.terminate())
  const heard: { type: string; [field: string]: unknown }[] = []
  socket.on('message', data => heard.push(JSON.parse(data.toString())))
  await new Promise(resolve => socket.once('open', resolve))
  const send = (message: object) => socket.send(JSON.stringify(message))
  const next = (type: string) => until(type, () => heard.find(each => each.type === type))
  const client = Buffer.from(letter.repeat(16)).toString('hex')
  send({ type: 'hello', env: '', client, version: 0, seen: 0, subscriptions: [], clock: 0, ...hello })
  const welcome = (await next('welcome')) as unknown as { type: string; token: string; access: string }
  return { socket, heard, send, next, welcome }
}
