import type { Query } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { Collections } from './collections.ts'
import { MemoryStorage } from './memory-storage.ts'
import { openStore } from './open-store.ts'
import type { Store } from './store.ts'
import { type MemoryMedium, openTestStore, seededRandom, words } from './testing/index.ts'

const { add, put, gone, update, query } = words('todos')
const other = words('notes')
const at = { time: 1_700_000_000_000 }
const everything = { verb: 'get', query: query() } as const

async function twoCollections(): Promise<MemoryMedium> {
  const { store, medium } = await openTestStore()
  const many = (n: number) => Array.from({ length: 300 }, (_, i) => put(n, { _id: `d${i}`, n }))
  await store.confirm({ puts: many(1), checkpoint: { version: 1 } })
  await store.confirm({ puts: [other.put(1, { _id: 'x', n: 1 })] })
  await store.compact()
  await store.confirm({ puts: [put(3, { _id: 'd0', n: 3 })], gone: [gone(3, 'd1')] })
  await store.commit([update('d2', ['n', 'inc', 10]), other.update('x', ['n', 'inc', 10])], at).durable
  await store.close()
  return medium
}

test('[LOG-7] loaded in steps, asked for in the middle, or never loaded: a collection is the same', async () => {
  const medium = await twoCollections()
  const { store: whole } = await openTestStore(medium)
  const expected = whole.run(everything).documents
  expect(expected).toHaveLength(299)
  expect(expected).toContainEqual({ _id: 'd0', n: 3 })
  expect(expected).toContainEqual({ _id: 'd2', n: 11 })
  await whole.close()
  const { store } = await openTestStore(medium)
  const loading = store.load('todos')
  const inTheMiddle = store.run(everything).documents
  await loading
  for (const documents of [inTheMiddle, store.run(everything).documents]) expect(documents).toEqual(expected)
  expect(store.get('notes', 'x')).toEqual({ _id: 'x', n: 11 })
  await store.close()
})

test('[LOG-7] a store that was opened and folded without a look at it holds what it held', async () => {
  const medium = await twoCollections()
  const { store: before } = await openTestStore(medium)
  const expected = before.run(everything).documents
  await before.close()
  const { store } = await openTestStore(medium)
  await store.confirm({ puts: [words('others').put(4, { _id: 'new' })] })
  await store.compact()
  await store.close()
  const { store: again } = await openTestStore(medium)
  expect(again.run(everything).documents).toEqual(expected)
  expect(again.outbox.size).toBe(1)
  await again.close()
})

test('[LOG-9] a collection that is read while the store is opened is what it would be when asked for', async () => {
  const medium = await twoCollections()
  const { store: whole } = await openTestStore(medium)
  const expected = whole.run(everything).documents
  await whole.close()
  const random = seededRandom(2)
  for (const first of [['todos'], ['notes', 'nothing'], ['todos', 'todos', 'notes']]) {
    const store = await openStore({ storage: new MemoryStorage(medium), random, first })
    expect(store.load('todos')).toBeDefined()
    expect(store.run(everything).documents).toEqual(expected)
    expect(store.get('notes', 'x')).toEqual({ _id: 'x', n: 11 })
    await store.close()
  }
})

test('[LOG-9] what is read ahead is read in steps, before all of the medium was read', async () => {
  const { store: before, medium } = await openTestStore()
  const filler = 'x'.repeat(300_000)
  for (let version = 1; version <= 6; version++) {
    const document = Object.freeze({ _id: `d${version}`, filler })
    const text = JSON.stringify([version, document])
    await before.confirm({ lot: { collection: 'todos', documents: [{ version, document }], text } })
  }
  await before.close()
  let records = 0
  const readAtPause: number[] = []
  class OneByOne extends MemoryStorage {
    override async *read(after?: number) {
      for await (const page of super.read(after))
        for (const record of page) {
          records++
          yield [record]
        }
    }
  }
  const open = (first: readonly string[]) =>
    openStore({
      storage: new OneByOne(medium),
      random: seededRandom(3),
      pause: async () => void readAtPause.push(records),
      first,
    })
  await (await open(['others'])).close()
  expect(readAtPause.filter(at => at < records)).toEqual([])
  records = 0
  readAtPause.length = 0
  const store = await open(['todos'])
  expect(readAtPause.length).toBeGreaterThanOrEqual(6)
  expect(readAtPause[0]).toBeLessThan(records / 2)
  expect(store.run(everything).documents.map(({ _id }) => _id)).toEqual(['d1', 'd2', 'd3', 'd4', 'd5', 'd6'])
  await store.close()
})

test('[LOG-7] a step that throws is done again, not skipped', () => {
  const collections = new Collections()
  let isBroken = true
  const done: number[] = []
  collections.later('todos', () => void done.push(1))
  collections.later('todos', () => {
    if (isBroken) throw new Error('broken')
    done.push(2)
  })
  expect(() => collections.of('todos')).toThrow('broken')
  expect(() => collections.of('todos')).toThrow('broken')
  isBroken = false
  collections.of('todos')
  expect(done).toEqual([1, 2])
})

test('[LOG-7] what is pending in a collection of which nothing was said is there after an opening', async () => {
  const { store, medium } = await openTestStore()
  await store.commit([add('mine', { n: 1 })], at).durable
  await store.close()
  const { store: again } = await openTestStore(medium)
  expect(again.get('todos', 'mine')).toEqual({ _id: 'mine', n: 1 })
  await again.close()
})

test('[LOG-7] what is pending is laid over a collection in steps, and is all there for whoever asks in the middle', async () => {
  const { store, medium } = await openTestStore()
  const ids = Array.from({ length: 450 }, (_, i) => `d${String(i).padStart(3, '0')}`)
  await store.confirm({ puts: ids.map(id => put(1, { _id: id, n: 0 })), checkpoint: { version: 1 } })
  await store.compact()
  await Promise.all(ids.map(id => store.commit([update(id, ['n', 'inc', 1])], at).durable))
  await store.close()
  const expected = ids.map(id => ({ _id: id, n: 1 }))
  const pausesIn = async (look: (pauses: number, answer: () => readonly unknown[]) => void) => {
    let pauses = 0
    let isOpen = false
    const again = await openStore({
      storage: new MemoryStorage(medium),
      random: seededRandom(),
      pause: async () => {
        if (isOpen) look(++pauses, () => again.run(everything).documents)
      },
    })
    isOpen = true
    await again.load('todos')
    expect(again.run(everything).documents).toEqual(expected)
    await again.close()
    return pauses
  }
  const all = await pausesIn(() => undefined)
  expect(all).toBeGreaterThan(3)
  for (let asked = 1; asked < all; asked++)
    await pausesIn((pauses, answer) => {
      if (pauses === asked) expect(answer()).toEqual(expected)
    })
})

// ---- documents that are read later -------------------------------------------------------------------------------

/** 3,000 documents; one in three is `open`. */
async function manyDocuments(): Promise<MemoryMedium> {
  const { store, medium } = await openTestStore()
  const puts = Array.from({ length: 3_000 }, (_, n) =>
    put(n + 1, { _id: `d${n}`, n, state: ['open', 'done', 'later'][n % 3]! }),
  )
  await store.confirm({ puts: puts.slice(0, 1_500), checkpoint: { version: 1 } })
  await store.compact()
  await store.confirm({ puts: puts.slice(1_500) })
  await store.confirm({ puts: [put(9_000, { _id: 'd0', n: 0, state: 'done' })], gone: [gone(9_000, 'd3')] })
  await store.commit([update('d1', ['state', 'set', 'open'])], at).durable
  await store.close()
  return medium
}

const open = query(['field', 'state', ['eq', 'open']])
const found = (store: Store, asked: Query) => store.run({ verb: 'get', query: asked }).documents

test('[LOG-11] a query whose matches hold a text is answered before all documents are read', async () => {
  const medium = await manyDocuments()
  const { store: whole } = await openTestStore(medium)
  const [openOnes, all] = [found(whole, open), found(whole, query())]
  expect(openOnes).toHaveLength(999) // without d0 and d3, with d1
  expect(openOnes).toContainEqual({ _id: 'd1', n: 1, state: 'open' })
  await whole.close()
  for (const first of [[], ['todos']]) {
    const storage = new MemoryStorage(medium)
    const store = await openStore({ storage, random: seededRandom(2), first, pause: nextTurn })
    await store.load('todos', open)
    const read = JSON.parse
    let parsed = 0
    JSON.parse = (...given) => {
      parsed++
      return read(...given)
    }
    try {
      expect(found(store, open)).toEqual(openOnes)
      expect(parsed).toBe(0)
      expect(store.get('todos', 'd5')).toEqual({ _id: 'd5', n: 5, state: 'later' })
      expect(parsed).toBe(1)
    } finally {
      JSON.parse = read
    }
    expect(store.load('todos', open)).toBeUndefined()
    const loading = store.load('todos')
    expect(loading).toBeDefined()
    expect(found(store, query())).toEqual(all)
    await loading
    expect(store.load('todos')).toBeUndefined()
    await store.close()
  }
})

test('[LOG-11] indexes are made when all documents are read, and writes meanwhile count', async () => {
  const medium = await manyDocuments()
  let goOn: () => void = () => undefined
  let isHeld = false
  const pause = () => {
    if (!isHeld) return nextTurn()
    return new Promise<void>(resolve => {
      goOn = resolve
    })
  }
  const store = await openStore({ storage: new MemoryStorage(medium), random: seededRandom(2), pause })
  await store.load('todos', open)
  isHeld = true
  for (let n = 0; n < 3; n++) await nextTurn()
  for (let n = 0; n < 3; n++) expect(found(store, open)).toHaveLength(999)
  expect((await store.explain(open)).plan).toBe('scan')
  const later = query(['field', 'state', ['eq', 'later']])
  expect(found(store, later)).toHaveLength(1_000)
  const { durable } = store.commit([update('d2', ['state', 'set', 'open'])], at)
  await store.confirm({ puts: [put(9_001, { _id: 'd4', n: 4, state: 'open' })], gone: [gone(9_001, 'd6')] })
  expect(found(store, open)).toHaveLength(1_000)
  isHeld = false
  goOn()
  await durable
  for (let n = 0; n < 10; n++) await nextTurn()
  for (let n = 0; n < 3; n++) expect(found(store, open)).toHaveLength(1_000)
  expect((await store.explain(open)).plan).toBe('index')
  await store.compact()
  const expected = found(store, query())
  await store.close()
  const { store: again } = await openTestStore(medium)
  expect(found(again, query())).toEqual(expected)
  await again.close()
})

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
