import { randomBytes } from 'node:crypto'
import { expect, onTestFinished, test, vi } from 'vitest'
import official from 'wx-server-sdk'
import { testProject } from '../scenario/folder.ts'
import { startServer } from '../scenario/server.ts'
import {
  type AnyDatabase,
  changes,
  conditions,
  forEach,
  pipelines,
  plain,
  things,
  writeFunction,
} from './cases.ts'

/** Its types leave out what makes another cloud, and give promises that may bring nothing. */
const cloud = official as unknown as { createNewInstance(settings: object): AnyDatabase }

/** The package as npm has it, pointed at a server of ours; what it says is heard by nobody else. */
// nobody asks the network whether this is a machine of Tencent's, which takes 40 ms a call
vi.stubEnv('TENCENTCLOUD', 'true')

async function opened() {
  const server = await startServer({ rules: {} })
  const sdk = cloud.createNewInstance({ env: server.env, ...server.sdk })
  return { server, sdk, db: sdk.database(), ours: server.database() as AnyDatabase }
}

async function openedWithThings() {
  const opening = await opened()
  await opening.db.collection('things').add({ data: things })
  return opening
}

test('[OFFICIAL-1] wx-server-sdk adds, reads, counts, sets, updates and removes', async () => {
  const { db } = await opened()
  const todos = db.collection('todos')
  const { _id, errMsg } = await todos.add({ data: { title: 'water', at: new Date(5) } })
  expect(errMsg).toBe('collection.add:ok')
  expect(_id).toMatch(/^[0-9a-f]{32}$/)
  expect((await todos.doc(_id).get()).data).toEqual({ _id, title: 'water', at: new Date(5) })
  expect(
    await todos.add({
      data: [
        { _id: 'x', n: 1 },
        { _id: 'y', n: 2 },
      ],
    }),
  ).toMatchObject({ _ids: ['x', 'y'] })
  expect((await todos.where({ n: 1 }).get()).data).toEqual([{ _id: 'x', n: 1 }])
  expect((await todos.count()).total).toBe(3)
  expect((await todos.doc('x').update({ data: { n: db.command.inc(1) } })).stats).toEqual({ updated: 1 })
  expect((await todos.where({ n: 2 }).update({ data: { done: true } })).stats).toEqual({ updated: 2 })
  expect((await todos.doc('z').set({ data: { n: 9 } })).stats).toEqual({ updated: 0, created: 1 })
  expect((await todos.doc('z').set({ data: { n: 8 } })).stats).toEqual({ updated: 1, created: 0 })
  expect((await todos.doc('z').get()).data).toEqual({ _id: 'z', n: 8 })
  expect((await todos.doc('z').remove()).stats).toEqual({ removed: 1 })
  expect((await todos.where({ done: true }).remove()).stats).toEqual({ removed: 2 })
  expect((await todos.doc('z').update({ data: { n: 1 } })).stats).toEqual({ updated: 0 })
  await expect(todos.doc('z').get()).rejects.toMatchObject({
    errMsg: 'document.get:fail document with _id z does not exist',
  })
})

test('[OFFICIAL-1] what it writes is heard by who watches', async () => {
  const { db, server } = await opened()
  const heard: unknown[] = []
  const second = new Promise<void>((resolve, reject) => {
    const watcher = server
      .database()
      .collection('todos')
      .watch({
        onChange: ({ docs }) => heard.push(docs) === 2 && resolve(),
        onError: reject,
      })
    onTestFinished(() => watcher.close())
  })
  await vi.waitUntil(() => heard.length === 1, { timeout: 30_000 })
  await db.collection('todos').add({ data: { _id: 'x', n: 1 } })
  await second
  expect(heard).toEqual([[], [{ _id: 'x', n: 1 }]])
})

test('[OFFICIAL-1] order, skip, limit and fields are as our own', async () => {
  const { db, ours } = await openedWithThings()
  const asked = (database: AnyDatabase) =>
    database
      .collection('things')
      .orderBy('o.x', 'asc')
      .orderBy('n', 'desc')
      .skip(1)
      .limit(3)
      .field({ name: true, list: database.command.project.slice(1) })
      .get()
  const { data } = await asked(db)
  expect(data).toHaveLength(3)
  expect(plain(data)).toEqual(plain((await asked(ours)).data))
})

test('[OFFICIAL-2] every condition finds what our own finds', async () => {
  const { db, ours } = await openedWithThings()
  await forEach(conditions, async (title, condition) => {
    const found = async (database: AnyDatabase) =>
      plain((await database.collection('things').where(condition(database)).get()).data)
    const mine = await found(ours)
    expect(mine.length, `${title} has an answer`).toBeGreaterThan(0)
    expect(await found(db), title).toEqual(mine)
  })
})

test('[OFFICIAL-2] every change does what our own does', async () => {
  const { db, ours } = await opened()
  const [first] = things as [{ _id: string }]
  await forEach(changes, async (title, change) => {
    const changed = async (database: AnyDatabase, collection: string) => {
      await ours
        .collection(collection)
        .doc(title)
        .set({ data: { ...first, _id: undefined } })
      const document = database.collection(collection).doc(title)
      expect((await document.update({ data: change(database) })).stats, title).toEqual({ updated: 1 })
      return plain((await ours.collection(collection).doc(title).get()).data)
    }
    expect(await changed(db, 'theirs'), title).toEqual(await changed(ours, 'ours'))
  })
})

test('[OFFICIAL-2] every pipeline gives what our own gives', async () => {
  const { db, ours } = await openedWithThings()
  await forEach(pipelines, async (title, pipeline) => {
    const { list } = await pipeline(ours)
    expect(list.length, `${title} has an answer`).toBeGreaterThan(0)
    expect(plain((await pipeline(db)).list), title).toEqual(plain(list))
  })
})

test('[OFFICIAL-3] what was typed stays typed, and server dates are the time of the commit', async () => {
  const { db, ours } = await opened()
  const before = Date.now()
  const data = {
    _id: 't',
    now: db.serverDate(),
    later: db.serverDate({ offset: 60_000 }),
    deep: [{ at: db.serverDate() }],
    date: new Date(1_700_000_000_000),
    text: '$date',
    numbers: [0, -1, 2 ** 31, 2 ** 40, 0.1, -0.5, Number.MAX_SAFE_INTEGER],
    none: null,
    place: new db.Geo.Point(1, 2),
  }
  await db.collection('typed').add({ data })
  const { data: stored } = await ours.collection('typed').doc('t').get()
  expect(stored.now.getTime()).toBeGreaterThanOrEqual(before)
  expect(stored.later.getTime() - stored.now.getTime()).toBe(60_000)
  expect(stored.deep[0].at).toEqual(stored.now)
  const { data: back } = await db.collection('typed').doc('t').get()
  expect(back.now).toEqual(stored.now)
  expect(back.date).toEqual(data.date)
  expect(back.numbers).toEqual(data.numbers)
  expect(back.text).toBe('$date')
  expect(back.place).toMatchObject({ longitude: 1, latitude: 2 })
})

test('[OFFICIAL-4] errors have the numbers and words of the original', async () => {
  const { db } = await opened()
  const todos = db.collection('todos')
  await todos.add({ data: { _id: 'x', o: null, text: 'a' } })
  await expect(todos.add({ data: { _id: 'x' } })).rejects.toMatchObject({ errCode: -502001 })
  await expect(todos.doc('x').update({ data: { o: { p: 1 } } })).rejects.toMatchObject({
    errCode: -502001,
    errMsg: expect.stringContaining("Cannot create field 'p' in element {o: null}"),
  })
  await expect(todos.doc('x').update({ data: { text: db.command.inc(1) } })).rejects.toMatchObject({
    errCode: -502001,
  })
  await expect(todos.update({ data: { a: 1 } })).rejects.toMatchObject({ errCode: -501007 })
  await expect(todos.where({ $where: 'sleep(1)' }).get()).rejects.toMatchObject({ errCode: -502002 })
  await expect(todos.where({ a: { $type: 1 } }).get()).rejects.toMatchObject({ errCode: -502002 })
  await expect(db.collection('_files').get()).rejects.toMatchObject({ errCode: -501007 })
  await expect(db.createCollection('todos')).rejects.toMatchObject({
    message: expect.stringContaining('Table exist'),
  })
  await expect(db.createCollection('fresh')).resolves.toBeDefined()
})

test('[OFFICIAL-5] functions are called with all rights, and their errors come back', async () => {
  const project = testProject({})
  writeFunction(project, 'sum', 'exports.main = async ({ a, b }) => ({ sum: a + b, at: new Date(0) })')
  writeFunction(project, 'fails', 'exports.main = async () => { throw new Error("out of stock") }')
  const server = await startServer({ rules: {}, project })
  const sdk = cloud.createNewInstance({ env: server.env, ...server.sdk })
  expect(await sdk.callFunction({ name: 'sum', data: { a: 1, b: 2 } })).toMatchObject({
    result: { sum: 3, at: '1970-01-01T00:00:00.000Z' },
    errMsg: 'callFunction:ok',
  })
  await expect(sdk.callFunction({ name: 'fails' })).rejects.toMatchObject({
    code: 'FUNCTIONS_EXECUTE_FAIL',
    message: expect.stringContaining('out of stock'),
  })
  await expect(sdk.callFunction({ name: 'nowhere' })).rejects.toMatchObject({ code: 'FUNCTION_NOT_FOUND' })
})

test('[OFFICIAL-6] files are uploaded, told of, downloaded and deleted', async () => {
  const { sdk, server } = await opened()
  const content = randomBytes(300_000)
  const { fileID } = await sdk.uploadFile({ cloudPath: 'photos/a|b 测试.jpeg', fileContent: content })
  expect(fileID).toBe(`cloud://${server.env}.nearcloud/photos/a|b 测试.jpeg`)
  const { fileContent } = await sdk.downloadFile({ fileID })
  expect(Buffer.compare(fileContent, content)).toBe(0)
  const missing = `cloud://${server.env}.nearcloud/no`
  const { fileList } = await sdk.getTempFileURL({ fileList: [fileID, missing, { fileID, maxAge: 60 }] })
  expect(fileList).toMatchObject([
    { fileID, status: 0, maxAge: 7_200 },
    { fileID: missing, status: -503003, tempFileURL: '' },
    { fileID, status: 0, maxAge: 60 },
  ])
  const response = await fetch(fileList[0]!.tempFileURL)
  expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), content)).toBe(0)
  await sdk.uploadFile({ cloudPath: 'photos/a|b 测试.jpeg', fileContent: Buffer.from('new') })
  expect((await sdk.downloadFile({ fileID })).fileContent.toString()).toBe('new')
  expect((await sdk.deleteFile({ fileList: [fileID, missing] })).fileList).toMatchObject([
    { fileID, status: 0 },
    { fileID: missing, status: -503003 },
  ])
  await expect(sdk.downloadFile({ fileID })).rejects.toMatchObject({ code: 'STORAGE_FILE_NONEXIST' })
  await expect(sdk.uploadFile({ cloudPath: '../out', fileContent: content })).rejects.toMatchObject({
    code: 'INVALID_PARAM',
  })
})

test('[OFFICIAL-7] transactions see one moment, are all or nothing, and are run again after a conflict', async () => {
  const { db, ours } = await opened()
  const accounts = db.collection('accounts')
  await accounts.add({
    data: [
      { _id: 'from', money: 100 },
      { _id: 'to', money: 0 },
    ],
  })
  const transfer = (amount: number) =>
    db.runTransaction(async (transaction: AnyDatabase) => {
      const [from, to] = ['from', 'to'].map(id => transaction.collection('accounts').doc(id))
      const { data } = await from.get()
      if (data.money < amount) await transaction.rollback('poor')
      await from.update({ data: { money: db.command.inc(-amount) } })
      await to.update({ data: { money: db.command.inc(amount) } })
      return data.money - amount
    })
  expect(await transfer(40)).toBe(60)
  await expect(transfer(100)).rejects.toBe('poor')
  const open = await db.startTransaction()
  expect((await open.collection('accounts').doc('from').get()).data).toEqual({ _id: 'from', money: 60 })
  await open.collection('accounts').add({ data: { _id: 'new', money: 1 } })
  expect((await ours.collection('accounts').where({ _id: 'new' }).get()).data).toEqual([])
  await ours
    .collection('accounts')
    .doc('from')
    .update({ data: { money: 59 } })
  expect((await open.collection('accounts').doc('from').get()).data.money).toBe(60)
  await expect(
    open
      .collection('accounts')
      .doc('from')
      .update({ data: { money: 0 } }),
  ).rejects.toMatchObject({
    message: expect.stringContaining('was changed by somebody else'),
  })
  const other = await db.startTransaction()
  await other
    .collection('accounts')
    .doc('to')
    .set({ data: { money: 7 } })
  await other.rollback()
  await expect(other.collection('accounts').doc('to').get()).rejects.toMatchObject({
    message: expect.stringContaining('transaction must be commit or abort in 30 seconds'),
  })
  const { data } = await ours.collection('accounts').get()
  expect(data).toEqual([
    { _id: 'from', money: 59 },
    { _id: 'to', money: 40 },
  ])
})
