import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CloudError } from '@nearcloud/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { type Behind, carryOut } from '../functions/asks.ts'
import { type OpenedFixtures, openFixtures, temporaryFolder } from '../functions/testing/open-fixtures.ts'
import { admin, alice, openWorld } from '../testing/scenario.ts'
import { TransactionScope } from './transaction-scope.ts'

/* Real function processes; build first. */

function opened(code: string): OpenedFixtures {
  const folder = temporaryFolder(onTestFinished)
  mkdirSync(join(folder, 'f'))
  writeFileSync(
    join(folder, 'f/index.js'),
    `const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()
const _ = db.command
exports.main = async event => {
${code}
}`,
  )
  return openFixtures(onTestFinished, { folder })
}

async function account(world: OpenedFixtures['world'], id: string, balance: number): Promise<void> {
  await world.environment.commit({
    actor: admin,
    writes: [{ op: 'add', collection: 'accounts', id, data: { balance } }],
  })
}

test('[TX-5] a function moves money in either style, 60 times at once, and every transfer counts once', async () => {
  const { functions, world } = opened(`
  const doc = id => db.collection('accounts').doc(id)
  if (event.style === 'collection')
    return db.runTransaction(async transaction => {
      const from = transaction.collection('accounts').doc(event.from)
      const { data } = await from.get()
      if (data.balance < 1) throw new Error('Insufficient balance')
      await from.update({ data: { balance: _.inc(-1) } })
      await transaction.collection('accounts').doc(event.to).update({ data: { balance: _.inc(1) } })
      return { success: true }
    })
  try {
    return await db.runTransaction(async transaction => {
      const from = await transaction.get(doc(event.from))
      if (from.data.balance < 1) throw new Error('Insufficient balance')
      await transaction.update(doc(event.from), { data: { balance: _.inc(-1) } })
      await transaction.update(doc(event.to), { data: { balance: _.inc(1) } })
      return { success: true }
    })
  } catch (e) {
    return { success: false, error: e.message }
  }`)
  await account(world, 'a', 20)
  await account(world, 'b', 0)
  const results = await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      functions
        .invoke({
          name: 'f',
          data: { from: 'a', to: 'b', style: i % 2 === 0 ? 'guide' : 'collection' },
          actor: alice,
        })
        .catch((thrown: CloudError) => ({ success: false, error: thrown.errMsg })),
    ),
  )
  const failed = (results as { success: boolean; error: string }[]).filter(({ success }) => !success)
  expect(failed.length).toBe(40)
  for (const { error } of failed) expect(error).toContain('Insufficient balance')
  expect((await world.documents('accounts')).map(({ balance }) => balance)).toEqual([0, 20])
  const sums = new Map<number, number>()
  for (const { version, before, after } of world.heard)
    if (before && after)
      sums.set(version, (sums.get(version) ?? 0) + (after.balance as number) - (before.balance as number))
  expect([...sums.values()].every(sum => sum === 0)).toBe(true)
})

test('[TX-3] a conflict has its code inside the function', async () => {
  const { functions, world } = opened(`
  const transaction = await db.startTransaction()
  await transaction.collection('accounts').doc('a').get()
  await db.collection('accounts').doc('a').update({ data: { balance: 1 } })
  const codes = []
  await transaction.collection('accounts').doc('a').update({ data: { balance: 2 } }).catch(e => codes.push(e.code, e.errCode))
  await transaction.commit().catch(e => codes.push(e.code))
  return codes`)
  await account(world, 'a', 20)
  expect(await functions.invoke({ name: 'f', data: {}, actor: alice })).toEqual([
    'DATABASE_TRANSACTION_CONFLICT',
    -501001,
    'DATABASE_TRANSACTION_CONFLICT',
  ])
  expect((await world.documents('accounts'))[0]).toMatchObject({ balance: 1 })
})

test('[TX-7] what an invocation leaves open is over with it, and its documents are free', async () => {
  const { functions, world } = opened(`
  if (event.leave) {
    const transaction = await db.startTransaction()
    await transaction.collection('accounts').doc('a').update({ data: { balance: 0 } })
    if (event.leave === 'exit') process.exit(1)
    return null
  }
  return db.runTransaction(transaction => transaction.collection('accounts').doc('a').update({ data: { balance: 5 } }), 0)`)
  await account(world, 'a', 20)
  await functions.invoke({ name: 'f', data: { leave: 'open' }, actor: alice })
  await functions.invoke({ name: 'f', data: { leave: 'exit' }, actor: alice }).catch(() => {})
  expect((await world.documents('accounts'))[0]).toMatchObject({ balance: 20 })
  await functions.invoke({ name: 'f', data: {}, actor: alice })
  expect((await world.documents('accounts'))[0]).toMatchObject({ balance: 5 })
})

test('[TX-10] in the words of CloudBase: data without a wrapper, one document, conflicts that are tried again', async () => {
  const { functions, world } = opened(`
  const tcb = require('@cloudbase/node-sdk')
  const db = tcb.init({ env: tcb.SYMBOL_CURRENT_ENV }).database()
  const account = (transaction, id) => transaction.collection('accounts').doc(id)
  let runs = 0
  const moved = await db.runTransaction(async transaction => {
    const { data, requestId } = await account(transaction, 'a').get()
    if (++runs === 1) await db.collection('accounts').doc('a').update({ balance: db.command.inc(1) })
    await account(transaction, 'a').update({ balance: data.balance - 5 })
    await account(transaction, 'b').set({ balance: 5 })
    return { before: data.balance, isTold: typeof requestId === 'string', none: (await account(transaction, 'x').get()).data }
  })
  const transaction = await db.startTransaction()
  await account(transaction, 'b').remove()
  await transaction.rollback()
  const late = await account(transaction, 'b').get().catch(({ code }) => code)
  const reason = await db.runTransaction(t => t.rollback('no')).catch(reason => reason)
  return { runs, moved, late, reason }`)
  await account(world, 'a', 20)
  expect(await functions.invoke({ name: 'f', data: {}, actor: alice })).toEqual({
    runs: 2,
    moved: { before: 21, isTold: true, none: null },
    late: 'DATABASE_TRANSACTION_FAIL',
    reason: 'no',
  })
  expect(await world.documents('accounts')).toMatchObject([{ balance: 16 }, { balance: 5 }])
})

test('[TX-9] questions that are none, and transactions of others, are refused with a code', async () => {
  const { environment } = openWorld()
  const actor = { kind: 'function', name: 'f', depth: 0 } as const
  const behind = (): Behind => ({
    executor: environment.executorFor(actor),
    transactions: new TransactionScope(lost => environment.transactions.begin(actor, { lost })),
    call: async () => ({ requestId: 'r', result: null }),
    files: async () => ({ text: '', server: '' }),
  })
  const codeOf = async (
    of: Behind,
    ...asked: Parameters<typeof carryOut> extends [unknown, ...infer R] ? R : never
  ) =>
    carryOut(of, ...asked).then(
      () => 'none',
      (thrown: unknown) => (thrown instanceof CloudError ? thrown.code : String(thrown)),
    )
  const [mine, other] = [behind(), behind()]
  const transaction = await carryOut(mine, 'begin', '{}')
  const get = JSON.stringify({ collection: 'todos', where: ['and', []], orderBy: [], skip: 0 })
  const within = (part: object) => JSON.stringify({ transaction, verb: 'get', text: get, ...part })
  expect(await codeOf(mine, 'within', within({}))).toBe('none')
  expect(await codeOf(other, 'within', within({}))).toBe('DATABASE_TRANSACTION_FAIL')
  expect(await codeOf(other, 'commit', JSON.stringify({ transaction }))).toBe('DATABASE_TRANSACTION_FAIL')
  for (const verb of ['within', 'call', 'files', 'begin', 'createIndex', 'constructor'])
    expect(await codeOf(mine, 'within', within({ verb }))).toBe('PROTOCOL_ERROR')
  for (const text of ['null', '[]', '7', '{"lost":"a"}'])
    expect(await codeOf(mine, 'begin', text)).toBe('PROTOCOL_ERROR')
  for (const number of ['"1"', '{}', '-1', '1e99', 'null'])
    expect(await codeOf(mine, 'rollback', `{"transaction":${number}}`)).toBe('DATABASE_TRANSACTION_FAIL')
  const users = JSON.stringify({ collection: '_users', where: ['and', []], orderBy: [], skip: 0 })
  expect(await codeOf(mine, 'within', within({ text: users }))).toBe('INVALID_PARAM')
  const write = { op: 'set', collection: '_users', id: 'a', data: {} }
  const push = { type: 'push', mutations: [{ id: 1, nonce: '', base: 0, time: 0, writes: [write] }] }
  expect(await codeOf(mine, 'within', within({ verb: 'push', text: JSON.stringify(push) }))).toBe(
    'INVALID_PARAM',
  )
  for (let n = 0; n < 99; n++) await carryOut(mine, 'begin', '{}')
  expect(await codeOf(mine, 'begin', '{}')).toBe('EXCEED_REQUEST_LIMIT')
})
