import { expect, test } from 'vitest'
import { Collections } from './collections.ts'
import { MemoryStorage } from './memory-storage.ts'
import { openStore } from './open-store.ts'
import { type MemoryMedium, openTestStore, seededRandom, words } from './testing/index.ts'

const { put, query, update } = words('todos')
const at = { time: 1_700_000_000_000 }
const everything = { verb: 'get', query: query() } as const

/** A store with a pause that counts: the pauses since it was asked last. */
async function counting(medium: MemoryMedium) {
  let pauses = 0
  const store = await openStore({
    storage: new MemoryStorage(medium),
    random: seededRandom(),
    pause: async () => void pauses++,
  })
  return {
    store,
    pausesOf: async (work: () => Promise<void> | undefined) => {
      pauses = 0
      await work()
      return pauses
    },
    opened: pauses,
  }
}

async function aThousand(): Promise<MemoryMedium> {
  const { store, medium } = await openTestStore()
  await store.confirm({ puts: Array.from({ length: 1_000 }, (_, i) => put(1, { _id: `d${i}`, n: 0 })) })
  await store.compact()
  await store.close()
  return medium
}

test('[LOG-10] a collection is loaded with a pause for each hundred documents of a segment', async () => {
  const { store, pausesOf } = await counting(await aThousand())
  expect(await pausesOf(() => store.load('todos'))).toBeGreaterThanOrEqual(10)
  expect(store.run(everything).total).toBe(1_000)
  await store.close()
})

test('[LOG-10] what a lot of the log says is loaded in such steps too, and so it is before a fold', async () => {
  const { store: before, medium } = await openTestStore()
  const documents = Array.from({ length: 1_000 }, (_, i) => ({
    version: 1,
    document: Object.freeze({ _id: `d${i}`, n: 0 }),
  }))
  const text = documents.map(({ version, document }) => JSON.stringify([version, document])).join(',')
  await before.confirm({ lot: { collection: 'todos', documents, text } })
  await before.close()
  const { store, pausesOf } = await counting(medium)
  expect(await pausesOf(() => store.compact())).toBeGreaterThanOrEqual(10)
  expect(await pausesOf(() => store.load('todos'))).toBe(0) // it is all there
  expect(store.run(everything).total).toBe(1_000)
  await store.close()
})

test('[LOG-10] a fold writes with a pause for each hundred documents', async () => {
  const { store, pausesOf } = await counting(await aThousand())
  await store.load('todos')
  for (let version = 2; version < 12; version++) {
    const from = (version - 2) * 100
    const puts = Array.from({ length: 100 }, (_, i) => put(version, { _id: `d${from + i}`, n: version }))
    await store.confirm({ puts })
  }
  expect(await pausesOf(() => store.compact())).toBeGreaterThanOrEqual(10)
  await store.close()
})

test('[LOG-10] a store whose log is long is opened with pauses', async () => {
  const { store, medium } = await openTestStore()
  await store.confirm({ puts: [put(1, { _id: 'd', n: 0 })] })
  for (let n = 0; n < 900; n++) await store.commit([update('d', ['n', 'inc', 1])], at).durable
  await store.close()
  const { store: again, opened } = await counting(medium)
  expect(opened).toBeGreaterThan(4)
  expect(again.get('todos', 'd')).toEqual({ _id: 'd', n: 900 })
  await again.close()
})

test('[LOG-10] work that turns out to be several steps has them done in its place, one between two pauses', async () => {
  const collections = new Collections()
  const done: string[] = []
  collections.later('todos', () => [() => void done.push('a1'), () => void done.push('a2')])
  collections.later('todos', () => void done.push('b'))
  const doneAtPause: string[] = []
  await collections.load('todos', async () => void doneAtPause.push(done.join(' ')))
  expect(doneAtPause).toEqual(['', 'a1', 'a1 a2', 'a1 a2 b'])
})
