import { expect, test } from 'vitest'
import type { Store } from './store.ts'
import { type Fault, MemoryMedium, openTestStore, words } from './testing/index.ts'

const { add, put, query } = words('todos')
const old = words('old')
const at = { time: 1_700_000_000_000 }
const long = 'x'.repeat(1_000)
const options = { reserveBytes: 40_000, isVolatile: false }

const idsOf = (store: Store) =>
  [query(), old.query()].map(asked =>
    store.run({ verb: 'get', query: asked }).documents.map(({ _id }) => _id),
  )

/**
 * A store on a medium on which there is no room for its log to be folded: one collection in segments, of a fold and of a lot, and
 * another in the log. Nobody follows the first any more.
 */
async function full(medium = new MemoryMedium(), maxPayloadBytes = 16_777_216) {
  const { store } = await openTestStore(medium, { ...options, maxPayloadBytes })
  await store.confirm({ puts: Array.from({ length: 10 }, (_, n) => old.put(1, { _id: n, long })) })
  await store.compact()
  await store.confirm({
    puts: Array.from({ length: 300 }, (_, n) => old.put(2, { _id: `lot ${n}`, long: 'x'.repeat(100) })),
  })
  await store.confirm({ puts: Array.from({ length: 60 }, (_, n) => put(2, { _id: n, long })) })
  await store.commit([add('pending', { long })], at).durable
  medium.room = medium.used
  return { store, medium }
}

test('[LOG-12] a fold without room lets go of segments of which nothing is left, and is tried once more', async () => {
  for (const maxPayloadBytes of [16_777_216, 7_000]) {
    const { store, medium } = await full(undefined, maxPayloadBytes)
    const events: string[] = []
    store.onEvent(({ name }) => events.push(name))
    await expect(store.compact()).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(events).toEqual(['compactionFailed'])
    const used = medium.used
    await store.forget('old', () => false)
    await store.compact()
    expect(events).toEqual(['compactionFailed'])
    expect(medium.used).toBeLessThan(used - 30_000)
    await store.commit([add('there is room', {})], at).durable
    const left = [[...Array.from({ length: 60 }, (_, n) => n), 'pending', 'there is room'], []]
    expect(idsOf(store)).toEqual(left)
    await store.close()
    const { store: back } = await openTestStore(medium, { ...options, maxPayloadBytes })
    expect([back.damage, idsOf(back)]).toEqual([undefined, left])
  }
})

test('[LOG-12] where that makes no room either, the store is as it was, also when it is opened again', async () => {
  const { store, medium } = await full()
  await store.forget('old', () => false)
  // what is given up is taken by somebody else
  const drop = medium.records.delete.bind(medium.records)
  medium.records.delete = key => {
    medium.room -= medium.records.get(key)?.length ?? 0
    return drop(key)
  }
  await expect(store.compact()).rejects.toMatchObject({ code: 'STORE_FULL' })
  medium.records.delete = drop
  const left = [[...Array.from({ length: 60 }, (_, n) => n), 'pending'], []]
  expect(idsOf(store)).toEqual(left)
  await store.close()
  const { store: back } = await openTestStore(medium, options)
  expect([back.damage, idsOf(back)]).toEqual([undefined, left])
  medium.room = Number.POSITIVE_INFINITY
  // they come again, and go into segments of their own
  await back.confirm({ puts: Array.from({ length: 300 }, (_, n) => old.put(2, { _id: `lot ${n}` })) })
  await back.compact()
  await back.close()
  const { store: last } = await openTestStore(medium, options)
  expect(idsOf(last).map(({ length }) => length)).toEqual([61, 300])
})

test('[LOG-12] a collection of which something is left keeps its segments', async () => {
  const { store, medium } = await full()
  await store.forget('old', ({ _id }) => _id === 3)
  await expect(store.compact()).rejects.toMatchObject({ code: 'STORE_FULL' })
  medium.room = Number.POSITIVE_INFINITY
  await store.compact()
  await store.close()
  const { store: back } = await openTestStore(medium, options)
  expect([back.damage, idsOf(back)[1]]).toEqual([undefined, [3]])
})

test.each<Fault>(['stop', 'fail', 'full'])(
  '[LOG-2] [LOG-12] %s at any step of it: everything is there, and nothing that went comes back',
  async kind => {
    for (let step = 1; ; step++) {
      const { store, medium } = await full(undefined, 20_000)
      await store.forget('old', () => false)
      const begun = medium.steps
      medium.faultAt(step, kind)
      const done = store.compact().then(
        () => true,
        () => true,
      )
      await Promise.race([done, medium.stopped])
      const isOver = medium.steps - begun < step
      medium.restart()
      const { store: back } = await openTestStore(medium, { ...options, maxPayloadBytes: 20_000 })
      const left = [[...Array.from({ length: 60 }, (_, n) => n), 'pending'], []]
      expect([back.damage, idsOf(back)]).toEqual([undefined, left])
      medium.room = Number.POSITIVE_INFINITY
      await back.compact()
      expect(idsOf(back)).toEqual(left)
      if (isOver) break
    }
  },
)
