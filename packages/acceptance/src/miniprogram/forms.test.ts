import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMiniCloud, wxHost } from '@nearcloud/miniprogram'
import { createServer } from '@nearcloud/server'
import { expect, onTestFinished, test } from 'vitest'
import { testFolder, testProject } from '../scenario/folder.ts'
import { testPhone } from './mini-app.ts'

type Told = Record<string, unknown>

/** `wx` of a phone on which ours was installed, and a server with a function. */
async function setUp() {
  const project = testProject({
    database: { books: { read: true, write: true } },
    storage: { read: true, write: true },
    functions: { sum: { invoke: true } },
  })
  mkdirSync(join(project, 'cloudfunctions/sum'), { recursive: true })
  writeFileSync(
    join(project, 'cloudfunctions/sum/index.js'),
    "exports.main = async ({ a, b }) => { if (a < 0) throw new Error('too small'); return { sum: a + b } }",
  )
  writeFileSync(join(project, 'cloudfunctions/sum/package.json'), '{ "main": "index.js" }')
  const server = await createServer({ dataFolder: testFolder('data'), project })
  onTestFinished(() => server.stop())
  const phone = testPhone()
  const wx = phone.launch()
  createMiniCloud(() => wxHost(wx)).install(wx)
  const { cloud } = wx as unknown as { cloud: ReturnType<typeof createMiniCloud> }
  cloud.init({ endpoint: server.url, env: server.env, login: 'none' })
  onTestFinished(() => cloud.close().catch(() => undefined))
  return { wx: { cloud }, phone }
}

/** What a method told by its callbacks, in order. */
function byCallbacks(
  ask: (callbacks: Record<'success' | 'fail' | 'complete', (told: never) => void>) => unknown,
) {
  return new Promise<[string, Told][]>(resolve => {
    const told: [string, Told][] = []
    ask({
      success: result => told.push(['success', result]),
      fail: error => told.push(['fail', error]),
      complete(result) {
        told.push(['complete', result])
        resolve(told)
      },
    })
  })
}

test('[MP-31] functions in both styles, with results and errors as the original has them', async () => {
  const { wx } = await setUp()
  const asked = { name: 'sum', data: { a: 1, b: 2 } }
  const told = await byCallbacks(callbacks => {
    expect(wx.cloud.callFunction({ ...asked, ...callbacks })).toBeUndefined()
  })
  expect(told.map(([name]) => name)).toEqual(['success', 'complete'])
  expect(told[0]![1]).toMatchObject({
    result: { sum: 3 },
    errMsg: 'cloud.callFunction:ok',
    requestID: expect.any(String),
  })
  expect((await wx.cloud.callFunction(asked)).result.sum).toBe(3)
  const [[name, error]] = (await byCallbacks(callbacks =>
    wx.cloud.callFunction({ name: 'sum', data: { a: -1 }, ...callbacks }),
  )) as [[string, Told]]
  expect([name, error.errCode]).toEqual(['fail', -504002])
  expect(error.errMsg).toMatch(
    /^cloud\.callFunction:fail Error: errCode: -504002 functions execute fail \| errMsg: .*too small/,
  )
  await expect(wx.cloud.callFunction({ name: 'none' })).rejects.toMatchObject({ errCode: -501000 })
})

test('[MP-31] queries, updates, counts and pipelines, by promise and by callback', async () => {
  const { wx } = await setUp()
  const db = wx.cloud.database()
  const _ = db.command
  const $ = _.aggregate
  const books = db.collection('books')
  await byCallbacks(callbacks =>
    books.add({
      data: { _id: 'a', title: 'A', price: 10, tags: ['x'], at: db.serverDate(), shelf: { row: 1 } },
      ...callbacks,
    }),
  )
  await books.add({
    data: { _id: 'b', title: 'B', price: 30, tags: ['x', 'y'], spot: db.Geo.Point(113, 23) },
  })
  await books.add({ data: { _id: 'c', title: 'C', price: 50, tags: [] } })
  const { data } = await books
    .where({ price: _.gt(5).and(_.lt(40)), tags: 'x' })
    .orderBy('price', 'desc')
    .field({ title: true })
    .get()
  expect(data).toEqual([
    { _id: 'b', title: 'B' },
    { _id: 'a', title: 'A' },
  ])
  await books.doc('a').update({ data: { price: _.inc(5), tags: _.push(['z']), 'shelf.row': 2 } })
  expect((await books.where(_.or([{ price: 15 }, { title: /^c$/i }])).count()).total).toBe(2)
  expect((await books.where({ price: _.gte(15) }).update({ data: { dear: true } })).stats.updated).toBe(3)
  const { list } = await books
    .aggregate()
    .match({ price: _.gt(0) })
    .group({ _id: null, sum: $.sum('$price'), most: $.max('$price') })
    .end()
  expect(list).toEqual([{ _id: null, sum: 95, most: 50 }])
  const [[name, error]] = (await byCallbacks(callbacks => books.doc('z').get(callbacks))) as [[string, Told]]
  expect([name, error.errCode]).toEqual(['fail', -1])
  expect((await books.doc('c').remove()).stats.removed).toBe(1)
})

test('[MP-31] a watch tells what changed, until it is closed', async () => {
  const { wx } = await setUp()
  const books = wx.cloud.database().collection('books')
  const told: string[] = []
  let heard: () => void = () => undefined
  const next = () => new Promise<void>(resolve => (heard = resolve))
  const first = next()
  const watcher = books.where({ open: true }).watch({
    onChange({ docs, docChanges, type }) {
      told.push(
        `${type ?? ''} ${docs.length} ${docChanges.map(({ queueType, dataType }) => `${queueType}/${dataType}`)}`,
      )
      heard()
    },
    onError: error => told.push(String(error)),
  })
  await first
  for (const change of [
    () => books.add({ data: { _id: 'a', open: true } }),
    () => books.doc('a').update({ data: { n: 1 } }),
    () => books.doc('a').update({ data: { open: false } }),
  ]) {
    const changed = next()
    await change()
    await changed
  }
  await watcher.close()
  expect(told).toEqual(['init 0 ', ' 1 enqueue/add', ' 1 update/update', ' 0 dequeue/update'])
})

test('[MP-31] files: a task with progress, a temporary address, a download, a deletion', async () => {
  const { wx, phone } = await setUp()
  const bytes = Uint8Array.from({ length: 3_000 }, (_, i) => i & 255)
  const filePath = phone.take('p.png', bytes)
  const progress: number[] = []
  const [[, uploaded]] = (await byCallbacks(callbacks => {
    const task = wx.cloud.uploadFile({ cloudPath: 'covers/p.png', filePath, ...callbacks })
    task.onProgressUpdate(each => progress.push(each.progress))
  })) as [[string, Told]]
  expect(uploaded).toMatchObject({
    errMsg: 'uploadFile:ok',
    statusCode: 200,
    fileID: expect.stringMatching(/^cloud:\/\//),
  })
  expect(progress.at(-1)).toBe(100)
  const fileID = String(uploaded.fileID)
  const { fileList } = await wx.cloud.getTempFileURL({ fileList: [fileID] })
  expect(new Uint8Array(await (await fetch(fileList[0]!.tempFileURL)).arrayBuffer())).toEqual(bytes)
  const { tempFilePath } = await wx.cloud.downloadFile({ fileID })
  expect(phone.read(tempFilePath)).toEqual(bytes)
  expect((await wx.cloud.deleteFile({ fileList: [fileID] })).fileList).toMatchObject([{ fileID, status: 0 }])
  await expect(wx.cloud.downloadFile({ fileID })).rejects.toMatchObject({ errCode: -503003 })
})
