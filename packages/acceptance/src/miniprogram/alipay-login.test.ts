import { generateKeyPairSync } from 'node:crypto'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startServer } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'
import { openAlipay, testMyPhone } from './mini-app.ts'

const privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()

/** Alipay's gateway: a code of the double names its user. */
async function gateway() {
  const server = createHttpServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const [user] = (new URLSearchParams(body).get('code') ?? '').split('-')
    const answer = { access_token: 't', open_id: openidOf(user!), expires_in: 60 }
    response.end(JSON.stringify({ alipay_system_oauth_token_response: answer, sign: '' }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const openidOf = (user: string) => `2088${user.padEnd(24, '0')}`

async function setUp() {
  const server = await startServer({
    rules: { database: { notes: 'PRIVATE' } },
    alipay: { appId: '2021', privateKey, baseUrl: await gateway() },
  })
  return { endpoint: server.url, env: server.env, subscribe: { notes: true } }
}

test('[MP-38] who uses Alipay is the user at once, and on each of their phones', async () => {
  const options = await setUp()
  const cloud = await openAlipay(testMyPhone({ user: 'anna' }), options)
  await cloud.whenSynced()
  expect(cloud.auth().currentUser).toMatchObject({ uid: `ali:${openidOf('anna')}`, isAnonymous: false })
  await cloud
    .database()
    .collection('notes')
    .add({ data: { _id: 'n', text: 'mine' } })
  await cloud.whenSynced()
  const second = await openAlipay(testMyPhone({ user: 'anna' }), options)
  await second.whenSynced()
  expect(await second.database().collection('notes').get()).toMatchObject([{ text: 'mine' }])
  const other = await openAlipay(testMyPhone({ user: 'bert' }), options)
  await other.whenSynced()
  expect(await other.database().collection('notes').get()).toEqual([])
})

test('[MP-38] begun in a lift it is anonymous, then all is theirs', async () => {
  const options = await setUp()
  const phone = testMyPhone({ user: 'anna' })
  phone.goOffline()
  const cloud = await openAlipay(phone, options)
  expect(cloud.auth().currentUser).toMatchObject({ isAnonymous: true })
  await cloud
    .database()
    .collection('notes')
    .add({ data: { _id: 'n', text: 'of the lift' } })
  phone.goOnline()
  await until('she is known', () => cloud.auth().currentUser?.isAnonymous === false)
  await until('it has come to her', async () => {
    const notes = await cloud.database().collection('notes').get()
    return notes.length === 1 && cloud.status().pending === 0
  })
  expect(cloud.auth().currentUser).toMatchObject({ uid: `ali:${openidOf('anna')}` })
})
