import { randomBytes } from 'node:crypto'
import official from '@cloudbase/js-sdk'
import { expect, test } from 'vitest'
import { testProject } from '../scenario/folder.ts'
import { openTo, startServer } from '../scenario/server.ts'
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

/** The package as npm has it, an app for each user, pointed at a server of ours. */
async function opened(rules: object, options: { project?: string } = {}) {
  const server = await startServer({ rules, ...options })
  async function appOf(signIn: (auth: AnyDatabase) => Promise<unknown> = auth => auth.signInAnonymously()) {
    const app = cloudbase.init({ env: server.env, endPointMode: 'GATEWAY' })
    app.registerHost(new URL(server.url).host, 'http')
    const auth = app.auth({ persistence: 'none' })
    await signIn(auth)
    return { app, auth, db: app.database(), uid: auth.currentUser.uid as string }
  }
  return { server, appOf, ours: server.database() as AnyDatabase }
}

test('[OFFICIAL-14] @cloudbase/js-sdk adds, reads, counts, sets, updates and removes as its user', async () => {
  const { appOf, ours } = await opened(openTo('todos'))
  const { db, uid } = await appOf()
  const todos = db.collection('todos')
  const at = new Date(1_700_000_000_000)
  expect(
    await todos.add({ _id: 'x', n: 1, at, now: db.serverDate(), p: new db.Geo.Point(1, 2) }),
  ).toMatchObject({ id: 'x' })
  const { data } = await ours.collection('todos').doc('x').get()
  expect(data).toMatchObject({ _openid: uid, n: 1, at, now: expect.any(Date) })
  expect(
    await todos.add([
      { _id: 'y', n: 2 },
      { _id: 'z', n: 3 },
    ]),
  ).toMatchObject({ ids: ['y', 'z'] })
  expect((await todos.doc('x').get()).data).toMatchObject([
    { _id: 'x', at, p: { longitude: 1, latitude: 2 } },
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
  expect(await todos.doc('w').set({ n: 8 })).toMatchObject({ updated: 1 })
  expect(await todos.doc('w').remove()).toMatchObject({ deleted: 1 })
  expect(await todos.where({ done: true }).remove()).toMatchObject({ deleted: 2 })
  expect((await ours.collection('todos').get()).data).toMatchObject([{ _id: 'z' }])
})

test('[OFFICIAL-14] every condition, change and pipeline of js-sdk is what our own is', async () => {
  const { appOf, ours } = await opened(openTo('things', 'theirs'))
  const { db } = await appOf()
  await ours.collection('things').add({ data: things })
  await forEach(conditions, async (title, condition) => {
    if (title === 'expr' || title === 'within a circle') return // it has none
    const found = async (database: AnyDatabase) =>
      plain((await database.collection('things').where(condition(database)).get()).data)
    expect(await found(db), title).toEqual(await found(ours))
  })
  const [first] = things as [object]
  await forEach(changes, async (title, change) => {
    for (const name of ['theirs', 'ours'])
      await ours
        .collection(name)
        .doc(title)
        .set({ data: { ...first, _id: undefined } })
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

test('[OFFICIAL-15] each user has what the rules give, and nothing is done that they refuse', async () => {
  const { appOf, ours } = await opened({
    database: {
      notes: 'PRIVATE',
      shop: 'ADMINWRITE',
      hidden: 'ADMINONLY',
      mine: { read: 'doc._openid == auth.openid', write: false },
    },
  })
  const ann = await appOf()
  const ben = await appOf()
  expect(ann.uid).not.toBe(ben.uid)
  await ann.db.collection('notes').add({ _id: 'a', text: 'secret' })
  expect((await ann.db.collection('notes').get()).data).toMatchObject([{ _id: 'a' }])
  expect((await ben.db.collection('notes').get()).data).toEqual([])
  expect((await ben.db.collection('notes').doc('a').get()).data).toEqual([])
  expect((await ben.db.collection('notes').count()).total).toBe(0)
  await ben.db.collection('notes').doc('a').update({ text: 'changed' })
  await ben.db.collection('notes').where({}).update({ text: 'changed' })
  await ben.db.collection('notes').doc('a').remove()
  await ben.db.collection('notes').doc('a').set({ text: 'changed' })
  await ben.db.collection('notes').add({ _id: 'b', _openid: ann.uid })
  await ben.db.collection('shop').add({ _id: 's' })
  await ben.db.collection('hidden').add({ _id: 'h' })
  expect((await ours.collection('notes').get()).data).toMatchObject([
    { _id: 'a', text: 'secret', _openid: ann.uid },
  ])
  expect((await ours.collection('shop').get()).data).toEqual([])
  expect((await ours.collection('hidden').get()).data).toEqual([])
  await ours.collection('hidden').add({ data: { _id: 'h', word: 'xyzzy' } })
  const told = await ben.db.collection('hidden').aggregate().match({}).end()
  expect(plain(told).data?.list ?? plain(told).data).not.toEqual([{ _id: 'h', word: 'xyzzy' }])
  expect(JSON.stringify(plain(told))).not.toContain('xyzzy')
  expect(JSON.stringify(plain(await ben.db.collection('mine').get()))).toContain('DATABASE_PERMISSION_DENIED')
})

test('[OFFICIAL-16] signing in by a ticket, and by a name and a password, is signing in here', async () => {
  const { appOf, server } = await opened(openTo('todos'))
  const anna = await appOf(async auth => {
    await auth.setCustomSignFunc(() => server.users.createTicket('anna'))
    await auth.signInWithCustomTicket()
  })
  expect(anna.uid).toBe(await server.users.find('anna'))
  await server.users.add('bert', 'correct horse')
  const bert = await appOf(auth => auth.signIn({ username: 'bert', password: 'correct horse' }))
  expect(bert.uid).toBe(await server.users.find('pw:bert'))
  // the SDK keeps whom it knew when it is refused, so what it says is said without it
  const refused = async (door: string, body: object) =>
    (await fetch(`${server.url}/auth/v1/${door}`, { method: 'POST', body: JSON.stringify(body) })).status
  expect(await refused('signin', { username: 'bert', password: 'wrong horse' })).toBe(401)
  expect(await refused('signin/custom', { provider_id: 'custom', ticket: 'no ticket' })).toBe(401)
  expect(await refused('token', { grant_type: 'refresh_token', refresh_token: 'no token' })).toBe(401)
  await bert.db.collection('todos').add({ _id: 'x' })
  await server.users.endSessions('pw:bert')
  await bert.db.collection('todos').add({ _id: 'late' })
  expect((await server.database().collection('todos').get()).data).toMatchObject([
    { _id: 'x', _openid: bert.uid },
  ])
})

test('[OFFICIAL-17] functions are called in the name of the user, and files are theirs', async () => {
  const rules = {
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
  const { appOf, server } = await opened(rules, { project })
  // of one environment the SDK has one app at a time that calls functions and sends files: the last
  const asAnn = () =>
    appOf(async auth => {
      await auth.setCustomSignFunc(() => server.users.createTicket('anna'))
      await auth.signInWithCustomTicket()
    })
  const ann = await asAnn()
  const { result } = await ann.app.callFunction({ name: 'who', data: { a: 1 } })
  expect(result).toMatchObject({ event: { a: 1 }, who: ann.uid })
  const content = randomBytes(100_000)
  const { fileID } = await ann.app.uploadFile({ cloudPath: 'pictures/ann.bin', filePath: content })
  const { fileList } = await ann.app.getTempFileURL({ fileList: [fileID] })
  const response = await fetch(fileList[0].tempFileURL)
  expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), content)).toBe(0)

  const ben = await appOf()
  expect(plain(await ben.app.callFunction({ name: 'locked' }))).toMatchObject({
    code: 'FUNCTIONS_EXECUTE_FAIL',
  })
  const seen = await ben.app.getTempFileURL({ fileList: [fileID] })
  expect(seen.fileList[0]).toMatchObject({ code: 'STORAGE_FILE_NONEXIST' })
  // the SDK looks at no answer to the bytes, so it is what is there that tells
  await ben.app.uploadFile({ cloudPath: 'pictures/ann.bin', filePath: Buffer.from('mine') }).catch(() => {})
  expect((await ben.app.deleteFile({ fileList: [fileID] })).fileList[0].code).not.toBe('SUCCESS')

  const annAgain = await asAnn()
  expect(annAgain.uid).toBe(ann.uid)
  const { fileList: after } = await annAgain.app.getTempFileURL({ fileList: [fileID] })
  const bytes = Buffer.from(await (await fetch(after[0].tempFileURL)).arrayBuffer())
  expect(Buffer.compare(bytes, content)).toBe(0)
  expect((await annAgain.app.deleteFile({ fileList: [fileID] })).fileList[0].code).toBe('SUCCESS')
  expect((await annAgain.app.getTempFileURL({ fileList: [fileID] })).fileList[0].code).toBe(
    'STORAGE_FILE_NONEXIST',
  )
})
