import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { testProject } from '../scenario/folder.ts'
import { startServer } from '../scenario/server.ts'
import { installPackage } from './install-package.ts'

/* Functions with the packages from npm in their own node_modules. Real function processes; build first. */

/** What all of them have installed, once: wx-server-sdk brings a @cloudbase/node-sdk. */
const installed = mkdtempSync(join(tmpdir(), 'nearcloud-installed-'))
installPackage('wx-server-sdk', installed)
afterAll(() => rmSync(installed, { recursive: true, force: true }))

interface Code {
  readonly config?: object
  readonly code: string
}

async function opened(functions: Readonly<Record<string, Code>>) {
  const rules = { database: {}, functions: { '*': { invoke: true } } }
  const project = testProject(rules)
  for (const [name, { config, code }] of Object.entries(functions)) {
    const folder = join(project, 'cloudfunctions', name)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'index.js'), code)
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ timeout: 20, sdk: 'official', ...config }))
    symlinkSync(join(installed, 'node_modules'), join(folder, 'node_modules'))
  }
  const server = await startServer({ rules, project, env: 'shop' })
  return {
    server,
    call: (name: string, data: object, openid = 'alice') => server.callFunction({ name, data, openid }),
  }
}

test('[OFFICIAL-12] a function gets the wx-server-sdk that is installed for it, and everything it asks is done', async () => {
  const code = `const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
exports.main = async event => {
  const { OPENID, APPID, ENV, SOURCE } = cloud.getWXContext()
  const { _id } = await db.collection('orders').add({ data: { title: event.title, owner: OPENID, at: db.serverDate() } })
  await db.runTransaction(async t => {
    const { data } = await t.collection('orders').doc(_id).get()
    await t.collection('orders').doc(_id).update({ data: { seen: data.title } })
  })
  const { fileID } = await cloud.uploadFile({ cloudPath: 'bills/' + OPENID, fileContent: Buffer.from('bill') })
  const { fileContent } = await cloud.downloadFile({ fileID })
  const { result } = await cloud.callFunction({ name: 'who', data: { a: 1 } })
  const { data } = await db.collection('orders').doc(_id).get()
  return { OPENID, APPID, ENV, SOURCE, bill: String(fileContent), result, version: cloud.version, hasWatch: 'watch' in db.collection('x'), data }
}`
  const who = `const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async event => ({ event, who: cloud.getWXContext().OPENID })`
  const { call, server } = await opened({
    order: { code },
    who: { config: { sdk: 'ours' }, code: who },
  })
  const { result } = await call('order', { title: 'tea' })
  expect(result).toMatchObject({
    ...{ OPENID: 'alice', ENV: 'shop', APPID: 'shop', bill: 'bill', hasWatch: false },
    result: { event: { a: 1 }, who: 'alice' },
    data: { title: 'tea', owner: 'alice', seen: 'tea' },
  })
  const { data } = await server.database().collection('orders').get()
  expect(data).toMatchObject([{ title: 'tea', owner: 'alice', seen: 'tea', at: expect.any(Date) }])
})

test('[OFFICIAL-13] [OFFICIAL-25] each call knows its own caller, and its key is worth nothing afterwards', async () => {
  const code = `const tcb = require('@cloudbase/node-sdk')
const app = tcb.init({ env: 'shop' })
const kept = []
exports.main = async event => {
  const { WX_OPENID, TENCENTCLOUD_SECRETID: id, TENCENTCLOUD_SECRETKEY: key, TCB_CONTEXT_CNFG: place } = process.env
  if (event.old) {
    const old = tcb.init({ env: 'shop', secretId: kept[0].id, secretKey: kept[0].key, serviceUrl: JSON.parse(place).URL })
    return old.database().collection('notes').get().then(() => 'let in', e => e.code)
  }
  if (event.whole) {
    const headers = { authorization: 'Bearer ' + id + '.' + key }
    const body = JSON.stringify({ action: 'database.getDocument', envName: 'shop', collectionName: 'notes' })
    return (await (await fetch(JSON.parse(place).URL, { method: 'POST', headers, body })).json()).code
  }
  kept.push({ id, key })
  await app.database().collection('notes').add({ who: WX_OPENID, n: event.n })
  await new Promise(resolve => setTimeout(resolve, 20))
  return process.env.WX_OPENID
}`
  const { call, server } = await opened({
    note: { config: { instances: 2 }, code },
  })
  const people = ['ann', 'ben', 'cid', 'dee', 'eve', 'fay']
  const results = await Promise.all(people.map((name, n) => call('note', { n }, name)))
  expect(results.map(({ result }) => result)).toEqual(people)
  const { data } = await server.database().collection('notes').orderBy('n', 'asc').get()
  expect(data.map(({ who }) => who)).toEqual(people)
  expect((await call('note', { old: true })).result).toBe('SIGN_PARAM_INVALID')
  // nor is it shown whole while it is good
  expect((await call('note', { whole: true })).result).toBe('SIGN_PARAM_INVALID')
})

test('[OFFICIAL-12] without the word in config.json the name means our own, as ever', async () => {
  const code = `const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async () => typeof cloud.database().collection('x').createIndex`
  const { call } = await opened({ mine: { config: { sdk: 'ours' }, code } })
  expect((await call('mine', {})).result).toBe('function')
})
