import type { MiniCloud } from '@nearcloud/miniprogram'
import type { Phone } from '@nearcloud/miniprogram/testing'
import { expect, test } from 'vitest'
import { openApp } from '../scenario/app.ts'
import { openTo, startServer } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'
import { openAlipay, openMini, testMyPhone, testPhone } from './mini-app.ts'

type Options = Parameters<typeof openMini>[1]
type Opened = Pick<MiniCloud, 'database' | 'whenSynced' | 'status'>

/** A phone of either host, and how the mini program on it is begun. */
const hosts: readonly { host: string; phone(): [Phone<object>, (options: Options) => Promise<Opened>] }[] = [
  {
    host: 'WeChat',
    phone() {
      const phone = testPhone()
      return [phone, async options => openMini(phone, options)]
    },
  },
  {
    host: 'Alipay',
    phone() {
      const phone = testMyPhone()
      return [phone, options => openAlipay(phone, options) as Promise<Opened>]
    },
  },
]
const polls = (phone: Phone<object>) =>
  phone.network.asked.filter(asked => asked.endsWith('/sync/poll')).length

test.each(hosts)(
  '[MP-44] where no socket opens a mini program of $host polls, killed and begun again too',
  async host => {
    const server = await startServer({ rules: openTo('todos') })
    const other = await openApp(server, { follow: ['todos'] })
    const [phone, open] = host.phone()
    phone.launch()
    phone.network.refuseSockets('fail: proxy')
    const options = { endpoint: server.url, env: server.env, subscribe: { todos: true } }
    const cloud = await open(options)
    const todos = cloud.database().collection('todos')
    const titles: string[] = []
    todos.watch({
      onChange: ({ docs }) => titles.push(docs.map(({ title }) => title).join()),
      onError: error => titles.push(String(error)),
    })
    await todos.add({ data: { _id: 'a', title: 'milk' } })
    await cloud.whenSynced()
    await other
      .database()
      .collection('todos')
      .doc('a')
      .update({ data: { title: 'tea' } })
    await until('the change is here', () => titles.at(-1) === 'tea')
    expect(phone.network.openSockets).toBe(0)
    expect(polls(phone)).toBeGreaterThan(0)
    phone.kill()

    phone.launch()
    phone.network.refuseSockets('fail: proxy')
    const again = await open(options)
    await again
      .database()
      .collection('todos')
      .doc('a')
      .update({ data: { done: true } })
    await again.whenSynced()
    await other.whenSynced()
    expect((await other.database().collection('todos').doc('a').get()).data).toMatchObject({
      title: 'tea',
      done: true,
    })
  },
)

test.each(hosts)(
  '[MP-44] a socket of $host that breaks and cannot be had again: what follows is polled',
  async host => {
    const server = await startServer({ rules: openTo('todos') })
    const other = await openApp(server, { follow: ['todos'] })
    const [phone, open] = host.phone()
    const cloud = await open({ endpoint: server.url, env: server.env, subscribe: { todos: true } })
    await cloud.whenSynced()
    expect([phone.network.openSockets, polls(phone)]).toEqual([1, 0])
    phone.network.refuseSockets('fail: proxy')
    await cloud
      .database()
      .collection('todos')
      .add({ data: { _id: 'a', title: 'milk' } })
    await cloud.whenSynced()
    await other.whenSynced()
    expect((await other.database().collection('todos').doc('a').get()).data).toMatchObject({ title: 'milk' })
    expect(phone.network.openSockets).toBe(0)
  },
)

test('[MP-44] with sockets alone wanted nothing is polled', async () => {
  const server = await startServer({ rules: openTo('todos') })
  const phone = testPhone()
  phone.launch()
  phone.network.refuseSockets('fail: proxy')
  const cloud = openMini(phone, { endpoint: server.url, env: server.env, transport: 'websocket' })
  await cloud
    .database()
    .collection('todos')
    .add({ data: { _id: 'a' } })
  await until('it gave up for now', () => cloud.status().state === 'offline')
  expect(cloud.status().pending).toBe(1)
  expect(polls(phone)).toBe(0)
})
