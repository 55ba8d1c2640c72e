import { isDeepStrictEqual } from 'node:util'
import type { NearcloudServer } from '@nearcloud/server'
import type { RxCollection } from 'rxdb/plugins/core'
import { expect, test } from 'vitest'
import { openApp } from '../scenario/app.ts'
import { testFolder, testProject } from '../scenario/folder.ts'
import { openTo, startServer } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'
import { documentsOf, type Person, rxCollection, rxUrl, signIn, stockReplica, type Todo } from './rx-app.ts'

/* Apps on RxDB with its stock `replication-websocket` client, as it comes from the registry, beside apps of nearcloud: real servers and sockets. */

type Server = Pick<NearcloudServer, 'url'>

/** An app on RxDB of somebody new, in step. */
async function replica(server: Server, { name = 'todos', ...parameters }: Record<string, string> = {}) {
  const person = await signIn(server)
  const collection = await rxCollection(name)
  const state = await replicate(server, person, collection, parameters)
  return { person, collection, state, documents: () => documentsOf(collection) }
}

async function replicate(
  server: Server,
  person: Person,
  collection: RxCollection<Todo>,
  parameters: Record<string, string> = {},
) {
  const url = rxUrl(server, 'todos', { token: person.accessToken, ...parameters })
  const state = await stockReplica(collection, url)
  await state.awaitInitialReplication()
  return state
}

/** A document as the server has it. */
async function stored(server: NearcloudServer, id: string): Promise<Record<string, unknown>> {
  const { data } = await server.database().collection('todos').doc(id).get()
  return data as Record<string, unknown>
}

async function change(collection: RxCollection<Todo>, id: string, part: Partial<Todo>): Promise<void> {
  await (await collection.findOne(id).exec(true)).incrementalPatch(part)
}

test('[RXDB-1] two apps on RxDB and one of nearcloud see each other’s documents, changes and removals', async () => {
  const server = await startServer({ rules: openTo('todos') })
  const app = await openApp(server, { follow: ['todos'] })
  const todos = app.database().collection('todos')
  await todos.add({ data: { _id: 'a', title: 'first', due: new Date(5) } })
  await app.whenSynced()
  const [ann, bob] = [await replica(server), await replica(server, { name: 'things' })]
  expect(await ann.documents()).toEqual({ a: { title: 'first', due: { $date: 5 } } })

  await ann.collection.insert({ _id: 'b', title: 'from ann', tags: ['x'] })
  await until('bob has it', async () => (await bob.documents()).b?.title === 'from ann')
  await until('the app has it', async () => (await todos.where({ _id: 'b' }).count()).total === 1)
  expect((await todos.doc('b').get()).data).toEqual({
    _id: 'b',
    _openid: ann.person.openid,
    title: 'from ann',
    tags: ['x'],
  })

  await change(bob.collection, 'b', { done: true })
  await todos.doc('a').update({ data: { title: 'renamed' } })
  await until('ann has both', async () => {
    const { a, b } = await ann.documents()
    return a?.title === 'renamed' && b?.done
  })
  await (await ann.collection.findOne('a').exec(true)).remove()
  await todos.doc('b').remove()
  for (const each of [ann, bob])
    await until('nothing is left', async () => Object.keys(await each.documents()).length === 0)
  await until('nor at the app', async () => (await todos.count()).total === 0)
  expect([...ann.state.errors, ...bob.state.errors]).toEqual([])
})

test('[RXDB-2] what was edited apart is merged by field, and both apps come to the same document', async () => {
  const server = await startServer({ rules: openTo('todos') })
  const todos = server.database().collection('todos')
  const first = { title: 'one', n: 1, place: { room: 'hall', shelf: 'low' } }
  await todos.add({ data: { _id: 'a', ...first } })
  const [ann, bob] = [await replica(server), await replica(server, { name: 'things' })]
  await ann.state.cancel()
  await bob.state.cancel()
  // both change the title; each another field, and another part of one
  await change(ann.collection, 'a', { title: 'ann', n: 2, place: { room: 'kitchen', shelf: 'low' } })
  await change(bob.collection, 'a', { title: 'bob', done: true, place: { room: 'hall', shelf: 'high' } })
  await ann.collection.insert({ _id: 'b', title: 'made away' })
  await replicate(server, ann.person, ann.collection)
  await replicate(server, bob.person, bob.collection)
  const merged = { title: 'ann', n: 2, done: true, place: { room: 'kitchen', shelf: 'high' } }
  const both = { a: merged, b: { title: 'made away' } }
  for (const each of [ann, bob])
    await until('it has both', async () => isDeepStrictEqual(await each.documents(), both))
  expect((await todos.doc('a').get()).data).toEqual({ _id: 'a', ...merged })
})

test('[RXDB-2] a document removed meanwhile stays removed, and one changed meanwhile is not removed', async () => {
  const server = await startServer({ rules: openTo('todos') })
  const todos = server.database().collection('todos')
  await todos.add({
    data: [
      { _id: 'gone', title: 'x' },
      { _id: 'kept', title: 'x' },
    ],
  })
  const ann = await replica(server)
  await ann.state.cancel()
  await change(ann.collection, 'gone', { title: 'edited' })
  await (await ann.collection.findOne('kept').exec(true)).remove()
  await todos.doc('gone').remove()
  await todos.doc('kept').update({ data: { done: true } })
  await replicate(server, ann.person, ann.collection)
  await until('it is as on the server', async () =>
    isDeepStrictEqual(await ann.documents(), { kept: { title: 'x', done: true } }),
  )
  expect((await todos.get()).data).toEqual([{ _id: 'kept', title: 'x', done: true }])
})

const ownRules = {
  database: {
    todos: { read: 'doc._openid == auth.openid || doc.shared == true', write: 'doc._openid == auth.openid' },
  },
}

test('[RXDB-3] a refused write goes back at its author’s, is told as a conflict, and those behind it arrive', async () => {
  const server = await startServer({ rules: ownRules })
  const todos = server.database().collection('todos')
  await todos.add({ data: { _id: 'theirs', title: 'not yours', shared: true } })
  const ann = await replica(server)
  const conflicts: unknown[] = []
  ann.state.conflict$.subscribe(({ input }) => conflicts.push(input.realMasterState))
  await change(ann.collection, 'theirs', { title: 'mine now' })
  await ann.collection.insert({ _id: 'own', title: 'own' })
  await until('it went back', async () => (await ann.documents()).theirs?.title === 'not yours')
  await ann.state.awaitInSync()
  expect(conflicts).toEqual([{ _id: 'theirs', title: 'not yours', shared: true, _deleted: false }])
  expect((await todos.orderBy('_id', 'asc').get()).data).toMatchObject([
    { _id: 'own', _openid: ann.person.openid },
    { _id: 'theirs', title: 'not yours' },
  ])
  // what is refused at its birth is gone
  await todos.add({ data: { _id: 'hidden', title: 'somebody’s' } })
  await ann.collection.insert({ _id: 'hidden', title: 'tried' })
  await until('it is gone', async () => !(await ann.documents()).hidden)
  expect((await todos.doc('hidden').get()).data).toEqual({ _id: 'hidden', title: 'somebody’s' })
})

test('[RXDB-4] who may not read a document never hears of it, and one that is out of sight is gone', async () => {
  const server = await startServer({ rules: ownRules })
  const todos = server.database().collection('todos')
  await todos.add({
    data: [
      { _id: 'shared', title: 'for all', shared: true },
      { _id: 'secret', title: 'xyzzy' },
    ],
  })
  const ann = await replica(server)
  const heard: string[] = []
  ann.state.received$.subscribe(document => heard.push(JSON.stringify(document)))
  expect(await ann.documents()).toEqual({ shared: { title: 'for all', shared: true } })
  await todos.doc('secret').update({ data: { title: 'xyzzy again' } })
  await todos.add({ data: { _id: 'secret2', title: 'xyzzy' } })
  await todos.doc('shared').update({ data: { shared: false, title: 'xyzzy too' } })
  await until('it is gone', async () => Object.keys(await ann.documents()).length === 0)
  await todos.doc('secret2').remove()
  await todos.doc('shared').update({ data: { shared: true, title: 'back' } })
  await until('it is back', async () => (await ann.documents()).shared?.title === 'back')
  expect(heard.join()).not.toMatch(/xyzzy|secret/)
})

test('[RXDB-5] an app goes on where it was, after the server began anew and while it was away', async () => {
  const options = { dataFolder: testFolder('data'), project: testProject(openTo('todos')), rules: {} }
  const server = await startServer(options)
  const todos = (each: NearcloudServer) => each.database().collection('todos')
  for (let at = 0; at < 230; at += 10)
    await todos(server).add({
      data: Array.from({ length: 10 }, (_, n) => ({
        _id: `t${String(at + n).padStart(3, '0')}`,
        title: 'x',
      })),
    })
  const ann = await replica(server)
  expect(Object.keys(await ann.documents())).toHaveLength(230)
  await todos(server)
    .doc('t007')
    .update({ data: { title: 'live' } })
  await until('it has it', async () => (await ann.documents()).t007?.title === 'live')
  await server.stop()
  await change(ann.collection, 't008', { title: 'meanwhile' })
  const again = await startServer({ ...options, port: server.port })
  const received: string[] = []
  ann.state.received$.subscribe(({ _id }) => received.push(_id))
  await todos(again).doc('t001').remove()
  await todos(again).add({ data: { _id: 'new', title: 'new' } })
  await until('it is in step', async () => {
    const now = await ann.documents()
    return !now.t001 && now.new && Object.keys(now).length === 230
  })
  await until('and so is the server', async () => (await stored(again, 't008')).title === 'meanwhile')
  // nothing else was told again
  expect([...new Set(received)].sort()).toEqual(['new', 't001'])
})

test('[RXDB-6] the token may come in a header, the primary key may have another name, and an owner may be shown', async () => {
  const server = await startServer({ rules: ownRules })
  const [ann, stranger] = [await signIn(server), await rxCollection()]
  const collection = await rxCollection()
  await stockReplica(collection, rxUrl(server, 'todos', { owner: 'owner' }), {
    headers: { authorization: `Bearer ${ann.accessToken}` },
  })
  await collection.insert({ _id: 'a', title: 'x' })
  await until('it knows whose it is', async () => (await documentsOf(collection)).a?.owner === ann.openid)
  await change(collection, 'a', { owner: 'somebody else', title: 'y' })
  const todos = server.database().collection('todos')
  await until('the server has it', async () => (await stored(server, 'a')).title === 'y')
  await until('it is still hers', async () => (await documentsOf(collection)).a?.owner === ann.openid)
  expect((await todos.doc('a').get()).data).toEqual({ _id: 'a', _openid: ann.openid, title: 'y' })
  // nothing for who does not say who it is
  const state = await stockReplica(stranger, rxUrl(server, 'todos'), { headers: { token: 'forged' } })
  await stranger.insert({ _id: 'z', title: 'z' })
  await server.callFunction({ name: 'none' }).catch(() => undefined)
  expect([await documentsOf(stranger), (await todos.count()).total, state.errors]).toEqual([
    { z: { title: 'z' } },
    1,
    [],
  ])
})
