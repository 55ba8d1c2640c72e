import { createCloud, nodePlatform } from '@nearcloud/node'
import { createServer, type NearcloudServer } from '@nearcloud/server'
import { openStore } from '@nearcloud/store'
import { MemoryStorage } from '@nearcloud/store/memory'
import { createSync, PollTransport } from '@nearcloud/sync'
import { expect, onTestFinished, test } from 'vitest'
import { openRelay, type Relay } from '../relay/relay.ts'
import { testFolder, testProject } from '../scenario/folder.ts'
import { openTo } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'

type Way = 'auto' | 'websocket' | 'polling'

async function openHouse(options: Partial<Parameters<typeof createServer>[0]> = {}) {
  const server = await createServer({
    dataFolder: testFolder('data'),
    project: testProject(openTo('todos')),
    ...options,
  })
  const relay = await openRelay({ to: server.url })
  onTestFinished(async () => {
    await relay.stop()
    await server.stop()
  })
  return { server, relay }
}

function openDevice(relay: Relay, transport: Way, folder = testFolder('device')) {
  const cloud = createCloud({ folder })
  onTestFinished(() => cloud.close())
  cloud.init({ endpoint: relay.url, subscribe: { todos: true }, transport })
  return cloud
}

async function titlesOf(cloud: ReturnType<typeof createCloud>) {
  const { data } = await cloud.database().collection('todos').orderBy('_id', 'asc').get()
  return data.map(({ _id, title }) => `${_id} ${title}`)
}

async function truth(server: NearcloudServer) {
  const { data } = await server.database().collection('todos').orderBy('_id', 'asc').get()
  return data.map(({ _id, title }) => `${_id} ${title}`)
}

test.each([
  ['polling', {}],
  ['auto', { stripUpgrade: true }],
  ['auto', {}],
] as const)(
  '[POLL-20] two devices, offline edits, a restart, and both agree: %s through %o',
  async (way, faults) => {
    const { server, relay } = await openHouse()
    relay.set(faults)
    const folder = testFolder('ann')
    const [ann, bob] = [openDevice(relay, way, folder), openDevice(relay, way)]
    await Promise.all([ann.whenSynced(), bob.whenSynced()])
    const told: string[] = []
    bob
      .database()
      .collection('todos')
      .watch({
        onChange: ({ docs }) => told.push(docs.map(each => each.title).join()),
        onError: () => undefined,
      })
    await ann
      .database()
      .collection('todos')
      .add({ data: { _id: 'a', title: 'milk' } })
    await until('bob sees it', () => told.at(-1) === 'milk')
    ann.goOffline()
    bob.goOffline()
    await ann
      .database()
      .collection('todos')
      .doc('a')
      .update({ data: { title: 'oat milk' } })
    await ann
      .database()
      .collection('todos')
      .add({ data: { _id: 'b', title: 'bread 面包' } })
    await bob
      .database()
      .collection('todos')
      .add({ data: { _id: 'c', title: 'x'.repeat(300_000) } })
    await ann.close()
    bob.goOnline()
    const again = openDevice(relay, way, folder)
    await Promise.all([again.whenSynced(), bob.whenSynced()])
    await until('bob has what ann wrote', async () => (await titlesOf(bob))[1] === 'b bread 面包')
    expect(await titlesOf(again)).toEqual(await truth(server))
    expect(await titlesOf(bob)).toEqual(await truth(server))
    expect((await truth(server))[0]).toBe('a oat milk')
    if ('stripUpgrade' in faults) expect(relay.counts.strip).toBeGreaterThan(0)
  },
)

test('[POLL-21] a captive portal is being offline: writes are kept, nothing of the page is read, and go when it is gone', async () => {
  const { server, relay } = await openHouse()
  relay.set({ portal: '<html>{"type":"welcome"}</html>' })
  const ann = openDevice(relay, 'auto')
  const errors: unknown[] = []
  ann.on('error', error => errors.push(error))
  await ann
    .database()
    .collection('todos')
    .add({ data: { _id: 'a', title: 'milk' } })
  await until('it was tried', () => relay.counts.portal >= 4)
  expect(ann.status()).toMatchObject({ pending: 1 })
  expect(ann.status().state).not.toBe('online')
  expect(errors).toEqual([])
  relay.set({})
  await ann.whenSynced()
  expect(await truth(server)).toEqual(['a milk'])
})

test('[POLL-22] half-open connections are noticed at both ends, and another one takes their place', async () => {
  const { server, relay } = await openHouse({ limits: { heartbeatMs: 1_000 } })
  const ann = openDevice(relay, 'websocket')
  await ann.whenSynced()
  const offline = new Promise(resolve => ann.on('offline', () => resolve(undefined)))
  relay.freeze()
  await offline
  await ann
    .database()
    .collection('todos')
    .add({ data: { _id: 'a', title: 'milk' } })
  await ann.whenSynced()
  expect(await truth(server)).toEqual(['a milk'])
  await until('both ends have given up the frozen one', () => relay.open === 1)
})

test('[POLL-23] a network that comes and goes without end: work goes on, one connection at a time', async () => {
  const { server, relay } = await openHouse()
  const ann = openDevice(relay, 'auto')
  await ann.whenSynced()
  let flaps = 0
  const stop = ann.on('online', () => {
    flaps++
    ann
      .database()
      .collection('todos')
      .add({ data: { _id: `t${String(flaps).padStart(3, '0')}`, title: 'x' } })
    relay.cut()
  })
  const waking = setInterval(() => ann.goOnline(), 5)
  relay.cut()
  await until('it flapped', () => flaps >= 100, 50_000)
  stop()
  clearInterval(waking)
  await ann.whenSynced()
  const documents = await server.database().collection('todos').count()
  expect(documents.total).toBe(flaps)
  expect(relay.mostOpen).toBeLessThanOrEqual(3)
  await until('one is left', () => relay.open === 1)
})

test('[POLL-24] where nothing larger than 1,200 bytes gets through, polling gets everything through, both ways', async () => {
  const { server, relay } = await openHouse({ poll: { holdMs: 100 } })
  await server
    .database()
    .collection('todos')
    .add({ data: { _id: 'there', title: 'y'.repeat(20_000) } })
  const platform = nodePlatform(() => new MemoryStorage())
  const { clock, random } = platform
  relay.set({ ceilingBytes: 1_200 })
  const store = await openStore({ storage: new MemoryStorage(), random })
  const transport = new PollTransport({
    url: `${relay.url}/sync/poll`,
    exchange: request => platform.request(request),
    clock,
    answerMs: 300,
  })
  const sync = createSync({ store, transport, clock, random, env: 'default' })
  onTestFinished(async () => {
    await sync.stop()
    await store.close()
  })
  sync.start()
  sync.subscribe({ collection: 'todos', where: ['and', []], orderBy: [], skip: 0 })
  await sync.executor.commit({
    writes: [{ op: 'add', collection: 'todos', id: 'mine', data: { title: 'x'.repeat(20_000) } }],
  })
  await sync.whenSynced()
  expect(relay.counts.ceiling).toBeGreaterThan(1)
  const here = store.get('todos', 'there')
  expect(here).toMatchObject({ title: 'y'.repeat(20_000) })
  expect(await truth(server)).toEqual([`mine ${'x'.repeat(20_000)}`, `there ${'y'.repeat(20_000)}`])
})
