import { CloudError, type Write } from '@nearcloud/protocol'
import { createDatabase, type DatabaseOptions } from '@nearcloud/query'
import { type TransactionalDatabase, withTransactions } from '@nearcloud/query/transactions'
import { expect, test } from 'vitest'
import { admin, openWorld, type World } from '../testing/scenario.ts'
import type { ServerTransaction } from './server-transaction.ts'

interface Opened extends World {
  readonly db: TransactionalDatabase
}

/** A database with two accounts of 100. */
async function open(): Promise<Opened> {
  const world = openWorld()
  const { environment } = world
  let ids = 0
  const options: DatabaseOptions = {
    newId: () => `id${++ids}`,
    limits: { default: 100, max: 1_000 },
    side: 'server',
  }
  const db = withTransactions(createDatabase(environment.executorFor(admin), options), options, lost =>
    environment.transactions.begin(admin, { lost: lost as ServerTransaction | undefined }),
  )
  for (const _id of ['a', 'b']) await db.collection('accounts').add({ data: { _id, balance: 100 } })
  world.heard.length = 0
  return { ...world, db }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    result => expect.fail(`it answered ${JSON.stringify(result)}`),
    (thrown: unknown) => thrown,
  )
  return error instanceof CloudError ? error.code : expect.fail(String(error))
}

const inc = (id: string, by: number): Write => ({
  op: 'update',
  collection: 'accounts',
  id,
  changes: [['balance', 'inc', by]],
})

test('[TX-1] it reads one moment, by id and by query, while others write', async () => {
  const { db, environment } = await open()
  const accounts = db.collection('accounts')
  const transaction = await db.startTransaction()
  await environment.commit({ actor: admin, writes: [inc('a', 1), inc('b', 1)] })
  await accounts.add({ data: { _id: 'c', balance: 5 } })
  await accounts.doc('b').remove()
  const tx = transaction.collection('accounts')
  expect((await tx.doc('a').get()).data).toEqual({ _id: 'a', balance: 100 })
  expect((await tx.doc('b').get()).data).toEqual({ _id: 'b', balance: 100 })
  expect((await tx.doc('c').get()).data).toBe(null)
  expect((await tx.where({ balance: 100 }).get()).data.map(({ _id }) => _id)).toEqual(['a', 'b'])
  expect((await tx.orderBy('balance', 'asc').limit(1).get()).data).toEqual([{ _id: 'a', balance: 100 }])
  expect((await tx.count()).total).toBe(2)
  expect((await transaction.get(accounts.where({}).skip(1))).data).toEqual([{ _id: 'b', balance: 100 }])
  await transaction.rollback()
  expect((await accounts.get()).data).toEqual([
    { _id: 'a', balance: 101 },
    { _id: 'c', balance: 5 },
  ])
})

test('[TX-1] [TX-2] its own writes are seen by itself alone, until they are there all at once', async () => {
  const { db, heard, documents } = await open()
  const transaction = await db.startTransaction()
  const tx = transaction.collection('accounts')
  expect((await tx.doc('a').update({ data: { balance: db.command.inc(-30) } })).stats).toEqual({ updated: 1 })
  expect((await tx.doc('nobody').update({ data: { balance: 1 } })).stats).toEqual({ updated: 0 })
  expect((await tx.add({ data: { balance: 30 } }))._id).toBe('id1')
  await tx.add({
    data: [
      { _id: 'x', balance: 0 },
      { _id: 'y', balance: 1 },
    ],
  })
  await tx.doc('b').set({ data: { balance: 7 } })
  await tx.doc('y').remove()
  expect((await tx.where({ balance: db.command.gt(1) }).update({ data: { seen: true } })).stats.updated).toBe(
    3,
  )
  expect((await tx.doc('a').get()).data).toEqual({ _id: 'a', balance: 70, seen: true })
  expect((await tx.where({ seen: true }).orderBy('balance', 'desc').get()).data.map(d => d._id)).toEqual([
    'a',
    'id1',
    'b',
  ])
  expect((await tx.doc('y').get()).data).toBe(null)
  expect(heard).toEqual([])
  expect(await documents('accounts')).toEqual([
    { _id: 'a', balance: 100 },
    { _id: 'b', balance: 100 },
  ])
  await transaction.commit()
  expect(new Set(heard.map(({ version }) => version)).size).toBe(1)
  expect(heard.map(({ id, dataType }) => [id, dataType])).toEqual([
    ['a', 'update'],
    ['id1', 'add'],
    ['x', 'add'],
    ['b', 'update'],
  ])
  expect(await documents('accounts')).toEqual([
    { _id: 'a', balance: 70, seen: true },
    { _id: 'b', balance: 7, seen: true },
    { _id: 'id1', balance: 30, seen: true },
    { _id: 'x', balance: 0 },
  ])
})

test('[TX-1] the guide’s style takes references of the database itself', async () => {
  const { db, documents } = await open()
  const doc = (id: string) => db.collection('accounts').doc(id)
  const result = await db.runTransaction(async transaction => {
    const from = await transaction.get(doc('a'))
    expect((await transaction.get(doc('a').field({ balance: true, _id: false }))).data).toEqual({
      balance: 100,
    })
    expect((await transaction.get(doc('none'))).data).toBe(null)
    await transaction.update(doc('a'), { data: { balance: db.command.inc(-40) } })
    await transaction.update(doc('b'), { data: { balance: db.command.inc(40) } })
    await transaction.set(doc('c'), { data: { balance: from.data!.balance! } })
    await transaction.add(db.collection('log'), { data: { _id: 'l', moved: 40 } })
    await transaction.delete(doc('none'))
    return { success: true }
  })
  expect(result).toEqual({ success: true })
  expect((await documents('accounts')).map(d => d.balance)).toEqual([60, 140, 100])
  expect(await documents('log')).toEqual([{ _id: 'l', moved: 40 }])
})

test('[TX-3] a document read by id that somebody changed is a conflict at the commit, also when another is written', async () => {
  const { db, environment, documents } = await open()
  const transaction = await db.startTransaction()
  await transaction.collection('accounts').doc('a').get()
  await transaction.collection('accounts').doc('none').get()
  await transaction
    .collection('accounts')
    .doc('b')
    .update({ data: { balance: 0 } })
  await environment.commit({ actor: admin, writes: [inc('a', 1)] })
  expect(await codeOf(transaction.commit())).toBe('DATABASE_TRANSACTION_CONFLICT')
  expect((await documents('accounts')).map(d => d.balance)).toEqual([101, 100])
  const other = await db.startTransaction()
  await other.collection('accounts').doc('none').get()
  await other.collection('accounts').doc('b').remove()
  await db.collection('accounts').add({ data: { _id: 'none' } })
  expect(await codeOf(other.commit())).toBe('DATABASE_TRANSACTION_CONFLICT')
})

test('[TX-3] a document that was changed since it began cannot be written, and then nothing of it can be committed', async () => {
  const { db, environment, documents } = await open()
  const transaction = await db.startTransaction()
  const tx = transaction.collection('accounts')
  await tx.doc('b').update({ data: { balance: 0 } })
  await environment.commit({ actor: admin, writes: [inc('a', 1)] })
  expect(await codeOf(tx.doc('a').update({ data: { balance: 0 } }))).toBe('DATABASE_TRANSACTION_CONFLICT')
  expect(await codeOf(tx.doc('b').get())).toBe('DATABASE_TRANSACTION_CONFLICT')
  expect(await codeOf(transaction.commit())).toBe('DATABASE_TRANSACTION_CONFLICT')
  expect((await documents('accounts')).map(d => d.balance)).toEqual([101, 100])
})

test('[TX-3] one that only reads commits whatever others did', async () => {
  const { db, environment } = await open()
  const transaction = await db.startTransaction()
  await transaction.collection('accounts').doc('a').get()
  await environment.commit({ actor: admin, writes: [inc('a', 1)] })
  expect(await transaction.commit()).toEqual({ errMsg: 'transaction.commit:ok' })
})

test('[TX-4] the second that writes a document is told at once, and a writer outside does not wait', async () => {
  const { db, environment } = await open()
  const [first, second] = [await db.startTransaction(), await db.startTransaction()]
  await first
    .collection('accounts')
    .doc('a')
    .update({ data: { balance: 1 } })
  expect(await codeOf(second.collection('accounts').doc('a').remove())).toBe('DATABASE_TRANSACTION_CONFLICT')
  await environment.commit({ actor: admin, writes: [inc('a', 1)] })
  expect(await codeOf(first.commit())).toBe('DATABASE_TRANSACTION_CONFLICT')
  const third = await db.startTransaction()
  await third
    .collection('accounts')
    .doc('a')
    .update({ data: { balance: 3 } })
  await third.commit()
})

test('[TX-5] many transfers at once over few accounts all get through, and the sum stays', async () => {
  const { db, documents, heard } = await open()
  const doc = (id: string) => db.collection('accounts').doc(id)
  let runs = 0
  const transfers = Array.from({ length: 200 }, (_, i) =>
    db.runTransaction(async transaction => {
      runs++
      const [from, to] = i % 3 === 0 ? ['b', 'a'] : ['a', 'b']
      const { data } = await transaction.get(doc(from))
      if ((data!.balance as number) < 1) throw new Error('no money')
      await transaction.update(doc(from), { data: { balance: db.command.inc(-1) } })
      await transaction.update(doc(to), { data: { balance: db.command.inc(1) } })
    }),
  )
  const results = await Promise.allSettled(transfers)
  expect(results.filter(({ status }) => status === 'rejected')).toEqual([])
  expect((await documents('accounts')).map(d => d.balance)).toEqual([34, 166])
  expect(heard.length).toBe(400)
  expect(runs).toBeGreaterThan(200)
  expect(runs).toBeLessThanOrEqual(800)
})

test('[TX-5] a function runs four times at most while others go on changing what it read, and as often as told', async () => {
  const { db, environment } = await open()
  for (const [times, most] of [
    [undefined, 4],
    [1, 2],
    [0, 1],
  ] as const) {
    let runs = 0
    const work = db.runTransaction(async transaction => {
      runs++
      await transaction.collection('accounts').doc('a').get()
      await environment.commit({ actor: admin, writes: [inc('a', 1)] })
      await transaction
        .collection('accounts')
        .doc('b')
        .update({ data: { seen: runs } })
    }, times)
    expect(await codeOf(work)).toBe('DATABASE_TRANSACTION_CONFLICT')
    expect(runs).toBe(most)
  }
})

test('[TX-5] a conflict that the function swallows is still one', async () => {
  const { db, environment, documents } = await open()
  let runs = 0
  await db.runTransaction(async transaction => {
    if (++runs === 1) await environment.commit({ actor: admin, writes: [inc('a', 1)] })
    await transaction
      .collection('accounts')
      .doc('a')
      .update({ data: { balance: 5 } })
      .catch(() => {})
  })
  expect(runs).toBe(2)
  expect((await documents('accounts'))[0]).toEqual({ _id: 'a', balance: 5 })
})

test('[TX-6] what it throws is rethrown, a rollback rejects with its reason, and nothing is written', async () => {
  const { db, documents } = await open()
  const doc = (id: string) => db.collection('accounts').doc(id)
  const thrown = new Error('Insufficient balance')
  await expect(
    db.runTransaction(async transaction => {
      await transaction.update(doc('a'), { data: { balance: 0 } })
      throw thrown
    }),
  ).rejects.toBe(thrown)
  const reasons = [-100, undefined, { why: 'so' }]
  for (const reason of reasons)
    expect(
      await db
        .runTransaction(async transaction => {
          await transaction.update(doc('a'), { data: { balance: 0 } })
          await transaction.rollback(reason)
          return 'never heard of'
        })
        .then(expect.fail, (error: unknown) => error),
    ).toBe(reason)
  expect(await codeOf(db.runTransaction('x' as never))).toBe('INVALID_PARAM')
  expect(await codeOf(db.runTransaction(() => 1, -1))).toBe('INVALID_PARAM')
  expect((await documents('accounts')).map(d => d.balance)).toEqual([100, 100])
})

test('[TX-6] a write that cannot be made leaves the transaction as it was', async () => {
  const { db, documents } = await open()
  const transaction = await db.startTransaction()
  const tx = transaction.collection('accounts')
  expect(await codeOf(tx.add({ data: [{ _id: 'c' }, { _id: 'a' }] }))).toBe('DUPLICATE_ID')
  expect(await codeOf(tx.doc('a').update({ data: { 'balance.x': 1 } }))).toBe('DATABASE_REQUEST_FAILED')
  await tx.doc('a').update({ data: { balance: 1 } })
  await transaction.commit()
  expect(await documents('accounts')).toEqual([
    { _id: 'a', balance: 1 },
    { _id: 'b', balance: 100 },
  ])
})

test('[TX-7] after its end everything fails, and after 30 seconds it has ended', async () => {
  const { db, clock, documents } = await open()
  const [committed, rolledBack, late] = [
    await db.startTransaction(),
    await db.startTransaction(),
    await db.startTransaction(),
  ]
  await committed.commit()
  await rolledBack.rollback()
  await late
    .collection('accounts')
    .doc('a')
    .update({ data: { balance: 0 } })
  clock.advance(30_000)
  for (const transaction of [committed, rolledBack, late]) {
    expect(await codeOf(transaction.collection('accounts').doc('a').get())).toBe('DATABASE_TRANSACTION_FAIL')
    expect(await codeOf(transaction.commit())).toBe('DATABASE_TRANSACTION_FAIL')
  }
  expect(await codeOf(committed.rollback())).toBe('DATABASE_TRANSACTION_FAIL')
  const next = await db.startTransaction()
  await next
    .collection('accounts')
    .doc('a')
    .update({ data: { balance: 1 } }) // nobody has it any more
  await next.commit()
  expect((await documents('accounts'))[0]).toEqual({ _id: 'a', balance: 1 })
})

test('[TX-8] too many open ones, and too many writes, are refused', async () => {
  const { db, environment } = await open()
  const open1000 = await Promise.all(Array.from({ length: 1_000 }, () => db.startTransaction()))
  expect(await codeOf(db.startTransaction())).toBe('EXCEED_REQUEST_LIMIT')
  await open1000[0]!.rollback()
  const transaction = await db.startTransaction()
  const many = Array.from({ length: 10_001 }, (_, n) => ({ n }))
  expect(await codeOf(transaction.collection('c').add({ data: many }))).toBe('INVALID_PARAM')
  expect(await codeOf(environment.transactions.begin({ kind: 'stranger' }))).toBe(
    'DATABASE_PERMISSION_DENIED',
  )
})

test('[OFFICIAL-23] users have five each and 500 together, and leave the others to functions', async () => {
  const { db, environment } = await open()
  const begin = (n: number) => environment.transactions.begin({ kind: 'user', openid: `u${n}` })
  const all = await Promise.all(Array.from({ length: 500 }, (_, i) => begin(i % 100)))
  expect(await codeOf(begin(1))).toBe('EXCEED_REQUEST_LIMIT')
  expect(await codeOf(begin(500))).toBe('EXCEED_REQUEST_LIMIT')
  await (await db.startTransaction()).rollback()
  await all[0]!.rollback()
  expect(await codeOf(begin(1))).toBe('EXCEED_REQUEST_LIMIT')
  await begin(0)
})

test('[TX-8] what others change is kept only so long, and then the oldest end', async () => {
  const { db, environment } = await open()
  const [oldest, newer] = [await db.startTransaction(), await db.startTransaction()]
  const text = 'x'.repeat(1_000_000)
  for (let n = 0; n < 70; n++) {
    const set: Write = { op: 'set', collection: 'accounts', id: 'big', data: { text, n } }
    await environment.commit({ actor: admin, writes: [set] })
  }
  expect(environment.transactions.earlier.characters).toBeLessThan(67_108_864)
  expect(await codeOf(oldest.collection('accounts').doc('a').get())).toBe('DATABASE_TRANSACTION_FAIL')
  expect(await codeOf(newer.collection('accounts').doc('a').get())).toBe('DATABASE_TRANSACTION_FAIL')
  const next = await db.startTransaction()
  expect((await next.collection('accounts').doc('a').get()).data).toMatchObject({ balance: 100 })
  await next.rollback()
  expect(environment.transactions.earlier.characters).toBe(0)
})

test('[TX-9] what is not done in a transaction is refused', async () => {
  const { db } = await open()
  const transaction = await db.startTransaction()
  const tx = transaction.collection('accounts')
  expect(await codeOf(tx.aggregate().count('n').end())).toBe('INVALID_PARAM')
  expect(await codeOf(tx.createIndex({ keys: { a: 1 } }))).toBe('INVALID_PARAM')
  const watching = async () => void tx.watch({ onChange: () => {}, onError: () => {} })
  expect(await codeOf(watching())).toBe('WATCH_FAILED')
  expect(await codeOf(transaction.get('a' as never))).toBe('INVALID_PARAM')
  expect(await codeOf(transaction.update('a' as never, { data: {} }))).toBe('INVALID_PARAM')
  expect(await codeOf(transaction.add(db.collection('a').doc('x') as never, { data: {} }))).toBe(
    'INVALID_PARAM',
  )
})
