import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCloud } from '@nearcloud/node'
import { createServer } from '@nearcloud/server'
import { cliProcess } from '../scenario/cli-process.ts'
import { createDice } from '../scenario/dice.ts'
import { until } from '../scenario/until.ts'

export interface KillRun {
  readonly events: number
  readonly kills: number
  readonly seed: number
}

export interface KillReport {
  readonly events: number
  readonly kills: number
  readonly seconds: number
  /** Orders whose event the function took or gave up, of all. */
  readonly logged: number
  /** What stock was lowered by. */
  readonly lowered: number
  readonly mailed: number
  readonly poison: number
  readonly deadLetters: number
  /** How often the order that changes itself was changed. */
  readonly loops: number
}

/** Nothing in it can be done twice, and it is killed anywhere. */
const onOrder = `const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()

exports.main = async event => {
  const [{ docId }] = event.dataList
  await db.collection('goods').doc('tea').update({ data: { stock: db.command.inc(-1), soldAt: Date.now() } })
  await db.collection('sales').add({ data: { order: docId } })
  await cloud.queue('mails').send({ order: docId })
  if (docId.startsWith('poison')) throw new Error('this order is poison')
}`
const onMail = `const cloud = require('wx-server-sdk')
cloud.init()
exports.main = event => cloud.database().collection('mails').add({ data: event.data })`
const onLoop = `const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()
exports.main = ({ data }) => db.collection('loops').doc(data.docId).update({ data: { rounds: db.command.inc(1) } })`

const functions = {
  onOrder: [onOrder, { name: 'order', type: 'database', config: { collection: 'orders', events: ['add'] } }],
  onMail: [onMail, { name: 'mail', type: 'queue', config: { queue: 'mails' } }],
  onLoop: [onLoop, { name: 'loop', type: 'database', config: { collection: 'loops' } }],
} as const

const every = 100

/** Orders by a client while the server is killed; when all are done, what became of them. */
export async function triggersUnderKills({ events, kills, seed }: KillRun): Promise<KillReport> {
  const begun = performance.now()
  const dice = createDice(seed)
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-triggers-'))
  const project = join(folder, 'project')
  for (const [name, [code, trigger]] of Object.entries(functions)) {
    mkdirSync(join(project, 'cloudfunctions', name), { recursive: true })
    writeFileSync(join(project, 'cloudfunctions', name, 'index.js'), code)
    const config = { timeout: 30, triggers: [trigger] }
    writeFileSync(join(project, 'cloudfunctions', name, 'config.json'), JSON.stringify(config))
  }
  const open = { read: true, write: true }
  const names = ['orders', 'goods', 'sales', 'mails', 'loops']
  const database = Object.fromEntries(names.map(name => [name, open]))
  writeFileSync(join(project, 'rules.json'), JSON.stringify({ database }))
  const server = cliProcess(project, folder)
  const cloud = createCloud({ folder: join(folder, 'client') })
  try {
    cloud.init({ endpoint: await server.start() })
    await cloud.ready()
    const db = cloud.database()
    await db.collection('goods').add({ data: { _id: 'tea', stock: 0 } })
    await db.collection('loops').add({ data: { _id: 'loop', rounds: 0 } })
    await cloud.whenSynced()
    let accepted = 0
    cloud.on('accepted', () => accepted++)
    const orders = (async () => {
      for (let n = 0; n < events; n++) {
        await db.collection('orders').add({ data: { _id: n % every === 0 ? `poison-${n}` : `order-${n}` } })
        while (cloud.status().pending > 20) await new Promise(resolve => setTimeout(resolve, 1))
      }
    })()
    for (let kill = 1; kill <= kills; kill++) {
      const enough = Math.floor((kill * events) / (kills + 1))
      await until(`${enough} orders before kill ${kill}`, () => accepted >= enough, 120_000)
      await new Promise(resolve => setTimeout(resolve, dice.below(40)))
      await server.kill()
      await server.start()
      cloud.goOnline()
    }
    await orders
    await cloud.whenSynced()
    await server.kill()

    const last = await createServer({ dataFolder: join(folder, 'data'), project, log: () => {} })
    try {
      const inner = last.database()
      const poison = Math.ceil(events / every)
      const totalOf = async (name: string) => (await inner.collection(name).count()).total
      await until(
        'every order is done with',
        async () =>
          (await totalOf('sales')) >= events &&
          (await totalOf('mails')) >= events &&
          (await last.triggers.deadLetters()).length >= poison,
        300_000,
      )
      const { data: tea } = await inner.collection('goods').doc('tea').get()
      const { data: loop } = await inner.collection('loops').doc('loop').get()
      return {
        events,
        kills,
        seconds: Math.round((performance.now() - begun) / 1_000),
        logged: await totalOf('sales'),
        lowered: -(tea!.stock as number),
        mailed: await totalOf('mails'),
        poison,
        deadLetters: (await last.triggers.deadLetters()).length,
        loops: loop!.rounds as number,
      }
    } finally {
      await last.stop()
    }
  } finally {
    await cloud.close()
    await server.kill()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** What is not as it should be. */
export function complaintsAbout(report: KillReport): string[] {
  const { events, logged, lowered, mailed, poison, deadLetters, loops } = report
  const wanted = { logged: events, lowered: events, mailed: events, deadLetters: poison, loops: 16 }
  const found = { logged, lowered, mailed, deadLetters, loops }
  return Object.entries(wanted)
    .filter(([name, value]) => found[name as keyof typeof found] !== value)
    .map(([name, value]) => `${name}: ${found[name as keyof typeof found]}, not ${value}`)
}
