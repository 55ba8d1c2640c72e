import { CloudError } from '@nearcloud/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { type Bindable, bind } from './bind.ts'
import { createMiniCloud } from './cloud.ts'
import { MiniPage, WxPhone } from './testing/index.ts'
import { wxHost } from './wx-host.ts'

function open() {
  const phone = new WxPhone()
  onTestFinished(() => phone.kill())
  const cloud = createMiniCloud(() => wxHost(phone.wx))
  cloud.init({ endpoint: 'http://127.0.0.1:9', transport: 'websocket' })
  return cloud
}

/** Lets what is under way reach the page. */
const settle = () => new Promise(resolve => setImmediate(resolve))

test('[MP-28] a page shows a query, a document and their changes; one setData for what came at once', async () => {
  const cloud = open()
  const todos = cloud.database().collection('todos')
  await todos.add({ data: { _id: 'a', title: 'milk', done: false } })
  const page = new MiniPage({ other: 1 })
  let changes = 0
  const binding = cloud.bind(
    page,
    {
      open: todos.where({ done: false }).orderBy('_id', 'asc'),
      first: todos.doc('a'),
      none: todos.doc('z'),
    },
    { onChange: () => changes++ },
  )
  await binding.ready
  const milk = { _id: 'a', title: 'milk', done: false }
  expect(page.data).toEqual({ other: 1, open: [milk], first: milk, none: null })
  expect(changes).toBe(page.told.length)
  page.told.length = 0
  await todos.add({ data: { _id: 'b', title: 'tea', done: false } })
  await settle()
  expect(page.told).toEqual([{ 'open[1]': { _id: 'b', title: 'tea', done: false } }])
  page.told.length = 0
  await todos.doc('a').update({ data: { title: 'oat milk' } })
  await settle()
  expect(page.told).toEqual([{ 'open[0].title': 'oat milk', first: { ...milk, title: 'oat milk' } }])
  await todos.doc('a').update({ data: { done: true } })
  await settle()
  expect(page.data.open).toEqual([{ _id: 'b', title: 'tea', done: false }])
  binding.close()
})

test('[MP-28] a page that is gone is told nothing more, and its own onUnload is called', async () => {
  const cloud = open()
  const todos = cloud.database().collection('todos')
  const page = Object.assign(new MiniPage(), {
    unloaded: 0,
    onUnload(this: { unloaded: number }) {
      this.unloaded++
    },
  })
  await cloud.bind(page, { todos }).ready
  expect(page.data.todos).toEqual([])
  page.told.length = 0
  page.unload()
  await todos.add({ data: { _id: 'a' } })
  await settle()
  expect([page.told, page.unloaded]).toEqual([[], 1])
})

/** A watch that the test speaks for. */
function scripted() {
  const watches: Parameters<Bindable['watch']>[0][] = []
  let closed = 0
  return {
    what: {
      watch(options: Parameters<Bindable['watch']>[0]) {
        watches.push(options)
        return {
          async close() {
            closed++
          },
        }
      },
    },
    latest: () => watches.at(-1)!,
    counts: () => [watches.length, closed],
  }
}

test('[MP-29] with another user everything begins anew, and late words of the one before are not heard', async () => {
  const { what, latest, counts } = scripted()
  const page = new MiniPage()
  const errors: unknown[] = []
  let userChanged: () => void = () => undefined
  const binding = bind(page, { list: what }, { onError: error => errors.push(error) }, listener => {
    userChanged = listener
    return () => undefined
  })
  const first = latest()
  first.onChange({ docs: [{ _id: 'a' }], docChanges: [{ docId: 'a' }] })
  await binding.ready
  first.onError(new CloudError('USER_CHANGED', { errMsg: 'another' }))
  userChanged()
  expect(counts()).toEqual([2, 1])
  latest().onChange({ docs: [{ _id: 'b' }, { _id: 'c' }], docChanges: [] })
  first.onChange({ docs: [{ _id: 'a' }], docChanges: [] })
  await settle()
  expect(page.data.list).toEqual([{ _id: 'b' }, { _id: 'c' }])
  expect(errors).toEqual([])
})

test('[MP-29] a watch that ends for another reason is told by name, and does not hold up the page', async () => {
  const { what, latest } = scripted()
  const told: [string, string][] = []
  const binding = bind(
    new MiniPage(),
    { list: what },
    { onError: ({ code }, name) => told.push([name, code]) },
    () => () => undefined,
  )
  latest().onError(new CloudError('DATABASE_PERMISSION_DENIED', { errMsg: 'no' }))
  await binding.ready
  expect(told).toEqual([['list', 'DATABASE_PERMISSION_DENIED']])
})
