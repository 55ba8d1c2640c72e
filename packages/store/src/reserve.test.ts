import { expect, test } from 'vitest'
import type { Store } from './store.ts'
import { MemoryMedium, openTestStore, words } from './testing/index.ts'

const { add, set, remove, put, gone, query } = words('todos')
const at = { time: 1_700_000_000_000 }
const options = { reserveBytes: 4_000, isVolatile: false }
const long = 'x'.repeat(1_000)

const codeOf = (done: Promise<unknown>) =>
  done.then(
    () => 'done',
    ({ code }: { code: string }) => code,
  )
const write = (store: Store, ...writes: Parameters<Store['commit']>[0]) =>
  codeOf(store.commit(writes, at).durable)
const idsOf = (store: Store) => store.run({ verb: 'get', query: query() }).documents.map(({ _id }) => _id)

/** A store with documents, on a medium on which nothing more finds room. */
async function full(medium = new MemoryMedium()) {
  const { store } = await openTestStore(medium, options)
  await store.confirm({ puts: Array.from({ length: 20 }, (_, n) => put(1, { _id: n, long })) })
  await store.compact()
  expect(await write(store, add('last', { long }))).toBe('done')
  medium.room = medium.used + 100
  return { store, medium }
}

test('[SURVIVE-4] a full store refuses what is new, and still takes removals and what makes room, also after a restart', async () => {
  const { store, medium } = await full()
  expect(await write(store, add('new', { long }))).toBe('STORE_FULL')
  for (let n = 0; n < 5; n++) expect(await write(store, remove(n))).toBe('done')
  expect(await write(store, add('new', {}))).toBe('STORE_FULL')
  expect(medium.used).toBeLessThan(medium.room - 1_000) // it would fit
  await store.close()

  const { store: back } = await openTestStore(medium, options)
  expect(idsOf(back)).toEqual([...Array.from({ length: 15 }, (_, n) => n + 5), 'last'])
  expect(await write(back, remove(5))).toBe('done')
  expect(await write(back, set(6, {}))).toBe('STORE_FULL')
  const gones = [0, 1, 2, 3, 4, 5].map(id => gone(2, id))
  expect(await codeOf(back.confirm({ gone: gones, accepted: 7 }))).toBe('done')
  expect(await back.forget('todos', ({ _id }) => Number(_id) < 8)).toBe(12)
  expect(await codeOf(back.compact())).toBe('done')
  expect(await write(back, add('new', { long }))).toBe('done')
  expect(idsOf(back)).toContain('new')
})

test('[SURVIVE-4] what was given back is kept again with the first write for which both have room', async () => {
  const { store, medium } = await full()
  expect(await write(store, remove(0))).toBe('done')
  expect(await write(store, add('new', {}))).toBe('STORE_FULL')
  medium.room += 10_000
  const before = medium.used
  expect(await write(store, add('new', {}))).toBe('done')
  expect(medium.used - before).toBeGreaterThan(4_000)
  medium.room = medium.used + 10
  expect(await write(store, add('newer', {}))).toBe('STORE_FULL')
  expect(await write(store, remove('new'))).toBe('done')
})

test('[SURVIVE-4] it is given back part by part: what one start did not need is there for the next', async () => {
  const medium = new MemoryMedium()
  const large = { ...options, reserveBytes: 163_840 }
  const { store } = await openTestStore(medium, large)
  for (let n = 0; n < 4; n++) await write(store, add(`d${n}`, {}))
  const noises = () => [...medium.records.values()].filter(({ length }) => length > 80_000).length
  expect(noises()).toBe(2)
  medium.room = medium.used
  expect(await write(store, remove('d0'))).toBe('done')
  expect(noises()).toBe(1)
  await store.close()
  // somebody else takes what was given back
  medium.room = medium.used
  const { store: back } = await openTestStore(medium, large)
  expect(await write(back, add('new', {}))).toBe('STORE_FULL')
  expect(await write(back, remove('d1'))).toBe('done')
  expect(noises()).toBe(0)
  medium.room = medium.used
  expect(await write(back, remove('d2'))).toBe('STORE_FULL')
  medium.room += 200_000
  expect(await write(back, add('new', {}))).toBe('done')
  expect(noises()).toBe(2)
  await back.close()
  const { store: last } = await openTestStore(medium, large)
  expect([last.damage, idsOf(last), noises()]).toEqual([undefined, ['d2', 'd3', 'new'], 2])
})

test('[SURVIVE-4] where a part of it takes several records, they are given back together and counted as one', async () => {
  const medium = new MemoryMedium()
  const small = { ...options, maxPayloadBytes: 6_000 }
  const { store } = await openTestStore(medium, small)
  await write(store, add('a', {}))
  await write(store, add('b', {}))
  const before = medium.records.size
  expect(before).toBe(6) // a manifest, two writes, three pieces
  await store.close()
  const { store: back } = await openTestStore(medium, small)
  await write(back, add('c', {}))
  expect(medium.records.size).toBe(before + 1)
  medium.room = medium.used
  expect(await write(back, remove('a'))).toBe('done')
  expect(medium.records.size).toBe(before + 1 - 3 + 1)
})

test('[SURVIVE-4] it is written once, and outlives folds and restarts', async () => {
  const medium = new MemoryMedium()
  const { store } = await openTestStore(medium, options)
  await write(store, add('a', {}))
  const noises = () => [...medium.records.values()].filter(({ length }) => length > 4_000).length
  expect(noises()).toBe(1)
  for (let n = 0; n < 3; n++) {
    await write(store, set('a', { n }))
    await store.compact()
  }
  await store.close()
  const { store: back } = await openTestStore(medium, options)
  await write(back, set('a', {}))
  await back.close()
  expect(noises()).toBe(1)
  const { store: other } = await openTestStore(medium)
  expect([other.damage, idsOf(other)]).toEqual([undefined, ['a']])
})

test('[SURVIVE-4] without one, and where nothing is kept anyway, a full medium takes nothing', async () => {
  for (const given of [{ isVolatile: false }, { reserveBytes: 4_000, isVolatile: true }]) {
    const { store, medium } = await openTestStore(new MemoryMedium(), given)
    expect(await write(store, add('a', {}))).toBe('done')
    medium.room = medium.used
    expect(await write(store, remove('a'))).toBe('STORE_FULL')
    expect(idsOf(store)).toEqual(['a'])
  }
})

test('[SURVIVE-4] removals that wait with writes that are refused are written under the next number, and watches see nothing of it', async () => {
  const { store, medium } = await full()
  const isSeen: boolean[] = []
  store.watch(query(), { next: ({ docs }) => isSeen.push(docs.some(({ _id }) => _id === 0)) })
  const new1 = write(store, add('new', { long }))
  const removal = store.commit([remove(0), remove(1)], at)
  const all = [new1, write(store, set(2, { long })), codeOf(removal.durable), write(store, remove(3))]
  expect(await Promise.all(all)).toEqual(['STORE_FULL', 'STORE_FULL', 'done', 'done'])
  expect(isSeen.indexOf(false)).toBeGreaterThan(0)
  expect(isSeen.slice(isSeen.indexOf(false))).not.toContain(true)
  expect(store.outbox.mutations.map(({ id, writes }) => [id, writes.length])).toEqual([
    [1, 1],
    [2, 2],
    [3, 1],
  ])
  expect(removal.mutation.id).toBe(2)
  expect(await write(store, remove(4))).toBe('done')
  const left = idsOf(store)
  expect(left).toEqual([2, ...Array.from({ length: 15 }, (_, n) => n + 5), 'last'])
  await store.close()
  const { store: back } = await openTestStore(medium, options)
  expect(idsOf(back)).toEqual(left)
  expect(back.outbox.mutations.map(({ id }) => id)).toEqual([1, 2, 3, 4])
  expect(back.checkpoint.nextMutation).toBe(5)
})

test('[SURVIVE-4] a removal of what a refused write touched is taken back with it, and all are where there is no reserve', async () => {
  const { store } = await full()
  const all = [
    write(store, add('new', {})),
    write(store, set(1, {}), remove(2)),
    write(store, remove('new')),
    write(store, remove(2)),
    write(store, remove(3)),
  ]
  expect(await Promise.all(all)).toEqual(['STORE_FULL', 'STORE_FULL', 'STORE_FULL', 'STORE_FULL', 'done'])
  expect(idsOf(store)).toEqual([0, 1, 2, ...Array.from({ length: 16 }, (_, n) => n + 4), 'last'])
  const { store: without, medium } = await openTestStore(new MemoryMedium(), { isVolatile: false })
  expect(await write(without, add('a', {}))).toBe('done')
  medium.room = medium.used
  expect(await Promise.all([write(without, add('b', {})), write(without, remove('a'))])).toEqual([
    'STORE_FULL',
    'STORE_FULL',
  ])
  expect(idsOf(without)).toEqual(['a'])
})

test.each(['stop', 'fail', 'full'] as const)(
  '[LOG-2] [SURVIVE-4] %s at any step while it is given back: everything acknowledged is there, the rest is not',
  async kind => {
    for (let step = 1; ; step++) {
      const { store, medium } = await full()
      const begun = medium.steps
      medium.faultAt(step, kind)
      const acknowledged: number[] = []
      const telling = (async () => {
        for (let n = 0; n < 3; n++) if ((await write(store, remove(n))) === 'done') acknowledged.push(n)
      })()
      await Promise.race([telling, medium.stopped])
      const isOver = medium.steps - begun < step
      medium.restart()
      const { store: back } = await openTestStore(medium, options)
      const left = idsOf(back)
      expect(back.damage).toBeUndefined()
      for (const n of acknowledged) expect(left).not.toContain(n)
      expect(left.length).toBeGreaterThanOrEqual(21 - acknowledged.length - (kind === 'stop' ? 1 : 0))
      expect(await write(back, remove(10))).toBe('done')
      if (isOver) break
    }
  },
)
