import type { Cloud } from '@nearcloud/client'
import { type Lens, lenses } from '@nearcloud/client/lenses'
import { createCloud } from '@nearcloud/node'
import type { NearcloudServer } from '@nearcloud/server'
import { expect, onTestFinished, test } from 'vitest'
import { testFolder } from './scenario/folder.ts'
import { startServer } from './scenario/server.ts'

/* Two releases of an app on the same documents: a real server with rules of the oldest shape, sockets and SQLite. */

const rules = {
  database: {
    todos: { read: true, create: true, update: 'request.data.title != "forbidden"', delete: true },
  },
}

const releases: readonly Lens[] = [
  { rename: 'title', to: 'text' },
  { add: 'priority', default: 1 },
  { remove: 'color', default: 'red' },
  {
    split: 'name',
    into: ['first', 'last'],
    up(name) {
      const [first, ...last] = (name as string).split(' ')
      return { first, last: last.join(' ') }
    },
    down: ({ first = '', last = '' }) => (last === '' ? first : `${first} ${last}`),
  },
]

/** An app of a release: it knows the lenses of those up to it. */
async function openRelease(
  server: NearcloudServer,
  count: number,
  folder = testFolder('phone'),
): Promise<Cloud> {
  const cloud = createCloud({ folder })
  onTestFinished(() => cloud.close())
  cloud.init({
    endpoint: server.url,
    subscribe: { todos: true },
    ...(count > 0 && { lenses: lenses({ todos: releases.slice(0, count) }) }),
  })
  await cloud.whenSynced()
  return cloud
}

const docs = async (cloud: Cloud) =>
  (await cloud.database().collection('todos').orderBy('_id', 'asc').get()).data

test('[LENS-1] two releases edit the same documents offline: both edits are there, in both shapes, also after a restart', async () => {
  const server = await startServer({ rules })
  const everywhere = server.database().collection('todos')
  await everywhere.add({ data: { _id: 'a', title: 'Tea', name: 'Ann Lee', color: 'blue', n: 0 } })
  const folder = testFolder('phone')
  const [older, newer] = [await openRelease(server, 0), await openRelease(server, 4, folder)]
  const { command: _ } = newer.database()
  const [old, now] = [older, newer].map(cloud => {
    cloud.goOffline()
    return cloud.database().collection('todos')
  })
  await old!.doc('a').update({ data: { color: 'green', n: _.inc(1) } })
  await old!.add({ data: { _id: 'b', title: 'Milk', name: 'Bo Ek' } })
  await now!
    .where({ last: 'Lee', priority: 1 })
    .update({ data: { text: 'Green tea', first: 'Anne', n: _.inc(10) } })
  await now!.doc('a').set({ data: { ...without((await now!.doc('a').get()).data!), due: 5 } })
  await now!.add({ data: { _id: 'c', text: 'Salt', first: 'Cy', last: 'Ek', priority: 7 } })
  await newer.close()

  const again = await openRelease(server, 4, folder)
  older.goOnline()
  await older.whenSynced()
  await again.whenSynced()
  await older.whenSynced()
  const stored = (await everywhere.orderBy('_id', 'asc').get()).data
  expect(stored).toMatchObject([
    { _id: 'a', title: 'Green tea', name: 'Anne Lee', color: 'green', due: 5 },
    { _id: 'b', title: 'Milk', name: 'Bo Ek' },
    { _id: 'c', title: 'Salt', name: 'Cy Ek', priority: 7, color: 'red' },
  ])
  expect(
    stored.flatMap(doc => Object.keys(doc)).filter(key => ['text', 'first', 'last'].includes(key)),
  ).toEqual([])
  expect(await docs(again)).toMatchObject([
    { _id: 'a', text: 'Green tea', first: 'Anne', last: 'Lee', priority: 1, due: 5 },
    { _id: 'b', text: 'Milk', first: 'Bo', last: 'Ek', priority: 1 },
    { _id: 'c', text: 'Salt', first: 'Cy', last: 'Ek', priority: 7 },
  ])
  const shown = new Map((await docs(older)).map(doc => [doc._id, doc]))
  expect(shown).toEqual(new Map(stored.map(doc => [doc._id, doc])))
})

function without({ _id, _openid, ...fields }: Record<string, unknown>): Record<string, unknown> {
  return fields
}

test('[LENS-1] [LENS-11] a rule judges the stored shape, and a text is opened by the name the app knows', async () => {
  const server = await startServer({ rules })
  const [older, newer] = [await openRelease(server, 0), await openRelease(server, 4)]
  const db = newer.database()
  const todos = db.collection('todos')
  await todos.add({ data: { _id: 'a', text: db.Text('Te'), first: 'Ann', last: 'Lee' }, wait: 'server' })
  const text = await todos.doc('a').text('text')
  expect(text).toMatchObject({ collection: 'todos', id: 'a', path: 'text' })
  text.ytext.insert(2, 'a')
  await newer.whenSynced()
  expect(await docs(newer)).toMatchObject([{ text: 'Tea', first: 'Ann' }])
  text.close()
  expect((await server.database().collection('todos').doc('a').get()).data).toMatchObject({ title: 'Tea' })
  await expect(todos.doc('a').text('first')).rejects.toMatchObject({ code: 'INVALID_PARAM' })

  const refused = todos.doc('a').update({ data: { text: 'forbidden' }, wait: 'server' })
  await expect(refused).rejects.toMatchObject({ code: 'DATABASE_PERMISSION_DENIED' })
  expect(newer.rejections.list).toHaveLength(1)
  await older.whenSynced()
  expect(await docs(older)).toMatchObject([{ title: 'Tea', name: 'Ann Lee', color: 'red' }])
})
