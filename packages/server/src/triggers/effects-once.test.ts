import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openFixtures, temporaryFolder } from '../functions/testing/open-fixtures.ts'
import { admin } from '../testing/scenario.ts'
import { sendJob } from './queues/jobs.ts'
import { openTriggers } from './triggers.ts'

/* Real function processes; build first. */

/** Does everything a function does with a database, and fails `fails` times afterwards, or half way. */
const code = `const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()
const _ = db.command
let tries = 0

exports.main = async event => {
  tries++
  const { docId } = event.dataList[0]
  const now = Date.now()
  await db.collection('goods').doc('tea').update({ data: { stock: _.inc(-1), changedAt: now } })
  await db.collection('goods').doc('tea').update({ data: { stock: _.inc(-1), changedAt: now } })
  if (tries === 1) throw new Error('half way')
  const { _id } = await db.collection('log').add({ data: { docId, tries } })
  await db.collection('log').doc(_id).update({ data: { seen: true } })
  await db.collection('people').where({ vip: true }).update({ data: { points: _.inc(10) } })
  await db.runTransaction(async transaction => {
    const { data } = await transaction.get(db.collection('goods').doc('cup'))
    await transaction.update(db.collection('goods').doc('cup'), { data: { stock: data.stock - 1 } })
  })
  await cloud.callFunction({ name: 'helper', data: { docId } })
  await cloud.queue('mails').send({ docId, tries })
  if (tries === 2) throw new Error('at the end')
  if (tries === 3) process.exit(1)
}`

const helper = `const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async () => {
  const db = cloud.database()
  await db.collection('goods').doc('spoon').update({ data: { stock: db.command.inc(-1) } })
}`

test('[AGAIN-1] [AGAIN-2] whatever a function writes for an event is there once, however often it fails and is run again', async () => {
  const folder = temporaryFolder(onTestFinished)
  for (const [name, text] of [
    [
      'follow',
      code.replace(
        'let tries = 0',
        "const fs = require('fs'); let tries = Number(fs.existsSync('/tmp/none'))",
      ),
    ],
    ['helper', helper],
  ] as const) {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'index.js'), text)
  }
  const trigger = { name: 'onOrder', type: 'database', config: { collection: 'orders' } }
  writeFileSync(join(folder, 'follow/config.json'), JSON.stringify({ triggers: [trigger] }))
  const { functions, world } = openFixtures(onTestFinished, { folder })
  const { environment } = world
  const lines: string[] = []
  const triggers = openTriggers({
    environment,
    functions,
    log: ({ event }) => lines.push(event),
    clock: {
      now: Date.now,
      after: (ms, task) => {
        const timer = setTimeout(task, ms > 5_000 ? ms : 1)
        return () => clearTimeout(timer)
      },
    },
    random: size => new Uint8Array(size),
  })
  onTestFinished(() => triggers.close())
  await triggers.ready
  const add = (collection: string, id: string, data: object) =>
    ({ op: 'add', collection, id, data: data as never }) as const
  await environment.commit({
    actor: admin,
    writes: [
      ...['tea', 'cup', 'spoon'].map(id => add('goods', id, { stock: 100 })),
      add('people', 'anna', { vip: true, points: 0 }),
      add('people', 'ben', { vip: false, points: 0 }),
    ],
  })
  await environment.commit({ actor: admin, writes: [add('orders', 'o1', { n: 1 })] })
  // try 3 ends its process, so the next one is the first of another: it fails half way, too, then at the end, and goes out …
  await expect
    .poll(async () => (await triggers.deadLetters()).length, { timeout: 20_000, interval: 20 })
    .toBe(1)
  expect(lines.filter(event => event === 'trigger.retry').length).toBe(4)
  const stocks = async () => (await world.documents('goods')).map(({ _id, stock }) => [_id, stock])
  const once = [
    ['cup', 99],
    ['spoon', 99],
    ['tea', 98],
  ]
  expect(await stocks()).toEqual(once)
  expect(await world.documents('people')).toMatchObject([{ points: 10 }, { points: 0 }])
  expect(await world.documents('log')).toMatchObject([{ docId: 'o1', tries: 2, seen: true }])
  expect((await world.documents('_jobs')).map(({ data }) => data)).toEqual([{ docId: 'o1', tries: 2 }])

  const [letter] = await triggers.deadLetters()
  const named = { function: 'follow', name: 'onOrder' }
  let isTaken = false
  for (let n = 0; n < 4 && !isTaken; n++) isTaken = await triggers.replay(named, letter!.id)
  expect(await stocks()).toEqual(once)
  await expect(triggers.replay(named, 'none')).rejects.toMatchObject({ code: 'INVALID_PARAM' })
})

test('[AGAIN-3] when an event is done with, nothing is remembered of its effects', async () => {
  const folder = temporaryFolder(onTestFinished)
  mkdirSync(join(folder, 'follow'))
  writeFileSync(
    join(folder, 'follow/index.js'),
    `const cloud = require('wx-server-sdk')
cloud.init()
exports.main = ({ data, dataList }) => cloud.database().collection('log').add({ data: { of: data.n ?? dataList?.[0].docId } })`,
  )
  const triggersOf = [
    { name: 'onOrder', type: 'database', config: { collection: 'orders' } },
    { name: 'onMail', type: 'queue', config: { queue: 'mails' } },
  ]
  writeFileSync(join(folder, 'follow/config.json'), JSON.stringify({ triggers: triggersOf }))
  const { functions, world } = openFixtures(onTestFinished, { folder })
  const { environment, engine } = world
  const clock = {
    now: () => world.clock.now(), // of messages the world says when they are due
    after: (ms: number, task: () => void) => {
      const timer = setTimeout(task, ms)
      return () => clearTimeout(timer)
    },
  }
  const triggers = openTriggers({
    environment,
    functions,
    log: () => {},
    clock,
    random: size => new Uint8Array(size),
  })
  onTestFinished(() => triggers.close())
  await triggers.ready
  await environment.commit({
    actor: admin,
    writes: [{ op: 'add', collection: 'orders', id: 'o1', data: {} }],
  })
  await sendJob(environment, { queue: 'mails', data: { n: 1 }, depth: 0 })
  await expect.poll(async () => (await world.documents('log')).length, { timeout: 20_000 }).toBe(2)
  await expect.poll(async () => (await engine.listState('test', 'once/')).length, { timeout: 20_000 }).toBe(0)
})
