import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { createMiniCloud, type MiniCloud, wxHost } from '@nearcloud/miniprogram'
import { createAlipayCloud, myHost } from '@nearcloud/miniprogram/alipay'
import { createServer } from '@nearcloud/server'
import { expect, onTestFinished, test } from 'vitest'
import { testMyPhone, testPhone } from '../miniprogram/mini-app.ts'
import { testFolder, testProject } from '../scenario/folder.ts'
import { functionStart, hasGuide, listings, named } from './listings.ts'

/*
 * What the guide has apps say, on a strict double of the phone and a server: the code is as it is written, and what it says to the console,
 * to its page and to the server is looked at.
 */

const marks = {
  launch: /wx\.cloud\.init[\s\S]*onLaunch|onLaunch[\s\S]*wx\.cloud\.init/,
  launchAlipay: /onLaunch[\s\S]*my\.cloud\.init/,
  taro: /Taro\.cloud\.init/,
  uniApp: /#ifdef MP-ALIPAY/,
  add: /Added document with ID/,
  query: /Query results/,
  update: /Updated successfully/,
  remove: /Removed successfully/,
  aggregate: /Top 10 products/,
  watch: /Data changed/,
  upload: /chooseImage/,
  download: /cloud\.downloadFile/,
  address: /File URLs:/,
  deletion: /Delete result:/,
  batches: /Batch delete results:/,
  call: /'updateUserProfile'/,
  login: /User OpenID/,
  orders: /Order processing workflow/,
}

/** The functions that its apps call, in the forms of the guide. */
const functionCodes = {
  batchAdd: `
    const cloud = require('wx-server-sdk')
    cloud.init()
    exports.main = async ({ collection, data }) => {
      const added = await Promise.all(data.map(each => cloud.database().collection(collection).add({ data: each })))
      return added.map(({ _id }) => _id)
    }`,
  batchUpdate: `
    const cloud = require('wx-server-sdk')
    cloud.init()
    exports.main = ({ collection, where, data }) => cloud.database().collection(collection).where(where).update({ data })`,
  batchDelete: `
    const cloud = require('wx-server-sdk')
    cloud.init()
    exports.main = ({ collection, where }) => cloud.database().collection(collection).where(where).remove()`,
  getUserInfo: `exports.main = async () => ({ success: true, data: { nickname: 'anna' }, isNew: true })`,
  updateUserProfile: 'exports.main = async event => ({ gender: event.gender })',
  login: `
    const cloud = require('wx-server-sdk')
    cloud.init()
    exports.main = async () => ({ openid: cloud.getWXContext().OPENID })`,
}

const env = 'your-env-id'

function appListings(): ReadonlyMap<string, string> {
  const codes = listings()
    .filter(code => !code.includes('exports.main') || !code.startsWith('//') || /User OpenID/.test(code))
    .map(code => (code.includes(functionStart) ? code.slice(0, code.indexOf(functionStart)) : code))
    .filter(code => code.trim() !== '' && !/^\/\/ [^\n]*\n$/.test(code))
  return named(codes, marks)
}

/** What conditional compilation leaves for a host. */
function codeFor(host: string, code: string): string {
  return code.replace(/^\/\/ #ifdef (\S+)\n([\s\S]*?)^\/\/ #endif$/gm, (_, name, part) =>
    name === host ? part : '',
  )
}

/** A server, and a phone where ours is `wx.cloud` before anything of the app runs. */
async function setUp() {
  const open = { read: true, write: true }
  const database = Object.fromEntries(['users', 'orders', 'messages', 'images'].map(name => [name, open]))
  const project = testProject({ database, storage: open, functions: { '*': { invoke: true } } })
  for (const [name, code] of Object.entries(functionCodes)) {
    const file = join(project, 'cloudfunctions', name, 'index.js')
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, code)
  }
  const server = await createServer({ dataFolder: testFolder('data'), project, env })
  onTestFinished(() => server.stop())
  const phone = testPhone()
  const wx = phone.launch()
  createMiniCloud(() => wxHost(wx)).install(wx, { endpoint: server.url, login: 'none' })
  const { cloud } = wx as unknown as { cloud: MiniCloud }
  onTestFinished(() => cloud.close().catch(() => undefined))
  const codes = appListings()
  const said: [string, unknown][] = []
  const failed: unknown[][] = []
  const page: Record<string, unknown> = {}
  const context = {
    wx,
    Taro: wx,
    App: (app: { onLaunch(): void }) => app.onLaunch(),
    console: {
      log: (words: string, value: unknown) => void said.push([words, value]),
      error: (...words: unknown[]) => void failed.push(words),
    },
    setData: (data: object) => void Object.assign(page, data),
  }
  /** As a method of a page has it: `this` is the page. Other file names than those of the guide where `files` says so. */
  const run = (name: string, files: readonly string[] = []) => {
    let code = codes.get(name)!
    files.forEach((fileID, i) => {
      code = code.replaceAll(
        `cloud://your-env-id.xxxx-xxxx/images/example${files.length > 1 ? i + 1 : ''}.jpg`,
        fileID,
      )
    })
    code = codeFor('MP-WEIXIN', code).replace(/^import .*$/gm, '')
    runInNewContext(`(function () {\n${code}\n}).call(globalThis)`, context)
  }
  const heard = (words: RegExp) =>
    expect
      .poll(
        () => {
          expect(failed).toEqual([])
          return said.find(([each]) => words.test(each))?.[1]
        },
        { timeout: 30_000 },
      )
      .toBeDefined()
      .then(() => said.find(([each]) => words.test(each))![1])
  return { server, phone, cloud, run, heard, said, failed, page, codes }
}

test.runIf(hasGuide)('every listing of an app in the guide is known here', () => {
  expect([...appListings().keys()].sort()).toEqual(Object.keys(marks).sort())
})

test.runIf(hasGuide).each(['launch', 'taro', 'uniApp'])(
  'an app of the guide begins in WeChat: %s',
  async name => {
    const { run, cloud, failed } = await setUp()
    run(name)
    await cloud.whenSynced()
    expect(failed).toEqual([])
    expect(cloud.status().state).toBe('online')
  },
)

test.runIf(hasGuide)('an app of the guide adds, asks, changes and removes', async () => {
  const { run, heard, server, cloud, said } = await setUp()
  run('launch')
  const users = server.database().collection('users')
  run('add')
  const id = (await heard(/Added document/)) as string
  expect(await heard(/Batch add/)).toMatchObject({ result: [expect.any(String), expect.any(String)] })
  await cloud.whenSynced()
  expect((await users.doc(id).get()).data).toMatchObject({
    name: 'John Doe',
    createTime: expect.any(Date),
  })
  await users.add({
    data: { _id: 'record-id', name: 'Ann', age: 21, city: 'Shanghai', address: { city: 'X', zip: 1 } },
  })

  run('query')
  expect(await heard(/^Data:/)).toMatchObject({ _id: 'record-id' })
  await expect.poll(() => said.filter(([words]) => words === 'Query results:').length).toBe(2)
  const [between, sorted] = said
    .filter(([words]) => words === 'Query results:')
    .map(([, value]) => value) as [{ name: string }[], { name: string }[]]
  expect(between.map(({ name }) => name).sort()).toEqual(['Ann', 'Bob', 'John Doe'])
  expect(sorted.map(({ name }) => name)).toEqual(['John Doe', 'Ann'])

  run('update')
  expect(await heard(/Updated successfully/)).toMatchObject({ stats: { updated: 1 } })
  expect(await heard(/Batch update/)).toMatchObject({ result: { stats: { updated: 2 } } })
  await cloud.whenSynced()
  expect((await users.doc('record-id').get()).data).toMatchObject({
    age: 26,
    country: 'China',
    address: { city: 'Beijing', zip: 1 },
  })

  run('remove')
  expect(await heard(/Removed successfully/)).toMatchObject({ stats: { removed: 1 } })
  expect(await heard(/Batch delete/)).toMatchObject({ result: { stats: { removed: expect.any(Number) } } })
  await cloud.whenSynced()
  expect((await users.get()).data.map(({ name }) => name).sort()).toEqual(['Alice', 'Bob'])
})

test.runIf(hasGuide)('an app of the guide sums up and watches', async () => {
  const { run, heard, server, said } = await setUp()
  run('launch')
  const orders = server.database().collection('orders')
  for (const [productId, amount, status] of [
    ['tea', 5, 'completed'],
    ['tea', 7, 'completed'],
    ['cup', 9, 'completed'],
    ['cup', 100, 'open'],
  ])
    await orders.add({ data: { productId, amount, status, createTime: new Date('2024-01-01') } })
  run('aggregate')
  expect(await heard(/Top 10/)).toEqual([
    { _id: 'tea', totalSales: 12, count: 2 },
    { _id: 'cup', totalSales: 9, count: 1 },
  ])

  const messages = server.database().collection('messages')
  run('watch')
  await heard(/Current data/)
  await messages.add({ data: { roomId: 'room1', text: 'hello' } })
  await messages.add({ data: { roomId: 'room2', text: 'elsewhere' } })
  await expect
    .poll(() => said.filter(([words]) => words === 'Current data:').at(-1)?.[1], { timeout: 30_000 })
    .toMatchObject([{ roomId: 'room1', text: 'hello' }])
})

test.runIf(hasGuide)('an app of the guide keeps files', async () => {
  const { run, heard, server, cloud, phone, page } = await setUp()
  run('launch')
  phone.choose(phone.take('photo.jpg', new TextEncoder().encode('a photo')))
  run('upload')
  const fileID = (await heard(/Upload successful/)) as string
  await expect
    .poll(async () => (await server.database().collection('images').get()).data, { timeout: 30_000 })
    .toMatchObject([{ fileID, uploadTime: expect.any(Date) }])

  run('download', [fileID])
  await heard(/Download successful/)
  expect(new TextDecoder().decode(phone.read(page.imageUrl as string))).toBe('a photo')
  run('address', [fileID])
  expect(await heard(/^File URLs/)).toMatchObject([{ fileID, status: 0 }])
  expect(await (await fetch(page.imageUrl as string)).text()).toBe('a photo')

  const more: string[] = []
  for (const name of ['1', '2', '3']) {
    const filePath = phone.take(`${name}.jpg`, new TextEncoder().encode(name))
    const made: unknown = await cloud.uploadFile({ cloudPath: `images/${name}.jpg`, filePath } as never)
    more.push((made as { fileID: string }).fileID)
  }
  run('batches', more)
  expect(await heard(/^URLs/)).toHaveLength(3)
  expect(await heard(/Batch delete results/)).toMatchObject([{ status: 0 }, { status: 0 }])
  run('deletion', [fileID])
  expect(await heard(/^Delete result/)).toMatchObject([{ fileID, status: 0 }])
})

test.runIf(hasGuide)('an app of the guide calls functions, and asks who it is', async () => {
  const { run, heard, cloud, page } = await setUp()
  run('launch')
  run('call')
  expect(await heard(/User info/)).toMatchObject({ success: true })
  expect(await heard(/Profile updated/)).toEqual({ gender: 1 })
  expect(page).toMatchObject({ userInfo: { nickname: 'anna' }, isNewUser: true })
  run('login')
  const openid = await heard(/User OpenID/)
  expect(openid).toBe(cloud.status().openid)
  expect(page.openid).toBe(openid)
})

test.runIf(hasGuide).each(['launchAlipay', 'uniApp'])(
  'an app of the guide begins in Alipay: %s',
  async name => {
    const server = await createServer({ dataFolder: testFolder('data'), project: testProject({}), env })
    onTestFinished(() => server.stop())
    const phone = testMyPhone()
    const my = phone.launch()
    const cloud = createAlipayCloud(() => myHost(my))
    cloud.install(my, { endpoint: server.url, login: 'none' })
    onTestFinished(() => cloud.close().catch(() => undefined))
    const App = (app: { onLaunch(): void }) => app.onLaunch()
    runInNewContext(codeFor('MP-ALIPAY', appListings().get(name)!), { my, App })
    await cloud.whenSynced()
    expect(cloud.status().state).toBe('online')
  },
)
