import { mutationToJson, type Write } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { DraftedOutbox } from './drafts.ts'
import type { Store } from './store.ts'
import { MemoryMedium, openTestStore, settle, words } from './testing/index.ts'

const { add, update, put, query } = words('todos')
const at = { time: 1_700_000_000_000 }

const opened = (medium = new MemoryMedium()) => openTestStore(medium, { outbox: new DraftedOutbox() })

/** What the call `key` does here, behind the mutation `after`. */
const laid = (key: string, after: number, ...writes: Write[]) => ({
  laid: {
    key,
    mutation: mutationToJson({ id: after + 2 ** -20, nonce: '', base: 0, time: at.time, writes }),
  },
})
const inc = (id: string) => update(id, ['n', 'inc', 1])

const shown = (store: Store) => store.run({ verb: 'get', query: query() }).documents

/** What a watch saw of `n` of the document `a`. */
function watched(store: Store): unknown[] {
  const seen: unknown[] = []
  store.watch(query(), { next: ({ docs }) => seen.push(docs.map(({ _id, n }) => `${_id}${n}`).join(' ')) })
  return seen
}

const brings = (version: number, ...docs: [id: string, n: number][]) => ({
  puts: docs.map(([_id, n]) => put(version, { _id, n })),
  checkpoint: { version },
})

test('[DRAFT-1] a draft is seen over what was written before it, under what is written since, and is not in the outbox', async () => {
  const { store } = await opened()
  await store.commit([add('a', { n: 1 })], at).durable
  await store.confirm(laid('call', 1, inc('a'), add('b', { n: 7 })))
  await store.commit([update('a', ['n', 'mul', 10])], at).durable
  expect(shown(store)).toEqual([
    { _id: 'a', n: 20 },
    { _id: 'b', n: 7 },
  ])
  expect(store.outbox.mutations.map(({ id }) => id)).toEqual([1, 2])
  expect(store.outbox.isPending('todos', 'b')).toBe(true)
})

test('[DRAFT-1] also over documents that come with it as a lot', async () => {
  const { store } = await opened()
  const documents = [{ version: 1, document: Object.freeze({ _id: 'a', n: 1 }) }]
  const lot = { collection: 'todos', documents, text: '[1,{"_id":"a","n":1}]' }
  await store.confirm({ ...laid('call', 0, inc('a')), lot })
  expect(shown(store)).toEqual([{ _id: 'a', n: 2 }])
  await store.confirm({ lifted: { key: 'call' } })
  expect(shown(store)).toEqual([{ _id: 'a', n: 1 }])
})

test('[DRAFT-2] it outlives the store, and its folding, in its place', async () => {
  for (const isFolded of [false, true]) {
    const medium = new MemoryMedium()
    const { store } = await opened(medium)
    await store.commit([add('a', { n: 1 })], at).durable
    await store.confirm(laid('call', 1, inc('a')))
    await store.commit([update('a', ['n', 'mul', 10])], at).durable
    if (isFolded) await store.compact()
    await store.close()
    const again = (await opened(medium)).store
    expect(shown(again)).toEqual([{ _id: 'a', n: 20 }])
    await again.confirm({ lifted: { key: 'call' } })
    expect(shown(again)).toEqual([{ _id: 'a', n: 10 }])
  }
})

test('[DRAFT-2] a store without calls of that kind forgets it', async () => {
  const medium = new MemoryMedium()
  const { store } = await opened(medium)
  await store.confirm(laid('call', 0, add('a', { n: 1 })))
  await store.close()
  expect(shown((await openTestStore(medium)).store)).toEqual([])
})

test('[DRAFT-3] decided, it leaves in the step that brings the version; nothing of what leads there is seen', async () => {
  const { store } = await opened()
  await store.confirm(brings(1, ['a', 1]))
  const seen = watched(store)
  await settle()
  await store.confirm(laid('call', 0, inc('a'), add('b', { n: 7 })))
  await store.confirm({ lifted: { key: 'call', version: 4 } })
  await store.confirm(brings(2, ['a', 2]))
  await store.confirm(brings(3, ['a', 2], ['c', 1]))
  await settle()
  expect(seen).toEqual(['a1', 'a2 b7'])
  await store.confirm(brings(4, ['b', 8]))
  await settle()
  expect(seen).toEqual(['a1', 'a2 b7', 'a2 b8 c1'])
  expect(store.outbox.drafts).toEqual([])
})

test('[DRAFT-3] what no conversation says, a first result say, is seen with what is held', async () => {
  const { store } = await opened()
  await store.confirm(brings(1, ['a', 1]))
  await store.confirm(laid('call', 0, inc('a')))
  await store.confirm({ lifted: { key: 'call', version: 9 } })
  await store.confirm(brings(2, ['a', 5]))
  expect(shown(store)).toEqual([{ _id: 'a', n: 2 }])
  await store.confirm({ puts: [put(2, { _id: 'd', n: 1 })] })
  expect(shown(store)).toEqual([
    { _id: 'a', n: 6 },
    { _id: 'd', n: 1 },
  ])
})

test('[DRAFT-3] it leaves at once when the version is here, when none is told, and with a history that is taken back', async () => {
  for (const last of [
    { lifted: { key: 'call', version: 1 } },
    { lifted: { key: 'call' } },
    { cut: 1, lifted: { key: 'call', version: 9 } },
  ]) {
    const { store } = await opened()
    await store.confirm(brings(1, ['a', 1]))
    await store.confirm(laid('call', 0, inc('a')))
    await store.confirm(last)
    expect(shown(store)).toEqual([{ _id: 'a', n: 1 }])
  }
})

test('[DRAFT-4] what was written on what it shows knew of it', async () => {
  const medium = new MemoryMedium()
  const { store } = await opened(medium)
  await store.confirm(brings(3, ['a', 1], ['z', 1]))
  await store.commit([update('a', ['n', 'set', 2])], at).durable
  await store.confirm(laid('call', 1, inc('a')))
  await store.commit([update('a', ['n', 'set', 5])], at).durable
  await store.commit([update('z', ['n', 'set', 5])], at).durable
  await store.confirm({ lifted: { key: 'call', version: 8 } })
  const bases = (of: Store) => of.outbox.mutations.map(({ base }) => base)
  expect(bases(store)).toEqual([3, 8, 3])
  await store.close()
  expect(bases((await opened(medium)).store)).toEqual([3, 8, 3])
})

test('[DRAFT-5] a renumbered store has it where it was', async () => {
  const { store } = await opened()
  for (const id of ['a', 'b', 'c']) await store.commit([add(id, { n: 1 })], at).durable
  await store.confirm(laid('call', 2, inc('b')))
  await store.confirm({ accepted: 1, puts: [put(1, { _id: 'a', n: 1 })] })
  await store.confirm({ renumber: { client: 'x'.repeat(32) } })
  expect(store.outbox.mutations.map(({ id }) => id)).toEqual([1, 2])
  expect(store.outbox.drafts.map(({ mutation }) => mutation.id)).toEqual([1 + 2 ** -20])
  expect(store.get('todos', 'b')).toEqual({ _id: 'b', n: 2 })
})

test('[DRAFT-6] what storage refuses is not seen', async () => {
  const { store, medium } = await opened()
  medium.faultAt(1, 'fail')
  await expect(store.confirm(laid('call', 0, add('a', { n: 1 })))).rejects.toThrow('refused')
  expect(shown(store)).toEqual([])
})

test('[DRAFT-1] a key that is there already is passed over, and what does not fit has no effect', async () => {
  const { store } = await opened()
  await store.confirm(laid('call', 0, add('a', { n: 1 })))
  await store.confirm(laid('call', 0, add('b', { n: 1 })))
  await store.confirm(laid('other', 0, add('c', { n: 1 }), add('a', { n: 3 })))
  expect(shown(store)).toEqual([{ _id: 'a', n: 1 }])
})
