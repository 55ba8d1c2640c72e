import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCloud } from '@nearcloud/node'
import { expect, onTestFinished, test } from 'vitest'
import { testFolder, testProject } from './scenario/folder.ts'
import { openTo, startServer } from './scenario/server.ts'

const pay = `
const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()
exports.main = async ({ amount }) => {
  const { total } = await db.collection('orders').count()
  await db.collection('payments').add({ data: { amount, orders: total } })
  return { paid: amount }
}`

const price = `
exports.main = async event => ({ ...event.prices, $schema: 'prices', asked: Object.keys(event.prices) })`

function openPhone(folder: string, url: string) {
  const cloud = createCloud({ folder })
  onTestFinished(() => cloud.close())
  cloud.init({ endpoint: url })
  return cloud
}

test('a function called without a network begins once, when there is one, after the writes before it', async () => {
  const project = testProject(openTo('orders', 'payments'))
  mkdirSync(join(project, 'cloudfunctions/pay'), { recursive: true })
  writeFileSync(join(project, 'cloudfunctions/pay/index.js'), pay)
  const server = await startServer({ rules: null, project })
  const folder = testFolder('phone')
  const phone = openPhone(folder, server.url)
  await phone.whenSynced()
  phone.goOffline()
  await phone
    .database()
    .collection('orders')
    .add({ data: { tea: 2 } })
  const call = { name: 'pay', data: { amount: 7 }, queue: true, key: 'payment-0001' } as const
  expect(await phone.callFunction(call)).toMatchObject({ pending: true })
  // asked for twice, as by an app that forgot
  expect(await phone.callFunction(call)).toMatchObject({ pending: true })
  expect(phone.status().calls).toBe(1)
  await phone.close()

  const later = openPhone(folder, server.url)
  const outcomes: unknown[] = []
  later.on('called', ({ result }) => outcomes.push(result))
  await later.whenSynced()
  expect(outcomes).toEqual([{ paid: 7 }])
  const { data } = await server.database().collection('payments').get()
  expect(data).toMatchObject([{ amount: 7, orders: 1 }])
})

test('[FN-26] a function knows where its caller is, and what it calls knows it too', async () => {
  const project = testProject({ functions: { '*': { invoke: true } } })
  const code = {
    where: `const cloud = require('wx-server-sdk')\ncloud.init()
exports.main = () => { const { CLIENTIP, CLIENTIPV6 } = cloud.getWXContext(); return CLIENTIPV6 ?? CLIENTIP }`,
    middle: `const cloud = require('wx-server-sdk')\ncloud.init()\nexports.main = () => cloud.callFunction({ name: 'where' })`,
  }
  for (const [name, text] of Object.entries(code)) {
    mkdirSync(join(project, 'cloudfunctions', name), { recursive: true })
    writeFileSync(join(project, 'cloudfunctions', name, 'index.js'), text)
  }
  const server = await startServer({ rules: null, project, trustedProxies: ['127.0.0.1'] })
  const phone = openPhone(testFolder('phone'), server.url)
  await phone.whenSynced()
  expect((await phone.callFunction({ name: 'where' })).result).toBe('127.0.0.1')
  expect((await phone.callFunction({ name: 'middle' })).result).toMatchObject({ result: '127.0.0.1' })
  phone.goOffline()
  const called = new Promise(resolve => phone.on('called', resolve))
  await phone.callFunction({ name: 'where', queue: true })
  phone.goOnline()
  expect(await called).toMatchObject({ result: '127.0.0.1' })
  const { accessToken } = await phone.auth().getAccessToken()
  const headers = { authorization: `Bearer ${accessToken}`, 'x-forwarded-for': '2001:db8::7' }
  const answer = await fetch(`${server.url}/functions/where`, { method: 'POST', headers })
  expect(await answer.json()).toMatchObject({ result: '2001:db8::7' })
  // nobody is behind what the operator asks
  expect((await server.callFunction({ name: 'where' })).result).toBe(null)
})

test('data and results of calls keep keys that no document has, by every way there is', async () => {
  const project = testProject(openTo('orders'))
  const code = {
    price,
    middle: `
const cloud = require('wx-server-sdk')
cloud.init()
exports.main = event => cloud.callFunction({ name: 'price', data: event })`,
  }
  for (const [name, text] of Object.entries(code)) {
    mkdirSync(join(project, 'cloudfunctions', name), { recursive: true })
    writeFileSync(join(project, 'cloudfunctions', name, 'index.js'), text)
  }
  const server = await startServer({ rules: null, project })
  const phone = openPhone(testFolder('phone'), server.url)
  await phone.whenSynced()
  const data = { prices: { 'tea.green': 4, 'tea.black': { $gt: 1, $each: 2 } } }
  const answer = { ...data.prices, $schema: 'prices', asked: ['tea.green', 'tea.black'] }

  expect(await phone.callFunction({ name: 'price', data })).toMatchObject({ result: answer })
  expect(await phone.callFunction({ name: 'middle', data })).toMatchObject({ result: { result: answer } })
  expect(await server.callFunction({ name: 'price', data })).toEqual({ result: answer })
  phone.goOffline()
  const called = new Promise(resolve => phone.on('called', resolve))
  expect(await phone.callFunction({ name: 'price', data, queue: true })).toMatchObject({ pending: true })
  phone.goOnline()
  expect(await called).toMatchObject({ data, result: answer })

  await expect(phone.callFunction({ name: 'price', data: { prices: { $date: 'x' } } })).rejects.toMatchObject(
    {
      code: 'VALUE_REFUSED',
    },
  )
  await expect(
    phone
      .database()
      .collection('orders')
      .add({ data: { 'tea.green': 4 } }),
  ).rejects.toMatchObject({
    errMsg: expect.stringMatching(/tea\.green.*cannot be stored/),
  })
})
