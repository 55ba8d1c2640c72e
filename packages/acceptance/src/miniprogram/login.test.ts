import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { testProject } from '../scenario/folder.ts'
import { startServer } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'
import { openMini, testPhone } from './mini-app.ts'

/** WeChat's server: a code of the double names its user. */
async function wechat(unionids: Record<string, string> = {}) {
  const server = createHttpServer((request, response) => {
    const code = new URL(request.url ?? '', 'http://x').searchParams.get('js_code') ?? ''
    const user = code.split('-')[0]!
    response.end(JSON.stringify({ openid: openidOf(user), session_key: 'k', unionid: unionids[user] }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const openidOf = (user: string) => `o${user.padEnd(27, '_')}`

async function setUp() {
  const server = await startServer({
    rules: { database: { notes: 'PRIVATE' } },
    wechat: { appId: 'wx1', secret: 's', baseUrl: await wechat() },
  })
  return { server, options: { endpoint: server.url, env: server.env, subscribe: { notes: true } } }
}

test('[MP-21] who uses WeChat is the user at once, with the openid of WeChat, and on each of their phones', async () => {
  const { server, options } = await setUp()
  const cloud = openMini(testPhone({ user: 'anna' }), options)
  await cloud.whenSynced()
  expect(cloud.auth().currentUser).toEqual({
    uid: `wx:${openidOf('anna')}`,
    openid: openidOf('anna'),
    isAnonymous: false,
  })
  await cloud
    .database()
    .collection('notes')
    .add({ data: { _id: 'n', text: 'mine' } })
  await cloud.whenSynced()
  expect((await server.database().collection('notes').doc('n').get()).data).toMatchObject({
    _openid: openidOf('anna'),
  })
  const second = openMini(testPhone({ user: 'anna' }), options)
  await second.whenSynced()
  expect((await second.database().collection('notes').get()).data).toMatchObject([{ text: 'mine' }])
  const other = openMini(testPhone({ user: 'bert' }), options)
  await other.whenSynced()
  expect((await other.database().collection('notes').get()).data).toEqual([])
})

test('[MP-21] begun in a lift it is anonymous, then all is theirs; begun there later it is the last user', async () => {
  const { server, options } = await setUp()
  const phone = testPhone({ user: 'anna' })
  phone.goOffline()
  const cloud = openMini(phone, options)
  await cloud.ready()
  expect(cloud.auth().currentUser).toMatchObject({ isAnonymous: true })
  await cloud
    .database()
    .collection('notes')
    .add({ data: { _id: 'n', text: 'of the lift' } })
  phone.goOnline()
  await until('she is known', () => cloud.auth().currentUser?.isAnonymous === false)
  await cloud.whenSynced()
  await until('it is hers on the server', async () => {
    const { data } = await server.database().collection('notes').doc('n').get()
    return (data as { _openid?: string })._openid === openidOf('anna')
  })
  await until('it has come to her', async () => {
    const { data } = await cloud.database().collection('notes').get()
    return data.length === 1
  })
  await cloud.whenSynced()
  phone.kill()
  phone.goOffline()
  phone.launch()
  const again = openMini(phone, options)
  await again.ready()
  expect(again.auth().currentUser).toMatchObject({ openid: openidOf('anna') })
  expect((await again.database().collection('notes').get()).data).toMatchObject([{ text: 'of the lift' }])
})

test("[MP-21] with login: 'none' nobody is signed in", async () => {
  const { options } = await setUp()
  const cloud = openMini(testPhone({ user: 'anna' }), { ...options, login: 'none' })
  await cloud.whenSynced()
  expect(cloud.auth().currentUser).toMatchObject({ isAnonymous: true })
})

test('[WXLOGIN-7] a function knows the name that all apps of one owner have for its caller, as it was told last', async () => {
  const project = testProject({ functions: { whoami: { invoke: true } } })
  const folder = join(project, 'cloudfunctions/whoami')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'index.js'),
    "const cloud = require('wx-server-sdk')\ncloud.init()\nexports.main = () => cloud.getWXContext().UNIONID",
  )
  const unionids: Record<string, string> = { anna: 'union-1', odd: '../x' }
  const server = await startServer({
    rules: null,
    project,
    wechat: { appId: 'wx1', secret: 's', baseUrl: await wechat(unionids) },
  })
  const seenBy = async (user: string) => {
    const cloud = openMini(testPhone({ user }), { endpoint: server.url, env: server.env })
    await cloud.whenSynced()
    return (await cloud.callFunction({ name: 'whoami' })).result
  }
  expect(await seenBy('anna')).toBe('union-1')
  expect(await seenBy('bert')).toBe(null)
  expect(await seenBy('odd')).toBe(null)
  delete unionids.anna
  expect(await seenBy('anna')).toBe('union-1')
  unionids.anna = 'union-2'
  expect(await seenBy('anna')).toBe('union-2')
})
