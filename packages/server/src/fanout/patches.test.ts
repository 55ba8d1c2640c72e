import type { Document, DownOf, UpOf, Write } from '@nearcloud/protocol'
import { type Filter, queryToJson } from '@nearcloud/query'
import { expect, test } from 'vitest'
import type { Batch, ScanPlan, StoredRow } from '../engine/engine.ts'
import { nextTurn } from '../engine/turn.ts'
import { type LocalHouse, openHouse, tokenOf } from '../testing/local-house.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { clientId, queryOf, type RawClient } from '../testing/raw-client.ts'
import { admin, mutationOf } from '../testing/scenario.ts'
import type { FeedWindowOptions } from './feed-window.ts'
import { Followed } from './followed.ts'
import { SubscriptionIndex } from './subscription-index.ts'

const note = 'some words that make a document longer than what is told of a change of it'
const add = (id: string, data: Record<string, Document[string]> = {}): Write => ({
  op: 'add',
  collection: 'todos',
  id,
  data: { note, public: true, ...data },
})
const set = (id: string, path: string, value: Document[string]): Write => ({
  op: 'update',
  collection: 'todos',
  id,
  changes: [[path, 'set', value]],
})
const where = (path: string, value: Document[string]): Filter => ['field', path, ['eq', value]]

async function write(house: LocalHouse, ...writes: Write[]): Promise<void> {
  const { outcome } = await house.environment.commit({ actor: admin, writes })
  expect(outcome.status).toBe('accepted')
}

async function join(house: LocalHouse, name: string, hello: Partial<UpOf<'hello'>> = {}): Promise<RawClient> {
  const raw = house.connect()
  await raw.hello({ protocol: 4, client: clientId(name), token: tokenOf(name), ...hello })
  return raw
}

/** Reads and commits when it is let. */
class GatedEngine extends MemoryEngine {
  scanning = Promise.resolve()
  readonly committing: Promise<void>[] = []

  override async *scan(env: string, plan: ScanPlan): AsyncIterable<readonly StoredRow[]> {
    await this.scanning
    yield* super.scan(env, plan)
  }

  override async commit(env: string, batch: Batch): Promise<void> {
    await this.committing.shift()
    await super.commit(env, batch)
  }
}

function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = () => {}
  const passed = new Promise<void>(resolve => {
    open = resolve
  })
  return { passed, open }
}

/** Everything has happened that waits for no gate. */
async function turns(): Promise<void> {
  for (let n = 0; n < 20; n++) await nextTurn()
}

const isWhole = ({ items }: DownOf<'changes'>) => items.every(([, , what]) => typeof what === 'object')

test('[PATCH-2] who holds a document is told what of it changed, in few bytes', async () => {
  const house = await openHouse()
  await write(house, add('task-000007', { n: 0, gone: 1 }))
  const bob = await join(house, 'bob')
  bob.subscribe(1)
  expect((await bob.next('snapshot')).items).toMatchObject([[1, { _id: 'task-000007' }]])
  await write(house, set('task-000007', 'n', 1_000))
  const changes = await bob.next('changes')
  expect(changes.items).toEqual([['todos', 2, 1, { n: 1_000 }, 'task-000007']])
  expect(JSON.stringify(changes).length).toBeLessThan(106)
  await write(house, {
    op: 'update',
    collection: 'todos',
    id: 'task-000007',
    changes: [['gone', 'remove', null]],
  })
  expect((await bob.next('changes')).items).toEqual([['todos', 3, 2, {}, 'task-000007', ['gone']]])
})

test('[PATCH-2] what changed several times is one patch, from what is held to what is', async () => {
  const house = await openHouse()
  await write(house, add('a', { n: 0, m: 0 }))
  const bob = await join(house, 'bob')
  bob.subscribe(1)
  await bob.next('snapshot')
  await Promise.all([
    write(house, set('a', 'n', 1)),
    write(house, set('a', 'm', 1)),
    write(house, set('a', 'n', 2)),
  ])
  expect((await bob.next('changes')).items).toEqual([['todos', 4, 1, { n: 2, m: 1 }, 'a']])
})

test('[PATCH-2] a patch is made once for all who hold the same', async () => {
  const house = await openHouse()
  await write(house, add('a', { n: 0 }))
  const readers = [await join(house, 'ann'), await join(house, 'bob')]
  for (const reader of readers) {
    reader.subscribe(1)
    await reader.next('snapshot')
  }
  await write(house, set('a', 'n', 1))
  const [ann, bob] = await Promise.all(readers.map(async reader => (await reader.next('changes')).items))
  expect(ann).toEqual([['todos', 2, 1, { n: 1 }, 'a']])
  expect(bob).toEqual(ann)
})

test('[PATCH-3] who could not read it before gets it whole, and no word of what it was', async () => {
  const house = await openHouse()
  await write(house, add('a', { public: false, secret: 'hidden', n: 0 }))
  const bob = await join(house, 'bob')
  bob.subscribe(1)
  await bob.next('snapshot')
  await write(house, {
    op: 'update',
    collection: 'todos',
    id: 'a',
    changes: [
      ['public', 'set', true],
      ['secret', 'remove', null],
    ],
  })
  const changes = await bob.next('changes')
  expect(changes.items).toEqual([['todos', 2, { _id: 'a', note, public: true, n: 0 }]])
  expect(JSON.stringify(bob.heard)).not.toContain('secret')
})

test('[PATCH-3] what enters a query comes whole', async () => {
  const house = await openHouse()
  await write(house, add('a', { done: true }))
  const bob = await join(house, 'bob')
  bob.subscribe(1, { where: where('done', false) })
  await bob.next('snapshot')
  await write(house, set('a', 'done', false))
  expect(isWhole(await bob.next('changes'))).toBe(true)
  await write(house, set('a', 'n', 1))
  expect(isWhole(await bob.next('changes'))).toBe(false)
})

test('[PATCH-3] a document of a window alone comes whole', async () => {
  const house = await openHouse()
  await write(house, add('a'), add('b'))
  const bob = await join(house, 'bob')
  bob.subscribe(1, { limit: 10 })
  await bob.next('snapshot')
  await write(house, set('a', 'n', 1))
  expect(isWhole(await bob.next('changes'))).toBe(true)
})

test('[PATCH-3] a query holds nothing before all of its snapshot was sent', () => {
  const follower = { note: () => undefined, begins: () => undefined }
  const followed = new Followed(new SubscriptionIndex(), follower, {} as FeedWindowOptions)
  followed.add(1, queryOf({ where: where('done', false) }))
  const document = { _id: 'a', done: false }
  expect(followed.holds('todos', document, () => false)).toBe(true)
  expect(followed.holds('todos', document, subscription => subscription === 1)).toBe(false)
  expect(followed.holds('todos', { _id: 'a', done: true }, () => false)).toBe(false)
  expect(followed.holds('others', document, () => false)).toBe(false)
})

test('[PATCH-3] what was gone when its snapshot was read, and is back before that was told, comes whole', async () => {
  const engine = new GatedEngine()
  const house = await openHouse({ engine })
  const data = { _openid: 'bob', note, public: true, n: 0 }
  await write(house, { op: 'add', collection: 'todos', id: 'a', data })
  const bob = await join(house, 'bob')
  const [scan, removal, pushed] = [gate(), gate(), gate()]
  engine.scanning = scan.passed
  bob.subscribe(1)
  bob.send({ type: 'ping' })
  await bob.next('pong')
  engine.committing.push(removal.passed, pushed.passed)
  const removed = write(house, { op: 'remove', collection: 'todos', id: 'a' })
  bob.push(mutationOf(1, [add('a', { n: 1 })])) // while it is decided, no change is told
  await turns()
  removal.open()
  await removed
  scan.open()
  await turns()
  pushed.open()
  expect((await bob.next('snapshot')).items).toEqual([])
  bob.send({ type: 'ping' })
  await bob.next('pong')
  const told = bob.heard.flatMap(message => (message.type === 'changes' ? message.items : []))
  expect(told).toEqual([['todos', 3, { _id: 'a', _openid: 'bob', note, public: true, n: 1 }]])
})

test('[PATCH-3] a client’s own document that no query brought comes whole', async () => {
  const house = await openHouse()
  const bob = await join(house, 'bob')
  bob.push(mutationOf(1, [add('a')]))
  expect(isWhole(await bob.next('changes'))).toBe(true)
  bob.push(mutationOf(2, [set('a', 'n', 1)]))
  expect(isWhole(await bob.next('changes'))).toBe(true)
})

test('[PATCH-3] who was away is told whole documents', async () => {
  const house = await openHouse()
  await write(house, add('a'))
  const first = await join(house, 'bob')
  const { version, epoch, viewKey } = first.heard.find(({ type }) => type === 'welcome') as DownOf<'welcome'>
  first.close()
  await write(house, set('a', 'n', 1))
  const query = queryToJson(queryOf())
  const again = await join(house, 'bob', {
    version,
    epoch,
    viewKey,
    subscriptions: [{ id: 1, query, complete: true }],
  })
  expect(isWhole(await again.next('changes'))).toBe(true)
})

test('[PATCH-4] a client of an older version is told whole documents, and everything each time', async () => {
  const house = await openHouse()
  await write(house, add('a'))
  const bob = await join(house, 'bob', { protocol: 3 })
  bob.subscribe(1)
  expect((await bob.next('snapshot')).items).toMatchObject([['todos', 1, { _id: 'a' }]])
  await write(house, set('a', 'n', 1))
  const changes = await bob.next('changes')
  expect(isWhole(changes)).toBe(true)
  expect(changes.viewKey).toBeTypeOf('string')
  expect(changes.lastMutation).toBe(0)
})

test('[PATCH-5] where the whole document is no longer than the patch it is sent', async () => {
  const house = await openHouse()
  const fields = ['one name of a field that goes', 'another name of a field that goes']
  const data = Object.fromEntries(fields.map(field => [field, 1]))
  await write(house, { op: 'add', collection: 'todos', id: 'a', data: { public: true, ...data } })
  const bob = await join(house, 'bob')
  bob.subscribe(1)
  await bob.next('snapshot')
  await write(house, {
    op: 'update',
    collection: 'todos',
    id: 'a',
    changes: fields.map(field => [field, 'remove', null] as const),
  })
  expect(isWhole(await bob.next('changes'))).toBe(true)
})
