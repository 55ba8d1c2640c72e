import { expect, onTestFinished, test } from 'vitest'
import { createMiniCloud } from './cloud.ts'
import cloudOfNoHost from './index.ts'
import { tears, WxPhone, type WxPhoneOptions } from './testing/index.ts'
import { wxHost } from './wx-host.ts'

/** Where nobody answers, at once. */
const nowhere = { endpoint: 'http://127.0.0.1:9', transport: 'websocket' } as const

function open(phone: WxPhone, options: object = {}) {
  const cloud = createMiniCloud(() => wxHost(phone.wx))
  onTestFinished(() => phone.kill())
  cloud.init({ ...nowhere, ...options })
  return cloud
}

test('[MP-15] a day without a network: add, query, update, watch; killed, and all is there again', async () => {
  const phone = new WxPhone()
  const cloud = open(phone)
  const db = cloud.database()
  const todos = db.collection('todos')
  await todos.add({ data: { _id: 'a', title: 'milk', done: false } })
  await todos.add({ data: { _id: 'b', title: '面包', done: false } })
  await todos.doc('a').update({ data: { done: true } })
  const { data } = await todos.where({ done: false }).get()
  expect(data.map(({ title }) => title)).toEqual(['面包'])
  expect(cloud.status()).toMatchObject({ pending: 3, volatile: false })
  phone.kill()
  phone.launch()
  const again = open(phone)
  await again.ready()
  expect((await again.database().collection('todos').count()).total).toBe(2)
  expect(again.status().pending).toBe(3)
})

test("[MP-15] methods take the original's callbacks, and call them with the original's words", async () => {
  const cloud = open(new WxPhone())
  const told: unknown[] = []
  await new Promise<void>(complete => {
    cloud
      .database()
      .collection('todos')
      .add({ data: { _id: 'a' }, success: result => told.push(result), complete: () => complete() })
  })
  await new Promise<void>(complete => {
    cloud
      .database()
      .collection('todos')
      .doc('none')
      .get({ fail: error => told.push((error as { errMsg: string }).errMsg), complete: () => complete() })
  })
  expect(told).toEqual([
    { _id: 'a', errMsg: 'collection.add:ok', pending: true, mutationId: 1 },
    expect.stringMatching(/^document\.get:fail .*cannot find document with _id none/),
  ])
})

test("[MP-15] before init everything is refused in the original's words; without a host init throws", async () => {
  const cloud = createMiniCloud(() => wxHost(new WxPhone().launch()))
  await expect(cloud.callFunction({ name: 'x' })).rejects.toMatchObject({
    errCode: -1,
    errMsg: expect.stringMatching(/^Cloud API isn't enabled, please call init first/),
  })
  expect(() => cloudOfNoHost.init(nowhere)).toThrow('there is no mini program here')
})

test('[MP-16] install makes wx.cloud this one; a host that keeps its own is told', () => {
  const wx = new WxPhone().launch()
  const cloud = createMiniCloud(() => wxHost(wx))
  cloud.install(wx)
  expect(wx.cloud).toBe(cloud)
  expect(() => cloud.install(Object.freeze({ cloud: {} }))).toThrow(/keeps its own cloud object/)
})

test('[MP-16] existing code that calls wx.cloud.init gets the endpoint from install, and may say another', async () => {
  const phone = new WxPhone()
  const wx = phone.launch()
  const cloud = createMiniCloud(() => wxHost(wx))
  const init = (options: object) => (wx.cloud as unknown as typeof cloud).init(options)
  cloud.install(wx)
  expect(() => init({ env: 'test' })).toThrow(/endpoint is the address/)
  cloud.install(wx, { endpoint: 'https://a.example', login: 'none' })
  init({ env: 'test', traceUser: true })
  await cloud.ready()
  expect(() => init({ endpoint: 'nowhere' })).toThrow(/endpoint is the address/)
  await cloud.close()
  phone.kill()
})

test("[MP-16] what only WeChat's servers can do says so", async () => {
  const cloud = createMiniCloud(() => wxHost(new WxPhone().launch()))
  await expect(cloud.callContainer()).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await expect(cloud.connectContainer()).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  for (const use of [
    () => new cloud.CloudID('x'),
    () => cloud.CDN('x'),
    () => cloud.services.Gateway(),
    () => cloud.extend.AI,
  ])
    expect(use).toThrow(/needs its servers/)
})

test('[MP-6] a cleared phone is told as an error, and the app goes on with a new store', async () => {
  const phone = new WxPhone()
  const before = open(phone)
  await before
    .database()
    .collection('todos')
    .add({ data: { _id: 'a' } })
  phone.kill()
  phone.disk.clear('files')
  phone.launch()
  const cloud = createMiniCloud(() => wxHost(phone.wx))
  const errors: object[] = []
  cloud.on('error', error => errors.push(error))
  cloud.init(nowhere)
  await cloud.ready()
  expect(errors).toMatchObject([{ code: 'STORE_FAILED', details: { reason: 'lost' } }])
  await cloud
    .database()
    .collection('todos')
    .add({ data: { _id: 'b' } })
  expect(cloud.status().pending).toBe(1)
})

test('[MP-5] a full phone refuses a write by name, and keeps what was written', async () => {
  const options: WxPhoneOptions = { limits: { filesBytes: 300_000 } }
  const phone = new WxPhone(options)
  const cloud = open(phone)
  const todos = cloud.database().collection('todos')
  await todos.add({ data: { _id: 'a', text: 'x'.repeat(50_000) } })
  await expect(todos.add({ data: { _id: 'b', text: 'x'.repeat(180_000) } })).rejects.toMatchObject({
    code: 'STORE_FULL',
    errCode: -501017,
  })
  phone.kill()
  phone.launch()
  const { data } = await open(phone).database().collection('todos').get()
  expect(data.map(({ _id }) => _id)).toEqual(['a'])
})

test('[MP-17] killed at any step of a day: what was promised is there, document and outbox together', async () => {
  const day = async (phone: WxPhone, promised: string[]) => {
    const cloud = open(phone)
    const todos = cloud.database().collection('todos')
    for (const id of ['a', 'b', 'c', 'd']) {
      await todos.add({ data: { _id: id, text: id.repeat(20_000) } })
      promised.push(id)
    }
    await cloud.uploadFile({ cloudPath: 'p.jpg', filePath: phone.take('p.jpg', new Uint8Array(3_000)) })
    promised.push('file')
  }
  const whole = new WxPhone()
  await day(whole, [])
  const { steps } = whole.disk
  expect(steps).toBeGreaterThan(12)
  for (let step = 1; step <= steps; step++) {
    const phone = new WxPhone()
    const promised: string[] = []
    phone.launch()
    phone.disk.faultAt(step, { kind: 'stop', torn: tears[step % tears.length]! })
    const death = new Promise<void>(resolve => phone.whenKilled(resolve))
    const ended = day(phone, promised).catch(() => undefined)
    await Promise.race([death, ended])
    phone.kill()
    phone.launch()
    const again = open(phone)
    const { data } = await again.database().collection('todos').get()
    const there = data.map(({ _id }) => String(_id))
    const documents = promised.filter(each => each !== 'file')
    expect(there.slice(0, documents.length), `step ${step}`).toEqual(documents)
    expect(again.status().pending, `step ${step}`).toBe(there.length)
    if (promised.includes('file')) expect(again.status().uploads, `step ${step}`).toBe(1)
  }
})
