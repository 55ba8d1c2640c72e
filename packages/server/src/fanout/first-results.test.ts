import { Digest, type Document, type DownMessage, type Write } from '@nearcloud/protocol'
import { queryToJson } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { nextTurn } from '../engine/turn.ts'
import { type LocalHouse, openHouse, tokenOf } from '../testing/local-house.ts'
import { clientId, queryOf, type RawClient } from '../testing/raw-client.ts'
import { admin } from '../testing/scenario.ts'

type Priority = 'high' | 'normal' | 'low'
const add = (collection: string, id: string, data: Record<string, Document[string]> = {}): Write => ({
  op: 'add',
  collection,
  id,
  data: { _openid: 'bob', ...data },
})

async function write(house: LocalHouse, ...writes: Write[]): Promise<void> {
  const { outcome } = await house.environment.commit({ actor: admin, writes })
  expect(outcome.status).toBe('accepted')
}

async function join(house: LocalHouse): Promise<RawClient> {
  const raw = house.connect()
  await raw.hello({ client: clientId('bob'), token: tokenOf('bob') })
  return raw
}

function subscribe(client: RawClient, id: number, collection: string, priority?: Priority): void {
  const query = queryToJson(queryOf({ collection }))
  client.send({ type: 'subscribe', id, query, ...(priority && { priority }) })
}

/** Six parts and more of a snapshot: more than is held back. */
async function fillAlbum(house: LocalHouse): Promise<void> {
  const text = 'x'.repeat(200_000)
  for (let i = 10; i < 40; i++) await write(house, add('album', `p${i}`, { text }))
  await write(house, add('notes', 'n1'), add('tasks', 't1'))
}

/** Subscriptions in the order in which their snapshots ended. */
async function ended(client: RawClient, count: number): Promise<number[]> {
  while (client.heard.filter(isLast).length < count) await client.next('snapshot')
  return client.heard.filter(isLast).map(message => (message as { id: number }).id)
}

const isLast = (message: DownMessage) => message.type === 'snapshot' && message.last

test('[FAN-13] a part comes when its client was told what had happened when it was read, also to what is not in it', async () => {
  const house = await openHouse()
  await fillAlbum(house)
  const bob = await join(house)
  bob.send({ type: 'ping' })
  await bob.next('pong')
  await write(house, { op: 'remove', collection: 'album', id: 'p10' })
  subscribe(bob, 1, 'album')
  const first = await bob.next('snapshot')
  expect(first).toMatchObject({ last: false, items: [['album', 2, { _id: 'p11' }]] })
  expect(bob.heard.at(-2)).toMatchObject({ type: 'changes', to: house.fanout.head })
})

test('[FAN-17] what is more urgent goes first, and among equals what was asked first', async () => {
  const house = await openHouse()
  await fillAlbum(house)
  const bob = await join(house)
  subscribe(bob, 1, 'album', 'low')
  subscribe(bob, 2, 'notes')
  subscribe(bob, 3, 'tasks', 'high')
  expect(await ended(bob, 3)).toEqual([3, 2, 1])
  const again = await join(house)
  subscribe(again, 1, 'album')
  subscribe(again, 2, 'notes')
  expect(await ended(again, 2)).toEqual([1, 2])
})

test('[FAN-17] a snapshot under way lets a more urgent one pass, and is whole all the same', async () => {
  const house = await openHouse()
  await fillAlbum(house)
  const bob = await join(house)
  subscribe(bob, 1, 'album', 'low')
  const first = await bob.next('snapshot')
  expect(first).toMatchObject({ id: 1, last: false })
  subscribe(bob, 2, 'notes', 'high')
  await write(house, { op: 'remove', collection: 'album', id: 'p39' }, add('album', 'p40'))
  expect(await ended(bob, 2)).toEqual([2, 1])
  const ids = new Set<unknown>()
  for (const message of bob.heard)
    for (const item of message.type === 'changes' || message.type === 'snapshot' ? message.items : []) {
      const document = item[2] as Document | null
      if (document) ids.add(document._id)
      else ids.delete(item[3])
    }
  expect([...ids].sort()).toEqual([...Array.from({ length: 29 }, (_, i) => `p${10 + i}`), 'n1', 'p40'].sort())
})

test('[FAN-17] prioritise lets what was asked earlier pass; what is unsubscribed is given up', async () => {
  const house = await openHouse()
  await fillAlbum(house)
  const bob = await join(house)
  subscribe(bob, 1, 'album', 'normal')
  subscribe(bob, 2, 'notes', 'low')
  subscribe(bob, 3, 'tasks', 'low')
  bob.send({ type: 'prioritise', id: 2, priority: 'high' })
  bob.send({ type: 'prioritise', id: 9, priority: 'high' })
  bob.send({ type: 'unsubscribe', id: 1 })
  expect(await ended(bob, 2)).toEqual([2, 3])
  bob.send({ type: 'ping' })
  await bob.next('pong')
  expect(
    bob.heard.filter(message => message.type === 'snapshot' && message.id === 1 && message.last),
  ).toEqual([])
})

const setOf = (id: string, path: string, value: Document[string]): Write => ({
  op: 'update',
  collection: 'todos',
  id,
  changes: [[path, 'set', value]],
})

/** Does something once, between the first and the second page of the next scan. Tells whether it was done. */
function meanwhile(house: LocalHouse, task: () => Promise<void>): () => boolean {
  const { engine } = house.environment
  const scan = engine.scan.bind(engine)
  let isDone = false
  engine.scan = async function* (env, plan) {
    for await (const page of scan(env, { ...plan, pageSize: 5 })) {
      yield page
      if (isDone) continue
      isDone = true
      await task()
    }
  }
  return () => isDone
}

function digestOf(...documents: [id: string, version: number][]) {
  const digest = new Digest()
  for (const [id, version] of documents) digest.add(id, version)
  return { count: digest.count, sum: digest.sum }
}

test('[FAN-18] a check is answered with what the reader has in the query, as of the last change message', async () => {
  const house = await openHouse()
  await write(house, add('todos', 'a'), add('todos', 'b'))
  await write(house, add('todos', 'hidden', { _openid: 'alice' }))
  const bob = await join(house)
  subscribe(bob, 1, 'todos')
  await bob.next('snapshot')
  bob.send({ type: 'check', id: 1 })
  expect(await bob.next('digest')).toMatchObject({ id: 1, ...digestOf(['a', 1], ['b', 1]) })
  await write(house, { op: 'remove', collection: 'todos', id: 'a' }, add('todos', 'c'))
  bob.send({ type: 'check', id: 1 })
  const digest = await bob.next('digest')
  expect(digest).toMatchObject(digestOf(['b', 1], ['c', 3]))
  const told = bob.heard.slice(0, bob.heard.indexOf(digest)).filter(({ type }) => type === 'changes')
  expect(told.at(-1)).toMatchObject({ to: digest.version })
})

test('[FAN-18] what changes while it is read is counted as it became; a window and a stranger get no answer', async () => {
  const house = await openHouse()
  for (let i = 0; i < 30; i++) await write(house, add('todos', `t${i}`))
  const bob = await join(house)
  subscribe(bob, 1, 'todos')
  bob.send({ type: 'subscribe', id: 2, query: queryToJson(queryOf({ limit: 3 })) })
  await ended(bob, 2)
  const versions = new Map(Array.from({ length: 30 }, (_, i) => [`t${i}`, i + 1]))
  const readFirstPage = meanwhile(house, async () => {
    await write(house, setOf('t0', '_openid', 'alice'))
    await write(house, setOf('t29', 'n', 1))
    await write(house, { op: 'remove', collection: 'todos', id: 't5' }, add('todos', 'new'))
  })
  for (const id of [2, 7, 1, 1]) bob.send({ type: 'check', id })
  const digest = await bob.next('digest')
  expect(readFirstPage()).toBe(true)
  versions.delete('t0')
  versions.delete('t5')
  versions.set('t29', 32).set('new', 33)
  expect(digest).toMatchObject({ id: 1, version: 33, ...digestOf(...versions) })
  bob.send({ type: 'ping' })
  await bob.next('pong')
  expect(bob.heard.filter(({ type }) => type === 'digest')).toHaveLength(1)
})

test('[FAN-18] what is durable and was told to nobody yet is in no digest before it is told', async () => {
  const house = await openHouse()
  await write(house, add('todos', 'a'), add('todos', 'b'))
  const bob = await join(house)
  subscribe(bob, 1, 'todos')
  await bob.next('snapshot')
  const { engine } = house.environment
  const commit = engine.commit.bind(engine)
  let tell = () => {}
  engine.commit = async (env, batch) => {
    await commit(env, batch)
    await new Promise<void>(resolve => {
      tell = resolve
    })
  }
  const removed = write(house, { op: 'remove', collection: 'todos', id: 'a' })
  while ((await engine.head('test')) === 1) await nextTurn()
  bob.send({ type: 'check', id: 1 })
  for (let i = 0; i < 20; i++) await nextTurn()
  expect(bob.heard.filter(({ type }) => type === 'digest')).toEqual([])
  tell()
  await removed
  expect(await bob.next('digest')).toMatchObject({ version: 2, ...digestOf(['b', 1]) })
})

test('[RESUME-6] a snapshot goes on behind what the client has, and what happened before it is told', async () => {
  const house = await openHouse()
  for (const id of ['a', 'b', 'c', 'd']) await write(house, add('todos', id))
  const bob = await join(house)
  subscribe(bob, 1, 'todos')
  await bob.next('snapshot')
  const { epoch, viewKey } = bob.heard.find(message => message.type === 'welcome')!
  const version = Math.max(...bob.heard.map(message => (message.type === 'changes' ? message.to : 0)))
  bob.close()
  await bob.ended()
  await write(house, { op: 'remove', collection: 'todos', id: 'a' }, add('todos', 'aa'))
  const subscriptions = [{ id: 1, query: queryToJson(queryOf()), complete: false, after: 'b' }]
  const again = house.connect()
  const hello = { client: clientId('bob'), token: tokenOf('bob'), epoch, version, subscriptions }
  expect((await again.hello({ ...hello, viewKey })).resumed).toBe(true)
  expect((await again.next('changes')).items).toMatchObject([
    ['todos', 5, null, 'a'],
    ['todos', 5, { _id: 'aa' }],
  ])
  const rest = await again.next('snapshot')
  expect(rest.items.map(([, , document]) => document?._id)).toEqual(['c', 'd'])
  expect(rest).toMatchObject({ done: 2, total: 2, last: true })
  const anew = house.connect()
  expect((await anew.hello({ ...hello, viewKey: 'another' })).resumed).toBe(false)
  expect((await anew.next('snapshot')).items.map(([, , document]) => document?._id)).toEqual([
    'aa',
    'b',
    'c',
    'd',
  ])
})
