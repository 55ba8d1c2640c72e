import type { CloudError } from '@nearcloud/protocol'
import { settle } from '@nearcloud/store/testing'
import { TestRig } from '@nearcloud/sync/testing'
import { expect, test } from 'vitest'
import { createCloud } from './index.ts'
import { MemoryPlatform, ScriptedFiles } from './testing/index.ts'

const endpoint = 'http://cloud.test'

async function setUp() {
  const rig = new TestRig()
  const platform = new MemoryPlatform(rig, new ScriptedFiles().http)
  const cloud = createCloud(platform)
  cloud.init({ endpoint })
  await cloud.ready()
  await rig.pass()
  return { rig, platform, cloud, todos: cloud.database().collection('todos') }
}

const failed = (thrown: unknown) => thrown as CloudError

test('[WRITES-1] a write that waits resolves when the server has it, in both styles', async () => {
  const { rig, cloud, todos } = await setUp()
  expect(await todos.add({ data: { _id: '1', n: 1 } })).toHaveProperty('pending', true)
  const added = await todos.add({ data: { _id: '2', n: 1 }, wait: 'server' })
  expect(added).toEqual({ _id: '2', errMsg: 'collection.add:ok', mutationId: 2 })
  expect(rig.server.get('todos', '2')).toBeDefined()
  const told: unknown[] = []
  cloud.goOffline()
  todos.doc('2').update({ data: { n: 2 }, wait: 'server', success: result => told.push(result) })
  const many = todos.where({}).update({ data: { m: 1 }, wait: 'server' })
  await rig.pass(60_000)
  expect((await todos.doc('2').get()).data).toMatchObject({ n: 2, m: 1 })
  expect(told).toEqual([])
  cloud.goOnline()
  expect(await many).toMatchObject({ stats: { updated: 2 } })
  expect(told).toEqual([{ stats: { updated: 1 }, errMsg: 'document.update:ok', mutationId: 3 }])
})

test('[WRITES-1] nothing to write is nothing to wait for', async () => {
  const { cloud, todos } = await setUp()
  cloud.goOffline()
  expect(await todos.where({ n: 7 }).remove({ wait: 'server' })).toMatchObject({ stats: { removed: 0 } })
})

test('[WRITES-2] what the server refuses rejects with its code, words, rule, and the name of the rejection', async () => {
  const { rig, cloud, todos } = await setUp()
  rig.server.judge = () => 'todos are shut'
  const error = await todos.add({ data: { _id: '1' }, wait: 'server' }).catch(failed)
  expect(error).toMatchObject({
    code: 'DATABASE_PERMISSION_DENIED',
    errCode: -502003,
    errMsg: 'collection.add:fail -502003 database permission denied. todos are shut',
    details: { reason: 'todos are shut', rule: 'test', mutationId: 1 },
  })
  expect(cloud.status()).toMatchObject({ pending: 0, rejected: 1 })
})

test('[WRITES-3] a close tells who waits that the write is kept, and it is sent the next time', async () => {
  const { rig, cloud, todos } = await setUp()
  cloud.goOffline()
  const waiting = todos.add({ data: { _id: '1' }, wait: 'server' }).catch(failed)
  await settle()
  await cloud.close()
  expect(await waiting).toMatchObject({ code: 'CLOSED', details: { isKept: true } })
  cloud.init({ endpoint })
  await cloud.whenSynced()
  expect(rig.server.get('todos', '1')).toBeDefined()
  cloud.goOffline()
  const lost = cloud.database().collection('todos').doc('1').remove({ wait: 'server' }).catch(failed)
  await settle()
  await cloud.close({ destroy: true })
  expect(await lost).toMatchObject({ code: 'CLOSED', details: { isKept: false } })
})

test('[WRITES-4] a server date is an estimate, here at once, until the server’s own arrives', async () => {
  const { rig, cloud, todos } = await setUp()
  const db = cloud.database()
  const at = async () => (await todos.doc('1').get()).data?.at
  const told: unknown[] = []
  todos.where({ at: db.command.exists(true) }).watch({
    onChange: ({ docs }) => told.push(docs.map(doc => doc.at)),
    onError: error => told.push(error),
  })
  await rig.pass()
  cloud.goOffline()
  await rig.pass(1_000)
  const written = new Date(rig.clock.now())
  await todos.add({ data: { _id: '1', at: db.serverDate() } })
  expect(await at()).toEqual(written)
  await rig.pass(3_600_000)
  expect(await at()).toEqual(written)
  cloud.goOnline()
  await cloud.whenSynced()
  const committed = new Date(rig.clock.now())
  expect(await at()).toEqual(committed)
  expect(rig.server.get('todos', '1')).toMatchObject({ at: committed })
  expect(told).toEqual([[], [written], [committed]])
})

test('[WRITES-4] the estimate is by the server’s clock, with its offset', async () => {
  const rig = new TestRig()
  const platform = new MemoryPlatform(rig, new ScriptedFiles().http)
  const aheadMs = 10_000_000
  const clock = {
    now: () => rig.clock.now() + aheadMs,
    after: rig.clock.after.bind(rig.clock),
  }
  const cloud = createCloud(Object.assign(platform, { clock }))
  cloud.init({ endpoint })
  await cloud.ready()
  await rig.pass()
  cloud.goOffline()
  const db = cloud.database()
  await db.collection('todos').add({ data: { _id: '1', due: db.serverDate({ offset: 60_000 }) } })
  const { data } = await db.collection('todos').doc('1').get()
  expect(data).toMatchObject({ due: new Date(rig.clock.now() + 60_000) })
})

test('[WRITES-5] a batch is one mutation, one snapshot for each watch here and on other devices, and rolled back whole', async () => {
  const { rig, cloud } = await setUp()
  rig.server.judge = write =>
    write.collection === 'stock' && rig.clock.now() > until ? 'sold out' : undefined
  const until = rig.clock.now() + 1_000
  rig.server.put('stock', { _id: 'tea', left: 5 })
  const bob = createCloud(new MemoryPlatform(rig, new ScriptedFiles().http, 2))
  bob.init({ endpoint })
  await bob.ready()
  const told = [cloud, bob].map(each => {
    const [orders, stock]: [unknown[], unknown[]] = [[], []]
    const here = { orders: [] as unknown[], stock: [] as unknown[] }
    const seen = () => [here.orders.length, here.stock[0]]
    for (const [name, list] of [
      ['orders', orders],
      ['stock', stock],
    ] as const)
      each
        .database()
        .collection(name)
        .watch({
          onChange({ docs }) {
            here[name] = docs.map(doc => doc.left)
            list.push(docs.length)
          },
          onError: error => list.push(error),
        })
    return { orders, stock, seen }
  })
  await rig.pass()
  const order = () => {
    const batch = cloud.database().batch()
    batch.collection('orders').add({ data: {} })
    batch
      .collection('stock')
      .doc('tea')
      .update({ data: { left: cloud.database().command.inc(-2) } })
    batch.collection('orders').add({ data: {} })
    return batch
  }
  const accepted = await order().commit()
  expect(accepted).toMatchObject({ stats: { created: 2, updated: 1 }, pending: true, mutationId: 1 })
  await rig.pass()
  for (const { orders, stock, seen } of told) {
    expect([orders, stock]).toEqual([
      [0, 2],
      [1, 1],
    ])
    expect(seen()).toEqual([2, 3])
  }
  await rig.pass(2_000)
  const error = await order().commit({ wait: 'server' }).catch(failed)
  expect(error).toMatchObject({ details: { reason: 'sold out' } })
  await rig.pass()
  const [anns, bobs] = told as [(typeof told)[number], (typeof told)[number]]
  expect([anns.orders, anns.stock, anns.seen()]).toEqual([
    [0, 2, 4, 2],
    [1, 1, 1, 1],
    [2, 3],
  ])
  expect([bobs.orders, bobs.stock]).toEqual([
    [0, 2],
    [1, 1],
  ])
  expect(cloud.rejections.list).toMatchObject([
    { writes: [{ collection: 'orders' }, { collection: 'stock' }, { collection: 'orders' }] },
  ])
})
