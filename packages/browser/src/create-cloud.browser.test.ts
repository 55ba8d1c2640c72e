import { expect, test } from 'vitest'
import { createCloud } from './create-cloud.ts'

test('a page computes, declares an index and explains, over IndexedDB and without a network', async () => {
  const cloud = createCloud()
  cloud.init({ endpoint: 'http://127.0.0.1:1', store: `computing-${crypto.randomUUID()}` })
  cloud.goOffline()
  const db = cloud.database()
  const _ = db.command
  const $ = _.aggregate
  const orders = db.collection('orders')
  const at = (day: number) => new Date(Date.UTC(2026, 0, day, 20))
  for (const [day, amount] of [
    [1, 5],
    [1, 7],
    [2, 9],
  ] as const)
    await orders.add({ data: { at: at(day), amount, tags: ['a', `day${day}`] } })
  const { list } = await orders
    .aggregate()
    .match({ amount: $.gte(5) })
    .unwind('$tags')
    .match({ tags: 'a' })
    .group({
      _id: $.dateToString({ date: '$at', format: '%Y-%m-%d', timezone: 'Asia/Shanghai' }),
      total: $.sum('$amount'),
    })
    .sort({ total: -1 })
    .end()
  expect(list).toEqual([
    { _id: '2026-01-02', total: 12 },
    { _id: '2026-01-03', total: 9 },
  ])
  await orders.createIndex({ keys: { tags: 1, amount: -1 } })
  expect(await orders.where({ tags: 'day1' }).orderBy('amount', 'desc').limit(1).explain()).toMatchObject({
    plan: 'index',
    index: 'tags_1_amount_-1',
    returned: 1,
  })
  expect((await orders.where(_.expr($.lt([$.size('$tags'), 1]))).get()).data).toEqual([])
  await cloud.close({ destroy: true })
})

test('[SEAL-7] a page with a key: another one is refused and loses nothing, in a second tab too', async () => {
  const store = `sealed-${crypto.randomUUID()}`
  const key = crypto.getRandomValues(new Uint8Array(32))
  const open = (given: Uint8Array) => {
    const cloud = createCloud({ key: () => given })
    cloud.init({ endpoint: 'http://127.0.0.1:1', store })
    cloud.goOffline()
    return cloud
  }
  const first = open(key)
  await first
    .database()
    .collection('notes')
    .add({ data: { _id: 'a', words: 'open sesame' } })
  await first.uploadFile({ cloudPath: 'a.txt', fileContent: new TextEncoder().encode('open sesame') })
  const second = open(key)
  expect((await second.database().collection('notes').get()).data).toMatchObject([{ _id: 'a' }])
  const wrong = open(crypto.getRandomValues(new Uint8Array(32)))
  const refused = { code: 'STORE_FAILED', details: { reason: 'key' } }
  await expect(wrong.ready()).rejects.toMatchObject(refused)
  await second.close()
  await first.close()
  const alone = open(crypto.getRandomValues(new Uint8Array(32)))
  await expect(alone.ready()).rejects.toMatchObject(refused)
  await alone.close()
  const again = open(key)
  await again.ready()
  expect(again.status()).toMatchObject({ pending: 1, uploads: 1 })
  await again.close({ destroy: true })
})
