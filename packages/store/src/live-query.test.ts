import type { DocId, Document, Write } from '@nearcloud/protocol'
import type { DocChange, Filter, Query, Snapshot } from '@nearcloud/query'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryStorage } from './memory-storage.ts'
import { openStore } from './open-store.ts'
import type { Store } from './store.ts'
import { openTestStore, seededRandom, settle, words } from './testing/index.ts'
import { WatchIndex } from './watch-index.ts'

const { add, set, update, remove, put, gone, query } = words('todos')
const at = { time: 1_700_000_000_000 }

/** What an observer that only looks at the changes would show. */
function follow(before: readonly Document[], changes: readonly DocChange[]): Map<DocId, Document> {
  const shown = new Map(before.map(document => [document._id, document]))
  for (const { queueType, docId, doc } of changes) {
    if (queueType === 'dequeue') expect(shown.delete(docId)).toBe(true)
    else {
      expect(shown.has(docId)).toBe(queueType === 'update')
      shown.set(docId, doc)
    }
  }
  return shown
}

function expectExact(snapshots: readonly Snapshot[]): void {
  for (const [number, { id, type, docs, docChanges }] of snapshots.entries()) {
    expect(id).toBe(number)
    if (number === 0) {
      expect([type, docChanges.map(change => change.queueType)]).toEqual(['init', docs.map(() => 'init')])
      continue
    }
    expect(docChanges.length).toBeGreaterThan(0)
    const followed = follow(snapshots[number - 1]!.docs, docChanges)
    expect([...followed.values()].sort(byId)).toEqual([...docs].sort(byId))
  }
}

function byId(a: Document, b: Document): number {
  return Number(a._id) - Number(b._id)
}

type Move =
  | { readonly kind: 'commit'; readonly writes: readonly Write[] }
  | { readonly kind: 'put' | 'gone' | 'accept' | 'reject'; readonly id: number; readonly n: number }

const id = fc.nat(6)
const write: fc.Arbitrary<Write> = fc.oneof(
  fc.tuple(id, fc.nat(9)).map(([_id, n]) => set(_id, { n })),
  fc.tuple(id, fc.nat(3)).map(([_id, n]) => update(_id, ['n', 'inc', n])),
  fc.tuple(id, fc.nat(3)).map(([_id, n]) => update(_id, ['tags', 'push', [n]])),
  id.map(_id => remove(_id)),
)
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      writes: fc.array(write, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('put' as const, 'gone' as const, 'accept' as const, 'reject' as const),
      id,
      n: fc.nat(9),
    }),
  },
)
const where: fc.Arbitrary<Filter> = fc.constantFrom<Filter>(
  ['and', []],
  ['field', 'n', ['gt', 3]],
  ['field', 'tags', ['eq', 1]],
  ['field', 'n', ['in', [1, 2, 3]]],
  [
    'and',
    [
      ['field', '_id', ['eq', 2]],
      ['field', 'n', ['lt', 5]],
    ],
  ],
)
const asked: fc.Arbitrary<Query> = fc
  .tuple(where, fc.constantFrom<Query['orderBy']>([], [['n', 'desc']]), fc.constantFrom(undefined, 1, 3))
  .map(([filter, orderBy, limit]) => query(filter, { orderBy, ...(limit !== undefined && { limit }) }))

async function play(store: Store, moves: readonly Move[]): Promise<void> {
  let version = 1
  for (const next of moves) {
    const pending = store.outbox.mutations
    if (next.kind === 'commit') await store.commit(next.writes, at).durable
    else if (next.kind === 'put') await store.confirm({ puts: [put(version++, { _id: next.id, n: next.n })] })
    else if (next.kind === 'gone') await store.confirm({ gone: [gone(version++, next.id)] })
    else if (pending.length === 0) continue
    else if (next.kind === 'reject')
      await store.confirm({
        rejected: [{ id: pending[next.n % pending.length]!.id, code: 'NO', reason: '' }],
      })
    else await accept(store, version++)
  }
}

/** The server takes the oldest mutation as it is. */
async function accept(store: Store, version: number): Promise<void> {
  const mutation = store.outbox.mutations[0]!
  const server = await openTestStore()
  const ids = new Set(mutation.writes.map(each => each.id))
  const puts = [...ids].flatMap(_id => store.confirmed('todos', _id) ?? [])
  await server.store.confirm({ puts: puts.map(each => put(1, each.document)) })
  try {
    server.store.commit(mutation.writes, { time: mutation.time })
  } catch {
    // it does not fit what the server has
  }
  const after = [...ids].map(_id => [_id, server.store.get('todos', _id)] as const)
  await store.confirm({
    accepted: mutation.id,
    puts: after.flatMap(([, document]) => (document ? [put(version, document)] : [])),
    gone: after.flatMap(([_id, document]) => (document ? [] : [gone(version, _id)])),
  })
}

test('[WATCH-2] following the changes of each snapshot gives its documents, and the last one is the answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(move, { maxLength: 25 }),
      fc.array(asked, { minLength: 1, maxLength: 4 }),
      async (moves, queries) => {
        const { store } = await openTestStore()
        const watches = queries.map(each => {
          const snapshots: Snapshot[] = []
          store.watch(each, { next: snapshot => snapshots.push(snapshot) })
          return snapshots
        })
        await play(store, moves)
        await settle()
        for (const [number, snapshots] of watches.entries()) {
          expectExact(snapshots)
          const { documents } = store.run({ verb: 'get', query: queries[number]! })
          expect(snapshots[snapshots.length - 1]!.docs).toEqual(documents)
        }
      },
    ),
    { numRuns: 150 },
  )
})

test('[CONFIRM-3] the overlay is the confirmed documents with the outbox replayed, whatever happened before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 30 }), async moves => {
      const { store, medium } = await openTestStore()
      await play(store, moves)
      const fresh = (await openTestStore()).store
      const ids = Array.from({ length: 7 }, (_, _id) => _id)
      await fresh.confirm({
        puts: ids
          .flatMap(_id => store.confirmed('todos', _id) ?? [])
          .map(each => put(each.version, each.document)),
      })
      for (const mutation of store.outbox.mutations) {
        try {
          fresh.commit(mutation.writes, { time: mutation.time })
        } catch {
          // no effect
        }
      }
      const seen = (from: Store) => from.run({ verb: 'get', query: query() }).documents
      expect(seen(store)).toEqual(seen(fresh))
      await store.close()
      expect(seen((await openTestStore(medium)).store)).toEqual(seen(fresh))
    }),
    { numRuns: 150 },
  )
})

test('[WATCH-3] a windowed query is about its window and what is pending, as the window moves', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(move, fc.uniqueArray(id, { maxLength: 3 })), { maxLength: 20 }),
      asked,
      fc.nat(2),
      async (moves, base, skip) => {
        const { store } = await openTestStore()
        const windowed = { ...base, skip, limit: 3 }
        let window: ReadonlySet<DocId> = new Set()
        const snapshots: Snapshot[] = []
        store.watch(windowed, { next: snapshot => snapshots.push(snapshot) }, () => window)
        for (const next of moves) {
          if (!Array.isArray(next)) {
            await play(store, [next as Move])
            continue
          }
          window = new Set(next as readonly number[])
          await store.confirm({})
        }
        await settle()
        expectExact(snapshots)
        const { documents } = store.run({ verb: 'get', query: windowed }, window)
        expect(snapshots[snapshots.length - 1]!.docs).toEqual(documents)
      },
    ),
    { numRuns: 150 },
  )
})

test('[WATCH-3] a document that leaves the window and is still there leaves by the limit', async () => {
  const { store } = await openTestStore()
  await store.confirm({ puts: [1, 2, 3].map(_id => put(1, { _id, n: _id })) })
  let window: ReadonlySet<DocId> = new Set([1, 2])
  const snapshots: Snapshot[] = []
  const top = query(['and', []], { orderBy: [['n', 'asc']], limit: 2 })
  store.watch(top, { next: snapshot => snapshots.push(snapshot) }, () => window)
  window = new Set([2, 3])
  await store.confirm({ checkpoint: { version: 2 } })
  await settle()
  expect(
    snapshots[1]!.docChanges.map(({ queueType, dataType, docId }) => [queueType, dataType, docId]),
  ).toEqual([
    ['dequeue', 'limit', 1],
    ['enqueue', 'limit', 3],
  ])
})

test('[QUERY-3] a local document stands in the window of a query that does not skip', async () => {
  const { store } = await openTestStore()
  await store.confirm({ puts: [1, 2, 9].map(_id => put(1, { _id, n: _id })) })
  store.commit([add(0, { n: 0 })], at)
  const asc = { orderBy: [['n', 'asc']] as const, limit: 2 }
  const ids = (skip: number) =>
    store
      .run({ verb: 'get', query: query(['and', []], { ...asc, skip }) }, new Set([1, 2]))
      .documents.map(each => each._id)
  expect([ids(0), ids(5)]).toEqual([
    [0, 1],
    [1, 2],
  ])
  expect(store.run({ verb: 'count', query: query(['and', []], asc) }, new Set([1, 2])).total).toBe(3)
})

test('[WATCH-5] a write looks at no watch of another collection', async () => {
  const { store } = await openTestStore()
  const others = words('others')
  let looked = 0
  const counted = new Proxy(others.query(), {
    get(target, key) {
      looked++
      return Reflect.get(target, key)
    },
  })
  for (let i = 0; i < 50; i++) store.watch(counted, { next: () => undefined })
  await settle()
  looked = 0
  await store.commit([add(1, {})], at).durable
  await settle()
  expect(looked).toBe(0)
})

test('[WATCH-5] a write looks at the watches that ask for a value its document had or has, and at the general ones', () => {
  const index = new WatchIndex<string>()
  const change = (before: Document | null, after: Document | null) =>
    [...index.concernedBy([{ collection: 'todos', id: 1, before, after, dataType: 'update' }])].sort()
  const leave = index.add('open', query(['field', 'state', ['eq', 'open']]))
  index.add('either', query(['field', 'state', ['in', ['open', 'done']]]))
  index.add('tagged', query(['field', 'tags', ['eq', 0]]))
  index.add('late', query(['field', 'n', ['gt', 5]]))
  expect(change(null, { _id: 1, state: 'open' })).toEqual(['either', 'late', 'open'])
  expect(change({ _id: 1, state: 'done', tags: [-0, 1] }, { _id: 1, state: 'gone' })).toEqual([
    'either',
    'late',
    'tagged',
  ])
  expect(change({ _id: 1, state: 'gone' }, null)).toEqual(['late'])
  leave()
  expect(change(null, { _id: 1, state: 'open' })).toEqual(['either', 'late'])
})

test('[WATCH-6] an observer is told, and what waits for it goes on, before storage is asked', async () => {
  const order: string[] = []
  class Told extends MemoryStorage {
    override append(payloads: Parameters<MemoryStorage['append']>[0]): ReturnType<MemoryStorage['append']> {
      order.push('append')
      return super.append(payloads)
    }
  }
  const store = await openStore({ storage: new Told(), random: seededRandom() })
  let told = () => undefined as unknown
  store.watch(query(), { next: () => void told() })
  await settle()
  order.length = 0
  // the second one is written by whoever waited for the first: the log is still running then
  for (const id of ['a', 'b']) {
    const seen = new Promise(resolve => {
      told = () => resolve(undefined)
    })
    const { durable } = store.commit([add(id, {})], at)
    await seen
    order.push('seen')
    await durable
  }
  expect(order).toEqual(['seen', 'append', 'seen', 'append'])
  await store.close()
})
