import official from '@cloudbase/js-sdk'
import { expect, test } from 'vitest'
import { startServer } from '../scenario/server.ts'
import type { AnyDatabase } from './cases.ts'

/** Its types know no `registerHost`. */
const cloudbase = official as AnyDatabase

async function opened(rules: object) {
  const server = await startServer({ rules })
  async function appOf() {
    const app = cloudbase.init({ env: server.env, endPointMode: 'GATEWAY' })
    app.registerHost(new URL(server.url).host, 'http')
    const auth = app.auth({ persistence: 'none' })
    await auth.signInAnonymously()
    return { db: app.database(), uid: auth.currentUser.uid as string }
  }
  return { appOf, ours: server.database() as AnyDatabase }
}

/** In a transaction the SDK wraps what it read: `{ data: { list: [document] } }`. */
const read = async (document: AnyDatabase) => (await document.get()).data.list[0]
const codeOf = (asked: Promise<unknown>) =>
  asked.then(
    () => 'done',
    thrown => thrown.code ?? thrown.message,
  )

test('[OFFICIAL-22] a transaction of js-sdk sees one moment and its own writes, and is all or nothing', async () => {
  const { appOf, ours } = await opened({ database: { accounts: 'PRIVATE' } })
  const { db, uid } = await appOf()
  await db.collection('accounts').add([
    { _id: 'a', n: 100 },
    { _id: 'b', n: 0 },
  ])
  const open = await db.startTransaction()
  const inside = open.collection('accounts')
  expect(await read(inside.doc('a'))).toEqual({ _id: 'a', n: 100, _openid: uid })
  expect(await read(inside.doc('none'))).toBe(null)
  expect(await inside.add({ _id: 'c', n: 1, now: db.serverDate() })).toMatchObject({ inserted: 1, _id: 'c' })
  expect(await inside.doc('c').update({ n: db.command.inc(1) })).toMatchObject({ updated: 1 })
  expect(await inside.doc('d').set({ n: 5 })).toMatchObject({ updated: 0, upserted_id: 'd' })
  expect(await inside.doc('b').delete()).toMatchObject({ deleted: 1 })
  const [{ list }] = (await inside.where({ n: db.command.gt(0) }).get()).data
  expect(list.map(({ _id }: { _id: string }) => _id)).toEqual(['a', 'c', 'd'])
  expect((await db.collection('accounts').get()).data).toHaveLength(2)
  await open.commit()
  expect((await ours.collection('accounts').get()).data).toMatchObject([
    { _id: 'a', n: 100 },
    { _id: 'c', n: 2, now: expect.any(Date), _openid: uid },
    { _id: 'd', n: 5, _openid: uid },
  ])
  expect(await codeOf(inside.doc('a').get())).toBe('DATABASE_TRANSACTION_FAIL')

  const undone = await db.startTransaction()
  await undone.collection('accounts').doc('a').update({ n: 0 })
  await undone.rollback()
  expect(
    await codeOf(
      db.runTransaction(async (transaction: AnyDatabase) => {
        await transaction.collection('accounts').doc('a').update({ n: 0 })
        await transaction.rollback({ code: 'MINE' })
      }),
    ),
  ).toBe('MINE')
  expect((await ours.collection('accounts').doc('a').get()).data.n).toBe(100)
})

test('[OFFICIAL-22] what was changed meanwhile is a conflict where it is written, and a commit that failed is not taken for done', async () => {
  const { appOf, ours } = await opened({ database: { accounts: 'PRIVATE' } })
  const { db } = await appOf()
  await db.collection('accounts').add({ _id: 'a', n: 1 })
  let times = 0
  const result = await db.runTransaction(async (transaction: AnyDatabase) => {
    const document = transaction.collection('accounts').doc('a')
    const { n } = await read(document)
    if (times++ === 0)
      await ours
        .collection('accounts')
        .doc('a')
        .update({ data: { n: 10 } })
    await document.update({ n: n + 1 })
    return n
  })
  expect([result, times]).toEqual([10, 2])
  const late = await db.startTransaction()
  await read(late.collection('accounts').doc('a'))
  await late.collection('accounts').add({ _id: 'b', n: 1 })
  await ours
    .collection('accounts')
    .doc('a')
    .update({ data: { n: 20 } })
  await expect(late.commit()).rejects.toBeInstanceOf(Error)
  expect((await ours.collection('accounts').get()).data).toMatchObject([{ _id: 'a', n: 20 }])
})

test('[OFFICIAL-22] in a transaction the rules are those of every client', async () => {
  const { appOf, ours } = await opened({
    database: {
      notes: 'PRIVATE',
      shop: 'ADMINWRITE',
      hidden: 'ADMINONLY',
      mine: { read: 'doc._openid == auth.openid', write: false },
    },
  })
  const [ann, ben] = [await appOf(), await appOf()]
  await ann.db.collection('notes').add({ _id: 'a', text: 'secret' })
  await ours.collection('hidden').add({ data: { _id: 'h', word: 'xyzzy' } })
  await ours.collection('shop').add({ data: { _id: 's', n: 1 } })
  const refused = async (work: (transaction: AnyDatabase) => Promise<unknown>) => {
    const open = await ben.db.startTransaction()
    const code = await codeOf(work(open))
    await open.commit().catch(() => {})
    return code
  }
  const open = await ben.db.startTransaction()
  expect(await read(open.collection('notes').doc('a'))).toBe(null)
  expect((await open.collection('notes').where({}).get()).data[0].list).toEqual([])
  expect(await read(open.collection('shop').doc('s'))).toMatchObject({ n: 1 })
  const seen = JSON.stringify([
    await open.collection('hidden').doc('h').get().catch(String),
    await open.collection('hidden').where({}).get().catch(String),
    await open.collection('mine').where({}).get().catch(String),
  ])
  expect(seen).not.toContain('xyzzy')
  // what it may not see does not stop it
  await ours
    .collection('notes')
    .doc('a')
    .update({ data: { text: 'newer' } })
  await open.collection('notes').add({ _id: 'own' })
  await open.commit()
  expect(await refused(t => t.collection('notes').doc('a').update({ text: 'x' }))).toBe(
    'DATABASE_PERMISSION_DENIED',
  )
  expect(await refused(t => t.collection('notes').doc('a').delete())).toBe('DATABASE_PERMISSION_DENIED')
  expect(await refused(t => t.collection('shop').add({ _id: 'x' }))).toBe('DATABASE_PERMISSION_DENIED')
  expect(await refused(t => t.collection('hidden').doc('h').set({ a: 1 }))).toBe('DATABASE_PERMISSION_DENIED')
  expect(await refused(t => t.collection('notes').add({ _id: 'y', _openid: ann.uid }))).toBe('INVALID_PARAM')
  expect((await ours.collection('notes').get()).data).toMatchObject([
    { _id: 'a', text: 'newer', _openid: ann.uid },
    { _id: 'own', _openid: ben.uid },
  ])
  expect((await ours.collection('shop').get()).data).toEqual([{ _id: 's', n: 1 }])
  // and it holds nobody up: no turn is taken at what may not be written
  const holding = await ben.db.startTransaction()
  expect(await codeOf(holding.collection('shop').doc('s').update({ n: 0 }))).toBe(
    'DATABASE_PERMISSION_DENIED',
  )
  await ours.runTransaction((transaction: AnyDatabase) =>
    transaction
      .collection('shop')
      .doc('s')
      .update({ data: { n: 2 } }),
  )
  expect((await ours.collection('shop').get()).data).toEqual([{ _id: 's', n: 2 }])
})
