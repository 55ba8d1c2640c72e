import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openApp } from './scenario/app.ts'
import { testFolder, testProject } from './scenario/folder.ts'
import { openTo, startServer } from './scenario/server.ts'
import { until } from './scenario/until.ts'

/* The six journeys of docs/architecture.md §7: real servers, real sockets, real SQLite on both sides. */

test('1. a local write: seen at once, durable when its promise resolves, and sent when there is a network', async () => {
  const server = await startServer({ rules: openTo('todos') })
  const folder = testFolder('phone')
  const before = await openApp(server, { folder, follow: ['todos'] })
  await before.whenSynced()
  before.goOffline()
  const todos = before.database().collection('todos')
  await todos.add({ data: { _id: 'milk', title: 'buy milk', done: false } })
  const updating = todos.doc('milk').update({ data: { done: true } })
  expect((await todos.doc('milk').get()).data).toMatchObject({ title: 'buy milk', done: true })
  expect(await updating).toMatchObject({ stats: { updated: 1 }, pending: true })
  expect(before.status()).toMatchObject({ state: 'offline', pending: 2 })
  expect(before.isPending('todos', 'milk')).toBe(true)
  await before.close()

  const after = await openApp(server, { folder, follow: ['todos'] })
  expect((await after.database().collection('todos').doc('milk').get()).data).toMatchObject({ done: true })
  await after.whenSynced()
  expect(after.isPending('todos', 'milk')).toBe(false)
  expect((await server.database().collection('todos').doc('milk').get()).data).toMatchObject({ done: true })
})

test('2. a query: filtered, ordered, cut and projected here, the same as the server answers', async () => {
  const server = await startServer({ rules: openTo('cities') })
  const everywhere = server.database().collection('cities')
  const cities = Array.from({ length: 1_200 }, (_, n) => ({
    _id: `c${n}`,
    name: `City ${String(n * 7).padStart(5, '0')}`,
    people: (n * 7_919) % 100_003,
    at: { n },
  }))
  await everywhere.add({ data: cities })
  const app = await openApp(server, { follow: ['cities'] })
  await app.whenSynced()
  app.goOffline()

  const ask = (db: ReturnType<typeof app.database>) =>
    db
      .collection('cities')
      .where({ people: db.command.gte(50_000).and(db.command.lt(90_000)), name: /^City 0[0-4]/ })
      .orderBy('people', 'desc')
      .skip(5)
      .limit(10)
      .field({ name: true, people: true })
  const here = await ask(app.database()).get()
  const there = await ask(server.database()).get()
  expect(here.data).toHaveLength(10)
  expect(here.data).toEqual(there.data)
  expect(Object.keys(here.data[0]!).sort()).toEqual(['_id', 'name', 'people'])
  expect(here).not.toHaveProperty('fromCache')
  expect(await ask(app.database()).count()).toMatchObject({
    total: (await ask(server.database()).count()).total,
  })
})

test('3. a watch: the first result, then what entered, changed and left, once per commit', async () => {
  const server = await startServer({ rules: openTo('todos') })
  const app = await openApp(server)
  const todos = app.database().collection('todos')
  const told: string[][] = []
  const watch = todos.where({ done: false }).watch({
    onChange: snapshot =>
      told.push(
        snapshot.docChanges.map(({ queueType, dataType, docId }) => `${queueType} ${dataType} ${docId}`),
      ),
    onError: error => told.push([String(error)]),
  })
  await until('the first snapshot', () => told.length > 0)
  await todos.add({ data: { _id: 'a', done: false } })
  await app.whenSynced() // what the server says of one's own write is no news
  await todos.add({ data: { _id: 'b', done: true } })
  await todos.doc('a').update({ data: { title: 'first' } })
  await app.whenSynced()
  await todos.doc('b').update({ data: { done: false } })
  await todos.doc('a').update({ data: { done: true } })
  await todos.doc('b').remove()
  await app.whenSynced()
  await watch.close()
  await todos.add({ data: { _id: 'c', done: false } })
  expect(told).toEqual([
    [],
    ['enqueue add a'],
    ['update update a'],
    ['enqueue update b'],
    ['dequeue update a'],
    ['dequeue remove b'],
  ])
})

test('4. a push: what two did apart is merged by the server, and both are told', async () => {
  const server = await startServer({ rules: openTo('notes') })
  const [ann, bob] = [
    await openApp(server, { follow: ['notes'] }),
    await openApp(server, { follow: ['notes'] }),
  ]
  await ann
    .database()
    .collection('notes')
    .add({ data: { _id: 'n', title: 'draft', count: 0, tags: [] } })
  await until('bob has it', async () => (await bob.database().collection('notes').get()).data.length === 1)
  for (const app of [ann, bob]) app.goOffline()
  const { command: _ } = ann.database()
  const note = (app: typeof ann) => app.database().collection('notes').doc('n')
  await note(ann).update({ data: { title: 'by ann', count: _.inc(2), tags: _.push(['a1', 'a2']) } })
  await note(bob).update({ data: { colour: 'red', count: _.inc(3), tags: _.push(['b1']) } })
  const annsEdit = Date.now()
  await until('it is later', () => Date.now() > annsEdit)
  await note(bob).update({ data: { title: 'by bob' } })
  for (const app of [ann, bob]) app.goOnline()
  await Promise.all([ann.whenSynced(), bob.whenSynced()])

  const truth = (await server.database().collection('notes').doc('n').get()).data
  expect(truth).toMatchObject({ title: 'by bob', colour: 'red', count: 5 })
  expect([...(truth as unknown as { tags: string[] }).tags].sort()).toEqual(['a1', 'a2', 'b1'])
  for (const app of [ann, bob])
    await expect.poll(async () => (await note(app).get()).data, { timeout: 30_000 }).toEqual(truth)
})

test('4. a push: an edit that a rule refuses goes back with its reason, and later edits stay', async () => {
  const server = await startServer({
    rules: { database: { notes: { read: true, write: true, update: 'doc.locked != true' } } },
  })
  await server
    .database()
    .collection('notes')
    .add({ data: { _id: 'shut', locked: true, title: 'as it was' } })
  await server
    .database()
    .collection('notes')
    .add({ data: { _id: 'open', locked: false, title: 'draft' } })
  const app = await openApp(server, { follow: ['notes'] })
  await app.whenSynced()
  const refused: unknown[] = []
  app.on('rejected', event => refused.push(event))
  app.goOffline()
  const notes = app.database().collection('notes')
  await notes.doc('shut').update({ data: { title: 'changed' } })
  await notes.doc('open').update({ data: { title: 'changed' } })
  expect((await notes.doc('shut').get()).data).toMatchObject({ title: 'changed' })
  app.goOnline()
  await app.whenSynced()
  expect((await notes.doc('shut').get()).data).toMatchObject({ title: 'as it was' })
  expect((await notes.doc('open').get()).data).toMatchObject({ title: 'changed' })
  expect(refused).toHaveLength(1)
  const [rejected] = app.rejections.list
  expect(rejected).toMatchObject({ code: 'DATABASE_PERMISSION_DENIED' })
  expect(rejected!.writes).toEqual([
    { op: 'update', collection: 'notes', id: 'shut', data: { title: 'changed' } },
  ])
  await app.rejections.discard(rejected!.id)
  expect(app.rejections.list).toEqual([])
})

test('4. a push: what one makes offline is one’s own at once, also to a query by owner', async () => {
  const own = 'doc._openid == auth.openid'
  const server = await startServer({
    rules: { database: { orders: { read: own, create: true, update: own } } },
  })
  const app = await openApp(server)
  await app.whenSynced()
  const mine = app.database().collection('orders').where({ _openid: app.status().openid })
  const told: unknown[][] = []
  const watch = mine.watch({
    onChange: ({ docs }) => told.push(docs.map(({ _id }) => _id)),
    onError: error => told.push([String(error)]),
  })
  await until('the first snapshot', () => told.length > 0)
  app.goOffline()
  await app
    .database()
    .collection('orders')
    .add({ data: { _id: 'o', cups: 1 } })
  expect((await mine.get()).data).toMatchObject([{ _id: 'o', cups: 1 }])
  app.goOnline()
  await app.whenSynced()
  await watch.close()
  expect(told).toEqual([[], ['o']])
  expect((await server.database().collection('orders').doc('o').get()).data).toMatchObject({
    _openid: app.status().openid,
  })
})

test('5. a function call: it runs on the server after the writes made before it, and its own writes reach everyone', async () => {
  const project = testProject(openTo('orders', 'log'))
  const folder = join(project, 'cloudfunctions/settle')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'index.js'),
    `const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async event => {
  const db = cloud.database()
  const { data } = await db.collection('orders').doc(event.id).get()
  await db.collection('log').add({ data: { _id: 'settled', price: data.price } })
  return { paid: data.price * 2, by: cloud.getWXContext().OPENID }
}
`,
  )
  const server = await startServer({ rules: null, project })
  const [ann, bob] = [
    await openApp(server, { follow: ['orders'] }),
    await openApp(server, { follow: ['log'] }),
  ]
  await ann
    .database()
    .collection('orders')
    .add({ data: { _id: 'o', price: 21 } })
  const answer = await ann.callFunction({ name: 'settle', data: { id: 'o' } })
  expect(answer).toMatchObject({
    result: { paid: 42, by: ann.status().openid },
    errMsg: 'cloud.callFunction:ok',
  })
  await expect
    .poll(async () => (await bob.database().collection('log').get()).data, { timeout: 30_000 })
    .toMatchObject([{ _id: 'settled', price: 21 }])
  await expect(ann.callFunction({ name: 'nothing' })).rejects.toMatchObject({ errCode: -501000 })
})

test('6. a file: kept here when there is no network, whole on the server afterwards, and fetched by its address', async () => {
  const server = await startServer({ rules: { storage: { read: true, write: true } } })
  const app = await openApp(server)
  await app.whenSynced()
  app.goOffline()
  const bytes = Uint8Array.from({ length: 300_000 }, (_, n) => (n * 31) % 251)
  const upload = await app.uploadFile({ cloudPath: 'photos/lake.bin', fileContent: bytes })
  expect(upload).toMatchObject({ pending: true })
  expect(app.status()).toMatchObject({ uploads: 1 })
  app.goOnline()
  await app.whenSynced()
  await until('the upload is done', () => app.status().uploads === 0)

  const other = await openApp(server)
  await other.whenSynced()
  const { tempFilePath } = await other.downloadFile({ fileID: upload.fileID })
  expect(readFileSync(tempFilePath).equals(bytes)).toBe(true)
  const { fileList } = await other.getTempFileURL({ fileList: [upload.fileID] })
  const response = await fetch(fileList[0]!.tempFileURL)
  expect(response.status).toBe(200)
  expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true)
  const forged = fileList[0]!.tempFileURL.replace(/.$/, last => (last === '0' ? '1' : '0'))
  expect((await fetch(forged)).status).toBeGreaterThanOrEqual(400)
})
