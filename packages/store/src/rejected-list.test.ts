import { expect, test } from 'vitest'
import type { Store } from './store.ts'
import { openTestStore, words } from './testing/index.ts'

const { add, set, update, put } = words('todos')
const at = { time: 1_700_000_000_000 }
const refusal = { code: 'DATABASE_PERMISSION_DENIED', reason: 'not yours', details: { rule: 'write' } }

/** A store in which writes were made and refused, in this order. */
async function refused(...writes: ReturnType<typeof add>[]) {
  const opened = await openTestStore()
  for (const write of writes) await refuse(opened.store, write)
  return opened
}

async function refuse(store: Store, write: ReturnType<typeof add>): Promise<void> {
  const { mutation, durable } = store.commit([write], at)
  await durable
  await store.confirm({ rejected: [{ ...refusal, id: mutation.id, time: at.time + 1 }] })
}

const idsOf = (store: Store) => store.rejected.map(({ mutation }) => mutation.writes[0]!.id)
const nonceOf = (store: Store, place = 0) => store.rejected[place]!.mutation.nonce

test('[REJECT-1] a rejected mutation that is tried again is a new one, on what is there now', async () => {
  const { store, medium } = await refused(update('a', ['n', 'inc', 1]), add('b', {}))
  await store.confirm({ puts: [put(7, { _id: 'a', n: 40 })], checkpoint: { version: 7 } })
  const [before] = store.rejected
  expect(before).toMatchObject({ ...refusal, time: at.time + 1, mutation: { id: 1, base: 0 } })
  const { mutation, durable } = store.retryRejected(
    before!.mutation.nonce,
    [update('a', ['n', 'inc', 2])],
    at,
  )
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', n: 42 })
  expect(mutation).toMatchObject({ id: 3, base: 7 })
  expect(mutation.nonce).not.toBe(before!.mutation.nonce)
  await durable
  expect(idsOf(store)).toEqual(['b'])
  await store.close()
  const again = (await openTestStore(medium)).store
  expect([idsOf(again), again.outbox.mutations]).toEqual([['b'], [mutation]])
})

test('[REJECT-2] what storage refuses leaves it where it was, to be tried again', async () => {
  const { store, medium } = await refused(add('a', { n: 1 }))
  medium.faultAt(1, 'full')
  const { durable } = store.retryRejected(nonceOf(store), [add('a', { n: 1 })], at)
  await expect(durable).rejects.toMatchObject({ code: 'STORE_FULL' })
  expect([idsOf(store), store.outbox.size, store.get('todos', 'a')]).toEqual([['a'], 0, undefined])
  await store.retryRejected(nonceOf(store), [add('a', { n: 1 })], at).durable
  expect([idsOf(store), store.outbox.size]).toEqual([[], 1])
})

test('[REJECT-3] nothing is tried again twice, or when it is going, or when it cannot be written', async () => {
  const { store } = await refused(add('a', {}), add('b', {}))
  const [a, b] = [nonceOf(store), nonceOf(store, 1)]
  const nobody = expect.objectContaining({ code: 'INVALID_PARAM' })
  expect(() => store.retryRejected('0123', [add('a', {})], at)).toThrow(nobody)
  const first = store.retryRejected(a, [add('a', {})], at)
  expect(() => store.retryRejected(a, [add('a', {})], at)).toThrow(nobody)
  const discarded = store.discardRejected(b)
  expect(() => store.retryRejected(b, [add('b', {})], at)).toThrow(nobody)
  await Promise.all([first.durable, discarded])
  expect(() => store.retryRejected(a, [add('a', {})], at)).toThrow(nobody)
  await store.discardRejected(a)
  expect([store.rejected, store.outbox.size]).toEqual([[], 1])

  await refuse(store, set('c', {}))
  expect(() => store.retryRejected(nonceOf(store), [add('a', {})], at)).toThrow(
    expect.objectContaining({ code: 'DUPLICATE_ID' }),
  )
  expect(() => store.retryRejected(nonceOf(store), [], at)).toThrow(nobody)
  expect(idsOf(store)).toEqual(['c'])
})

test('[REJECT-3] a store that is numbered anew knows its rejected ones apart', async () => {
  const { store } = await refused(add('a', {}))
  await store.confirm({ renumber: { client: '00000000000000000000000000000000' } })
  await refuse(store, add('b', {}))
  expect(store.rejected.map(({ mutation }) => mutation.id)).toEqual([1, 1])
  await store.discardRejected(nonceOf(store, 1))
  expect(idsOf(store)).toEqual(['a'])
})

test('[REJECT-4] of more than a thousand the oldest are told, then they go, in the record that brings the new one', async () => {
  const { store, medium } = await openTestStore()
  const durable = Array.from({ length: 1_003 }, (_, i) => store.commit([set(i, {})], at).durable)
  await Promise.all(durable)
  const told: unknown[] = []
  store.onEvent(event => {
    if (event.name !== 'rejectionsDropped') return
    told.push([...event.rejected.map(({ mutation }) => mutation.id), store.rejected.length])
  })
  const rejections = Array.from({ length: 1_002 }, (_, i) => ({ ...refusal, id: i + 1 }))
  await store.confirm({ rejected: rejections.slice(0, 999) })
  await store.confirm({ rejected: rejections.slice(999, 1_000) })
  expect(told).toEqual([])
  await store.confirm({ rejected: rejections.slice(1_000) })
  expect([told, store.rejected.length, idsOf(store)[0]]).toEqual([[[1, 2, 1_000]], 1_000, 2])

  medium.faultAt(1, 'full')
  const last = { ...refusal, id: 1_003 }
  await expect(store.confirm({ rejected: [last] })).rejects.toMatchObject({ code: 'STORE_FULL' })
  expect([idsOf(store)[0], store.rejected.length]).toEqual([2, 1_000])
  const retried = store.retryRejected(nonceOf(store), [set(2, {})], at)
  const confirmed = store.confirm({ rejected: [last] })
  await Promise.all([retried.durable, confirmed])
  expect([idsOf(store)[0], store.rejected.length]).toEqual([3, 1_000])
  expect(told).toEqual([
    [1, 2, 1_000],
    [3, 1_000],
  ])
  await store.close()
  expect(idsOf((await openTestStore(medium)).store)[0]).toBe(3)
})
