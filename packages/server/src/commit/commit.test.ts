import { type Document, encode, limits, ServerDate, type Write } from '@nearcloud/protocol'
import { guardWrite, type Stamps } from '@nearcloud/query'
import { expect, test } from 'vitest'
import type { Batch, StoredRow } from '../engine/engine.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { pruneTo } from '../testing/prune-to.ts'
import { admin, alice, bob, mutationOf, openWorld, scenario } from '../testing/scenario.ts'
import type { Change } from './change.ts'
import { unpack } from './stage.ts'

const add = (id: string, data: Record<string, unknown> = {}): Write => ({
  op: 'add',
  collection: 'todos',
  id,
  data: data as Document,
})
const set = (id: string, data: Record<string, unknown>): Write => ({
  op: 'set',
  collection: 'todos',
  id,
  data: data as Document,
})
const remove = (id: string): Write => ({ op: 'remove', collection: 'todos', id })
const update = (id: string, path: string, value: unknown, op: 'set' | 'inc' = 'set'): Write => ({
  op: 'update',
  collection: 'todos',
  id,
  changes: [[path, op, value as never]],
})
const stampsIn = (row: StoredRow): Stamps => unpack(row).stored.stamps
const hers: Document = { _id: 'a', _openid: 'alice', n: 1 }
const shared: Document = { _id: 's', _openid: 'alice', n: 1, public: true }

scenario('[COMMIT-1] what a user adds is theirs: the server writes _openid', {
  who: alice,
  asks: [add('a', { n: 1 })],
  answers: { status: 'accepted', version: 1 },
  leaves: [{ _id: 'a', _openid: 'alice', n: 1 }],
  fires: [['add', 'a']],
})

const secret: Document = { _id: 'x', _openid: 'alice', o: 'xyzzy' }

scenario('[COMMIT-43] why a write cannot be done quotes no document to one who may not read it', {
  given: [secret],
  who: bob,
  asks: [update('x', 'o.p', 1)],
  answers: {
    status: 'rejected',
    code: 'DATABASE_PERMISSION_DENIED',
    reason: 'todos: this cannot be done to a document that this user may not read',
  },
  leaves: [secret],
})

scenario('[COMMIT-43] that an id is taken is told to everybody: it quotes nothing', {
  given: [secret],
  who: bob,
  asks: [add('x', { n: 1 })],
  answers: { status: 'rejected', code: 'DUPLICATE_ID' },
  leaves: [secret],
})

scenario('[COMMIT-43] and all of it to one who may', {
  given: [secret],
  who: alice,
  asks: [update('x', 'o.p', 1)],
  answers: { status: 'rejected', reason: 'Cannot create field \'p\' in element {o: "xyzzy"}' },
  leaves: [secret],
})

scenario('[COMMIT-1] a set that creates is theirs too', {
  who: alice,
  asks: [set('a', { n: 1 })],
  answers: { status: 'accepted' },
  leaves: [{ _id: 'a', _openid: 'alice', n: 1 }],
  fires: [['add', 'a']],
})

scenario('[COMMIT-1] a set of what exists keeps its owner', {
  given: [shared],
  who: bob,
  asks: [set('s', { n: 5, public: true })],
  answers: { status: 'accepted' },
  leaves: [{ _id: 's', _openid: 'alice', n: 5, public: true }],
  fires: [['replace', 's']],
})

for (const write of [
  add('b', { _openid: 'alice' }),
  set('b', { _openid: 'alice' }),
  set('s', { _openid: 'bob' }),
  update('s', '_openid', 'bob'),
  update('s', '_openid.x', 'bob'),
])
  scenario(`[COMMIT-2] a user cannot say whose a document is (${write.op} ${write.id})`, {
    given: [shared],
    who: bob,
    asks: [write],
    answers: { status: 'rejected', code: 'INVALID_PARAM' },
  })

for (const write of [
  update('a', '_openid', 'bob'),
  { op: 'set', collection: 'todos', id: 'a', data: { _openid: 'bob' } },
] as const)
  test(`[COMMIT-25] a function may give a document to another user (${write.op})`, async () => {
    const { environment, documents } = openWorld()
    await environment.commit({
      actor: alice,
      writes: [{ op: 'add', collection: 'todos', id: 'a', data: {} }],
    })
    const actor = { kind: 'function', name: 'f', depth: 0 } as const
    expect((await environment.commit({ actor, writes: [write] })).outcome.status).toBe('accepted')
    expect(await documents()).toEqual([{ _id: 'a', _openid: 'bob' }])
    const taking = await environment.commit({ actor: bob, writes: [update('a', '_openid', 'bob')] })
    expect(taking.outcome).toMatchObject({ status: 'rejected', code: 'INVALID_PARAM' })
  })

scenario('[COMMIT-3] the rule judges the merged result, and its refusal leaves no trace', {
  given: [hers],
  who: alice,
  asks: [update('a', 'title', 'bad')],
  answers: {
    status: 'rejected',
    code: 'DATABASE_PERMISSION_DENIED',
    details: { collection: 'todos', id: 'a', rule: 'doc.title != "bad"' },
  },
})

scenario('[COMMIT-3] what belongs to another is refused', {
  given: [hers],
  who: bob,
  asks: [update('a', 'n', 2)],
  answers: { status: 'rejected', code: 'DATABASE_PERMISSION_DENIED' },
})

scenario('[COMMIT-3] a stranger is refused', {
  who: { kind: 'stranger' },
  asks: [add('a')],
  answers: { status: 'rejected', code: 'DATABASE_PERMISSION_DENIED' },
})

scenario('[COMMIT-4] the writes of a mutation are all or nothing', {
  given: [hers],
  who: alice,
  asks: [update('a', 'n', 2), add('b', {}), update('a', 'title', 'bad')],
  answers: { status: 'rejected' },
})

scenario('[COMMIT-4] several writes of one document are one change', {
  given: [hers],
  who: alice,
  asks: [update('a', 'n', 1, 'inc'), update('a', 'n', 1, 'inc'), add('b'), remove('b')],
  answers: { status: 'accepted', version: 2 },
  leaves: [{ ...hers, n: 3 }],
  fires: [['update', 'a']],
})

scenario('[COMMIT-5] an update or remove that finds nothing is accepted, and fires nothing', {
  given: [hers],
  who: alice,
  asks: [remove('zz')],
  answers: { status: 'accepted', version: 1 },
})

scenario('[COMMIT-5] an update that finds nothing names the document it did not find among the superseded', {
  given: [hers],
  who: alice,
  asks: [update('zz', 'n', 1), update('a', 'n', 1), remove('zz')],
  answers: { status: 'accepted', version: 2, superseded: ['todos/zz'] },
  leaves: [{ ...hers, n: 1 }],
  fires: [['update', 'a']],
})

scenario('[COMMIT-6] an add of what exists is refused', {
  given: [hers],
  who: alice,
  asks: [add('a', {})],
  answers: { status: 'rejected', code: 'DUPLICATE_ID' },
})

scenario('[COMMIT-7] a document over the size limit is refused', {
  given: [hers],
  who: alice,
  asks: [update('a', 'text', 'x'.repeat(limits.documentBytes))],
  answers: { status: 'rejected', code: 'VALUE_REFUSED' },
})

scenario('[COMMIT-8] server dates are the time of the commit', {
  who: alice,
  asks: [add('a', { at: new ServerDate(1000) })],
  answers: { status: 'accepted' },
  leaves: [{ _id: 'a', _openid: 'alice', at: new Date(1_800_000_001_000) }],
  fires: [['add', 'a']],
})

for (const [collection, id] of [
  ['_files', 'x'],
  ['__proto__', 'x'],
  ['constructor', 'x'],
  ['', 'x'],
  ['a b', 'x'],
  ['todos', ''],
  ['todos', Number.NaN],
] as [string, string][])
  scenario(`[COMMIT-9] a name that is none is refused: ${JSON.stringify([collection, id])}`, {
    who: alice,
    asks: [{ op: 'add', collection, id, data: {} }],
    answers: { status: 'rejected', code: 'INVALID_PARAM' },
  })

scenario('[COMMIT-9] hostile paths are refused', {
  given: [hers],
  who: alice,
  asks: [update('a', '__proto__.polluted', true)],
  answers: { status: 'rejected', code: 'INVALID_PARAM' },
})

test('[COMMIT-10] a mutation is decided once: a resend gets the first answer', async () => {
  const { environment, documents, heard } = openWorld()
  await environment.openClient('c', 'alice', 0)
  const mutation = mutationOf(1, [set('a', { n: 0 })])
  const inc = mutationOf(2, [update('a', 'n', 1, 'inc')])
  const commit = (m: typeof mutation) =>
    environment.commit({ actor: alice, client: { id: 'c', mutation: m } })
  const [, first, again] = await Promise.all([commit(mutation), commit(inc), commit(inc)])
  const later = await commit(inc)
  expect(again.outcome).toEqual(first.outcome)
  expect(later.outcome).toEqual(first.outcome)
  expect(await documents()).toEqual([{ _id: 'a', _openid: 'alice', n: 1 }])
  expect(heard.length).toBe(2)
})

test('[COMMIT-11] a refusal advances the count like an acceptance, and is kept', async () => {
  const { environment, documents } = openWorld()
  await environment.openClient('c', 'alice', 0)
  const commit = (m: ReturnType<typeof mutationOf>) =>
    environment.commit({ actor: alice, client: { id: 'c', mutation: m } })
  const refused = await commit(mutationOf(1, [add('a', { title: 'bad' })]))
  expect(refused.outcome).toMatchObject({ id: 1, status: 'rejected' })
  expect((await commit(mutationOf(2, [add('a', { title: 'good' })]))).outcome.status).toBe('accepted')
  expect((await commit(mutationOf(1, [add('a', { title: 'bad' })]))).outcome).toEqual(refused.outcome)
  expect(await documents()).toEqual([{ _id: 'a', _openid: 'alice', title: 'good' }])
  const opened = await environment.openClient('c', 'alice', 1)
  expect(opened.row.lastMutation).toBe(2)
  expect(opened.outcomes.map(each => [each.outcome.id, each.nonce])).toEqual([[2, 'nonce2']])
})

test('[COMMIT-12] a gap, a reused number and an unknown client are breaches, and decide nothing', async () => {
  const { environment, heard } = openWorld()
  const commit = (id: string, m: ReturnType<typeof mutationOf>) =>
    environment.commit({ actor: alice, client: { id, mutation: m } })
  await environment.openClient('c', 'alice', 0)
  await expect(commit('c', mutationOf(2, [add('b')]))).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' })
  await commit('c', mutationOf(1, [add('a')]))
  await expect(commit('c', mutationOf(1, [add('x')], { nonce: 'other' }))).rejects.toMatchObject({
    code: 'PROTOCOL_ERROR',
  })
  await expect(commit('nobody', mutationOf(1, [add('y')]))).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' })
  expect(heard.length).toBe(1)
})

test('[COMMIT-13] a client belongs to the user who used it first', async () => {
  const { environment } = openWorld()
  await environment.openClient('c', 'alice', 0)
  await expect(environment.openClient('c', 'bob', 0)).rejects.toMatchObject({ code: 'TOKEN_REFUSED' })
})

test('[COMMIT-14] a lying clock gains at most now', async () => {
  const { environment, documents, clock, engine } = openWorld()
  const commit = (id: string, m: ReturnType<typeof mutationOf>) =>
    environment.commit({ actor: alice, client: { id, mutation: m } })
  await environment.openClient('liar', 'alice', 0)
  await environment.openClient('honest', 'alice', 0)
  await commit('honest', mutationOf(1, [set('a', { n: 'first' })], { time: clock.now() }))
  await commit('liar', mutationOf(1, [update('a', 'n', 'lie')], { base: 1, time: clock.now() + 1e9 }))
  clock.advance(1_000)
  await commit('honest', mutationOf(2, [update('a', 'n', 'truth')], { base: 1, time: clock.now() }))
  expect((await documents())[0]?.n).toBe('truth')
  const [row] = await engine.get('test', 'todos', ['a'])
  for (const [, time] of Object.values(stampsIn(row!))) expect(time).toBeLessThanOrEqual(clock.now())
})

test('[COMMIT-15] the time of a client never runs back', async () => {
  const { environment, clock, engine } = openWorld()
  const commit = (m: ReturnType<typeof mutationOf>) =>
    environment.commit({ actor: alice, client: { id: 'c', mutation: m } })
  await environment.openClient('c', 'alice', 0)
  await commit(mutationOf(1, [set('a', { n: 1 })], { time: clock.now() - 10 }))
  await commit(mutationOf(2, [update('a', 'n', 2)], { time: 5 }))
  expect((await engine.client('test', 'c'))?.lastTime).toBe(clock.now() - 10)
  const [row] = await engine.get('test', 'todos', ['a'])
  expect(stampsIn(row!).n).toEqual([2, clock.now() - 10])
})

test('[COMMIT-16] an older concurrent assignment is superseded, that path only', async () => {
  const { environment, clock, documents } = openWorld()
  const commit = (id: string, m: ReturnType<typeof mutationOf>) =>
    environment.commit({ actor: alice, client: { id, mutation: m } })
  await environment.openClient('c', 'alice', 0)
  await environment.openClient('d', 'alice', 0)
  await commit('c', mutationOf(1, [add('a', { n: 0, t: 0 })]))
  await commit('c', mutationOf(2, [update('a', 'n', 'late')], { base: 1, time: clock.now() - 5 }))
  const both: Write = {
    op: 'update',
    collection: 'todos',
    id: 'a',
    changes: [
      ['n', 'set', 'early'],
      ['t', 'set', 'early'],
    ],
  }
  const { outcome } = await commit('d', mutationOf(1, [both], { base: 1, time: clock.now() - 50 }))
  expect(outcome).toMatchObject({ status: 'accepted', superseded: ['todos/a/n'] })
  expect((await documents())[0]).toMatchObject({ n: 'late', t: 'early' })
})

test('[COMMIT-17] what arrives together becomes durable together, each with its own version', async () => {
  const { environment, engine, heard } = openWorld()
  const decisions = await Promise.all(
    Array.from({ length: 100 }, (_, n) => environment.commit({ actor: alice, writes: [add(`d${n}`)] })),
  )
  expect(engine.commits).toBe(1)
  expect(decisions.map(({ outcome }) => outcome.status === 'accepted' && outcome.version)).toEqual(
    Array.from({ length: 100 }, (_, n) => n + 1),
  )
  expect(heard.map(change => change.version)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1))
})

test('[COMMIT-18] one that is refused is taken out of its group, the others go on', async () => {
  const { environment, documents } = openWorld()
  const decisions = await Promise.all([
    environment.commit({ actor: alice, writes: [add('a')] }),
    environment.commit({ actor: alice, writes: [add('a')] }),
    environment.commit({ actor: bob, writes: [update('a', 'n', 1)] }),
    environment.commit({ actor: alice, writes: [update('a', 'n', 2)] }),
  ])
  expect(decisions.map(each => each.outcome.status)).toEqual(['accepted', 'rejected', 'rejected', 'accepted'])
  expect(await documents()).toEqual([{ _id: 'a', _openid: 'alice', n: 2 }])
})

test('[COMMIT-19] when the engine fails nothing is decided, published or acknowledged', async () => {
  const { environment, engine, heard, documents } = openWorld()
  await environment.openClient('c', 'alice', 0)
  engine.beforeCommit = () => {
    throw new Error('disk on fire')
  }
  const asked = environment.commit({ actor: alice, client: { id: 'c', mutation: mutationOf(1, [add('a')]) } })
  await expect(asked).rejects.toThrow('disk on fire')
  expect(heard).toEqual([])
  engine.beforeCommit = () => {}
  expect(await documents()).toEqual([])
  const again = await environment.commit({
    actor: alice,
    client: { id: 'c', mutation: mutationOf(1, [add('a')]) },
  })
  expect(again.outcome.status).toBe('accepted')
})

test('[COMMIT-20] state is written with the documents, and only when accepted', async () => {
  const { environment, engine } = openWorld()
  const actor = { kind: 'function', name: 'f', depth: 1 } as const
  await environment.commit({ actor, writes: [add('a')], state: [['cursor', '5']] })
  await environment.commit({ actor, writes: [add('a')], state: [['cursor', '6']] })
  expect(await engine.readState('test', 'cursor')).toBe('5')
  await environment.commit({ actor, writes: [], state: [['cursor', null]] })
  expect(await engine.readState('test', 'cursor')).toBeUndefined()
})

test('[COMMIT-21] what is heard names who did it, from which client, how deep', async () => {
  const { environment, heard } = openWorld()
  await environment.openClient('c', 'alice', 0)
  await environment.commit({ actor: alice, client: { id: 'c', mutation: mutationOf(1, [add('a')]) } })
  await environment.commit({
    actor: { kind: 'function', name: 'f', depth: 3 },
    writes: [update('a', 'n', 1)],
  })
  expect(heard[0]).toMatchObject({ actor: alice, client: 'c', depth: 0, before: null, version: 1 })
  expect(heard[1]).toMatchObject({ client: null, depth: 3, before: { _id: 'a' }, after: { n: 1 } })
  expect(heard[1]!.afterText).toBe(encode(heard[1]!.after!))
})

test('[COMMIT-44] what waits is stored together, at most 1,000 writes in one group; a commit that has more goes alone', async () => {
  class CountingEngine extends MemoryEngine {
    readonly groups: number[] = []
    override commit(env: string, batch: Batch) {
      this.groups.push(batch.changes.length)
      return super.commit(env, batch)
    }
  }
  const engine = new CountingEngine()
  const { environment } = openWorld(engine)
  const commit = (prefix: string, count: number) =>
    environment.commit({
      actor: admin,
      writes: Array.from({ length: count }, (_, n) => add(`${prefix}-${n}`)),
    })
  await Promise.all([
    ...Array.from({ length: 7 }, (_, n) => commit(`a${n}`, 300)),
    commit('large', 1_500),
    ...Array.from({ length: 1_001 }, (_, n) => commit(`b${n}`, 1)),
  ])
  expect(engine.groups).toEqual([900, 900, 300, 1_500, 1_000, 1])
})

test('[COMMIT-22] the log of the engine tells what listeners heard', async () => {
  const { environment, engine, heard } = openWorld()
  await environment.commit({ actor: alice, writes: [add('a', { n: 1 })] })
  await environment.commit({ actor: alice, writes: [update('a', 'n', 2)] })
  await environment.commit({ actor: admin, writes: [remove('a')] })
  const log = await engine.log('test', 0, 100)
  // which commit made `before` history does not say
  const told = (change: Change) => ({
    ...change,
    before: change.before,
    after: change.after,
    beforeVersion: 'unsaid',
  })
  expect(log!.map(told)).toEqual(heard.map(told))
})

test('[COMMIT-14] a clock that jumps ahead, back, far, or shows no moment gains at most now, and the next edit stands', async () => {
  for (const time of [1e9, 8.64e15, 1.5e300, -1, -1e9, -1e300, Infinity, -Infinity, Number.NaN, 0.25]) {
    const { environment, clock, engine, documents } = openWorld()
    const commit = (id: string, m: ReturnType<typeof mutationOf>) =>
      environment.commit({ actor: alice, client: { id, mutation: m } })
    for (const id of ['liar', 'honest']) await environment.openClient(id, 'alice', 0)
    await commit('honest', mutationOf(1, [add('a', { n: 0 })], { time: clock.now() }))
    clock.advance(10)
    await commit('liar', mutationOf(1, [update('a', 'n', 'lie')], { base: 1, time: clock.now() + time }))
    clock.advance(10)
    const row = await engine.client('test', 'liar')
    expect(row!.lastTime, String(time)).toBeLessThanOrEqual(clock.now())
    expect(row!.lastTime, String(time)).toBeGreaterThanOrEqual(0)
    const { outcome } = await commit(
      'honest',
      mutationOf(2, [update('a', 'n', 'truth')], { base: 1, time: clock.now() }),
    )
    expect([outcome, await documents()]).toMatchObject([{ status: 'accepted' }, [{ n: 'truth' }]])
    expect(outcome).not.toHaveProperty('superseded')
    const [stored] = await engine.get('test', 'todos', ['a'])
    for (const stamp of Object.values(stampsIn(stored!))) {
      expect(stamp.every(Number.isSafeInteger), String(time)).toBe(true)
      expect(stamp[1]).toBeLessThanOrEqual(clock.now())
    }
  }
})

test('[COMMIT-15] a clock that is set back does not lose its owner’s later edit to the earlier one', async () => {
  const { environment, clock, documents } = openWorld()
  const commit = (m: ReturnType<typeof mutationOf>) =>
    environment.commit({ actor: alice, client: { id: 'c', mutation: m } })
  await environment.openClient('c', 'alice', 0)
  const start = clock.now()
  await commit(mutationOf(1, [add('a', { n: 0 })], { time: start }))
  for (const [id, time] of [
    [2, start + 1e9],
    [3, start - 1e9],
    [4, Number.NaN],
    [5, -Infinity],
  ] as const)
    await commit(mutationOf(id, [update('a', 'n', id)], { base: 1, time }))
  expect(await documents()).toMatchObject([{ n: 5 }])
})

test('[COMMIT-23] an edit of an element that others moved reaches it, and of one that is gone is named in the outcome', async () => {
  const { environment, clock, documents } = openWorld()
  await environment.openClient('c', 'alice', 0)
  const l = [{ id: 'p' }, { id: 'q' }]
  await environment.commit({ actor: alice, writes: [add('a', { l })] })
  const seen = { _id: 'a', l } as Document
  const edit = (id: number, index: number) =>
    mutationOf(id, [guardWrite(update('a', `l.${index}.n`, 1, 'inc'), seen)], { base: 1, time: clock.now() })
  const move: Write = {
    op: 'update',
    collection: 'todos',
    id: 'a',
    changes: [['l', 'push', { each: [{ id: 'new' }], position: 0, slice: 2 }]],
  }
  await environment.commit({ actor: alice, writes: [move] })
  const first = await environment.commit({ actor: alice, client: { id: 'c', mutation: edit(1, 0) } })
  const second = await environment.commit({ actor: alice, client: { id: 'c', mutation: edit(2, 1) } })
  expect(first.outcome).toEqual({ id: 1, status: 'accepted', version: 3 })
  expect(second.outcome).toEqual({ id: 2, status: 'accepted', version: 3, superseded: ['todos/a/l.1.n'] })
  expect((await documents())[0]?.l).toEqual([{ id: 'new' }, { id: 'p', n: 1 }])
})

test('[COMMIT-24] stamps of missing fields that history has forgotten are kept as one', async () => {
  const { environment, engine, clock } = openWorld()
  await environment.commit({ actor: alice, writes: [add('a')] })
  for (let n = 0; n < 50; n++) {
    await environment.commit({ actor: alice, writes: [update('a', `f${n}`, n)] })
    const gone: Write = { op: 'update', collection: 'todos', id: 'a', changes: [[`f${n}`, 'remove', null]] }
    await environment.commit({ actor: alice, writes: [gone] })
  }
  const count = async () => Object.keys(stampsIn((await engine.get('test', 'todos', ['a']))[0]!)).length
  expect(await count()).toBe(51)
  clock.advance(1_000)
  await pruneTo(engine, 'test', { before: clock.now(), keep: 10 })
  await environment.commit({ actor: alice, writes: [update('a', 'n', 1)] })
  expect(await count()).toBeLessThan(10)
})
