import type { AlipayCloud } from '@nearcloud/miniprogram/alipay'
import { TestClock } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { openApp } from '../scenario/app.ts'
import { openTo, startServer } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'
import { openAlipay, testMyPhone } from './mini-app.ts'

const rules = { ...openTo('todos'), storage: { read: true, write: true } }

test.each([
  { base: 'of today', hasOneSocket: false },
  { base: 'with one socket', hasOneSocket: true },
])(
  '[MP-36] add, tick, photo, offline, killed, reopened, online: a mini program of Alipay (a base library $base) and a Node app agree',
  async ({ hasOneSocket }) => {
    const server = await startServer({ rules })
    const other = await openApp(server, { follow: ['todos'] })
    const phone = testMyPhone({ hasOneSocket })
    const options = { endpoint: server.url, env: server.env, subscribe: { todos: true } }
    const cloud = await openAlipay(phone, options)
    await cloud.whenSynced()
    await cloud
      .database()
      .collection('todos')
      .add({ data: { _id: 'a', title: 'milk', done: false } })
    await cloud.whenSynced()
    const photo = Uint8Array.from({ length: 50_000 }, (_, i) => i & 255)
    phone.goOffline()
    await cloud
      .database()
      .collection('todos')
      .doc('a')
      .update({ data: { done: true } })
    const { fileID, pending } = await cloud.uploadFile({
      cloudPath: 'photos/a.jpg',
      filePath: phone.take('a.jpg', photo),
    })
    expect(pending).toBe(true)
    phone.kill()
    await other
      .database()
      .collection('todos')
      .doc('a')
      .update({ data: { title: 'oat milk' } })
    await other.whenSynced()
    phone.launch()
    const again = await openAlipay(phone, options)
    expect(await again.database().collection('todos').doc('a').get()).toMatchObject({
      title: 'milk',
      done: true,
    })
    expect(again.status()).toMatchObject({ pending: 1, uploads: 1 })
    phone.goOnline()
    await again.whenSynced()
    await other.whenSynced()
    const everywhere = { title: 'oat milk', done: true }
    expect(await again.database().collection('todos').doc('a').get()).toMatchObject(everywhere)
    expect((await other.database().collection('todos').doc('a').get()).data).toMatchObject(everywhere)
    const { filePath } = await again.downloadFile({ fileID })
    expect(phone.read(filePath)).toEqual(photo)
    expect(phone.network.openSockets).toBe(1)
  },
)

test('[MP-36] cut in the background, it is online again without waiting for anything', async () => {
  const server = await startServer({ rules })
  const phone = testMyPhone()
  const clock = new TestClock(Date.now())
  const states: string[] = []
  let opened: AlipayCloud | undefined
  const options = { endpoint: server.url, env: server.env, transport: 'websocket' } as const
  void openAlipay(phone, options, clock).then(cloud => {
    opened = cloud
  })
  await until('it is open', async () => {
    await clock.advance(0)
    return opened !== undefined
  })
  const cloud = opened!
  cloud.on('offline', () => states.push('offline'))
  cloud.on('online', () => states.push('online'))
  const becomes = (...wanted: string[]) =>
    until(wanted.join(), async () => {
      await clock.advance(0)
      return states.join() === wanted.join()
    })
  await until('it is online', async () => {
    await clock.advance(0)
    return cloud.status().state === 'online'
  })
  states.length = 0
  phone.toBackground()
  clock.set(clock.now() + 60_000)
  phone.toForeground()
  await becomes('offline', 'online')
  expect(phone.network.openSockets).toBe(1)
})

test('[MP-36] a function is called, and a refusal has its number', async () => {
  const server = await startServer({ rules: { database: { todos: 'ADMINWRITE' } } })
  const cloud = await openAlipay(testMyPhone(), { endpoint: server.url, env: server.env })
  await cloud.whenSynced()
  await expect(cloud.callFunction({ name: 'none' })).rejects.toMatchObject({
    code: 'FUNCTION_NOT_FOUND',
    error: 60_005,
    errorMessage: expect.stringContaining('FUNCTION_NOT_FOUND'),
  })
})
