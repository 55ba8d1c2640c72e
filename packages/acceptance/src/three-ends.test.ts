import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Database, WatchSnapshot } from '@nearcloud/query'
import { expect, onTestFinished, test } from 'vitest'
import { type App, openApp } from './scenario/app.ts'
import { testFolder, testProject } from './scenario/folder.ts'
import { openTo, startServer } from './scenario/server.ts'
import { until } from './scenario/until.ts'

/* How a mutation ends: accepted, refused, overtaken; alone or many together. Real servers, sockets and SQLite. */

const shortTitles = {
  database: {
    notes: {
      read: true,
      create: 'request.data.title != "forbidden"',
      update: 'request.data.title != "forbidden"',
    },
    stock: { read: true, create: true, update: 'doc.left > 2' },
    orders: { read: true, create: true },
  },
}

/** What a watch of a whole collection tells: its documents, and what else could be read at that moment. */
function watched(db: Database, name: string, other: string) {
  const told: { docs: unknown[]; beside: Promise<unknown[]> }[] = []
  const watch = db.collection(name).watch({
    onChange: ({ docs }: WatchSnapshot) =>
      told.push({
        docs,
        beside: db
          .collection(other)
          .get()
          .then(({ data }) => data),
      }),
    onError: error => told.push({ docs: [error], beside: Promise.resolve([]) }),
  })
  onTestFinished(() => watch.close())
  return told
}

async function follow(app: App): Promise<App> {
  await app.whenSynced()
  return app
}

test('what was refused outlives the app, and is tried again, edited or discarded', async () => {
  const server = await startServer({ rules: shortTitles })
  const everywhere = server.database().collection('notes')
  await everywhere.add({ data: { _id: 'a', title: 'as it was', n: 0 } })
  await everywhere.add({ data: { _id: 'b', title: 'as it was', n: 0 } })
  const folder = testFolder('phone')
  const before = await follow(await openApp(server, { folder, follow: ['notes'] }))
  const other = await follow(await openApp(server, { follow: ['notes'] }))
  before.goOffline()
  const { command: _ } = before.database()
  const notes = before.database().collection('notes')
  await notes.doc('a').update({ data: { title: 'forbidden', n: _.inc(1) } })
  await notes.doc('b').update({ data: { title: 'forbidden', n: _.inc(10) } })
  await notes.add({ data: { _id: 'c', title: 'forbidden' } })
  await notes.doc('b').update({ data: { colour: 'red' } })
  before.goOnline()
  await before.whenSynced()
  expect(before.status()).toMatchObject({ pending: 0, rejected: 3 })
  await before.close()

  const app = await openApp(server, { folder, follow: ['notes'] })
  const [a, b, c] = app.rejections.list
  expect([a, b, c]).toMatchObject([
    {
      ...{ code: 'DATABASE_PERMISSION_DENIED', collection: 'notes', docIds: ['a'] },
      rule: 'request.data.title != "forbidden"',
      writes: [{ op: 'update', id: 'a', data: { title: 'forbidden', n: { operator: 'inc', argument: 1 } } }],
    },
    { docIds: ['b'] },
    { docIds: ['c'], writes: [{ op: 'add', data: { title: 'forbidden' } }] },
  ])
  app.goOffline()
  await app.rejections.edit(a!.id, { ...a!.writes[0]!.data, title: 'allowed' })
  await app.rejections.retry(b!.id)
  await app.rejections.discard(c!.id)
  expect([app.rejections.list, app.status().pending]).toEqual([[], 2])
  app.goOnline()
  await app.whenSynced()
  expect(app.rejections.list).toMatchObject([{ docIds: ['b'] }])
  const after = [
    { _id: 'a', title: 'allowed', n: 1 },
    { _id: 'b', title: 'as it was', n: 0, colour: 'red' },
  ]
  expect((await app.database().collection('notes').get()).data).toEqual(after)
  expect((await everywhere.get()).data).toEqual(after)
  await other.whenSynced()
  expect((await other.database().collection('notes').get()).data).toEqual(after)
})

test('who waits for the server hears what it said', async () => {
  const server = await startServer({ rules: shortTitles })
  const [ann, bob] = [
    await follow(await openApp(server, { follow: ['notes'] })),
    await follow(await openApp(server, { follow: ['notes'] })),
  ]
  const notes = (app: App) => app.database().collection('notes')
  const added = await notes(ann).add({ data: { _id: 'n', title: 'first' }, wait: 'server' })
  expect(added).toEqual({ _id: 'n', errMsg: 'collection.add:ok', mutationId: 1 })
  expect((await server.database().collection('notes').get()).data).toHaveLength(1)
  await until('bob has it', async () => (await notes(bob).get()).data.length === 1)
  ann.goOffline()
  const made = new Promise(resolve => ann.on('pending', resolve))
  const older = notes(ann)
    .doc('n')
    .update({ data: { title: 'older', kept: 1 }, wait: 'server' })
  await made
  const annsEdit = Date.now()
  await until('it is later', () => Date.now() > annsEdit)
  await notes(bob)
    .doc('n')
    .update({ data: { title: 'newer' }, wait: 'server' })
  ann.goOnline()
  expect(await older).toMatchObject({ stats: { updated: 1 }, superseded: ['notes/n/title'] })
  expect((await notes(ann).doc('n').get()).data).toMatchObject({ title: 'newer', kept: 1 })
  const refused = notes(ann)
    .doc('n')
    .update({ data: { title: 'forbidden' }, wait: 'server' })
  await expect(refused).rejects.toMatchObject({
    code: 'DATABASE_PERMISSION_DENIED',
    details: { rule: 'request.data.title != "forbidden"' },
  })
  expect(ann.rejections.list).toHaveLength(1)
})

test('a batch is one for everybody who watches, wherever', async () => {
  const server = await startServer({ rules: shortTitles })
  await server
    .database()
    .collection('stock')
    .add({ data: { _id: 'tea', left: 5 } })
  const [ann, bob] = [
    await follow(await openApp(server, { follow: ['orders', 'stock'] })),
    await follow(await openApp(server, { follow: ['orders', 'stock'] })),
  ]
  const databases = [ann.database(), bob.database(), server.database()]
  const all = databases.map(db => [watched(db, 'orders', 'stock'), watched(db, 'stock', 'orders')] as const)
  await until('every watch has begun', () => all.flat().every(told => told.length === 1))

  const { command: _ } = ann.database()
  const result = await ann.database().batch(
    batch => {
      batch.collection('orders').add({ data: { _id: 'o1', cups: 2 } })
      batch
        .collection('stock')
        .doc('tea')
        .update({ data: { left: _.inc(-2) } })
      batch.collection('orders').add({ data: { _id: 'o2', cups: 1 } })
      batch
        .collection('stock')
        .doc('tea')
        .update({ data: { left: _.inc(-1) } })
    },
    { wait: 'server' },
  )
  expect(result).toMatchObject({
    _ids: ['o1', 'tea', 'o2', 'tea'],
    stats: { created: 2, updated: 2, removed: 0 },
  })
  await Promise.all([ann.whenSynced(), bob.whenSynced()])
  await until('every watch was told', () => all.flat().every(told => told.length > 1))
  const orders = [
    { _id: 'o1', cups: 2 },
    { _id: 'o2', cups: 1 },
  ]
  for (const [ofOrders, ofStock] of all) {
    expect([ofOrders.length, ofStock.length]).toEqual([2, 2])
    expect(ofOrders[1]!.docs).toMatchObject(orders)
    expect(await ofOrders[1]!.beside).toMatchObject([{ _id: 'tea', left: 2 }])
    expect(ofStock[1]!.docs).toMatchObject([{ _id: 'tea', left: 2 }])
    expect(await ofStock[1]!.beside).toMatchObject(orders)
  }

  // of the next one the rule refuses the last write: there is too little left
  const refused = ann.database().batch()
  refused.collection('orders').add({ data: { _id: 'o3', cups: 3 } })
  refused
    .collection('stock')
    .doc('tea')
    .update({ data: { left: _.inc(-3) } })
  await expect(refused.commit({ wait: 'server' })).rejects.toMatchObject({
    code: 'DATABASE_PERMISSION_DENIED',
  })
  await Promise.all([ann.whenSynced(), bob.whenSynced()])
  const [[annsOrders, annsStock], ...others] = all as [(typeof all)[number], ...typeof all]
  expect([annsOrders.length, annsStock.length]).toEqual([4, 4]) // there at once, and back at once
  expect(annsOrders[3]!.docs).toMatchObject(orders)
  expect(await annsOrders[3]!.beside).toMatchObject([{ left: 2 }])
  for (const told of others.flat()) expect(told).toHaveLength(2)
  const [{ id, writes }] = ann.rejections.list as [(typeof ann.rejections.list)[number]]
  expect(writes).toHaveLength(2)
  await ann.rejections.edit(id, ([order]) => [{ ...order!, data: { cups: 1 } }], { wait: 'server' })
  expect((await server.database().collection('orders').get()).data).toHaveLength(3)
})

test('a batch too large for one message is seen whole all the same', async () => {
  const server = await startServer({ rules: openTo('scans', 'albums') })
  const [ann, bob] = [
    await follow(await openApp(server, { follow: ['scans', 'albums'] })),
    await follow(await openApp(server, { follow: ['scans', 'albums'] })),
  ]
  const [scans, albums] = [
    watched(bob.database(), 'scans', 'albums'),
    watched(bob.database(), 'albums', 'scans'),
  ]
  await until('both have begun', () => scans.length + albums.length === 2)
  const batch = ann.database().batch()
  for (let n = 0; n < 6; n++) batch.collection('scans').add({ data: { n, page: 'x'.repeat(900_000) } })
  batch.collection('albums').add({ data: { pages: 6 } })
  await batch.commit({ wait: 'server' })
  await bob.whenSynced()
  expect([scans.length, albums.length]).toEqual([2, 2])
  expect(scans[1]!.docs).toHaveLength(6)
  expect(await albums[1]!.beside).toHaveLength(6)

  bob.goOffline() // and so it is told to who was away
  await ann
    .database()
    .collection('scans')
    .where({})
    .update({ data: { seen: true } })
  await ann.whenSynced()
  bob.goOnline()
  await bob.whenSynced()
  expect(scans).toHaveLength(3)
  expect(scans[2]!.docs).toEqual(Array(6).fill(expect.objectContaining({ seen: true })))
})

test('a batch of a function, and of the server itself, is one commit as well', async () => {
  const project = testProject(openTo('orders', 'stock'))
  const folder = join(project, 'cloudfunctions/order')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'index.js'),
    `const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async event => {
  const db = cloud.database()
  const batch = db.batch()
  const id = batch.collection('orders').add({ data: { cups: event.cups } })
  batch.collection('stock').doc('tea').update({ data: { left: db.command.inc(-event.cups) } })
  if (event.twice) batch.collection('orders').add({ data: { _id: id } })
  return batch.commit({ wait: 'server' }).catch(error => ({ refused: error.errCode }))
}
`,
  )
  const server = await startServer({ rules: null, project })
  const db = server.database()
  const stocked = await db.batch(batch =>
    batch
      .collection('stock')
      .doc('tea')
      .set({ data: { left: 5 } }),
  )
  expect(stocked).toEqual({
    _ids: ['tea'],
    stats: { created: 1, updated: 0, removed: 0 },
    errMsg: 'batch.commit:ok',
  })
  const app = await follow(await openApp(server, { follow: ['orders', 'stock'] }))
  const told = watched(app.database(), 'orders', 'stock')
  await until('the watch has begun', () => told.length === 1)
  const { result } = await app.callFunction({ name: 'order', data: { cups: 2 } })
  expect(result).toMatchObject({ stats: { created: 1, updated: 1, removed: 0 }, errMsg: 'batch.commit:ok' })
  await app.whenSynced()
  expect(told).toHaveLength(2)
  expect(await told[1]!.beside).toMatchObject([{ left: 3 }])
  const again = await app.callFunction({ name: 'order', data: { cups: 2, twice: true } })
  expect(again.result).toEqual({ refused: -502001 })
  expect((await db.collection('stock').doc('tea').get()).data).toMatchObject({ left: 3 })
  expect((await db.collection('orders').get()).data).toHaveLength(1)
})
