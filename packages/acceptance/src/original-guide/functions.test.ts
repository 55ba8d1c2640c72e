import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { NearcloudServer } from '@nearcloud/server'
import { expect, test } from 'vitest'
import { openApp } from '../scenario/app.ts'
import { testProject } from '../scenario/folder.ts'
import { startServer } from '../scenario/server.ts'
import { functionStart, hasGuide, listings, named } from './listings.ts'

/** What tells each listing from the others, by the name it is given here. */
const marks: Readonly<Record<string, RegExp>> = {
  transfer: /runTransaction/,
  permit: /addPermission/,
  getUserInfo: /isNew: true/,
  relay: /cloud\.callFunction/,
  api: /path === '\/users'/,
  dailyTasks: /collection\('reports'\)/,
  onOrderCreate: /dataList/,
  login: /unionid/,
  customLogin: /createHash/,
  index: /createIndex/,
  cache: /CACHE_TTL/,
  logging: /someOperation/,
}
/** The functions of the guide by their names here, as they are written. */
function functions(): ReadonlyMap<string, string> {
  const codes = listings().filter(code => code.includes('exports.main'))
  return named(
    codes.map(code => code.slice(code.indexOf(functionStart))),
    marks,
  )
}

/** A server with all of them. */
async function startGuide(): Promise<NearcloudServer> {
  const project = testProject({ functions: { '*': { invoke: 'auth != null' } }, storage: 'PRIVATE' })
  for (const [name, code] of functions()) {
    const file = join(project, 'cloudfunctions', name, 'index.js')
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, code)
  }
  const trigger = { name: 'web', type: 'http', config: { path: '/api' } }
  writeFileSync(join(project, 'cloudfunctions/api/config.json'), JSON.stringify({ triggers: [trigger] }))
  const onOrder = { name: 'order', type: 'database', config: { collection: 'orders' } }
  writeFileSync(
    join(project, 'cloudfunctions/onOrderCreate/config.json'),
    JSON.stringify({ triggers: [onOrder] }),
  )
  return startServer({ rules: null, project })
}

test.runIf(hasGuide)('every function of the guide is known here', () => {
  expect([...functions().keys()].sort()).toEqual(Object.keys(marks).sort())
})

test.runIf(hasGuide)('functions of the guide that know their caller', async () => {
  const server = await startGuide()
  const app = await openApp(server)
  const call = async (name: string, data: object = {}) => (await app.callFunction({ name, data })).result
  const { openid } = (await call('login')) as { openid: string }
  expect(openid).toBe(app.status().openid)
  expect(await call('getUserInfo', { nickname: 'anna' })).toMatchObject({
    success: true,
    isNew: true,
    data: { _openid: openid, nickname: 'anna', points: 0 },
  })
  // the relay of the guide calls the function above, as the same person
  expect(await call('relay', { nickname: 'bob' })).toMatchObject({
    success: true,
    data: { nickname: 'anna' },
  })
  const [salt, password] = ['salt', 'secret']
  const { createHash } = await import('node:crypto')
  const hash = createHash('sha256')
    .update(password + salt)
    .digest('hex')
  await server
    .database()
    .collection('users')
    .add({ data: { username: 'anna', salt, password: hash, role: 'x' } })
  expect(await call('customLogin', { username: 'nobody', password })).toMatchObject({ success: false })
  expect(await call('customLogin', { username: 'anna', password: 'wrong' })).toMatchObject({ success: false })
  const signedIn = (await call('customLogin', { username: 'anna', password })) as { token: string }
  expect(signedIn).toMatchObject({ success: true, user: { username: 'anna', role: 'x' } })
  const { data: sessions } = await server.database().collection('sessions').get()
  expect(sessions).toMatchObject([{ token: signedIn.token, openid, expiresAt: expect.any(Date) }])
})

test.runIf(hasGuide)('the interface of the guide over HTTP', async () => {
  const server = await startGuide()
  const url = `${server.url}/api/users`
  const post = (body: object) => fetch(url, { method: 'POST', body: JSON.stringify(body) })
  expect((await post({ name: 'anna' })).status).toBe(400)
  const made = await post({ name: 'anna', email: 'anna@a.example' })
  expect([made.status, await made.json()]).toEqual([201, { id: expect.any(String) }])
  expect(await (await fetch(url)).json()).toMatchObject([{ name: 'anna', email: 'anna@a.example' }])
  expect((await fetch(`${server.url}/api/nothing`)).status).toBe(404)
})

test.runIf(hasGuide)('functions of the guide that work on documents', async () => {
  const server = await startGuide()
  const db = server.database()
  const call = async (name: string, data: object = {}) => (await server.callFunction({ name, data })).result
  const yesterday = new Date(Date.now() - 24 * 3_600_000)
  await db.collection('statistics').add({ data: { type: 'daily', count: 7 } })
  await db.collection('orders').add({ data: { amount: 12, createTime: yesterday } })
  expect(await call('dailyTasks')).toMatchObject({ success: true })
  expect((await db.collection('statistics').get()).data).toMatchObject([
    { count: 0, lastReset: expect.any(Date) },
  ])
  expect((await db.collection('reports').get()).data).toMatchObject([{ totalSales: 12, orderCount: 1 }])
  expect(await call('index')).toEqual({ success: true })
  const { indexes } = await db.collection('orders').listIndexes()
  expect(indexes.map(({ name }) => name)).toContain('userId_status_createTime')
  await db.collection('products').add({ data: { category: 'tea' } })
  expect(await call('cache', { category: 'tea' })).toMatchObject({
    source: 'database',
    data: [{ category: 'tea' }],
  })
  expect(await call('cache', { category: 'tea' })).toMatchObject({
    source: 'cache',
    data: [{ category: 'tea' }],
  })
  expect(await call('logging')).toEqual({ success: false, error: 'someOperation is not defined' })
})

test.runIf(hasGuide)(
  'the transfer of the guide, many at once, and the order that its trigger takes',
  async () => {
    const server = await startGuide()
    const db = server.database()
    const call = async (name: string, data: object = {}) => (await server.callFunction({ name, data })).result
    for (const [_id, balance] of [
      ['a', 100],
      ['b', 0],
    ] as const)
      await db.collection('accounts').add({ data: { _id, balance } })
    const transfer = { fromAccount: 'a', toAccount: 'b', amount: 10 }
    const results = await Promise.all(Array.from({ length: 15 }, () => call('transfer', transfer)))
    const failed = results.filter(result => !(result as { success: boolean }).success)
    expect(failed).toEqual(
      Array.from({ length: 5 }, () => ({ success: false, error: 'Insufficient balance' })),
    )
    expect((await db.collection('accounts').get()).data).toMatchObject([{ balance: 0 }, { balance: 100 }])

    await db.collection('products').add({ data: { _id: 'tea', stock: 5 } })
    const items = [{ productId: 'tea', quantity: 2 }]
    await db.collection('orders').add({ data: { _id: 'o1', status: 'new', amount: 24, items } })
    await expect
      .poll(async () => (await db.collection('orders').doc('o1').get()).data, { timeout: 20_000 })
      .toMatchObject({ status: 'processing', processingTime: expect.any(Date) })
    expect((await db.collection('products').doc('tea').get()).data).toMatchObject({ stock: 3 })
    expect(await server.outbox.list()).toMatchObject([
      { api: 'subscribeMessage.send', args: { touser: 'admin-open-id', data: { amount3: { value: 24 } } } },
    ])
  },
)

test.runIf(hasGuide)('a permission of the guide opens its files to everybody', async () => {
  const server = await startGuide()
  const [anna, ben] = [await openApp(server), await openApp(server)]
  const paths = ['images/public/a.txt', 'images/a.txt']
  const fileList: string[] = []
  for (const cloudPath of paths) {
    const fileContent = new Uint8Array([104, 105])
    const uploaded = (await anna.uploadFile({ cloudPath, fileContent } as never)) as unknown
    fileList.push((uploaded as { fileID: string }).fileID)
  }
  const seen = async () => (await ben.getTempFileURL({ fileList })).fileList.map(({ status }) => status)
  expect(await seen()).toEqual([-503003, -503003])
  expect((await server.callFunction({ name: 'permit' })).result).toMatchObject({ errCode: 0 })
  expect(await seen()).toEqual([0, -503003])
})
