import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCloud } from '@nearcloud/node'
import { createServer, type LogLine, type NearcloudServer } from '@nearcloud/server'
import { beforeEach, expect, onTestFinished, test } from 'vitest'

let server: NearcloudServer
let lines: LogLine[]

beforeEach(async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'nearcloud-functions-'))
  lines = []
  server = await createServer({
    dataFolder,
    project: import.meta.dirname,
    env: 'functions',
    log: line => lines.push(line),
  })
  return async () => {
    await server.stop()
    rmSync(dataFolder, { recursive: true, force: true })
  }
})

/** An app on a device of its own: what its user gets from functions. */
async function openApp() {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-app-'))
  const cloud = createCloud({ folder })
  onTestFinished(async () => {
    await cloud.close()
    rmSync(folder, { recursive: true, force: true })
  })
  cloud.init({ endpoint: server.url, env: server.env })
  await cloud.ready()
  return {
    cloud,
    call: async (name: string, data: object = {}) => (await cloud.callFunction({ name, data })).result,
  }
}

const tea = { name: 'green tea', category: 'drinks', price: 12, stock: 3 }
const cup = { name: 'cup', category: 'kitchen', price: 7, stock: 0 }

/** As the operator: rules keep these functions from apps. */
const call = async (name: string, data: object = {}) => (await server.callFunction({ name, data })).result

test('money moves from one wallet to another, all of it or nothing, and once for an id', async () => {
  const wallets = server.database().collection('wallets')
  await wallets.add({ data: { _id: 'anna', balance: 10 } })
  await wallets.add({ data: { _id: 'ben', balance: 0 } })
  const asked = { id: 'rent', from: 'anna', to: 'ben', amount: 7 }
  expect(await call('transfer', asked)).toEqual({ success: true, moved: 7 })
  expect(await call('transfer', asked)).toEqual({ success: true, moved: 7 })
  expect(await call('transfer', { ...asked, id: 'more' })).toEqual({ success: false, error: 'too little' })
  expect(await call('transfer', { ...asked, id: 'x', to: 'x' })).toEqual({
    success: false,
    error: 'no such wallet',
  })
  expect(await call('transfer', { ...asked, id: 'y', amount: -7 })).toEqual({
    success: false,
    error: 'not a transfer',
  })
  const { data } = await wallets.orderBy('_id', 'asc').get()
  expect(data.map(({ balance }) => balance)).toEqual([3, 7])
})

test('many products are added, changed and taken out by functions of the operator', async () => {
  expect(await call('batchAdd', { products: [tea, cup] })).toEqual({
    success: true,
    added: [
      { ok: true, id: expect.any(String) },
      { ok: true, id: expect.any(String) },
    ],
  })
  expect(await call('batchAdd', { products: [{ _id: 'x' }, { _id: 'x' }] })).toMatchObject({ success: false })
  expect(await call('batchUpdate', { category: 'drinks', by: 3 })).toEqual({ success: true, updated: 1 })
  expect(await call('batchDelete')).toEqual({ success: true, removed: 1 })
  const { cloud, call: asUser } = await openApp()
  const { data } = await cloud.database().collection('products').get()
  expect(data).toContainEqual(expect.objectContaining({ name: 'green tea', price: 15 }))
  expect(data.map(({ name }) => name)).not.toContain('cup')
  await expect(asUser('batchDelete')).rejects.toThrow('permission denied')
})

test('a profile is made at the first call, each has one, and a function may ask for it', async () => {
  const [anna, bob] = [await openApp(), await openApp()]
  expect(await anna.call('getUserInfo', { nickname: 'anna' })).toMatchObject({ isNew: true })
  expect(await anna.call('getUserInfo')).toMatchObject({
    isNew: false,
    data: { nickname: 'anna', points: 0 },
  })
  expect(await bob.call('welcome', { nickname: 'bob' })).toEqual({ text: 'Welcome, bob', points: 0 })
  expect(await bob.call('welcome')).toEqual({ text: 'Welcome back, bob', points: 0 })
  // it has an owner, so the owner sees it
  const { data } = await anna.cloud.database().collection('profiles').get()
  expect(data).toMatchObject([{ nickname: 'anna' }])
})

test('programs that are no apps have an interface over HTTP', async () => {
  const url = `${server.url}/api/users`
  const post = (body: string) => fetch(url, { method: 'POST', body })
  expect((await post('{"name":"anna"}')).status).toBe(400)
  expect((await post('no JSON')).status).toBe(400)
  const made = await post('{"name":"anna","email":"anna@a.example"}')
  const { id } = (await made.json()) as { id: string }
  expect(made.status).toBe(201)
  expect(await (await fetch(`${url}?limit=5`)).json()).toMatchObject([{ name: 'anna' }])
  expect(await (await fetch(`${url}/${id}`)).json()).toMatchObject({ email: 'anna@a.example' })
  expect((await fetch(`${url}/nobody`)).status).toBe(404)
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(405)
})

test('accounts have passwords that are kept as salted hashes, and sessions', async () => {
  const { call: app } = await openApp()
  const anna = { username: 'anna', password: 'correct horse' }
  expect(await app('register', { ...anna, password: 'short' })).toMatchObject({ success: false })
  expect(await app('register', anna)).toEqual({ success: true })
  expect(await app('register', anna)).toEqual({ success: false, error: 'the username is taken' })
  const { data } = await server.database().collection('accounts').get()
  expect(JSON.stringify(data)).not.toContain(anna.password)
  const wrong = { success: false, error: 'the username or the password is wrong' }
  expect(await app('signIn', { ...anna, password: 'wrong horse' })).toEqual(wrong)
  expect(await app('signIn', { ...anna, username: 'nobody' })).toEqual(wrong)
  expect(await app('signIn', { username: { $ne: null }, password: 'x' }).catch(() => wrong)).toEqual(wrong)
  const { token } = (await app('signIn', anna)) as { token: string }
  expect(await app('whoami', { token })).toEqual({ success: true, username: 'anna' })
  expect(await app('whoami', { token: 'forged' })).toMatchObject({ success: false })
})

test('a query is cached in a global, and indexes are made once', async () => {
  expect(await call('prepare')).toEqual({ success: true, indexes: ['by_name', 'category_price'] })
  expect(await call('prepare')).toMatchObject({ success: true })
  await call('batchAdd', { products: [tea] })
  const { call: app } = await openApp()
  expect(await app('products', { category: 'drinks' })).toMatchObject({ source: 'database', data: [tea] })
  expect(await app('products', { category: 'drinks' })).toMatchObject({ source: 'cache', data: [tea] })
})

test('a function in TypeScript keeps a structured log', async () => {
  const text = 'green tea,drinks,12,3\nnonsense'
  expect(await call('importLines', { text })).toEqual({ added: 1, refused: ['nonsense'] })
  const said = lines.filter(({ event }) => event === 'function.log').map(({ message }) => JSON.parse(message))
  expect(said).toEqual([
    { step: 'started', lines: 2 },
    { step: 'refused', line: 'nonsense' },
    { step: 'ended', added: 1, ms: expect.any(Number) },
  ])
})

test('a note is written by a function that devices run, too; here the server runs it', async () => {
  const { cloud, call: asUser } = await openApp()
  expect(await asUser('addNote', { text: ' tea ' })).toEqual(expect.any(String))
  await asUser('addNote', { text: 'cups' })
  const notes = await cloud.database().collection('notes').orderBy('at', 'asc').get()
  expect(notes.data.map(({ text }) => text)).toEqual(['tea', 'cups'])
  const diaries = await cloud.database().collection('diaries').get()
  expect(diaries.data).toMatchObject([{ notes: 2 }])
  await expect(asUser('addNote', {})).rejects.toThrow('a note says something')
})
