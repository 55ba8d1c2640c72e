import tcb from '@cloudbase/node-sdk'
import { expect, test, vi } from 'vitest'
import { startServer } from '../scenario/server.ts'
import { type AnyDatabase, things } from './cases.ts'

// nobody asks the network whether this is a machine of Tencent's, which takes 40 ms a call
vi.stubEnv('TENCENTCLOUD', 'true')

async function opened() {
  const server = await startServer({ rules: {} })
  const { serviceUrl, secretId, secretKey } = server.sdk
  const app = tcb.init({ env: server.env, serviceUrl, secretId, secretKey } as never)
  return { server, app, db: app.database() as AnyDatabase, ours: server.database() as AnyDatabase }
}

test('[OFFICIAL-1] @cloudbase/node-sdk adds, reads, counts, sets, updates and removes', async () => {
  const { db } = await opened()
  const todos = db.collection('todos')
  expect(await todos.add({ _id: 'x', n: 1 })).toMatchObject({ id: 'x', requestId: expect.any(String) })
  expect(
    await todos.add([
      { _id: 'y', n: 2 },
      { _id: 'z', n: 3 },
    ]),
  ).toMatchObject({ ids: ['y', 'z'] })
  expect(await todos.doc('x').get()).toMatchObject({ data: [{ _id: 'x', n: 1 }] })
  expect(await todos.doc('none').get()).toMatchObject({ data: [] })
  expect(
    await todos
      .where({ n: db.command.gt(1) })
      .orderBy('n', 'desc')
      .get(),
  ).toMatchObject({
    data: [{ _id: 'z' }, { _id: 'y' }],
  })
  expect(await todos.count()).toMatchObject({ total: 3 })
  expect(await todos.doc('x').update({ n: db.command.inc(1) })).toMatchObject({ updated: 1 })
  expect(await todos.where({ n: 2 }).options({ multiple: false }).update({ first: true })).toMatchObject({
    updated: 1,
  })
  expect(await todos.where({ first: true }).count()).toMatchObject({ total: 1 })
  expect(await todos.doc('w').set({ n: 9 })).toMatchObject({ updated: 0, upsertedId: 'w' })
  expect(await todos.doc('w').set({ n: 8 })).toMatchObject({ updated: 1 })
  expect(await todos.doc('w').remove()).toMatchObject({ deleted: 1 })
  expect(await todos.where({}).remove()).toMatchObject({ deleted: 3 })
})

test('[OFFICIAL-1] a document is changed and comes back as it is then, by one of many at a time', async () => {
  const { db } = await opened()
  const counters = db.collection('counters')
  await counters.add({ _id: 'c', n: 0 })
  const results = await Promise.all(
    Array.from({ length: 8 }, () => counters.where({ _id: 'c' }).updateAndReturn({ n: db.command.inc(1) })),
  )
  expect(results.map(({ doc }) => doc.n).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  expect(await counters.where({ _id: 'no' }).updateAndReturn({ n: 1 })).toMatchObject({
    updated: 0,
    doc: null,
  })
})

test('[OFFICIAL-2] raw conditions, changes and pipelines of MongoDB are understood', async () => {
  const { db } = await opened()
  await db.collection('things').add(things)
  const raw = db.collection('things').options({ raw: true })
  expect(
    (await raw.where({ n: { $gt: 1, $lt: 10 } }).get()).data.map((each: { _id: string }) => each._id),
  ).toEqual(['b', 'c'])
  expect(await raw.where({ _id: 'a' }).update({ $set: { n: 5 }, $push: { tags: 'x' } })).toMatchObject({
    updated: 1,
  })
  const { data } = await db.collection('things').aggregate().match({ _id: 'a' }).end()
  expect(data).toMatchObject([{ n: 5, tags: ['red', 'round', 'x'] }])
  const piped = await raw
    .aggregate([{ $match: { n: { $gte: 3 } } }, { $group: { _id: null, sum: { $sum: '$n' } } }])
    .end()
  expect(piped.data).toEqual([{ _id: null, sum: 18 }])
})

test('[OFFICIAL-4] errors have the codes of the original', async () => {
  const { db, app } = await opened()
  await db.collection('todos').add({ _id: 'x' })
  await expect(db.collection('todos').add({ _id: 'x' })).rejects.toMatchObject({
    code: 'DATABASE_REQUEST_FAILED',
  })
  await expect(db.collection('todos').where({ $where: '1' }).get()).rejects.toMatchObject({
    code: 'DATABASE_INVALID_OPERRATOR',
  })
  await expect(app.callFunction({ name: 'nowhere', data: {} })).rejects.toMatchObject({
    code: 'FUNCTION_NOT_FOUND',
  })
  const elsewhere = tcb.init({ ...(await opened()).server.sdk, env: 'elsewhere' } as never)
  await expect(elsewhere.database().collection('todos').get()).rejects.toMatchObject({ code: 'INVALIID_ENV' })
})

test('[OFFICIAL-6] files of a buffer are there whole, and their addresses are good', async () => {
  const { app } = await opened()
  const { fileID } = await app.uploadFile({
    cloudPath: 'a/b.txt',
    fileContent: Buffer.from('hello') as never,
  })
  const { fileContent } = await app.downloadFile({ fileID })
  expect(String(fileContent)).toBe('hello')
  expect(await app.getTempFileURL({ fileList: [fileID, 'cloud://other.x/y'] })).toMatchObject({
    fileList: [
      { fileID, code: 'SUCCESS', tempFileURL: expect.stringMatching(/^http:/) },
      { code: 'STORAGE_FILE_NONEXIST', tempFileURL: '' },
    ],
  })
  expect(await app.deleteFile({ fileList: [fileID] })).toMatchObject({
    fileList: [{ fileID, code: 'SUCCESS' }],
  })
})

test('[OFFICIAL-7] five transfers at once, each run again until it was alone', async () => {
  const { db, ours } = await opened()
  await db.collection('accounts').add([
    { _id: 'a', n: 100 },
    { _id: 'b', n: 0 },
  ])
  const transfer = () =>
    db.runTransaction(async (transaction: AnyDatabase) => {
      const { data } = await transaction.collection('accounts').doc('a').get()
      await transaction
        .collection('accounts')
        .doc('a')
        .update({ n: data.n - 1 })
      await transaction
        .collection('accounts')
        .doc('b')
        .update({ n: db.command.inc(1) })
    }, 50)
  await Promise.all(Array.from({ length: 5 }, transfer))
  const { data } = await ours.collection('accounts').get()
  expect(data).toEqual([
    { _id: 'a', n: 95 },
    { _id: 'b', n: 5 },
  ])
})

test('[OFFICIAL-25] @cloudbase/node-sdk is let in by an accessKey as by a pair of secrets', async () => {
  const { server, ours } = await opened()
  const { serviceUrl, secretId, secretKey } = server.sdk
  const app = tcb.init({ env: server.env, serviceUrl, accessKey: `${secretId}.${secretKey}` } as never)
  expect(await app.database().collection('todos').add({ _id: 'x', n: 1 })).toMatchObject({ id: 'x' })
  expect((await ours.collection('todos').get()).data).toEqual([{ _id: 'x', n: 1 }])
  const { fileID } = await app.uploadFile({ cloudPath: 'a.txt', fileContent: Buffer.from('hello') as never })
  expect(String((await app.downloadFile({ fileID })).fileContent)).toBe('hello')
  const stranger = tcb.init({ env: server.env, serviceUrl, accessKey: `${secretId}.${secretId}` } as never)
  await expect(stranger.database().collection('todos').get()).rejects.toMatchObject({
    code: 'SIGN_PARAM_INVALID',
  })
})
