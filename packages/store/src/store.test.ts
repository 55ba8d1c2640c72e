import type { DocId, Document, DocumentData, PathChange, Write } from '@nearcloud/protocol'
import type { Query, Snapshot } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { openStore } from './open-store.ts'
import type { Store } from './store.ts'
import { MemoryMedium, MemoryStorage, settle } from './testing/index.ts'

const all: Query = { collection: 'todos', where: ['and', []], orderBy: [], skip: 0 }
const time = 1_700_000_000_000

let dice = 0
const random = (size: number) => Uint8Array.from({ length: size }, () => (dice = (dice * 73 + 41) % 256))

async function open(medium = new MemoryMedium()): Promise<{ store: Store; medium: MemoryMedium }> {
  return { store: await openStore({ storage: new MemoryStorage(medium), random }), medium }
}

const add = (id: DocId, data: DocumentData): Write => ({ op: 'add', collection: 'todos', id, data })
const set = (id: DocId, data: DocumentData): Write => ({ op: 'set', collection: 'todos', id, data })
const update = (id: DocId, ...changes: PathChange[]): Write => ({
  op: 'update',
  collection: 'todos',
  id,
  changes,
})
const remove = (id: DocId): Write => ({ op: 'remove', collection: 'todos', id })
const put = (version: number, document: Document) => ({
  collection: 'todos',
  version,
  document: Object.freeze(document),
})
const ids = (store: Store, query = all) => store.run({ verb: 'get', query }).documents.map(doc => doc._id)

test('a write is seen at once, confirmed without a flicker, and there after reopening', async () => {
  const { store, medium } = await open()
  const seen: Snapshot[] = []
  store.watch(all, { next: s => seen.push(s) })
  const r = store.commit([add('a', { n: 1 })], { time })
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', n: 1 })
  await r.durable
  await store.commit([update('a', ['n', 'inc', 2])], { time }).durable
  await store.confirm({ puts: [put(1, { _id: 'a', n: 1 })], accepted: 1, checkpoint: { version: 1 } })
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', n: 3 })
  await store.confirm({ puts: [put(2, { _id: 'a', n: 3 })], accepted: 2, checkpoint: { version: 2 } })
  await settle()
  expect(seen.map(s => s.docs)).toEqual([[], [{ _id: 'a', n: 1 }], [{ _id: 'a', n: 3 }]])
  await store.compact()
  await store.close()
  const again = await open(medium)
  expect(ids(again.store)).toEqual(['a'])
  expect(again.store.checkpoint).toMatchObject({ nextMutation: 3, version: 2 })
  void set
  void remove
})
