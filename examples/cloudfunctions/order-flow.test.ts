import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCloud } from '@nearcloud/node'
import { createServer } from '@nearcloud/server'
import { expect, onTestFinished, test } from 'vitest'

/* From an order to the report of the day: a database trigger, a queue, a timer; nobody calls any of them. */

/** A clock that shows another time, and goes as fast. */
function clockAt(time: number) {
  const aheadMs = time - Date.now()
  return {
    now: () => Date.now() + aheadMs,
    after(delayMs: number, task: () => void) {
      const timer = setTimeout(task, Math.min(delayMs, 2 ** 31 - 1))
      return () => clearTimeout(timer)
    },
  }
}

function folder(name: string): string {
  const path = mkdtempSync(join(tmpdir(), `nearcloud-${name}-`))
  onTestFinished(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}

async function openServer(time = Date.now()) {
  const server = await createServer({
    dataFolder: folder('orders'),
    project: import.meta.dirname,
    env: 'functions',
    clock: clockAt(time),
  })
  onTestFinished(() => server.stop())
  return server
}

type Server = Awaited<ReturnType<typeof openServer>>

async function openApp(server: Server) {
  const cloud = createCloud({ folder: folder('app') })
  onTestFinished(() => cloud.close())
  cloud.init({ endpoint: server.url, env: server.env })
  await cloud.ready()
  return cloud
}

const order = (productId: string, quantity = 1) => ({
  status: 'new',
  items: [{ productId, quantity }],
  amount: 12 * quantity,
})

async function statuses(server: Server): Promise<string[]> {
  const { data } = await server.database().collection('orders').limit(1_000).get()
  return data.map(({ status }) => String(status)).sort()
}

test('twenty orders at once for seven cups: seven are taken and paid, the stock is lowered once for each', async () => {
  const server = await openServer()
  const db = server.database()
  await db.collection('products').add({ data: { _id: 'cup', name: 'cup', stock: 7 } })
  const apps = [await openApp(server), await openApp(server)]
  for (let n = 0; n < 20; n++)
    await apps[n % 2]!.database()
      .collection('orders')
      .add({ data: order('cup') })
  await Promise.all(apps.map(app => app.whenSynced()))
  const wanted = [...Array.from({ length: 7 }, () => 'paid'), ...Array.from({ length: 13 }, () => 'soldOut')]
  await expect.poll(() => statuses(server), { timeout: 30_000, interval: 50 }).toEqual(wanted)
  expect((await db.collection('products').doc('cup').get()).data).toMatchObject({ stock: 0 })
  // there are no credentials of WeChat here, so what customers would read is kept
  await expect.poll(async () => (await server.outbox.list()).length, { timeout: 20_000 }).toBe(7)
  expect((await server.outbox.list())[0]).toMatchObject({
    api: 'subscribeMessage.send',
    function: 'onOrderCreate',
    args: { templateId: 'order-taken', touser: expect.any(String) },
  })
  expect(await server.triggers.deadLetters()).toEqual([])
})

test('an order of more than there is takes nothing', async () => {
  const server = await openServer()
  const db = server.database()
  await db.collection('products').add({ data: { _id: 'cup', stock: 3 } })
  await db.collection('products').add({ data: { _id: 'tea', stock: 0 } })
  const app = await openApp(server)
  const { items } = order('cup', 2)
  await app
    .database()
    .collection('orders')
    .add({ data: { ...order('cup', 2), items: [...items, { productId: 'tea', quantity: 1 }] } })
  await expect.poll(() => statuses(server), { timeout: 20_000, interval: 50 }).toEqual(['soldOut'])
  expect((await db.collection('products').doc('cup').get()).data).toMatchObject({ stock: 3 })
})

test('at midnight in Shanghai the report of the day is written, once', async () => {
  const midnight = Date.parse('2026-05-02T00:00:00+08:00')
  const server = await openServer(midnight - 4_000)
  const db = server.database()
  const at = (time: string) => ({ createTime: new Date(time) })
  for (const data of [
    { ...order('cup', 2), status: 'paid', ...at('2026-05-01T00:00:00+08:00') },
    { ...order('cup', 1), status: 'paid', ...at('2026-05-01T23:59:59+08:00') },
    { ...order('cup', 9), status: 'soldOut', ...at('2026-05-01T12:00:00+08:00') },
    { ...order('cup', 5), status: 'paid', ...at('2026-04-30T23:59:59+08:00') },
  ])
    await db.collection('orders').add({ data })
  expect(server.triggers.timers()).toMatchObject([
    { function: 'dailyReport', name: 'midnight', next: midnight },
  ])
  const reports = async () => (await db.collection('reports').get()).data
  await expect
    .poll(reports, { timeout: 20_000, interval: 50 })
    .toMatchObject([{ _id: '2026-05-01', orderCount: 2, totalSales: 36 }])
  expect(server.triggers.timers()).toMatchObject([{ next: midnight + 86_400_000 }])
})
