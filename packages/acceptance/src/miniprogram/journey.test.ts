import { containerTunnel, functionTunnel } from '@nearcloud/miniprogram'
import { TestClock } from '@nearcloud/store/testing'
import { expect, onTestFinished, test } from 'vitest'
import { openApp } from '../scenario/app.ts'
import { openTo, startServer } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'
import { openMini, testPhone } from './mini-app.ts'

const rules = { ...openTo('todos'), storage: { read: true, write: true } }

test('[MP-19] add, tick, photo, offline, killed, reopened, online: a mini program and a Node app agree', async () => {
  const server = await startServer({ rules })
  const other = await openApp(server, { follow: ['todos'] })
  const phone = testPhone()
  const options = { endpoint: server.url, env: server.env, subscribe: { todos: true } }
  const cloud = openMini(phone, options)
  await cloud.whenSynced()
  await cloud
    .database()
    .collection('todos')
    .add({ data: { _id: 'a', title: 'milk', done: false } })
  await cloud.whenSynced()
  const photo = Uint8Array.from({ length: 50_000 }, (_, i) => i & 255)
  phone.goOffline()
  await cloud
    .database()
    .collection('todos')
    .doc('a')
    .update({ data: { done: true } })
  const { fileID } = await cloud.uploadFile({
    cloudPath: 'photos/a.jpg',
    filePath: phone.take('a.jpg', photo),
  })
  phone.kill()
  await other
    .database()
    .collection('todos')
    .doc('a')
    .update({ data: { title: 'oat milk' } })
  await other.whenSynced()
  phone.launch()
  const again = openMini(phone, options)
  const { data } = await again.database().collection('todos').doc('a').get()
  expect(data).toMatchObject({ title: 'milk', done: true })
  expect(again.status()).toMatchObject({ pending: 1, uploads: 1 })
  phone.goOnline()
  await again.whenSynced()
  await other.whenSynced()
  const everywhere = { title: 'oat milk', done: true }
  for (const app of [again, other])
    expect((await app.database().collection('todos').doc('a').get()).data).toMatchObject(everywhere)
  const { tempFilePath } = await again.downloadFile({ fileID })
  expect(phone.read(tempFilePath)).toEqual(photo)
})

test('[MP-42] what comes at once takes effect in pieces in a mini program, and all of it is there', async () => {
  const server = await startServer({ rules })
  const data = Array.from({ length: 300 }, (_, n) => ({ _id: `d${n}`, n, text: 'x'.repeat(800) }))
  await server.database().collection('todos').add({ data })
  const follow = { onProgress: () => void steps++ }
  let steps = 0
  const other = await openApp(server)
  await other.database().collection('todos').subscribe(follow).ready
  const whole = steps
  steps = 0
  const cloud = openMini(testPhone(), { endpoint: server.url, env: server.env })
  await cloud.database().collection('todos').subscribe(follow).ready
  expect(steps).toBeGreaterThanOrEqual(whole + 2)
  expect((await cloud.database().collection('todos').where({}).count()).total).toBe(300)
})

test('[MP-13] cut in the background, it is online again without waiting for anything', async () => {
  const server = await startServer({ rules })
  const phone = testPhone()
  const clock = new TestClock(Date.now())
  const cloud = openMini(phone, { endpoint: server.url, env: server.env, transport: 'websocket' }, clock)
  const states: string[] = []
  cloud.on('offline', () => states.push('offline'))
  cloud.on('online', () => states.push('online'))
  /** No delay passes: what is due at once is all that is done. */
  const becomes = (...wanted: string[]) =>
    until(wanted.join(), async () => {
      await clock.advance(0)
      return states.join() === wanted.join()
    })
  await becomes('online')
  for (const awayMs of [1_000, 60_000]) {
    states.length = 0
    phone.toBackground()
    // timers of a mini program in the background stand still as well
    clock.set(clock.now() + awayMs)
    phone.toForeground()
    await becomes('offline', 'online')
    expect(phone.network.openSockets).toBe(1)
  }
})

test.each(['function', 'container'] as const)(
  '[MP-18] without a domain everything goes through one %s: documents, files, and what others change',
  async way => {
    const server = await startServer({ rules })
    const other = await openApp(server)
    const phone = testPhone()
    const exchange = async (path: string, init: RequestInit) => {
      const answer = await fetch(server.url + path, init)
      return { answer, bytes: await answer.arrayBuffer() }
    }
    const original = {
      async callFunction({ data }: { data: object }) {
        const { method, path, headers, body } = data as Record<string, string> & { headers: HeadersInit }
        const { answer, bytes } = await exchange(path!, {
          method: method!,
          headers,
          ...(body !== '' && { body: Buffer.from(body!, 'base64') }),
        })
        const result = {
          status: answer.status,
          headers: Object.fromEntries(answer.headers),
          body: Buffer.from(bytes).toString('base64'),
        }
        return { result: JSON.parse(JSON.stringify(result)) as unknown }
      },
      async callContainer(options: {
        path: string
        method: string
        header: Record<string, string>
        data?: string | ArrayBuffer
      }) {
        const { answer, bytes } = await exchange(options.path, {
          method: options.method,
          headers: options.header,
          ...(options.data !== undefined && { body: options.data }),
        })
        return { statusCode: answer.status, header: Object.fromEntries(answer.headers), data: bytes }
      },
    }
    const tunnel =
      way === 'function'
        ? functionTunnel(original, { name: 'near' })
        : containerTunnel(original, { service: 'near' })
    const cloud = openMini(phone, { tunnel, env: server.env })
    onTestFinished(() => cloud.close().catch(() => undefined))
    const titles: string[] = []
    const watcher = cloud
      .database()
      .collection('todos')
      .watch({
        onChange: ({ docs }) => titles.push(docs.map(each => each.title).join()),
        onError: () => undefined,
      })
    await cloud
      .database()
      .collection('todos')
      .add({ data: { _id: 'a', title: 'milk' } })
    await cloud.whenSynced()
    await other
      .database()
      .collection('todos')
      .doc('a')
      .update({ data: { title: 'tea' } })
    await until('the change is here', () => titles.at(-1) === 'tea')
    const photo = Uint8Array.of(1, 2, 3)
    const { fileID } = await cloud.uploadFile({ cloudPath: 'a.jpg', filePath: phone.take('a.jpg', photo) })
    const { tempFilePath } = await cloud.downloadFile({ fileID })
    expect(phone.read(tempFilePath)).toEqual(photo)
    expect(phone.network.asked).toEqual([])
    await watcher.close()
  },
)

test('[MP-20] users of one phone have nothing of each other, and each finds what was left', async () => {
  const server = await startServer({ rules: { database: { notes: 'PRIVATE' } } })
  const phone = testPhone()
  const options = { endpoint: server.url, env: server.env, subscribe: { notes: true } }
  const cloud = openMini(phone, options)
  const auth = cloud.auth()
  const titles = async () => {
    const { data } = await cloud.database().collection('notes').get()
    return data.map(({ title }) => title)
  }
  const add = (title: string) => cloud.database().collection('notes').add({ data: { title } })
  await auth.signInWithCustomTicket(await server.users.createTicket('anna'))
  await add('of anna')
  await cloud.whenSynced()
  await auth.signInWithCustomTicket(await server.users.createTicket('bert'))
  expect(await titles()).toEqual([])
  phone.goOffline()
  await add('of bert')
  phone.kill()
  phone.launch()
  const again = openMini(phone, options)
  expect((await again.auth().getLoginState()).user.uid).toBe('bert')
  await again.auth().switchTo('anna')
  const { data } = await again.database().collection('notes').get()
  expect(data.map(({ title }) => title)).toEqual(['of anna'])
  expect(again.status().pending).toBe(0)
  await again.auth().switchTo('bert')
  expect(again.status().pending).toBe(1)
})
