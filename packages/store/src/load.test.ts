import type { Document } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import type { Lot } from './store.ts'
import { MemoryMedium, MemoryStorage, openTestStore, settle, words } from './testing/index.ts'

const { add, put, query, remove, update } = words('todos')
const at = { time: 1_700_000_000_000 }

async function filledMedium(): Promise<MemoryMedium> {
  const { store, medium } = await openTestStore()
  await store.confirm({ puts: [put(1, { _id: 'a' }), put(1, { _id: 'b' })] })
  await store.compact()
  await store.commit([add('c', {})], at).durable
  await store.close()
  return medium
}

const lotOf = (...documents: [version: number, document: Document][]): Lot => ({
  collection: 'todos',
  documents: documents.map(([version, document]) => ({ version, document: Object.freeze(document) })),
  text: documents.map(document => JSON.stringify(document)).join(','),
})

const textOf = (payload: unknown) => String(payload).replace(/^(?:\.|!.{8})/s, '')
const letterOf = (payload: unknown) => textOf(payload)[0]

test('[LOG-4] whatever text a record is replaced by, opening gives a store, or STORE_FAILED for a newer version', async () => {
  const hostile = [
    '',
    '.',
    '.X{}',
    '.L',
    '.L{}',
    '.L[{}]',
    '.L[{"step":null}]',
    '.L[{"mutation":{"writes":[{"op":"x"}]}}]',
    '.M',
    '.M{}',
    '.M{"format":2}',
    '.M{"format":1}',
    '.S',
    '.S{"name":1}',
    '.L[{"step":{"lot":1}}]',
    '.L[{"step":{"lot":77}}]',
    '.L[{"step":{"lot":null}}]',
    '.L[{"step":{"lot":"__proto__"}}]',
    '.Snull',
    '1/2:L',
    '2/2:',
    'L[]',
    '.L[{"step":{"puts":[["todos",1,{"$date":"x"}]]}}]',
    '.L[{"step":{"puts":[["todos",1,{"_id":"a","__proto__":1}]]}}]',
  ]
  for (const text of hostile)
    for (const sequence of (await filledMedium()).records.keys()) {
      const medium = await filledMedium()
      medium.records.set(sequence, text)
      await openTestStore(medium).then(
        ({ store }) => store.close(),
        error => expect(error).toMatchObject({ code: 'STORE_FAILED' }),
      )
      expect(medium.isHeld).toBe(false)
    }
})

test('[LOG-4] a store of a newer format is refused with words for its owner', async () => {
  const medium = await filledMedium()
  for (const [sequence, payload] of medium.records)
    if (letterOf(payload) === 'M')
      medium.records.set(sequence, `.${textOf(payload).replace('"format":2', '"format":9')}`)
  await expect(openTestStore(medium)).rejects.toThrow('made by a newer version')
})

test('[LOG-6] a store of the older format is brought up to date when it is opened', async () => {
  const medium = await filledMedium()
  for (const [sequence, payload] of medium.records)
    if (letterOf(payload) === 'M')
      medium.records.set(sequence, `.${textOf(payload).replace('"format":2', '"format":1')}`)
  const { store } = await openTestStore(medium)
  expect(store.get('todos', 'c')).toEqual({ _id: 'c' })
  const manifests = [...medium.records.values()].filter(payload => letterOf(payload) === 'M')
  expect(manifests).toHaveLength(1)
  expect(String(manifests[0])).toContain('"format":2')
  await store.close()
})

test('[LOG-6] the text of a lot is a segment as it is, and no fold writes it anew', async () => {
  const { store, medium } = await openTestStore()
  await store.confirm({ lot: lotOf([1, { _id: 'a', n: 1 }], [1, { _id: 'b', n: 1 }]) })
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', n: 1 })
  await store.compact()
  const segments = () => [...medium.records.values()].map(textOf).filter(text => text[0] === 'S')
  expect(segments()).toEqual([
    'S{"name":1,"collection":"todos","size":2,"documents":[[1,{"_id":"a","n":1}],[1,{"_id":"b","n":1}]]}',
  ])
  await store.confirm({ puts: [put(2, { _id: 'a', n: 2 })] })
  await store.compact()
  expect(segments()).toHaveLength(2)
  await store.close()
  const { store: again } = await openTestStore(medium)
  expect([again.get('todos', 'a'), again.get('todos', 'b')]).toEqual([
    { _id: 'a', n: 2 },
    { _id: 'b', n: 1 },
  ])
  await again.close()
})

test('[LOG-6] what was newer here than in a lot stays, also when it is opened again', async () => {
  for (const isFolded of [false, true]) {
    const { store, medium } = await openTestStore()
    await store.confirm({ puts: [put(5, { _id: 'a', n: 5 })] })
    await store.compact()
    await store.confirm({ lot: lotOf([3, { _id: 'a', n: 3 }], [3, { _id: 'b', n: 3 }]) })
    if (isFolded) await store.compact()
    await store.close()
    const { store: again } = await openTestStore(medium)
    for (const each of [store, again].slice(1))
      expect([each.get('todos', 'a'), each.get('todos', 'b')]).toEqual([
        { _id: 'a', n: 5 },
        { _id: 'b', n: 3 },
      ])
    await again.close()
  }
})

test('[CONFIRM-1] a lot shows what as many puts show, and is one change for watches: new, known, older, twice, pending', async () => {
  const arriving: [version: number, document: Document][] = [
    [3, { _id: 'known', n: 3 }],
    [3, { _id: 'newer', n: 3 }],
    [3, { _id: 'twice', n: 3 }],
    [4, { _id: 'twice', n: 4 }],
    [4, { _id: 'removed', n: 4 }],
    [4, { _id: 'new', n: 4 }],
  ]
  for (const isPending of [false, true]) {
    const shown = []
    for (const kind of ['lot', 'puts']) {
      const { store } = await openTestStore()
      await store.confirm({
        puts: [
          put(1, { _id: 'known', n: 1 }),
          put(9, { _id: 'newer', n: 9 }),
          put(1, { _id: 'removed', n: 1 }),
        ],
      })
      if (isPending)
        for (const write of [
          update('new', ['n', 'set', 0]),
          remove('removed'),
          update('known', ['n', 'inc', 10]),
        ])
          await store.commit([write], at).durable
      const told: unknown[] = []
      store.watch(query(), {
        next: ({ docs, docChanges, type }) =>
          told.push([
            type,
            docs.map(({ _id, n }) => `${_id}${n}`).sort(),
            docChanges.map(({ docId }) => docId).sort(),
          ]),
      })
      await settle()
      const step = kind === 'lot' ? { lot: lotOf(...arriving) } : { puts: arriving.map(each => put(...each)) }
      await store.confirm(step)
      await settle()
      shown.push([told, store.run({ verb: 'count', query: query() }).total])
      await store.close()
    }
    expect(shown[0]).toEqual(shown[1])
    expect(shown[0]![0]).toHaveLength(2)
  }
})

test('[LOG-6] a lot that was written while the log was folded has a name of its own', async () => {
  const { store, medium } = await openTestStore()
  const working = [
    store.confirm({ puts: [put(1, { _id: 'a' })] }),
    store.compact(),
    store.confirm({ lot: lotOf([2, { _id: 'b' }]) }),
    store.compact(),
    store.confirm({ lot: lotOf([3, { _id: 'c' }]), puts: [put(3, { _id: 'd' })] }),
  ]
  await Promise.all(working)
  await store.close()
  const { store: again } = await openTestStore(medium)
  expect([...again.confirmedDocuments('todos')].map(({ document }) => document._id).sort()).toEqual([
    'a',
    'b',
    'c',
    'd',
  ])
  await again.close()
})

test('[LOG-1] leftovers of a crash are dropped when the store is opened', async () => {
  const medium = await filledMedium()
  const storage = new MemoryStorage(medium)
  await storage.open({ durability: 'relaxed' })
  await storage.append(['.S{"name":99,"collection":"todos","documents":[[1,{"_id":"ghost"}]]}', '1/2:half'])
  await storage.close()
  const count = medium.records.size
  const { store } = await openTestStore(medium)
  expect(medium.records.size).toBe(count - 2)
  expect(store.run({ verb: 'get', query: words('todos').query() }).documents.map(each => each._id)).toEqual([
    'a',
    'b',
    'c',
  ])
})

test('a new store on a full medium says so, holds nothing, and can be opened later', async () => {
  const medium = new MemoryMedium()
  medium.faultAt(2, 'full')
  await expect(openTestStore(medium)).rejects.toMatchObject({ code: 'STORE_FULL' })
  const { store } = await openTestStore(medium)
  expect(store.checkpoint).toMatchObject({ nextMutation: 1, version: 0 })
})
