import { limits, type UpOf, type Write } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { type LocalHouse, openHouse, tokenOf } from '../testing/local-house.ts'
import { clientId, type RawClient } from '../testing/raw-client.ts'
import { admin } from '../testing/scenario.ts'

type Room = UpOf<'enter'>['room']

async function join(house: LocalHouse, name: string): Promise<RawClient> {
  const client = house.connect()
  await client.hello({ protocol: 4, client: clientId(name), token: tokenOf(name) })
  return client
}

/** Comes in, and says something. */
async function enter(client: RawClient, room: Room, state?: unknown) {
  client.send({ type: 'enter', id: 1, room })
  const { peers } = await client.next('peers')
  if (state !== undefined) client.send({ type: 'present', id: 1, state })
  await caughtUp(client)
  return peers
}

async function caughtUp(client: RawClient): Promise<void> {
  client.send({ type: 'ping' })
  await client.next('pong')
}

async function change(house: LocalHouse, isPublic: boolean): Promise<void> {
  const write: Write = { op: 'set', collection: 'notes', id: 'n', data: { public: isPublic } }
  await house.environment.commit({ actor: admin, writes: [write] })
}

test('[PRESENCE-1] who comes into a room hears what the others say of themselves, and each change of it', async () => {
  const house = await openHouse()
  const [alice, bob] = [await join(house, 'alice'), await join(house, 'bob')]
  expect(await enter(alice, 'lobby', { name: 'Alice' })).toEqual([])
  const peer = (await enter(bob, 'lobby', { name: 'Bob', at: 3 }))[0]?.[0]
  expect(bob.heard.at(-2)).toEqual({
    type: 'peers',
    id: 1,
    whole: true,
    peers: [[peer, 'alice', { name: 'Alice' }]],
  })
  house.clock.advance(50)
  expect((await alice.next('peers')).peers).toMatchObject([
    [expect.any(String), 'bob', { name: 'Bob', at: 3 }],
  ])
  // what is said in quick succession is told as one, and nobody hears of themselves
  for (const at of [4, 5, 6]) bob.send({ type: 'present', id: 1, state: { name: 'Bob', at } })
  await caughtUp(bob)
  house.clock.advance(50)
  expect(await alice.next('peers')).toMatchObject({
    whole: false,
    peers: [[expect.any(String), 'bob', { at: 6 }]],
  })
  await caughtUp(bob)
  expect(bob.heard.filter(({ type }) => type === 'peers')).toHaveLength(1)
})

test('[PRESENCE-2] who leaves, is cut off, or does not say it again within half a minute, is gone for the others', async () => {
  const house = await openHouse()
  const [alice, bob, carol, dave] = [
    await join(house, 'alice'),
    await join(house, 'bob'),
    await join(house, 'carol'),
    await join(house, 'dave'),
  ]
  for (const client of [bob, carol, dave]) await enter(client, 'lobby', { here: true })
  const here = await enter(alice, 'lobby')
  expect(here).toHaveLength(3)
  bob.send({ type: 'leave', id: 1 })
  await caughtUp(bob)
  house.clock.advance(50)
  expect((await alice.next('peers')).peers).toMatchObject([[here[0]![0], 'bob', null]])
  carol.close()
  await carol.ended()
  house.clock.advance(50)
  expect((await alice.next('peers')).peers).toMatchObject([[here[1]![0], 'carol', null]])
  house.clock.advance(20_000)
  dave.send({ type: 'present', id: 1, state: { here: true } })
  await caughtUp(dave)
  house.clock.advance(20_000)
  await caughtUp(alice)
  const told = alice.heard.length
  expect(alice.heard.at(-1)?.type).toBe('pong')
  house.clock.advance(15_000)
  house.clock.advance(50)
  expect((await alice.next('peers')).peers).toMatchObject([[here[2]![0], 'dave', null]])
  expect(alice.heard).toHaveLength(told + 1)
})

test('[PRESENCE-3] the room of a document is for who may read it, as it is at any time; refused in the same words as none', async () => {
  const house = await openHouse()
  await change(house, true)
  const [alice, bob] = [await join(house, 'alice'), await join(house, 'bob')]
  await enter(alice, ['notes', 'n'], { name: 'Alice' })
  expect(await enter(bob, ['notes', 'n'])).toHaveLength(1)
  // the room of a text is another one
  bob.send({ type: 'enter', id: 2, room: ['notes', 'n', 'body'] })
  expect((await bob.next('peers')).peers).toEqual([])
  await change(house, false)
  const ends = [await bob.next('roomClosed'), await bob.next('roomClosed')]
  expect(ends.map(({ id }) => id)).toEqual([1, 2])
  expect(ends[0]!.error.code).toBe('DATABASE_PERMISSION_DENIED')
  bob.send({ type: 'enter', id: 3, room: ['notes', 'n'] })
  bob.send({ type: 'enter', id: 4, room: ['notes', 'nothing'] })
  const [hidden, missing] = [await bob.next('roomClosed'), await bob.next('roomClosed')]
  expect(missing.error).toEqual(hidden.error)
  alice.send({ type: 'present', id: 1, state: 'secret' })
  await caughtUp(alice)
  house.clock.advance(50)
  await caughtUp(bob)
  expect(JSON.stringify(bob.heard)).not.toContain('secret')
})

test('[PRESENCE-4] what is too large, too often, too many, or no value ends that room, and nothing else', async () => {
  const house = await openHouse()
  const alice = await join(house, 'alice')
  await enter(alice, 'a')
  alice.send({ type: 'present', id: 1, state: 'x'.repeat(limits.presenceBytes) })
  expect(await alice.next('roomClosed')).toMatchObject({ id: 1, error: { code: 'VALUE_REFUSED' } })
  await enter(alice, 'a')
  alice.send({ type: 'present', id: 1, state: { $date: 'nonsense' } })
  expect(await alice.next('roomClosed')).toMatchObject({ error: { code: 'VALUE_REFUSED' } })
  await enter(alice, 'a')
  for (let n = 0; n <= 400; n++) alice.send({ type: 'present', id: 1, state: n })
  expect(await alice.next('roomClosed')).toMatchObject({ error: { code: 'EXCEED_REQUEST_LIMIT' } })
  for (let id = 0; id <= limits.openRooms; id++) alice.send({ type: 'enter', id, room: `room ${id}` })
  expect(await alice.next('roomClosed')).toMatchObject({
    id: limits.openRooms,
    error: { code: 'EXCEED_REQUEST_LIMIT' },
  })
  alice.send({ type: 'present', id: 999, state: 1 })
  alice.send({ type: 'leave', id: 999 })
  await caughtUp(alice)
  expect(alice.isClosed).toBe(false)
})

test('[PRESENCE-5] nothing of it is stored, and nothing stays when all have left', async () => {
  const house = await openHouse()
  const commits = house.engine.commits
  const alice = await join(house, 'alice')
  await enter(alice, 'lobby', { name: 'Alice' })
  await enter(alice, 'other', { name: 'Alice' })
  expect(house.fanout.rooms.size).toBe(1)
  alice.close()
  await alice.ended()
  expect(house.fanout.rooms.size).toBe(0)
  expect(JSON.stringify(await house.engine.listState('test', ''))).not.toContain('Alice')
  expect(house.engine.commits - commits).toBeLessThan(2)
})
