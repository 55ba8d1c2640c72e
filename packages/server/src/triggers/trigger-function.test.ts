import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { machineClock, openFixtures, temporaryFolder } from '../functions/testing/open-fixtures.ts'
import { admin } from '../testing/scenario.ts'
import { openTriggers } from './triggers.ts'

/** A function that counts what happens to orders in the orders themselves, so that it triggers itself. */
const code = `const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()

exports.main = async event => {
  const [{ doc, docId, updatedFields }] = event.dataList
  const { SOURCE, OPENID } = cloud.getWXContext()
  await db.collection('log').add({ data: { id: event.id, docId, SOURCE, OPENID, updatedFields: Object.keys(updatedFields).sort() } })
  if (doc.rounds < 3) await db.collection('orders').doc(docId).update({ data: { 'seen.rounds': doc.rounds, rounds: db.command.inc(1) } })
}`

test('a write runs a real function, whose own writes trigger it again until it has enough', async () => {
  const folder = temporaryFolder(onTestFinished)
  mkdirSync(join(folder, 'follow'))
  writeFileSync(join(folder, 'follow/index.js'), code)
  const trigger = { name: 'onOrder', type: 'database', config: { collection: 'orders' } }
  writeFileSync(join(folder, 'follow/config.json'), JSON.stringify({ triggers: [trigger] }))
  const { functions, world, line } = openFixtures(onTestFinished, { folder })
  const { environment } = world
  const triggers = openTriggers({
    environment,
    functions,
    log: () => {},
    clock: machineClock,
    random: size => new Uint8Array(size),
  })
  onTestFinished(() => triggers.close())
  await triggers.ready

  const enough = new Promise<void>(resolve => {
    let entries = 0
    environment.onCommit(changes => {
      entries += changes.filter(({ collection }) => collection === 'log').length
      if (entries === 4) resolve()
    })
  })
  const add = { op: 'add', collection: 'orders', id: 'o1', data: { rounds: 0 } } as const
  await environment.commit({ actor: admin, writes: [add] })
  await Promise.race([enough, line(({ level }) => level === 'error')])

  expect(await world.documents('orders')).toEqual([{ _id: 'o1', rounds: 3, seen: { rounds: 2 } }])
  const entries = await world.documents('log')
  expect(new Set(entries.map(({ id }) => id)).size).toBe(4)
  expect(entries).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ docId: 'o1', SOURCE: 'wx_trigger', updatedFields: [] }),
      expect.objectContaining({ docId: 'o1', updatedFields: ['rounds', 'seen'] }),
      expect.objectContaining({ docId: 'o1', updatedFields: ['rounds', 'seen.rounds'] }),
    ]),
  )
  expect(entries.some(entry => 'OPENID' in entry)).toBe(false)
  expect(world.heard.filter(({ collection }) => collection === 'orders').map(({ depth }) => depth)).toEqual([
    0, 1, 2, 3,
  ])
})
