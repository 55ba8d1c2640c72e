import type { Document } from '@nearcloud/protocol'
import type { Filter, Query, Snapshot } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { admin, alice, bob, openWorld, type World } from '../testing/scenario.ts'

const all: Filter = ['and', []]
const query = (part: Partial<Query> = {}): Query => ({
  collection: 'todos',
  where: all,
  orderBy: [],
  skip: 0,
  ...part,
})

async function seeded(count = 10): Promise<World> {
  const world = openWorld()
  for (let n = 0; n < count; n++)
    await world.environment.commit({
      actor: n % 2 ? alice : bob,
      writes: [{ op: 'add', collection: 'todos', id: `t${n}`, data: { n, public: n % 3 === 0 } }],
    })
  return world
}

const ids = (documents: readonly Document[]) => documents.map(document => document._id)

test('[FIND-1] an answer holds what matches and may be read, ordered, skipped, limited, projected', async () => {
  const { environment } = await seeded()
  const executor = environment.executorFor(alice)
  const answer = await executor.run({ verb: 'get', query: query() })
  expect(ids(answer.documents)).toEqual(['t0', 't1', 't3', 't5', 't6', 't7', 't9'])
  const narrowed = await executor.run({
    verb: 'get',
    query: query({
      where: ['field', 'n', ['gt', 1]],
      orderBy: [['n', 'desc']],
      skip: 1,
      limit: 2,
      fields: { n: true },
    }),
  })
  expect(narrowed.documents).toEqual([
    { _id: 't7', n: 7 },
    { _id: 't6', n: 6 },
  ])
})

test('[FIND-2] a count counts what may be read', async () => {
  const { environment } = await seeded()
  const count = (actor: typeof alice) =>
    environment.executorFor(actor).run({ verb: 'count', query: query({ limit: 1, skip: 5 }) })
  expect((await count(alice)).total).toBe(7)
  expect((await count(admin)).total).toBe(10)
  expect((await count({ kind: 'stranger' })).total).toBe(0)
})

test('[FIND-3] equalities of every kind find what a plain walk finds', async () => {
  const { environment } = openWorld()
  const values = [
    'a',
    'a"b',
    '\u0000',
    '中文',
    1,
    -0,
    0,
    1.5,
    1e21,
    true,
    false,
    null,
    new Date(5),
    ['a'],
    [1, 'x'],
  ]
  for (const [n, v] of values.entries())
    await environment.commit({
      actor: admin,
      writes: [{ op: 'add', collection: 'todos', id: n, data: { v, in: { v } } }],
    })
  for (const v of values)
    for (const path of ['v', 'in.v']) {
      const where: Filter = ['field', path, ['eq', v]]
      const found = await environment.executorFor(admin).run({ verb: 'get', query: query({ where }) })
      const expected = values.flatMap((other, n) =>
        Object.is(other, v) || other === v || (Array.isArray(other) && other.includes(v as never)) ? [n] : [],
      )
      expect(ids(found.documents)).toEqual(expected)
    }
  const byId: Filter = ['field', '_id', ['in', [3, 'nobody', 1]]]
  const found = await environment.executorFor(admin).run({ verb: 'get', query: query({ where: byId }) })
  expect(ids(found.documents)).toEqual([1, 3])
})

test('[FIND-4] a user cannot name the server’s own collections', async () => {
  const { environment } = openWorld()
  const ask = environment.executorFor(alice).run({ verb: 'get', query: query({ collection: '_files' }) })
  await expect(ask).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  const write = environment
    .executorFor({ kind: 'function', name: 'f', depth: 0 })
    .commit({ writes: [{ op: 'add', collection: '_files', id: 'x', data: {} }] })
  await expect(write).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await environment
    .executorFor(admin)
    .commit({ writes: [{ op: 'add', collection: '_files', id: 'x', data: {} }] })
})

test('[EXECUTE-1] a refusal is thrown as the error it is', async () => {
  const { environment } = await seeded(3)
  const write = environment
    .executorFor(alice)
    .commit({ writes: [{ op: 'remove', collection: 'todos', id: 't2' }] })
  await expect(write).rejects.toMatchObject({
    code: 'DATABASE_PERMISSION_DENIED',
    errMsg: 'todos: only its creator may do this',
  })
})

test('[EXECUTE-2] a change of a query touches what the actor may read, and counts it', async () => {
  const { environment, documents } = await seeded()
  const target = query({ where: ['field', 'n', ['lt', 4]] })
  const done = await environment
    .executorFor(alice)
    .commit({ target, first: false, change: [['seen', 'set', true]] })
  expect(done).toMatchObject({ ids: ['t0', 't1', 't3'], updated: 3, removed: 0, created: 0, pending: false })
  expect((await documents()).filter(document => document.seen === true).length).toBe(3)
  const first = await environment
    .executorFor(admin)
    .commit({ target: { ...target, orderBy: [['n', 'desc']] }, first: true, change: 'remove' })
  expect(first).toMatchObject({ ids: ['t3'], removed: 1 })
  const none = await environment.executorFor(admin).commit({
    target: query({ where: ['field', 'n', ['eq', 99]] }),
    first: false,
    change: 'remove',
  })
  expect(none).toMatchObject({ ids: [], removed: 0 })
})

test('[EXECUTE-3] a document that stopped matching before the change is left alone', async () => {
  const { environment, documents } = await seeded(4)
  const target = query({ where: ['field', 'n', ['lt', 4]] })
  const [, change] = await Promise.all([
    environment.commit({
      actor: admin,
      writes: [{ op: 'update', collection: 'todos', id: 't1', changes: [['n', 'set', 100]] }],
    }),
    environment.executorFor(admin).commit({ target, first: false, change: [['n', 'inc', 10]] }),
  ])
  expect(change.updated).toBe(3)
  expect((await documents()).map(document => document.n)).toEqual([10, 100, 12, 13])
})

test('[LIVE-1] a watch begins with the result and follows every commit that changes it, as its actor sees it', async () => {
  const { environment } = await seeded(4)
  const seen: Snapshot[] = []
  let wake = () => {}
  const next = async (count: number) => {
    while (seen.length < count)
      await new Promise<void>(resolve => {
        wake = resolve
      })
  }
  const watch = environment.executorFor(alice).watch(query({ where: ['field', 'n', ['lt', 100]] }), {
    next: snapshot => {
      seen.push(snapshot)
      wake()
    },
    error: error => {
      throw error
    },
  })
  expect(seen).toEqual([])
  await next(1)
  expect(seen[0]).toMatchObject({ id: 0, type: 'init' })
  expect(ids(seen[0]!.docs)).toEqual(['t0', 't1', 't3'])
  const write = (id: string, path: string, value: unknown) =>
    environment.commit({
      actor: admin,
      writes: [{ op: 'update', collection: 'todos', id, changes: [[path, 'set', value as never]] }],
    })
  await write('t2', 'n', 50) // hers not to see
  await write('t2', 'public', true)
  await next(2)
  expect(seen[1]!.docChanges).toMatchObject([{ docId: 't2', queueType: 'enqueue' }])
  await write('t0', 'public', false)
  await next(3)
  expect(seen[2]!.docChanges).toMatchObject([{ docId: 't0', queueType: 'dequeue', dataType: 'remove' }])
  expect(ids(seen[2]!.docs)).toEqual(['t1', 't2', 't3'])
  await watch.close()
  await write('t1', 'n', 7)
  await environment.close()
  expect(seen.length).toBe(3)
})

test('[LIVE-2] a watched window is refilled when a document leaves it', async () => {
  const { environment } = await seeded(6)
  const seen: Snapshot[] = []
  let wake = () => {}
  environment.executorFor(admin).watch(query({ orderBy: [['n', 'desc']], limit: 2 }), {
    next: snapshot => {
      seen.push(snapshot)
      wake()
    },
    error: error => {
      throw error
    },
  })
  const next = async (count: number) => {
    while (seen.length < count)
      await new Promise<void>(resolve => {
        wake = resolve
      })
  }
  await next(1)
  expect(ids(seen[0]!.docs)).toEqual(['t5', 't4'])
  await environment.commit({ actor: admin, writes: [{ op: 'remove', collection: 'todos', id: 't5' }] })
  await next(2)
  expect(ids(seen[1]!.docs)).toEqual(['t4', 't3'])
})

test('[LIVE-2] a watched window is full as long as there are documents for it, however many leave', async () => {
  const { environment } = await seeded(12)
  const asked = query({ orderBy: [['n', 'asc']], skip: 1, limit: 2 })
  let wake = (_: Snapshot) => {}
  let seen = new Promise<Snapshot>(resolve => {
    wake = resolve
  })
  environment.executorFor(admin).watch(asked, {
    next: snapshot => wake(snapshot),
    error: error => {
      throw error
    },
  })
  expect(ids((await seen).docs)).toEqual(['t1', 't2'])
  for (let n = 0; n < 11; n++) {
    seen = new Promise(resolve => {
      wake = resolve
    })
    await environment.commit({ actor: admin, writes: [{ op: 'remove', collection: 'todos', id: `t${n}` }] })
    const { docs } = await seen
    expect(ids(docs)).toEqual([`t${n + 2}`, `t${n + 3}`].slice(0, Math.max(0, 10 - n)))
  }
})

/** Somebody commits behind the first page of what is read, as often as there is something to be committed. */
class InterruptedEngine extends MemoryEngine {
  readonly interruptions: (() => Promise<unknown>)[] = []

  override async *scan(...asked: Parameters<MemoryEngine['scan']>) {
    for await (const page of super.scan(...asked)) {
      yield page
      await this.interruptions.shift()?.()
    }
  }
}

/** Two hundred documents, the first and the last of which change together. */
async function interruptedWorld() {
  const engine = new InterruptedEngine()
  const { environment } = openWorld(engine)
  const names = Array.from({ length: 200 }, (_, n) => `t${100 + n}`)
  const both = ['t100', 't299']
  await environment.commit({
    actor: admin,
    writes: names.map(id => ({
      op: 'add' as const,
      collection: 'todos',
      id,
      data: { n: 0, rank: both.includes(id) ? 0 : 1 },
    })),
  })
  const change = (n: number) => () =>
    environment.commit({
      actor: admin,
      writes: both.map(id => ({
        op: 'update' as const,
        collection: 'todos',
        id,
        changes: [['n', 'set', n] as const],
      })),
    })
  const seen: Snapshot[] = []
  const watch = (asked: Query) =>
    new Promise<void>((resolve, reject) => {
      environment.executorFor(admin).watch(asked, {
        next: snapshot => {
          seen.push(snapshot)
          resolve()
        },
        error: reject,
      })
    })
  const shown = () =>
    seen.map(({ docs }) => both.map(id => docs.find(({ _id }) => _id === id)?.n ?? '-').join())
  return { engine, environment, change, watch, shown, seen }
}

test('[LIVE-1] of a commit that is made while the first result is looked up nobody sees one half', async () => {
  const { engine, change, watch, shown, seen } = await interruptedWorld()
  engine.interruptions.push(change(1))
  await watch(query())
  await change(2)()
  await new Promise(resolve => setImmediate(resolve))
  expect(shown()).toEqual(['1,1', '2,2'])
  expect(seen.map(({ id, type }) => [id, type])).toEqual([
    [0, 'init'],
    [1, undefined],
  ])
})

test('[LIVE-2] of a commit that is made while a window is refilled nobody sees one half', async () => {
  const { engine, environment, change, watch, shown } = await interruptedWorld()
  await watch(query({ orderBy: [['rank', 'asc']], limit: 50 }))
  engine.interruptions.push(change(1))
  // more than are held behind it: what follows has to be looked up
  const writes = Array.from({ length: 40 }, (_, n) => ({
    op: 'remove' as const,
    collection: 'todos',
    id: `t${101 + n}`,
  }))
  await environment.commit({ actor: admin, writes })
  while (shown().length < 2) await new Promise(resolve => setImmediate(resolve))
  await change(2)()
  while (shown().length < 3) await new Promise(resolve => setImmediate(resolve))
  expect(shown()).toEqual(['0,0', '1,1', '2,2'])
  expect(engine.interruptions).toEqual([])
})
