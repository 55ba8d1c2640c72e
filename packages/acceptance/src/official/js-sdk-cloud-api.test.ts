import { randomBytes } from 'node:crypto'
import official from '@cloudbase/js-sdk'
import { expect, test } from 'vitest'
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

/** Its types know no `registerHost`. */
const cloudbase = official as AnyDatabase

async function opened(rules: object, options: { project?: string } = {}) {
  const server = await startServer({ rules, ...options })
  async function appOf() {
    const app = cloudbase.init({ env: server.env, endPointMode: 'CLOUD_API' })
    app.registerHost(new URL(server.url).host, 'http')
    const auth = app.auth({ persistence: 'none' })
    await auth.signInAnonymously()
    return { app, db: app.database(), uid: auth.currentUser.uid as string }
  }
  return { server, appOf, ours: server.database() as AnyDatabase }
}

/** Some of its calls reject with what the server said, others resolve with it. */
const wordsOf = (asked: Promise<unknown>) =>
  asked.then(
    answer => JSON.stringify(plain(answer)),
    thrown => `${thrown.code} ${thrown.message}`,
  )

test('[OFFICIAL-24] js-sdk in its CLOUD_API mode adds, reads, counts, sets, updates, removes and aggregates', async () => {
  const { appOf, ours } = await opened({
    database: {
      todos: { read: true, write: true },
      things: { read: true, write: true },
      theirs: { read: true, write: true },
    },
  })
  const { db, uid } = await appOf()
  const todos = db.collection('todos')
  const at = new Date(1_700_000_000_000)
  expect(
    await todos.add({ _id: 'x', n: 1, at, now: db.serverDate(), p: new db.Geo.Point(1, 2) }),
  ).toMatchObject({ id: 'x' })
  expect((await ours.collection('todos').doc('x').get()).data).toMatchObject({
    _openid: uid,
    n: 1,
    at,
    now: expect.any(Date),
  })
  expect(
    await todos.add([
      { _id: 'y', n: 2 },
      { _id: 'z', n: 3 },
    ]),
  ).toMatchObject({ ids: ['y', 'z'] })
  expect((await todos.doc('x').get()).data).toMatchObject([
    { _id: 'x', at, now: expect.any(Date), p: { longitude: 1, latitude: 2 } },
  ])
  expect((await todos.doc('none').get()).data).toEqual([])
  const found = await todos
    .where({ n: db.command.gte(1) })
    .orderBy('n', 'desc')
    .skip(1)
    .limit(1)
    .field({ n: true })
    .get()
  expect(found.data).toEqual([{ _id: 'y', n: 2 }])
  expect(await todos.count()).toMatchObject({ total: 3 })
  expect(await todos.doc('x').update({ n: db.command.inc(1) })).toMatchObject({ updated: 1 })
  expect(await todos.where({ n: 2 }).update({ done: true })).toMatchObject({ updated: 2 })
  expect(await todos.doc('w').set({ n: 9 })).toMatchObject({ updated: 0, upsertedId: 'w' })
  expect(await todos.doc('w').remove()).toMatchObject({ deleted: 1 })
  expect(await todos.where({ done: true }).remove()).toMatchObject({ deleted: 2 })
  expect((await ours.collection('todos').get()).data).toMatchObject([{ _id: 'z' }])

  await ours.collection('things').add({ data: things })
  await forEach(conditions, async (title, condition) => {
    if (title === 'expr' || title === 'within a circle') return // it has none
    const of = async (database: AnyDatabase) =>
      plain((await database.collection('things').where(condition(database)).get()).data)
    expect(await of(db), title).toEqual(await of(ours))
  })
  await forEach(changes, async (title, change) => {
    for (const name of ['theirs', 'ours'])
      await ours
        .collection(name)
        .doc(title)
        .set({ data: { ...things[0], _id: undefined } })
    expect(await db.collection('theirs').doc(title).update(change(db)), title).toMatchObject({ updated: 1 })
    await ours
      .collection('ours')
      .doc(title)
      .update({ data: change(ours) })
    const [theirs, mine] = await Promise.all(
      ['theirs', 'ours'].map(name => ours.collection(name).doc(title).get()),
    )
    expect(plain(theirs.data), title).toEqual(plain(mine.data))
  })
  await forEach(pipelines, async (title, pipeline) => {
    if (title === 'lookup by a pipeline') return // its condition is expr
    expect(plain((await pipeline(db)).data), title).toEqual(plain((await pipeline(ours)).list))
  })
})

test('[OFFICIAL-24] its transactions, its functions and its files, all under the rules', async () => {
  const rules = {
    database: { notes: 'PRIVATE', hidden: 'ADMINONLY' },
    functions: { '*': { invoke: true }, locked: { invoke: false } },
    storage: { read: 'resource.openid == auth.openid', write: 'resource.openid == auth.openid' },
  }
  const project = testProject(rules)
  writeFunction(
    project,
    'who',
    `const cloud = require('wx-server-sdk'); cloud.init()
     exports.main = async event => ({ event, who: cloud.getWXContext().OPENID })`,
  )
  writeFunction(project, 'locked', 'exports.main = async () => "let in"')
  const { appOf, ours } = await opened(rules, { project })
  const { app, db, uid } = await appOf()
  const now = new Date(5)
  const open = await db.startTransaction()
  const inside = open.collection('notes')
  expect(await inside.add({ _id: 'a', n: 1, now, at: db.serverDate() })).toMatchObject({ inserted: 1, ok: 1 })
  expect((await inside.doc('a').get()).data).toMatchObject({ _id: 'a', n: 1, now, _openid: uid })
  expect((await inside.doc('none').get()).data).toBe(null)
  expect((await inside.where({ n: 1 }).get()).data).toMatchObject([{ _id: 'a' }])
  expect((await inside.where({ n: 2 }).count()).total).toBe(0)
  expect(await inside.doc('a').update({ n: db.command.inc(1) })).toMatchObject({ updated: 1 })
  expect(await inside.doc('b').set({ n: 5 })).toMatchObject({ updated: 0, upserted: [{ _id: 'b' }] })
  expect(await inside.doc('b').delete()).toMatchObject({ deleted: 1 })
  expect((await ours.collection('notes').get()).data).toEqual([])
  await open.commit()
  expect((await ours.collection('notes').get()).data).toMatchObject([
    { _id: 'a', n: 2, now, at: expect.any(Date) },
  ])
  expect(await wordsOf(open.commit())).toContain('DATABASE_TRANSACTION_FAIL')
  const late = await db.startTransaction()
  await late.collection('notes').doc('a').get()
  await late.collection('notes').add({ _id: 'late' })
  await ours
    .collection('notes')
    .doc('a')
    .update({ data: { n: 9 } })
  expect(await wordsOf(late.commit())).toContain('DATABASE_TRANSACTION_CONFLICT')

  expect((await app.callFunction({ name: 'who', data: { a: 1 } })).result).toMatchObject({
    event: { a: 1 },
    who: uid,
  })
  expect(await wordsOf(app.callFunction({ name: 'locked' }))).toContain('FUNCTIONS_EXECUTE_FAIL')
  const content = randomBytes(50_000)
  const { fileID } = await app.uploadFile({ cloudPath: 'pictures/ann.bin', filePath: content })
  const { fileList } = await app.getTempFileURL({ fileList: [fileID] })
  const response = await fetch(fileList[0].tempFileURL)
  expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), content)).toBe(0)

  const ben = await appOf()
  expect((await ben.app.getTempFileURL({ fileList: [fileID] })).fileList[0].code).toBe(
    'STORAGE_FILE_NONEXIST',
  )
  expect((await ben.app.deleteFile({ fileList: [fileID] })).fileList[0].code).not.toBe('SUCCESS')
  expect((await ben.db.collection('notes').get()).data).toEqual([])
  expect(await wordsOf(ben.db.collection('notes').doc('a').update({ n: 0 }))).toContain(
    'DATABASE_PERMISSION_DENIED',
  )
  await ours.collection('hidden').add({ data: { _id: 'h', word: 'xyzzy' } })
  expect(await wordsOf(ben.db.collection('hidden').add({ _id: 'x' }))).toContain('DATABASE_PERMISSION_DENIED')
  const seen = await Promise.all(
    [
      ben.db.collection('hidden').get(),
      ben.db.collection('hidden').aggregate().match({}).end(),
      ben.db
        .collection('things')
        .aggregate()
        .lookup({ from: 'hidden', localField: 'a', foreignField: 'b', as: 'c' })
        .end(),
    ].map(asked => asked.catch(String)),
  )
  expect(JSON.stringify(plain(seen))).not.toContain('xyzzy')
  // nor do the words of a refusal quote what it may not read
  await ours.collection('notes').add({ data: { _id: 'q', o: 'xyzzy', _openid: uid } })
  const within = (await ben.db.startTransaction()).collection('notes')
  for (const notes of [ben.db.collection('notes'), within]) {
    const words = await wordsOf(notes.doc('q').update({ 'o.p': 1 }))
    expect(words).toContain('DATABASE_PERMISSION_DENIED')
    expect(words).not.toContain('xyzzy')
  }
  await ours.collection('notes').doc('q').remove()
  expect((await ours.collection('notes').get()).data).toMatchObject([{ _id: 'a', n: 9 }])
})
