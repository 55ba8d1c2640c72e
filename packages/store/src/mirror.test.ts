import { expect, test } from 'vitest'
import { MemoryMedium, MemoryStorage } from './memory-storage.ts'
import { type Mirror, openMirror } from './mirror.ts'
import { openStore } from './open-store.ts'
import type { LoggedGroup, Store } from './store.ts'
import { settle, words } from './testing/index.ts'
import { seededRandom } from './testing/seeded-random.ts'

const { add, put, update, remove, query } = words('todos')

/** Reads a medium that another one holds. */
class Reader extends MemoryStorage {
  override async open() {
    return { maxPayloadBytes: 16_777_216, volatile: true }
  }
  override async close() {}
}

interface Tab {
  readonly mirror: Mirror
  readonly store: Store
  /** What the leader gets of it. */
  readonly sent: { readonly number: number; readonly entry: string }[]
}

async function house() {
  const medium = new MemoryMedium()
  const leader = await openStore({ storage: new MemoryStorage(medium), random: seededRandom(1) })
  let tabs = 0
  const open = async (options: { reaches?: boolean; tab?: string; waiting?: Tab['sent'] } = {}) => {
    const tab = options.tab ?? `tab-${++tabs}`
    const sent: Tab['sent'] = []
    const early: LoggedGroup[] = []
    let heard: (group: LoggedGroup) => void = group => void early.push(group)
    leader.onLogged(group => heard(group))
    const mirror = await openMirror({
      storage: new Reader(medium),
      random: seededRandom(7 + tabs),
      tab,
      waiting: options.waiting ?? [],
      async write(entry) {
        const number = sent.length + 1
        sent.push({ number, entry })
        return options.reaches === false ? new Promise(() => undefined) : leader.adopt(entry, [tab, number])
      },
    })
    heard = mirror.heard
    for (const group of early) mirror.heard(group)
    return { mirror, store: mirror.store, sent }
  }
  return { medium, leader, open }
}

const stateOf = (store: Store) => ({
  checkpoint: store.checkpoint,
  outbox: store.outbox.mutations,
  confirmed: [...store.confirmedDocuments()],
  seen: store.run({ verb: 'get', query: query(undefined, { orderBy: [['_id', 'asc']] }) }).documents,
  rejected: store.rejected,
  subscriptions: [...store.subscriptions],
})

test('[TAB-3] a store that reads another’s log is equal to it, whatever happens, and hears of each change', async () => {
  const { leader, open } = await house()
  await leader.confirm({ puts: [put(1, { _id: 'a', n: 1 })], checkpoint: { version: 1, openid: 'me' } })
  const { store } = await open()
  const heard: unknown[] = []
  store.watch(query(), { next: ({ docs }) => heard.push(docs) })
  await settle()
  await leader.commit([update('a', ['n', 'inc', 1])], { time: 1 }).durable
  await leader.commit([add('b', { x: 1 })], { time: 2 }).durable
  const refused = leader.commit([add('c', { x: 1 })], { time: 3 })
  await refused.durable
  await leader.compact()
  await leader.confirm({
    puts: [put(2, { _id: 'a', n: 2 })],
    accepted: 1,
    rejected: [{ id: refused.mutation.id, code: 'DATABASE_PERMISSION_DENIED', reason: 'no' }],
    checkpoint: { version: 2 },
    subscriptions: new Map([['k', { query: query(), complete: true }]]),
  })
  await settle()
  expect(stateOf(store)).toEqual(stateOf(leader))
  expect(heard.at(-1)).toEqual(stateOf(leader).seen)
  await leader.confirm({ renumber: { client: 'another' } })
  await leader.discardRejected(refused.mutation.nonce)
  expect(stateOf(store)).toEqual(stateOf(leader))
})

test('[TAB-4] a write is seen in its own tab at once, in the others when storage has it, and everywhere in the order of the log', async () => {
  const { medium, leader, open } = await house()
  const [one, two] = [await open(), await open()]
  const resume = medium.pause()
  const receipts = [
    one.store.commit([add('a', { by: 'one' })], { time: 1 }),
    two.store.commit([add('b', { by: 'two' })], { time: 1 }),
    one.store.commit([update('a', ['n', 'inc', 1])], { time: 2 }),
    leader.commit([add('c', { by: 'leader' })], { time: 3 }),
  ]
  expect(one.store.get('todos', 'a')).toMatchObject({ by: 'one', n: 1 })
  expect([one.store.outbox.mutations.length, one.store.outbox.size]).toEqual([0, 2])
  expect(two.store.get('todos', 'a')).toBeUndefined()
  resume()
  await Promise.all(receipts.map(({ durable }) => durable))
  for (const { store } of [one, two]) expect(stateOf(store)).toEqual(stateOf(leader))
  expect(leader.outbox.mutations.map(({ id }) => id)).toEqual([1, 2, 3, 4])
  expect(leader.checkpoint.tabs).toEqual({ 'tab-1': 2, 'tab-2': 1 })
})

test('[TAB-5] a write that storage has is not made again when its tab asks again, after a restart and a fold too', async () => {
  const { medium, leader, open } = await house()
  const one = await open()
  await one.store.commit([add('a', { n: 0 })], { time: 1 }).durable
  await one.store.commit([update('a', ['n', 'inc', 1])], { time: 2 }).durable
  await leader.confirm({ accepted: 2, puts: [put(1, { _id: 'a', n: 1 })] })
  await leader.compact()
  await leader.close()
  medium.restart()
  const next = await openStore({ storage: new MemoryStorage(medium), random: seededRandom(2) })
  for (const { number, entry } of one.sent) await next.adopt(entry, ['tab-1', number])
  expect([next.outbox.size, next.get('todos', 'a')]).toEqual([0, { _id: 'a', n: 1 }])
  // what had not arrived is made now
  one.store.commit([update('a', ['n', 'inc', 1])], { time: 3 }).durable.catch(() => undefined)
  await next.adopt(one.sent[2]!.entry, ['tab-1', 3])
  expect(next.get('todos', 'a')).toEqual({ _id: 'a', n: 2 })
})

test('[TAB-6] a tab that begins to read anew shows what of its own is not in the log yet, once', async () => {
  const { open } = await house()
  const first = await open({ tab: 'mine' })
  await first.store.commit([add('a', { n: 0 })], { time: 1 }).durable
  const lost = await open({ tab: 'mine', reaches: false })
  lost.store.commit([update('a', ['n', 'inc', 1])], { time: 2 })
  const waiting = [...first.sent, { ...lost.sent[0]!, number: 2 }]
  const again = await open({ tab: 'mine', waiting })
  expect(again.store.get('todos', 'a')).toEqual({ _id: 'a', n: 1 })
  expect([again.store.outbox.mutations.length, again.store.outbox.size]).toEqual([1, 2])
})

test('[TAB-7] what storage refuses is taken back where it was made', async () => {
  const { medium, leader, open } = await house()
  const { store, mirror } = await open()
  await store.commit([add('a', {})], { time: 1 }).durable
  medium.faultAt(1, 'full')
  const error = await store.commit([remove('a')], { time: 2 }).durable.catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'STORE_FULL' })
  mirror.refused(error as never)
  expect(stateOf(store)).toEqual(stateOf(leader))
  expect(store.get('todos', 'a')).toEqual({ _id: 'a' })
})

test('[TAB-8] an entry that is none is refused, and nothing of it is written', async () => {
  const { leader } = await house()
  for (const text of ['', 'x', '{"step":{"lot":1}}', '{"mutation":{"id":1}}'])
    await expect((async () => leader.adopt(text, ['t', 1]))()).rejects.toThrow()
  expect([leader.outbox.size, leader.checkpoint.tabs]).toEqual([0, undefined])
})
