import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type NearcloudReplicationOptions, type Refused, replicateNearcloud } from '@nearcloud/rxdb'
import type { NearcloudServer } from '@nearcloud/server'
import type { RxCollection } from 'rxdb/plugins/core'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { openRelay } from '../relay/relay.ts'
import { testFolder, testProject } from '../scenario/folder.ts'
import { openTo, startServer } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'
import { documentsOf, type Person, rxCollection, signIn, type Todo } from './rx-app.ts'

/* Apps on RxDB with the client of `@nearcloud/rxdb`: real servers, sockets and networks that fail. */

type Options = Partial<NearcloudReplicationOptions<Todo>>

async function replica(server: Pick<NearcloudServer, 'url'>, options: Options = {}) {
  const person = await signIn(server)
  const collection = await rxCollection()
  const replication = await replicate(server, person, collection, options)
  return { person, collection, ...replication, documents: () => documentsOf(collection) }
}

async function replicate(
  { url }: Pick<NearcloudServer, 'url'>,
  person: Person,
  collection: RxCollection<Todo>,
  options: Options = {},
) {
  const state = replicateNearcloud<Todo>({
    collection,
    url,
    token: () => person.accessToken,
    remote: 'todos',
    replicationIdentifier: 'nearcloud',
    WebSocket,
    retryTime: 50,
    ...options,
  })
  onTestFinished(async () => {
    await state.cancel()
  })
  const errors: unknown[] = []
  state.error$.subscribe(error => errors.push(error))
  const refused: Refused[] = []
  state.refused$.subscribe(each => refused.push(each))
  if (!options.live) await state.awaitInitialReplication()
  return { state, errors, refused }
}

test('[RXCLIENT-1] two apps are in step with each other and with the server, and refused writes go back with a reason', async () => {
  const server = await startServer({
    rules: { database: { todos: { read: true, write: 'doc._openid == auth.openid' } } },
  })
  const [ann, bob] = [await replica(server, { owner: 'owner' }), await replica(server)]
  await ann.collection.insert({ _id: 'a', title: 'from ann' })
  await until('bob has it', async () => (await bob.documents()).a?.title === 'from ann')
  await until('ann knows whose it is', async () => (await ann.documents()).a?.owner === ann.person.openid)
  await (await bob.collection.findOne('a').exec(true)).incrementalPatch({ title: 'bob’s' })
  await until('it went back', async () => (await bob.documents()).a?.title === 'from ann')
  expect(bob.refused).toMatchObject([{ id: 'a', code: 'DATABASE_PERMISSION_DENIED' }])
  await bob.collection.insert({ _id: 'large', title: 'x'.repeat(4_100_000) })
  await until('what is too large goes back', async () => !(await bob.documents()).large)
  expect(bob.refused[1]).toMatchObject({ id: 'large', code: 'VALUE_REFUSED' })
  await (await ann.collection.findOne('a').exec(true)).remove()
  await until('bob has it no more', async () => Object.keys(await bob.documents()).length === 0)
  expect([ann.errors, bob.errors]).toEqual([[], []])
})

test('[RXCLIENT-2] a write that is lost with its connection, or on one that died in silence, arrives', async () => {
  const server = await startServer({ rules: openTo('todos') })
  const relay = await openRelay({ to: server.url })
  onTestFinished(() => relay.stop())
  const todos = server.database().collection('todos')
  const ann = await replica({ url: relay.url }, { timeoutMs: 400 })
  await ann.collection.insert({ _id: 'a', title: 'before' })
  await ann.state.awaitInSync()
  relay.freeze()
  await ann.collection.insert({ _id: 'b', title: 'lost' })
  relay.cut()
  await until('the server has it', async () => (await todos.count()).total === 2)
  relay.freeze() // and nobody is told
  await ann.collection.insert({ _id: 'c', title: 'into silence' })
  await until('and what comes after it', async () => (await todos.count()).total === 3)
  await todos.add({ data: { _id: 'd', title: 'from there' } })
  await until('and what comes from there', async () => (await ann.documents()).d?.title === 'from there')
})

test('[RXCLIENT-3] under other rules the copy is made anew: what may not be read any more goes, what is new here stays', async () => {
  const project = testProject(openTo('todos'))
  const server = await startServer({ rules: {}, project })
  const todos = server.database().collection('todos')
  await todos.add({
    data: Array.from({ length: 25 }, (_, n) => ({ _id: `t${n}`, title: 'x', open: n % 5 === 0 })),
  })
  const ann = await replica(server, { pull: { batchSize: 4 } })
  expect(Object.keys(await ann.documents())).toHaveLength(25)
  const rules = { read: 'doc.open == true || doc._openid == auth.openid', create: true, update: false }
  writeFileSync(join(project, 'rules.json'), JSON.stringify({ database: { todos: rules } }))
  const left = ['t0', 't10', 't15', 't20', 't5']
  await until('the others are gone', async () =>
    isDeepStrictEqual(Object.keys(await ann.documents()).sort(), left),
  )

  // the same for who was away meanwhile, and has something of its own
  await ann.state.cancel()
  writeFileSync(
    join(project, 'rules.json'),
    JSON.stringify({ database: { todos: { ...rules, read: 'doc._openid == auth.openid' } } }),
  )
  await ann.collection.insert({ _id: 'new', title: 'made away' })
  await replicate(server, ann.person, ann.collection)
  await until('its own is left', async () => isDeepStrictEqual(Object.keys(await ann.documents()), ['new']))
  await until('and arrived', async () => (await todos.count()).total === 26)
})

test('[RXCLIENT-3] a server that goes on from an earlier day is noticed: what it lost goes, what is new here stays and arrives', async () => {
  const [dataFolder, copy] = [testFolder('data'), testFolder('copy')]
  const options = { rules: {}, dataFolder, project: testProject(openTo('todos')) }
  const todos = (server: NearcloudServer) => server.database().collection('todos')
  const first = await startServer(options)
  await todos(first).add({ data: ['a', 'b', 'c'].map(_id => ({ _id, title: 'x' })) })
  await first.stop()
  rmSync(copy, { recursive: true })
  cpSync(dataFolder, copy, { recursive: true })

  const second = await startServer(options)
  const ann = await replica(second, { retryTime: 20 })
  await todos(second)
    .doc('a')
    .update({ data: { title: 'of the lost day' } })
  await todos(second).add({ data: { _id: 'lost', title: 'x' } })
  await until('she has seen it', async () => {
    const { a, lost } = await ann.documents()
    return lost && a?.title === 'of the lost day'
  })
  await ann.state.cancel()
  await second.stop()
  rmSync(dataFolder, { recursive: true })
  cpSync(copy, dataFolder, { recursive: true })
  await ann.collection.insert({ _id: 'hers', title: 'made away' })

  // it has made other versions since, more than were lost
  const third = await startServer(options)
  for (const title of ['1', '2', '3', '4']) await todos(third).doc('b').update({ data: { title } })
  await replicate(third, ann.person, ann.collection)
  const expected = { a: { title: 'x' }, b: { title: '4' }, c: { title: 'x' }, hers: { title: 'made away' } }
  await until('she is as it is', async () => isDeepStrictEqual(await ann.documents(), expected))
  await until('and it has hers', async () => (await todos(third).count()).total === 4)
})

test('[RXCLIENT-4] a token that does not hold is told, and another is asked for', async () => {
  const server = await startServer({ rules: openTo('todos') })
  const person = await signIn(server)
  const asked: boolean[] = []
  const collection = await rxCollection()
  const { state, errors } = await replicate(server, person, collection, {
    token: isRefused => {
      asked.push(isRefused)
      return isRefused ? person.accessToken : 'forged'
    },
  })
  await collection.insert({ _id: 'a', title: 'x' })
  await state.awaitInSync()
  expect(asked).toEqual([false, true])
  expect(JSON.stringify(errors)).toContain('sign in again')
  expect((await server.database().collection('todos').count()).total).toBe(1)
})

test('[RXCLIENT-5] one direction alone, or once, and nothing is left open', async () => {
  const server = await startServer({ rules: openTo('todos') })
  const todos = server.database().collection('todos')
  await todos.add({ data: { _id: 'there', title: 'x' } })
  const person = await signIn(server)
  const [up, down, once] = [await rxCollection(), await rxCollection(), await rxCollection()]
  await up.insert({ _id: 'up', title: 'x' })
  await down.insert({ _id: 'down', title: 'x' })
  await once.insert({ _id: 'once', title: 'x' })
  await replicate(server, person, up, { pull: false })
  await replicate(server, person, down, { push: false })
  const { state } = await replicate(server, person, once, { live: false })
  await state.awaitInitialReplication()
  expect(state.isStopped()).toBe(true)
  const has = (collection: RxCollection<Todo>, ...keys: readonly string[]) =>
    until(`there are ${keys}`, async () =>
      isDeepStrictEqual(Object.keys(await documentsOf(collection)).sort(), keys),
    )
  await has(once, 'once', 'there', 'up')
  await has(down, 'down', 'once', 'there', 'up')
  await has(up, 'up')
  const { data } = await todos.orderBy('_id', 'asc').get()
  expect(data.map(({ _id }) => _id)).toEqual(['once', 'there', 'up'])
})
