import { expect, onTestFinished, test } from 'vitest'
import { myHost } from '../my-host.ts'
import { miniPlatform } from '../platform.ts'
import { MiniPage, MyPhone } from '../testing/index.ts'
import { createAlipayCloud } from './cloud.ts'
import cloudOfNoHost, { AlipayError, Sort } from './index.ts'

/** Where nobody answers, at once. */
const nowhere = { env: 'prod', endpoint: 'http://127.0.0.1:9', transport: 'websocket' } as const

async function open(phone: MyPhone) {
  const cloud = createAlipayCloud(() => myHost(phone.my))
  onTestFinished(() => phone.kill())
  expect(await cloud.init(nowhere)).toEqual({ success: true })
  return cloud
}

async function rejection(promise: Promise<unknown>): Promise<AlipayError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(AlipayError)
  return error as AlipayError
}

test("[MP-33] a day without a network in Alipay's words: add, query, update; killed, and all is there again", async () => {
  const phone = new MyPhone()
  const cloud = await open(phone)
  const todos = cloud.database().collection('todos')
  expect(await todos.add({ data: { _id: 'a', title: 'milk', done: false } })).toEqual({ _id: 'a' })
  await todos.add({ data: { _id: 'b', title: '面包', done: false } })
  expect(await todos.doc('a').update({ data: { done: true } })).toEqual({ count: 1 })
  expect(await todos.where({ done: false }).get()).toMatchObject([{ title: '面包' }])
  expect(await todos.orderBy('title', cloud.Sort.DESC).projection({ title: true, _id: false }).get()).toEqual(
    [{ title: '面包' }, { title: 'milk' }],
  )
  expect(cloud.status()).toMatchObject({ pending: 3, volatile: false })
  phone.kill()
  const again = await open(phone)
  expect(await again.database().collection('todos').count()).toBe(2)
  expect(again.status().pending).toBe(3)
  expect(Sort).toBe(again.Sort)
})

test('[MP-33] files: results have a requestID, lists a resultMessage; a download is kept where it is wanted', async () => {
  const phone = new MyPhone()
  const cloud = await open(phone)
  const bytes = Uint8Array.of(1, 2, 3)
  const filePath = phone.take('p.jpg', bytes)
  const upload = await cloud.uploadFile({ cloudPath: 'p.jpg', filePath })
  expect(upload).toEqual({
    fileID: expect.stringMatching(/^cloud:\/\/.*p\.jpg$/),
    statusCode: expect.any(Number),
    requestID: expect.stringMatching(/./),
    pending: true,
  })
  const { fileID } = upload
  const download = await cloud.downloadFile({ fileID })
  expect(download).toEqual({
    tempFilePath: expect.stringMatching(/^https:\/\/usr\//),
    filePath: download.tempFilePath,
    statusCode: 200,
    requestID: expect.stringMatching(/./),
  })
  const kept = await cloud.downloadFile({ fileID, filePath: 'https://usr/mine.jpg' })
  expect(kept.filePath).toBe('https://usr/mine.jpg')
  expect(phone.read('https://usr/mine.jpg')).toEqual(bytes)
  expect(await cloud.getTempFileURL({ fileList: [fileID] })).toMatchObject({
    fileList: [
      { fileID, tempFileURL: expect.stringMatching(/^https:\/\/usr\//), status: 0, resultMessage: 'ok' },
    ],
    resultMessage: 'success',
  })
})

test("[MP-34] failures have my.cloud's numbers: no file, no right to it, too many, no network, not begun, not here", async () => {
  const phone = new MyPhone()
  expect(
    await rejection(createAlipayCloud(() => myHost(phone.my)).callFunction({ name: 'x' })),
  ).toMatchObject({
    code: 'NOT_INITIALIZED',
    error: 60_002,
  })
  const cloud = await open(phone)
  const upload = (filePath: unknown) => rejection(cloud.uploadFile({ cloudPath: 'a', filePath }))
  expect(await upload('https://resource/none.jpg')).toMatchObject({ error: 60_006 })
  expect(await upload(7)).toMatchObject({ error: 60_001 })
  const { fileID } = await cloud.uploadFile({ cloudPath: 'a', filePath: phone.take('a', Uint8Array.of(1)) })
  expect(await rejection(cloud.downloadFile({ fileID, filePath: '/etc/passwd' }))).toMatchObject({
    error: 60_007,
  })
  const fileList = Array.from({ length: 51 }, () => fileID)
  expect(await rejection(cloud.getTempFileURL({ fileList }))).toMatchObject({ error: 60_006 })
  expect(await rejection(cloud.deleteFile({ fileList }))).toMatchObject({ error: 60_006 })
  expect(await rejection(cloud.callFunction({ name: '' }))).toMatchObject({ error: 60_001 })
  expect(await rejection(cloud.callFunction({ name: 'x' }))).toMatchObject({ code: 'OFFLINE', error: 60_004 })
  expect(await rejection(cloud.callContainer({}))).toMatchObject({ error: 60_001 })
  expect(await rejection(cloud.database().collection('c').doc('none').get())).toMatchObject({
    code: 'NOT_FOUND',
  })
  expect(() => cloud.init({ env: '../x' })).toThrow(AlipayError)
  expect(() => cloudOfNoHost.init(nowhere)).toThrow(
    expect.objectContaining({
      error: 60_001,
      errorMessage: expect.stringContaining('no mini program of Alipay'),
    }),
  )
})

test('[MP-33] with callbacks a call gives nothing, and they are called as the options', async () => {
  const phone = new MyPhone()
  const cloud = await open(phone)
  const { fileID } = await cloud.uploadFile({ cloudPath: 'a', filePath: phone.take('a', Uint8Array.of(1)) })
  const told: unknown[] = []
  await new Promise<void>(resolve => {
    const options = {
      name: '',
      fail(this: object, { error }: AlipayError) {
        told.push(this === options, error)
      },
      complete: () => resolve(),
    }
    expect(cloud.callFunction(options)).toBeUndefined()
  })
  await new Promise<void>(resolve => {
    const options = {
      fileList: [fileID],
      success: ({ fileList }: { fileList: readonly object[] }) => told.push(fileList.length),
      complete: () => resolve(),
    }
    expect(cloud.getTempFileURL(options)).toBeUndefined()
  })
  expect(told).toEqual([true, 60_001, 1])
})

test('[MP-33] a context begins with what it was made of, and means the same cloud; install makes my.cloud this one', async () => {
  const phone = new MyPhone()
  onTestFinished(() => phone.kill())
  const cloud = createAlipayCloud(() => myHost(phone.my))
  cloud.install(phone.my)
  expect(phone.my.cloud).toBe(cloud)
  expect(() => cloud.install(Object.freeze({ cloud: {} }))).toThrow(/keeps its own cloud object/)
  const context = cloud.createCloudContext({ ...nowhere, appId: '2021' })
  const told: object[] = []
  await new Promise<void>(complete => {
    void context.init({ success: result => told.push(result), complete: () => complete() })
  })
  expect(told).toEqual([{ success: true }])
  await context
    .database()
    .collection('c')
    .add({ data: { _id: 'x' } })
  expect(await cloud.database().collection('c').count()).toBe(1)
})

test("[MP-33] a page is bound to queries in Alipay's words", async () => {
  const cloud = await open(new MyPhone())
  const page = new MiniPage()
  const todos = cloud.database().collection('todos')
  await cloud.bind(page, { todos: todos.where({ done: false }), first: todos.doc('a') }).ready
  expect(page.data).toEqual({ todos: [], first: null })
  await todos.add({ data: { _id: 'a', done: false } })
  await new Promise(resolve => setImmediate(resolve))
  expect(page.data).toMatchObject({ todos: [{ _id: 'a' }], first: { _id: 'a' } })
  page.unload()
})

test('[MP-37] without a file system documents and writes are kept all the same; files are refused by name', async () => {
  const phone = new MyPhone({ without: ['getFileSystemManager'] })
  const cloud = await open(phone)
  const todos = cloud.database().collection('todos')
  await todos.add({ data: { _id: 'a', text: '牛'.repeat(100_000) } })
  await todos.doc('a').update({ data: { done: true } })
  const filePath = phone.take('p.jpg', Uint8Array.of(1))
  const refused = await rejection(cloud.uploadFile({ cloudPath: 'p.jpg', filePath }))
  expect(refused).toMatchObject({ error: 60_006, errorMessage: expect.stringContaining('文件管理器') })
  phone.kill()
  const again = await open(phone)
  expect(await again.database().collection('todos').get()).toMatchObject([{ _id: 'a', done: true }])
  expect(again.status().pending).toBe(2)
  expect([...phone.disk.files.keys()]).toEqual([filePath])
  await expect(
    miniPlatform(myHost(phone.my)).saveTemporary(Uint8Array.of(1), { name: 'a', contentType: '' }),
  ).rejects.toMatchObject({
    code: 'STORE_FULL',
    errMsg: expect.stringContaining('文件管理器'),
  })
})
