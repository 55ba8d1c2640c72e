import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../functions/testing/open-fixtures.ts'

/* A real server, the compiled one, over its real engine: build first. */
const server = `import { createServer } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
const [dataFolder, project] = process.argv.slice(2)
const server = await createServer({ dataFolder, project })
const db = server.database()

process.on('message', async ({ order, count }) => {
  if (count) return process.send({ counted: (await db.collection('taken').count()).total })
  await db.collection('orders').add({ data: { _id: order } })
  process.send({ added: order })
})
process.send({})`

/** Takes its time, so that a server is killed before, in and after it; the same event twice is one document. */
const followed = `const cloud = require('wx-server-sdk')
cloud.init()

exports.main = async event => {
  await new Promise(resolve => setTimeout(resolve, 5))
  const [{ docId }] = event.dataList
  await cloud.database().collection('taken').doc(docId).set({ data: { event: event.id } })
}`

interface Said {
  readonly added?: string
  readonly counted?: number
}

/** What the child says to a message. */
function ask(child: ChildProcess, message?: object): Promise<Said> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('the server ended'))
    child.once('exit', ended)
    child.once('message', said => {
      child.off('exit', ended)
      resolve(said as Said)
    })
    if (message) child.send(message)
  })
}

test('[TRIGGER-4] a server that is killed while its trigger works brings every order of which it had said it is there', async () => {
  const folder = temporaryFolder(onTestFinished)
  const program = join(folder, 'server.mjs')
  writeFileSync(program, server)
  const code = join(folder, 'project/cloudfunctions/follow')
  mkdirSync(code, { recursive: true })
  writeFileSync(join(code, 'index.js'), followed)
  const trigger = { name: 'onOrder', type: 'database', config: { collection: 'orders', events: ['add'] } }
  writeFileSync(join(code, 'config.json'), JSON.stringify({ timeout: 60, triggers: [trigger] }))

  async function start(): Promise<ChildProcess> {
    const child = fork(program, [join(folder, 'data'), join(folder, 'project')], { execArgv: [] })
    onTestFinished(() => void child.kill('SIGKILL'))
    await ask(child)
    return child
  }

  const orders: string[] = []
  for (let life = 0; life < 5; life++) {
    const child = await start()
    for (let i = 0; i < 3 + 7 * life; i++) {
      const { added } = await ask(child, { order: `order-${life}-${i}` })
      orders.push(added!)
    }
    child.kill('SIGKILL')
    await new Promise(resolve => child.once('exit', resolve))
  }
  const last = await start()
  const counted = async () => (await ask(last, { count: true })).counted
  await expect.poll(counted, { timeout: 40_000, interval: 100 }).toBe(orders.length)
})
