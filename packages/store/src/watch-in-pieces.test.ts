import type { Query, Snapshot } from '@nearcloud/query'
import { expect, test } from 'vitest'
import type { Store } from './store.ts'
import { openTestStore, settle, words } from './testing/index.ts'

const { add, put, gone, query, remove, update } = words('todos')
const at = { time: 1_700_000_000_000 }
const documents = 1_200

/** A host that has its turn when a test says so. */
class Host {
  readonly #goOn: (() => void)[] = []
  pauses = 0
  readonly pause = () =>
    new Promise<void>(resolve => {
      this.pauses++
      this.#goOn.push(resolve)
    })

  get isWaitedFor(): boolean {
    return this.#goOn.length > 0
  }

  async turn(): Promise<void> {
    for (const resolve of this.#goOn.splice(0)) resolve()
    await settle()
  }

  async turns(): Promise<void> {
    while (this.isWaitedFor) await this.turn()
  }
}

async function watching(asked: Query = query()) {
  const { store } = await openTestStore()
  const puts = Array.from({ length: documents }, (_, n) =>
    // not in the order of their ids
    put(1, { _id: `d${(n * 7) % documents}`, n, at: new Date(n), tags: ['a', { b: n }] }),
  )
  await store.confirm({ puts })
  const host = new Host()
  const told: Snapshot[] = []
  const stop = store.watch(asked, { next: snapshot => told.push(snapshot) }, undefined, host.pause)
  await settle()
  return { store, host, told, stop }
}

const answerOf = (store: Store, asked: Query = query()) => store.run({ verb: 'get', query: asked }).documents

const deeds: Readonly<Record<string, (store: Store) => unknown>> = {
  'a write': store => store.commit([update('d5', ['n', 'set', -5])], at),
  'an added one': store => store.commit([add('a', { n: 0 }), add('z', { n: 0 })], at),
  'a removal': store => store.commit([remove('d11'), remove('d999')], at),
  'one that is removed and added again': store => {
    store.commit([remove('d7')], at)
    return store.commit([add('d7', { n: 70 })], at)
  },
  'what the server says': store =>
    store.confirm({
      puts: [put(2, { _id: 'd3', n: 1_000 }), put(2, { _id: 'new', n: 3 })],
      gone: [gone(2, 'd4')],
    }),
}

for (const [name, asked] of Object.entries({
  everything: query(),
  'some, by another order': query(['field', 'n', ['gte', 100]], { orderBy: [['n', 'desc']] }),
}))
  test.each(Object.entries(deeds))(
    `[WATCH-7] the first snapshot of ${name} has what happens in any pause, and changes follow it: %s`,
    async (_, deed) => {
      const whole = await watching(asked)
      await whole.host.turns()
      expect(whole.host.pauses).toBeGreaterThan(10)
      expect(whole.told).toHaveLength(1)
      for (let pause = 0; pause <= whole.host.pauses; pause += 3) {
        const { store, host, told } = await watching(asked)
        for (let turn = 0; turn < pause; turn++) await host.turn()
        deed(store)
        await settle()
        await host.turns()
        expect(told.map(({ id }) => id)).toEqual(told.map((_, n) => n))
        expect(told[0]!.type).toBe('init')
        const last = told[told.length - 1]!
        expect(last.docs).toEqual(answerOf(store, asked))
        if (told.length === 1) expect(last.docChanges.map(({ doc }) => doc)).toEqual(last.docs)
        for (const each of told.slice(1)) expect(each.type).toBeUndefined()
      }
    },
  )

test('[WATCH-7] what an observer of a large result gets is its own, and as it was when it was told', async () => {
  const { store, host, told } = await watching()
  await host.turns()
  const [first] = told
  const copy = first!.docs[0] as unknown as { n: number; tags: unknown[]; at: Date }
  const { n } = copy
  copy.tags.push('mine')
  copy.at.setTime(5)
  copy.n = -1
  expect(first!.docChanges[0]!.doc.n).toBe(n)
  expect(store.get('todos', 'd0')).toMatchObject({ n, tags: ['a', { b: n }] })
  store.commit([update('d1', ['n', 'set', 'changed'])], at)
  await settle()
  await host.turns()
  expect(told).toHaveLength(2)
  expect(first!.docs.some(each => each.n === 'changed')).toBe(false)
  expect(told[1]!.docs[0]).toMatchObject({ n })
  expect(told[1]!.docChanges).toMatchObject([{ docId: 'd1', updatedFields: { n: 'changed' } }])
})

test('[WATCH-7] closed in any pause, by itself or with the store, nothing more is told', async () => {
  for (const close of ['the watch', 'the store'])
    for (let pause = 0; pause < 24; pause += 2) {
      const { store, host, told, stop } = await watching()
      for (let turn = 0; turn < pause; turn++) await host.turn()
      if (close === 'the watch') stop()
      else await store.close()
      await host.turns()
      expect(told).toEqual([])
    }
})

test('[WATCH-7] more changes than can be copied with pauses are told without them, each in its place', async () => {
  const { store, host, told } = await watching()
  await host.turns()
  for (let n = 0; n < 30; n++) store.commit([update('d1', ['n', 'set', n])], at)
  await settle()
  await host.turn()
  await settle()
  expect(told.length).toBeGreaterThan(20)
  await host.turns()
  expect(told.map(({ docChanges }) => docChanges[0]!.doc.n).slice(1)).toEqual(
    Array.from({ length: 30 }, (_, n) => n),
  )
})

test('[WATCH-7] an observer that throws is an event, and hears the next snapshot', async () => {
  const { store, host } = await watching()
  const events: string[] = []
  store.onEvent(({ name }) => events.push(name))
  let heard = 0
  const next = () => {
    heard++
    throw new Error('mine')
  }
  store.watch(query(), { next }, undefined, host.pause)
  await host.turns()
  store.commit([update('d1', ['n', 'set', 0.5])], at)
  await settle()
  await host.turns()
  expect([heard, events]).toEqual([2, ['observerFailed', 'observerFailed']])
})

test('[WATCH-7] small results are told at once, and what is handed over is no copy', async () => {
  const { store, host } = await watching(query(['field', 'n', ['lt', 10]]))
  await host.turns()
  const told: Snapshot[] = []
  const { pauses } = host
  store.watch(query(['and', []], { limit: 20 }), { next: each => told.push(each) }, undefined, host.pause)
  await settle()
  expect([told.length, host.pauses]).toEqual([1, pauses])
  expect(told[0]!.docs).toEqual(answerOf(store, query(['and', []], { limit: 20 })))
  expect(told[0]!.docs[0]).toBe(store.get('todos', 'd0'))
})
