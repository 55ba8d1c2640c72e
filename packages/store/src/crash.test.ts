import { expect, test } from 'vitest'
import type { Store } from './store.ts'
import { type Fault, MemoryMedium, openTestStore, words } from './testing/index.ts'

const { add, set, update, remove, put, gone, query } = words('todos')
const other = words('notes')
const at = { time: 1_700_000_000_000 }

/** One thing done to a store, waited for. */
type Step = (store: Store) => Promise<unknown>

const commit =
  (...writes: Parameters<Store['commit']>[0]): Step =>
  store =>
    store.commit(writes, at).durable

/** Every kind of write, confirmation and compaction, with texts longer than the smallest payload. */
const story: readonly Step[] = [
  commit(add('a', { n: 1, text: 'x'.repeat(300) })),
  commit(set('b', { n: 1 })),
  commit(update('a', ['n', 'inc', 2], ['list', 'push', ['first']])),
  store =>
    store.confirm({
      puts: [put(1, { _id: 'a', n: 1, text: 'y'.repeat(300) }), put(1, { _id: 'z', n: 9 })],
      accepted: 1,
      checkpoint: { version: 1, epoch: 'e' },
    }),
  store =>
    store.confirm({
      lot: {
        collection: 'todos',
        documents: [
          { version: 1, document: Object.freeze({ _id: 'b', text: 'z'.repeat(300) }) },
          { version: 1, document: Object.freeze({ _id: 'm' }) },
        ],
        text: `[1,{"_id":"b","text":"${'z'.repeat(300)}"}],[1,{"_id":"m"}]`,
      },
      checkpoint: { version: 1 },
    }),
  store => store.compact(),
  commit(remove('z'), add('c', {}), other.add('note', {})),
  commit(update('c', ['n', 'inc', 5])),
  store => store.confirm({ rejected: [{ id: 2, code: 'DATABASE_PERMISSION_DENIED', reason: 'no' }] }),
  store =>
    store.confirm({
      puts: [put(2, { _id: 'b', n: 7 })],
      gone: [gone(3, 'a')],
      subscriptions: new Map([
        ['all', { query: query(), complete: true, window: ['a', 'b'] }],
        ['gone', { query: query(), complete: false, letGo: 5 }],
        ['half', { query: query(), complete: false, after: 'k' }],
      ]),
      checkpoint: { version: 3 },
    }),
  store => store.discardRejected(nonceOf(store)),
  store => store.compact(),
  store => store.forget('todos', document => document._id !== 'b'),
  store => store.confirm({ renumber: { client: '00000000000000000000000000000000' } }),
  commit(update('c', ['n', 'inc', 50])),
  store => store.compact(),
  store => store.confirm({ rejected: [{ id: 4, code: 'DATABASE_PERMISSION_DENIED', reason: 'no' }] }),
  store => store.retryRejected(nonceOf(store), [update('c', ['n', 'inc', 40])], at).durable,
  store => store.compact(),
]

const nonceOf = (store: Store) => store.rejected[0]!.mutation.nonce

/** Everything an app and a sync engine can see, without the dice. */
function stateOf(store: Store): unknown {
  return {
    todos: store.run({ verb: 'get', query: query() }).documents,
    notes: store.run({ verb: 'get', query: other.query() }).documents,
    confirmed: ['a', 'b', 'c', 'z'].map(id => store.confirmed('todos', id)),
    outbox: store.outbox.mutations.map(({ nonce: _, ...mutation }) => mutation),
    size: store.outbox.size,
    rejected: store.rejected.map(({ mutation, ...refusal }) => [mutation.id, refusal]),
    checkpoint: { ...store.checkpoint, client: store.checkpoint.client.length },
    subscriptions: [...store.subscriptions],
  }
}

async function statesOfStory(maxPayloadBytes: number): Promise<unknown[]> {
  const { store } = await openTestStore(new MemoryMedium(), { maxPayloadBytes })
  const states = [stateOf(store)]
  for (const step of story) {
    await step(store)
    states.push(stateOf(store))
  }
  return states
}

/** Runs the story until the medium's `step`th step goes wrong; how many parts of it were acknowledged. */
async function tellUntil(medium: MemoryMedium, step: number, kind: Fault, maxPayloadBytes: number) {
  let told = -1
  medium.faultAt(step, kind)
  const telling = (async () => {
    const { store } = await openTestStore(medium, { maxPayloadBytes })
    told = 0
    for (const part of story) {
      await part(store)
      told++
    }
    return store
  })()
  const store = await Promise.race([telling, medium.stopped.then(() => undefined)])
  return { store, told }
}

const sizes = [
  ['payloads of any size', 16_777_216],
  ['texts in pieces', 250],
] as const

test.each(sizes)(
  '[LOG-2] stopped at any step, a store comes back with all it acknowledged, and at most what it was about to (%s)',
  async (_, maxPayloadBytes) => {
    const states = await statesOfStory(maxPayloadBytes)
    for (let step = 1; ; step++) {
      const medium = new MemoryMedium()
      const { store, told } = await tellUntil(medium, step, 'stop', maxPayloadBytes)
      if (store) break
      medium.restart()
      const back = (await openTestStore(medium, { maxPayloadBytes })).store
      const candidates = told < 0 ? [states[0]] : states.slice(told, told + 2)
      expect(candidates).toContainEqual(stateOf(back))
      // and it lives on: written to, compacted, opened again
      await back.commit([set('after', {})], at).durable
      await back.compact()
      const lived = stateOf(back)
      await back.close()
      expect(stateOf((await openTestStore(medium, { maxPayloadBytes })).store)).toEqual(lived)
    }
  },
)

test.each(sizes)(
  '[LOG-2] stopped at any step of coming back after a stop, nothing more is lost (%s)',
  async (_, maxPayloadBytes) => {
    const states = await statesOfStory(maxPayloadBytes)
    for (let step = 1; step < 400; step += 7) {
      const medium = new MemoryMedium()
      const { store, told } = await tellUntil(medium, step, 'stop', maxPayloadBytes)
      if (store) break
      const candidates = told < 0 ? [states[0]] : states.slice(told, told + 2)
      for (let again = 1; ; again++) {
        medium.restart()
        medium.faultAt(again, 'stop')
        const opening = openTestStore(medium, { maxPayloadBytes })
        const back = await Promise.race([opening, medium.stopped.then(() => undefined)])
        if (!back) continue
        expect(candidates).toContainEqual(stateOf(back.store))
        break
      }
    }
  },
)

test.each(sizes)(
  '[LOG-2] refused at any step, a part of the story has happened as a whole or not at all (%s)',
  async (_, maxPayloadBytes) => {
    const states = await statesOfStory(maxPayloadBytes)
    let refusals = 0
    for (let step = 1; ; step++) {
      const medium = new MemoryMedium()
      medium.faultAt(step, 'fail')
      const opened = await openTestStore(medium, { maxPayloadBytes }).catch(() => undefined)
      const { store } = opened ?? (await openTestStore(medium, { maxPayloadBytes }))
      refusals += opened ? 0 : 1
      const seen = refusals
      for (const [told, part] of story.entries()) {
        const failed = await part(store).then(
          () => false,
          () => true,
        )
        if (!failed) continue
        refusals++
        expect(stateOf(store)).toEqual(states[told])
        await part(store)
        expect(stateOf(store)).toEqual(states[told + 1])
      }
      const wasRefused = refusals > seen || !opened
      await store.close().catch(() => store.close())
      medium.restart()
      const back = (await openTestStore(medium, { maxPayloadBytes })).store
      expect(stateOf(back)).toEqual(states[story.length])
      // a refused drop is nobody's refusal: the story ends when no step is left to refuse
      if (!wasRefused && step > medium.steps) break
    }
    expect(refusals).toBeGreaterThan(story.length)
  },
)

test('[LOCAL-1] a group that is stopped at any step comes back as a whole or not at all', async () => {
  for (let step = 1; step < 20; step++) {
    const medium = new MemoryMedium()
    const { store } = await openTestStore(medium, { maxPayloadBytes: 250 })
    medium.faultAt(step, 'stop')
    const acknowledged: number[] = []
    for (let i = 0; i < 10; i++)
      store
        .commit([add(i, { text: 'x'.repeat(100) }), other.add(i, {})], at)
        .durable.then(() => acknowledged.push(i))
    const closing = store.close()
    const stopped = await Promise.race([closing.then(() => false), medium.stopped.then(() => true)])
    medium.restart()
    const back = (await openTestStore(medium, { maxPayloadBytes: 250 })).store
    const found = [query(), other.query()].map(asked => back.run({ verb: 'count', query: asked }).total)
    expect(found[0]).toBe(found[1])
    expect(found[0]).toBe(back.outbox.size)
    expect([0, 10]).toContain(found[0])
    if (acknowledged.length > 0) expect(found[0]).toBe(10)
    if (!stopped) break
  }
})

test('[LOG-3] compaction leaves one manifest, no log, and nothing of the past on the medium', async () => {
  const { store, medium } = await openTestStore()
  for (let round = 0; round < 30; round++) {
    await store.confirm({
      puts: Array.from({ length: 100 }, (_, i) => put(round + 1, { _id: i, round })),
    })
    await store.compact()
  }
  const letters = [...medium.records.values()].map(payload => /^!.{8}(.)/.exec(String(payload))?.[1])
  expect(letters.filter(letter => letter === 'M').length).toBe(1)
  expect(letters).not.toContain('L')
  expect(letters.length).toBeLessThan(25)
  await store.close()
  const back = (await openTestStore(medium)).store
  expect(back.get('todos', 42)).toEqual({ _id: 42, round: 29 })
  expect(back.run({ verb: 'count', query: query() }).total).toBe(100)
})

test('[LOG-3] a long log is folded by itself', async () => {
  const { store, medium } = await openTestStore()
  for (let i = 0; i < 1_100; i++) await store.commit([set('same', { i })], at).durable
  expect(medium.records.size).toBeLessThan(200)
  await store.close()
  const back = (await openTestStore(medium)).store
  expect([back.get('todos', 'same'), back.outbox.size]).toEqual([{ _id: 'same', i: 1_099 }, 1_100])
})

test('[LOG-3] a fold that fails is an event, loses nothing, and is made up for', async () => {
  const { store, medium } = await openTestStore()
  await store.confirm({ puts: [put(1, { _id: 'a' })] })
  const events: string[] = []
  store.onEvent(({ name }) => events.push(name))
  medium.faultAt(1, 'full')
  await expect(store.compact()).rejects.toMatchObject({ code: 'STORE_FULL' })
  expect(events).toEqual(['compactionFailed'])
  await store.confirm({ puts: [put(2, { _id: 'b' })] })
  await store.compact()
  await store.close()
  const back = (await openTestStore(medium)).store
  expect(back.run({ verb: 'count', query: query() }).total).toBe(2)
})
