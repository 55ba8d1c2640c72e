import type { DocId } from '@nearcloud/protocol'
import type { Query, Snapshot } from '@nearcloud/query'
import { expect, test } from 'vitest'
import type { Store, StoredSubscription, StoreEvent } from './store.ts'
import { MemoryMedium, openTestStore, settle, words } from './testing/index.ts'

const { add, set, update, remove, put, gone, query } = words('todos')
const time = 1_700_000_000_000
const at = { time }

const idsOf = (store: Store, asked: Query = query()): DocId[] =>
  store.run({ verb: 'get', query: asked }).documents.map(document => document._id)

function watched(store: Store, asked: Query = query()): Snapshot[] {
  const snapshots: Snapshot[] = []
  store.watch(asked, { next: snapshot => snapshots.push(snapshot) })
  return snapshots
}

async function withPending(...ids: DocId[]) {
  const opened = await openTestStore()
  for (const id of ids) await opened.store.commit([add(id, { n: 0 })], at).durable
  return opened
}

// ---- commit ------------------------------------------------------------------------------------------------------

test('[LOCAL-2] a read sees a write at once, and its promise resolves when storage has it', async () => {
  const { store, medium } = await openTestStore()
  const resume = medium.pause()
  const { durable } = store.commit([add('a', { n: 1 })], at)
  let isDurable = false
  durable.then(() => {
    isDurable = true
  })
  await settle()
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', n: 1 })
  expect([isDurable, store.outbox.size, store.outbox.mutations.length]).toEqual([false, 1, 0])
  resume()
  await durable
  expect([isDurable, store.outbox.size, store.outbox.mutations.length]).toEqual([true, 1, 1])
})

test('[LOCAL-2] each write says whether its document was there and is there', async () => {
  const { store } = await openTestStore()
  const { applied } = store.commit(
    [
      add('a', {}),
      update('a', ['n', 'set', 1]),
      set('b', {}),
      remove('b'),
      update('c', ['n', 'set', 1]),
      remove('c'),
    ],
    at,
  )
  expect(applied).toEqual([
    { id: 'a', existed: false, exists: true },
    { id: 'a', existed: true, exists: true },
    { id: 'b', existed: false, exists: true },
    { id: 'b', existed: true, exists: false },
    { id: 'c', existed: false, exists: false },
    { id: 'c', existed: false, exists: false },
  ])
})

test('[LOCAL-3] what is wrong throws, and nothing of the commit is there', async () => {
  const { store } = await withPending('a')
  const snapshots = watched(store)
  expect(() => store.commit([add('b', {}), add('a', {})], at)).toThrow(
    expect.objectContaining({ code: 'DUPLICATE_ID' }),
  )
  expect(() => store.commit([], at)).toThrow(expect.objectContaining({ code: 'INVALID_PARAM' }))
  expect(() => store.commit([set('big', { text: 'x'.repeat(1_100_000) })], at)).toThrow(
    expect.objectContaining({ code: 'VALUE_REFUSED' }),
  )
  await settle()
  expect([idsOf(store), store.outbox.size, snapshots.length]).toEqual([['a'], 1, 1])
})

test('[LOCAL-3] what no frame could carry to the server is refused: too many writes, too many bytes', async () => {
  const { store } = await openTestStore()
  const many = Array.from({ length: 10_001 }, (_, i) => remove(i))
  expect(() => store.commit(many, at)).toThrow(expect.objectContaining({ code: 'INVALID_PARAM' }))
  const large = Array.from({ length: 9 }, (_, i) => set(i, { text: 'x'.repeat(1_000_000) }))
  expect(() => store.commit(large, at)).toThrow(expect.objectContaining({ code: 'VALUE_REFUSED' }))
  expect(store.outbox.size).toBe(0)
  await store.commit(large.slice(1), at).durable
  await store.commit(many.slice(1), at).durable
  expect(store.outbox.size).toBe(2)
})

test.each(['fail', 'full'] as const)(
  '[LOCAL-4] a storage that says %s takes the write back, and everything behind it',
  async kind => {
    const { store, medium } = await withPending('a')
    const events: StoreEvent[] = []
    store.onEvent(event => events.push(event))
    const snapshots = watched(store)
    medium.faultAt(1, kind)
    const resume = medium.pause()
    const first = store.commit([update('a', ['n', 'inc', 1]), add('b', {})], at)
    await settle() // it is in flight, and what comes now waits behind it
    const second = store.commit([update('a', ['n', 'inc', 10])], at)
    const step = store.confirm({ puts: [put(1, { _id: 'x' })] })
    expect(store.get('todos', 'a')).toEqual({ _id: 'a', n: 11 })
    resume()
    const code = kind === 'full' ? 'STORE_FULL' : 'STORE_FAILED'
    for (const promise of [first.durable, second.durable, step])
      await expect(promise).rejects.toMatchObject({ code })
    expect([store.get('todos', 'a'), idsOf(store), store.outbox.size]).toEqual([{ _id: 'a', n: 0 }, ['a'], 1])
    expect(events).toMatchObject([{ name: 'storageFailed', error: { code } }])
    await settle()
    expect(snapshots.map(({ docs }) => docs.length)).toEqual([1, 2, 2, 1])
    const again = store.commit([update('a', ['n', 'inc', 5])], at)
    await again.durable
    expect([again.mutation.id, store.get('todos', 'a')]).toEqual([2, { _id: 'a', n: 5 }])
  },
)

test('[LOCAL-5] ids have no gap, times only grow, and the base is the newest version seen', async () => {
  const { store } = await openTestStore()
  await store.confirm({ puts: [put(7, { _id: 'a' })], checkpoint: { version: 5 } })
  const made = [
    store.commit([add('b', {})], { time: 100 }),
    store.commit([update('a', ['n', 'set', 1])], { time: 90 }),
    store.commit([remove('b')], { time: 110, base: 2 }),
  ].map(({ mutation }) => mutation)
  expect(made.map(({ id, time, base }) => [id, time, base])).toEqual([
    [1, 100, 5],
    [2, 100, 7],
    [3, 110, 2],
  ])
  expect(new Set(made.map(({ nonce }) => nonce)).size).toBe(3)
  expect(store.checkpoint).toMatchObject({ nextMutation: 4, lastTime: 110 })
})

test('[LOCAL-5] writes stand on nothing of a history that was taken back, also after reopening', async () => {
  const { store, medium } = await openTestStore()
  await store.confirm({ puts: [put(5, { _id: 'a', n: 1 })], checkpoint: { epoch: 'one', version: 7 } })
  await store.commit([update('a', ['n', 'set', 2])], at).durable
  const resume = medium.pause()
  const all = [
    store.commit([update('a', ['n', 'set', 3])], at).durable,
    store.confirm({ cut: 3, checkpoint: { epoch: 'two', version: 6 } }),
    store.commit([update('a', ['n', 'set', 4])], at).durable,
  ]
  resume()
  await Promise.all(all)
  await store.commit([update('b', ['n', 'set', 5])], at).durable
  const bases = (which: Store) => which.outbox.mutations.map(({ base }) => base)
  expect(bases(store)).toEqual([0, 0, 0, 6])
  await store.close()
  const { store: reopened } = await openTestStore(medium)
  expect(bases(reopened)).toEqual([0, 0, 0, 6])
  await reopened.compact()
  await reopened.close()
  expect(bases((await openTestStore(medium)).store)).toEqual([0, 0, 0, 6])
})

test('[LOCAL-6] commits made while an append is in flight are one payload of the next', async () => {
  const { store, medium } = await openTestStore()
  const resume = medium.pause()
  const before = medium.records.size
  const first = store.commit([add(0, {})], at).durable
  await settle()
  const rest = Array.from({ length: 100 }, (_, i) => store.commit([add(i + 1, {})], at).durable)
  resume()
  await Promise.all([first, ...rest])
  expect(medium.records.size - before).toBe(2)
})

// ---- confirm -----------------------------------------------------------------------------------------------------

test('[CONFIRM-1] a step takes effect as a whole, when storage has it', async () => {
  const { store, medium } = await openTestStore()
  const snapshots = watched(store)
  const resume = medium.pause()
  const step = store.confirm({
    puts: [put(1, { _id: 'a' }), put(1, { _id: 'b' })],
    checkpoint: { version: 1 },
  })
  await settle()
  expect([idsOf(store), store.checkpoint.version]).toEqual([[], 0])
  resume()
  await step
  expect([idsOf(store), store.checkpoint.version]).toEqual([['a', 'b'], 1])
  await settle()
  expect(snapshots.map(({ docs }) => docs.length)).toEqual([0, 2])
})

test('[CONFIRM-2] what is older than the confirmed version is ignored', async () => {
  const { store } = await openTestStore()
  await store.confirm({ puts: [put(5, { _id: 'a', n: 5 })] })
  await store.confirm({ puts: [put(4, { _id: 'a', n: 4 })], gone: [gone(4, 'a')] })
  expect(store.confirmed('todos', 'a')).toEqual({ version: 5, document: { _id: 'a', n: 5 } })
  await store.confirm({ gone: [gone(5, 'a'), gone(9, 'unknown')] })
  expect(store.confirmed('todos', 'a')).toBeUndefined()
})

test('[CONFIRM-3] pending mutations are laid over a new document: counters add up, pushes stay once', async () => {
  const { store } = await openTestStore()
  await store.confirm({ puts: [put(1, { _id: 'a', n: 1, list: ['x'] })] })
  await store.commit([update('a', ['n', 'inc', 2], ['list', 'push', ['mine']])], at).durable
  await store.commit([update('a', ['n', 'inc', 3])], at).durable
  await store.confirm({ puts: [put(2, { _id: 'a', n: 100, list: ['x', 'theirs'], other: true })] })
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', n: 105, list: ['x', 'theirs', 'mine'], other: true })
  await store.confirm({
    puts: [put(3, { _id: 'a', n: 102, list: ['x', 'theirs', 'mine'], other: true })],
    accepted: 1,
  })
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', n: 105, list: ['x', 'theirs', 'mine'], other: true })
})

test('[CONFIRM-4] an accepted mutation leaves with its effect: no snapshot when the result is equal', async () => {
  const { store } = await withPending('a')
  const snapshots = watched(store)
  await store.confirm({ puts: [put(1, { _id: 'a', n: 0 })], accepted: 1 })
  await settle()
  expect([snapshots.length, store.outbox.size, store.outbox.isPending('todos', 'a')]).toEqual([1, 0, false])
  await store.confirm({ puts: [put(2, { _id: 'a', n: 1 })] })
  await settle()
  expect(snapshots.length).toBe(2)
})

test('[CONFIRM-4] what was accepted with another result is one snapshot, from the old to the new', async () => {
  const { store } = await withPending('a')
  await store.commit([update('a', ['n', 'inc', 1])], at).durable
  const snapshots = watched(store)
  await store.confirm({ puts: [put(1, { _id: 'a', n: 40 })], accepted: 1 })
  await settle()
  expect(snapshots.map(({ docs }) => docs)).toEqual([[{ _id: 'a', n: 1 }], [{ _id: 'a', n: 41 }]])
})

test('[CONFIRM-11] what is made here shows its creator at once, so that nothing changes when the server says it', async () => {
  const { store, medium } = await openTestStore()
  await store.commit([add('early', {})], at).durable
  expect(store.get('todos', 'early')).toEqual({ _id: 'early' })
  const mine = watched(store, query(['field', '_openid', ['eq', 'me']]))
  await store.confirm({ checkpoint: { openid: 'me' } })
  await store.commit([add('a', { n: 0 }), set('b', {})], at).durable
  await settle()
  expect(mine.map(({ docs }) => docs.map(doc => doc._id))).toEqual([[], ['early'], ['a', 'b', 'early']])
  await store.confirm({ puts: [put(1, { _id: 'a', _openid: 'me', n: 0 })], accepted: 2 })
  await store.confirm({ puts: [put(2, { _id: 'theirs', _openid: 'you' })] })
  await store.commit([set('theirs', { n: 1 })], at).durable
  await settle()
  expect(store.get('todos', 'theirs')).toEqual({ _id: 'theirs', _openid: 'you', n: 1 })
  expect(store.outbox.mutations[0]!.writes).toEqual([set('theirs', { n: 1 })])
  await store.commit([add('late', {})], at).durable
  await store.close()
  const again = await openTestStore(medium)
  expect(again.store.get('todos', 'late')).toEqual({ _id: 'late', _openid: 'me' })
})

test('[CONFIRM-5] a rejected mutation is rolled back alone, later ones stay, and it is kept', async () => {
  const { store, medium } = await openTestStore()
  await store.confirm({ puts: [put(1, { _id: 'a', n: 0 })] })
  await store.commit([update('a', ['n', 'inc', 1])], at).durable
  await store.commit([update('a', ['title', 'set', 'refused'], ['n', 'inc', 10])], at).durable
  await store.commit([update('a', ['n', 'inc', 100])], at).durable
  const refusal = {
    id: 2,
    code: 'DATABASE_PERMISSION_DENIED',
    reason: 'not yours',
    details: { rule: 'write' },
  }
  await store.confirm({ rejected: [refusal] })
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', n: 101 })
  expect(store.outbox.mutations.map(({ id }) => id)).toEqual([1, 3])
  await store.confirm({ rejected: [refusal, { ...refusal, id: 99 }] })
  await store.close()
  const again = (await openTestStore(medium)).store
  expect(again.rejected).toMatchObject([{ code: refusal.code, reason: 'not yours', mutation: { id: 2 } }])
  await again.discardRejected(again.rejected[0]!.mutation.nonce)
  expect(again.rejected).toEqual([])
})

test('[CONFIRM-6] a document that is gone takes its pending updates with it from sight, not from the outbox', async () => {
  const { store } = await openTestStore()
  await store.confirm({ puts: [put(1, { _id: 'a', n: 0 })] })
  await store.commit([update('a', ['n', 'inc', 1])], at).durable
  const snapshots = watched(store)
  await store.confirm({ gone: [gone(2, 'a')] })
  await settle()
  expect([store.get('todos', 'a'), store.outbox.size, snapshots.length]).toEqual([undefined, 1, 2])
  await store.confirm({ accepted: 1 })
  expect(idsOf(store)).toEqual([])
})

test('[CONFIRM-7] a pending add whose id arrives from elsewhere shows what the server has', async () => {
  const { store } = await openTestStore()
  await store.commit([add('a', { mine: true }), add('b', {})], at).durable
  await store.commit([update('a', ['n', 'inc', 1])], at).durable
  await store.confirm({ puts: [put(1, { _id: 'a', theirs: true })] })
  expect(idsOf(store)).toEqual(['a'])
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', theirs: true, n: 1 })
  await store.confirm({ rejected: [{ id: 1, code: 'DUPLICATE_ID', reason: 'exists' }] })
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', theirs: true, n: 1 })
})

test('[CONFIRM-7] a pending operation that no longer fits has no effect until the server has decided', async () => {
  const { store } = await openTestStore()
  await store.confirm({ puts: [put(1, { _id: 'a', list: ['x'] })] })
  await store.commit([update('a', ['list', 'push', ['mine']])], at).durable
  await store.confirm({ puts: [put(2, { _id: 'a', list: 'a text now' })] })
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', list: 'a text now' })
})

test('[CONFIRM-8] a copied store goes on under another name, its mutations numbered from 1', async () => {
  const { store, medium } = await openTestStore()
  for (const id of ['a', 'b', 'c']) await store.commit([add(id, {})], at).durable
  await store.confirm({ accepted: 1, puts: [put(1, { _id: 'a' })] })
  const resume = medium.pause()
  const client = '0123456789abcdef0123456789abcdef'
  const step = store.confirm({ renumber: { client } })
  const late = store.commit([add('late', {})], at)
  resume()
  await Promise.all([step, late.durable])
  expect(store.outbox.mutations.map(({ id, writes }) => [id, writes[0]!.id])).toEqual([
    [1, 'b'],
    [2, 'c'],
    [3, 'late'],
  ])
  const { checkpoint } = store
  expect(checkpoint).toMatchObject({ client, nextMutation: 4, seen: 0 })
  await store.close()
  const again = (await openTestStore(medium)).store
  expect(again.checkpoint).toEqual(checkpoint)
  expect(again.outbox.mutations.map(({ id, writes }) => [id, writes[0]!.id])).toEqual([
    [1, 'b'],
    [2, 'c'],
    [3, 'late'],
  ])
})

const outboxOf = (store: Store) => store.outbox.mutations.map(({ id, writes }) => [id, writes[0]!.id])

test('[CONFIRM-12] some are rejected that were never sent, and the rest is numbered without a gap, also after a restart', async () => {
  const { store, medium } = await openTestStore()
  for (const id of ['sent', 'a', 'b', 'c', 'd']) await store.commit([add(id, {})], at).durable
  await store.confirm({ accepted: 1, puts: [put(1, { _id: 'sent' })] })
  const resume = medium.pause()
  const refused = { code: 'ABORTED', reason: 'no' }
  const step = store.confirm({ rejected: [2, 4].map(id => ({ id, ...refused })), closeUp: true })
  const late = store.commit([add('late', { n: 1 })], at)
  const amended = store.amend(late.mutation.nonce, [add('late', { n: 2 })], at)!
  resume()
  await Promise.all([step, late.durable, amended.durable])
  const expected = [
    [2, 'b'],
    [3, 'd'],
    [4, 'late'],
  ]
  expect(outboxOf(store)).toEqual(expected)
  expect(store.get('todos', 'a')).toBeUndefined()
  expect(store.rejected.map(({ mutation }) => mutation.writes[0]!.id)).toEqual(['a', 'c'])
  expect(store.checkpoint.nextMutation).toBe(5)
  await store.close()
  const again = (await openTestStore(medium)).store
  expect(outboxOf(again)).toEqual(expected)
  expect(again.get('todos', 'late')).toEqual({ _id: 'late', n: 2 })
  expect(again.checkpoint).toEqual(store.checkpoint)
  await again.confirm({ rejected: [{ id: 4, ...refused }], closeUp: true })
  await again.compact()
  await again.commit([add('new', {})], at).durable
  expect(outboxOf(again)).toEqual([...expected.slice(0, 2), [4, 'new']])
})

test('[CONFIRM-12] the numbers of a whole outbox are given again, and storage that refuses changes none', async () => {
  const { store, medium } = await withPending('a', 'b')
  const rejected = [1, 2].map(id => ({ id, code: 'ABORTED', reason: 'no' }))
  medium.faultAt(1, 'full')
  await expect(store.confirm({ rejected, closeUp: true })).rejects.toMatchObject({ code: 'STORE_FULL' })
  expect([store.outbox.size, store.checkpoint.nextMutation]).toEqual([2, 3])
  await store.confirm({ rejected, closeUp: true })
  expect([store.outbox.size, store.checkpoint.nextMutation]).toEqual([0, 1])
})

test('[CONFIRM-9] forget drops confirmed documents and leaves what is pending', async () => {
  const { store } = await openTestStore()
  await store.confirm({ puts: ['a', 'b', 'c'].map((_id, i) => put(i + 1, { _id })) })
  await store.commit([set('b', { mine: true })], at).durable
  expect(await store.forget('todos', (_, version) => version > 2)).toBe(2)
  expect(idsOf(store)).toEqual(['b', 'c'])
  expect(store.get('todos', 'b')).toEqual({ _id: 'b', mine: true })
  expect(await store.forget('elsewhere', () => false)).toBe(0)
})

test('[CONFIRM-10] checkpoint fields and subscriptions are replaced or removed, and come back after reopening', async () => {
  const { store, medium } = await openTestStore()
  const subscription = {
    query: query(['field', 'n', ['gt', 1]], { limit: 2 }),
    complete: true,
    window: ['a', 1],
  }
  await store.confirm({
    checkpoint: { epoch: 'e', version: 3, token: 't', viewKey: 'v' },
    subscriptions: new Map<string, StoredSubscription>([
      ['one', subscription],
      ['two', { query: query(), complete: false }],
    ]),
  })
  await store.confirm({
    checkpoint: { epoch: undefined, version: 4 },
    subscriptions: new Map([['two', null]]),
  })
  const { checkpoint } = store
  expect(checkpoint).toMatchObject({ version: 4, token: 't', viewKey: 'v' })
  expect('epoch' in checkpoint).toBe(false)
  for (const compacted of [false, true]) {
    const { store: again } = compacted ? await openTestStore(medium) : { store }
    if (compacted) expect(again.checkpoint).toEqual(checkpoint)
    expect([...again.subscriptions]).toEqual([['one', subscription]])
    await again.compact()
    await again.close()
  }
})

// ---- reading -----------------------------------------------------------------------------------------------------

test('[QUERY-4] documents handed out are frozen, from wherever they come', async () => {
  const { store, medium } = await openTestStore()
  store.commit([add('a', Object.freeze({ deep: Object.freeze({ list: Object.freeze([1]) }) }))], at)
  await store.commit([update('a', ['deep.n', 'inc', 1], ['deep.list', 'push', Object.freeze([2])])], at)
    .durable
  const deep = store.get('todos', 'a')!.deep as { list: unknown[] }
  expect([deep, deep.list].every(Object.isFrozen)).toBe(true)
  await store.close()
  const again = (await openTestStore(medium)).store
  const snapshots = watched(again, query(['and', []], { fields: { deep: true } }))
  await settle()
  for (const document of [again.get('todos', 'a')!, snapshots[0]!.docs[0]!]) {
    const deep = document.deep as { list: unknown[] }
    expect([document, deep, deep.list].every(Object.isFrozen)).toBe(true)
  }
})

test('[WATCH-4] an observer that throws is an event, and the others are called', async () => {
  const { store } = await openTestStore()
  const events: StoreEvent[] = []
  store.onEvent(event => events.push(event))
  store.watch(query(), {
    next: () => {
      throw new Error('mine')
    },
  })
  const snapshots = watched(store)
  await settle()
  expect([events.map(({ name }) => name), snapshots.length]).toEqual([['observerFailed'], 1])
})

test('[WATCH-1] an observer may commit, stop itself, and stop another; it is never called inside a call', async () => {
  const { store } = await openTestStore()
  const seen: string[] = []
  let isInside = false
  const stopOther = store.watch(query(), { next: () => seen.push('other') })
  const stop = store.watch(query(), {
    next: ({ docs }) => {
      expect(isInside).toBe(false)
      seen.push(`${docs.length}`)
      isInside = true
      if (docs.length < 3) store.commit([add(docs.length, {})], at)
      isInside = false
      if (docs.length === 0) stopOther()
      if (docs.length === 2) stop()
    },
  })
  await settle()
  expect([seen, idsOf(store)]).toEqual([
    ['other', '0', '1', '2'],
    [0, 1, 2],
  ])
})

test('a closed store answers nothing, keeps what was on its way, and can be closed twice', async () => {
  const { store, medium } = await openTestStore()
  const snapshots = watched(store)
  const { durable } = store.commit([add('a', {})], at)
  const closing = store.close()
  for (const call of [
    () => store.get('todos', 'a'),
    () => store.commit([add('b', {})], at),
    () => watched(store),
  ])
    expect(call).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  await expect(store.confirm({})).rejects.toMatchObject({ code: 'CLOSED' })
  await Promise.all([durable, closing, store.close()])
  expect(snapshots).toEqual([])
  expect(idsOf((await openTestStore(medium)).store)).toEqual(['a'])
})

test('a store that is destroyed is new when it is opened again', async () => {
  const { store, medium } = await openTestStore()
  const { client } = store.checkpoint
  await store.commit([add('a', {})], at).durable
  await store.close({ destroy: true })
  const again = (await openTestStore(medium, { seed: 2 })).store
  expect(idsOf(again)).toEqual([])
  expect(again.checkpoint.client).not.toBe(client)
})

test('a medium that is in use is said to be, and serves its holder on', async () => {
  const medium = new MemoryMedium()
  const { store } = await openTestStore(medium)
  await expect(openTestStore(medium)).rejects.toMatchObject({ code: 'STORE_IN_USE' })
  await store.commit([add('a', {})], at).durable
})

// ---- guards ------------------------------------------------------------------------------------------------------

test('[LOCAL-7] an edit through an index carries which element its author saw, also after the store was opened again', async () => {
  const { store, medium } = await openTestStore()
  await store.confirm({ puts: [put(1, { _id: 'a', l: [{ id: 'p' }, { id: 'q' }] })] })
  const { mutation, durable } = store.commit([update('a', ['l.1.n', 'inc', 1])], at)
  await durable
  const guards = [[1, 'id', expect.stringMatching(/^[0-9a-f]{16}$/), 2]]
  expect(mutation.writes).toEqual([update('a', ['l.1.n', 'inc', 1, guards as never])])
  await store.close()
  const again = await openTestStore(medium)
  expect(again.store.outbox.mutations).toEqual([mutation])
})

test('[LOCAL-7] later writes of one mutation are guarded by what the earlier ones made', async () => {
  const { store } = await openTestStore()
  const { mutation } = store.commit([add('a', { l: [{ id: 'p' }] }), update('a', ['l.0.n', 'inc', 1])], at)
  expect(mutation.writes[1]).toMatchObject({ changes: [['l.0.n', 'inc', 1, [[1, 'id', {}, 1]]]] })
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', l: [{ id: 'p', n: 1 }] })
})

test('[LOCAL-7] a pending edit of an element follows it when others move it, and is out of sight when it is gone', async () => {
  const { store } = await openTestStore()
  await store.confirm({ puts: [put(1, { _id: 'a', l: [{ id: 'p' }, { id: 'q' }] })] })
  store.commit([update('a', ['l.1.n', 'inc', 1])], at)
  await store.confirm({ puts: [put(2, { _id: 'a', l: [{ id: 'x' }, { id: 'p' }, { id: 'q' }] })] })
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', l: [{ id: 'x' }, { id: 'p' }, { id: 'q', n: 1 }] })
  await store.confirm({ puts: [put(3, { _id: 'a', l: [{ id: 'x' }, { id: 'p' }] })] })
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', l: [{ id: 'x' }, { id: 'p' }] })
})

test('[LOCAL-7] a mutation that fits a frame only without guards has none', async () => {
  const { store } = await openTestStore()
  const l = Array.from({ length: 800 }, (_, id) => ({ id }))
  store.commit([add('a', { l })], at)
  const text = 'x'.repeat(10_400)
  const changes = l.map(({ id }) => [`l.${id}.n`, 'set', id < 2 ? text : null] as const)
  const small = store.commit([update('a', ...changes)], at).mutation
  expect(JSON.stringify(small)).toContain(',"id",')
  const fat = Array.from({ length: 8 }, (_, n) => add(`f${n}`, { text: 'x'.repeat(1_043_000) }))
  const large = store.commit(
    [...fat, update('a', ...changes.map(([path]) => [path, 'set', 'yyyyyyyyyyyyyy'] as const))],
    at,
  )
  expect(JSON.stringify(large.mutation.writes.at(-1))).not.toContain(',"id",')
})
