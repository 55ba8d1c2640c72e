import { expect, test } from 'vitest'
import type { Store } from './store.ts'
import { type MemoryMedium, openTestStore, words } from './testing/index.ts'

const { add, put, update, query } = words('todos')
const other = words('notes')
const at = { time: 1_700_000_000_000 }

/** Two collections in segments, a manifest with a pending write, and a log of a confirmed step and two writes. */
async function filledMedium(): Promise<MemoryMedium> {
  const { store, medium } = await openTestStore()
  await store.confirm({
    puts: [put(1, { _id: 'a', n: 1 }), put(1, { _id: 'b', n: 1 }), other.put(1, { _id: 'x', text: '中文' })],
    subscriptions: new Map([
      ['todos', { query: query(), complete: true }],
      ['notes', { query: other.query(), complete: true }],
    ]),
    checkpoint: { version: 1 },
  })
  await store.commit([update('a', ['n', 'inc', 1])], at).durable
  await store.compact()
  await store.confirm({ puts: [put(2, { _id: 'b', n: 2 })], checkpoint: { version: 2 } })
  await store.commit([add('c', { n: 3 })], at).durable
  await store.commit([other.add('y', { n: 4 })], at).durable
  await store.close()
  return medium
}

function stateOf(store: Store): unknown {
  return {
    todos: store.run({ verb: 'get', query: query() }).documents,
    notes: store.run({ verb: 'get', query: other.query() }).documents,
    outbox: store.outbox.mutations,
    rejected: store.rejected,
    checkpoint: store.checkpoint,
    subscriptions: [...store.subscriptions],
  }
}

const textOf = (payload: unknown) => String(payload).slice(9)
const sequencesOf = ({ records }: MemoryMedium, letter: string) =>
  [...records].flatMap(([sequence, payload]) => (textOf(payload)[0] === letter ? [sequence] : []))

test('[LOG-4] whatever bit of whatever record is another, it is the same store or one that says what is lost', async () => {
  const intact = await filledMedium()
  const whole = stateOf((await openTestStore(await filledMedium())).store)
  const kinds = new Set<string>()
  for (const [sequence, payload] of intact.records) {
    const text = String(payload)
    for (let place = 0; place < text.length; place += text.length > 300 ? 7 : 1) {
      const medium = await filledMedium()
      const unit = String.fromCharCode(text.charCodeAt(place) ^ (1 << (place % 7)))
      medium.records.set(sequence, text.slice(0, place) + unit + text.slice(place + 1))
      const { store } = await openTestStore(medium, { seed: place + 2 })
      kinds.add(store.damage?.lost ?? 'nothing')
      if (!store.damage) expect(stateOf(store)).toEqual(whole)
      const mended = stateOf(store)
      await store.commit([add(`new ${place}`, {})], at).durable
      await store.close()
      // once: the next opening finds a whole store
      const { store: again } = await openTestStore(medium)
      expect(again.damage).toBeUndefined()
      expect(again.get('todos', `new ${place}`)).toEqual({ _id: `new ${place}` })
      expect(again.rejected).toEqual((mended as { rejected: unknown }).rejected)
      await again.close()
    }
  }
  expect([...kinds].sort()).toEqual(['changes', 'documents', 'everything'])
}, 60_000)

test('[LOG-4] records cut at any place are noticed as well', async () => {
  const intact = await filledMedium()
  for (const [sequence, payload] of intact.records)
    for (let length = 0; length < String(payload).length; length += 13) {
      const medium = await filledMedium()
      medium.records.set(sequence, String(payload).slice(0, length))
      const { store } = await openTestStore(medium)
      expect(store.damage).toBeDefined()
      await store.close()
    }
})

test('[LOG-8] without a segment nothing counts as complete, and what is pending stays', async () => {
  const intact = await filledMedium()
  for (const sequence of sequencesOf(intact, 'S')) {
    const medium = await filledMedium()
    medium.records.delete(sequence)
    const { store } = await openTestStore(medium)
    expect(store.damage).toEqual({ lost: 'documents', collections: undefined, found: [] })
    expect([...store.subscriptions.values()].map(({ complete }) => complete)).toEqual([false, false])
    expect(store.outbox.mutations.map(({ id }) => id)).toEqual([1, 2, 3])
    await store.close()
  }
})

test('[LOG-8] what is behind a broken place of the log did not happen, and its writes are told', async () => {
  const medium = await filledMedium()
  medium.records.set(sequencesOf(medium, 'L')[0]!, '!00000000L[]')
  const { store } = await openTestStore(medium)
  expect(store.damage).toMatchObject({ lost: 'changes', collections: [] })
  expect(store.outbox.mutations.map(({ id }) => id)).toEqual([1])
  expect(store.get('todos', 'b')).toEqual({ _id: 'b', n: 1 })
  expect(store.get('todos', 'a')).toEqual({ _id: 'a', n: 2 })
  expect(store.checkpoint).toMatchObject({ version: 1, nextMutation: 2 })
  expect(store.rejected.map(({ mutation, code }) => [mutation.writes[0], code])).toEqual([
    [add('c', { n: 3 }), 'STORE_FAILED'],
    [other.add('y', { n: 4 }), 'STORE_FAILED'],
  ])
})

test('[LOG-8] without a manifest a store begins anew as another client, and what it finds of writes is told', async () => {
  const medium = await filledMedium()
  const { store: before } = await openTestStore(await filledMedium())
  const { client } = before.checkpoint
  for (const sequence of sequencesOf(medium, 'M')) medium.records.delete(sequence)
  const { store } = await openTestStore(medium, { seed: 9 })
  expect(store.damage).toMatchObject({ lost: 'everything', collections: undefined })
  expect(store.checkpoint).toMatchObject({ version: 0, nextMutation: 1 })
  expect(store.checkpoint.client).not.toBe(client)
  expect(store.run({ verb: 'count', query: query() }).total).toBe(0)
  expect(store.rejected).toHaveLength(2)
  expect(medium.records.size).toBe(1)
})
