import { MemoryPlatform, ScriptedFiles } from '@nearcloud/client/testing'
import type { CloudError } from '@nearcloud/protocol'
import { settle } from '@nearcloud/store/testing'
import { TestRig } from '@nearcloud/sync/testing'
import { expect, test } from 'vitest'
import { createCloud, type InitOptions } from '../index.ts'
import { type Lens, lenses } from './index.ts'

/** A name of two words. */
const names = {
  split: 'name',
  into: ['first', 'last'],
  up(name: unknown) {
    const [first, ...last] = (name as string).split(' ')
    return { first, last: last.join(' ') }
  },
  down: ({ first = '', last = '' }) => (last === '' ? first : `${first} ${last}`),
} as Lens

const releases: readonly Lens[] = [
  { rename: 'title', to: 'text' },
  { add: 'priority', default: 2 },
  { remove: 'color', default: 'red' },
  names,
  { rename: 'author.nick', to: 'handle' },
]

/** A network, and apps of any release on devices of their own. */
function setUp() {
  const rig = new TestRig()
  const open = async (
    options: InitOptions = { lenses: lenses({ todos: releases }), subscribe: { todos: true } },
    seed = 1,
  ) => {
    const cloud = createCloud(new MemoryPlatform(rig, new ScriptedFiles().http, seed))
    const errors: CloudError[] = []
    cloud.on('error', error => errors.push(error))
    cloud.init({ endpoint: 'http://cloud.test', ...options })
    await cloud.ready()
    await rig.pass(1_000)
    const db = cloud.database()
    return { cloud, db, _: db.command, todos: db.collection('todos'), errors }
  }
  return { rig, open }
}

const refusal = (asked: Promise<unknown>) =>
  asked.then(
    () => 'done',
    ({ code, errMsg, details }: CloudError) => ({ code, errMsg, reason: details.reason }),
  )

const text = 'Tea'
const stored = { _id: '1', title: text, color: 'blue', name: 'Ann Lee', author: { nick: 'al', x: 1 } }
const seen = { _id: '1', text, priority: 2, first: 'Ann', last: 'Lee', author: { handle: 'al', x: 1 } }

test('[LENS-1] the app sees the newest shape; what is stored, sent, and seen by an app without lenses is the oldest', async () => {
  const { rig, open } = setUp()
  rig.server.put('todos', stored)
  const app = await open()
  const older = await open({ subscribe: { todos: true } }, 2)
  expect((await app.todos.get()).data).toEqual([seen])
  await app.todos.add({ data: { _id: '2', text: 'Milk', first: 'Bo', last: 'Ek', priority: 1 } })
  await rig.pass(1_000)
  const added = { _id: '2', title: 'Milk', name: 'Bo Ek', priority: 1, color: 'red' }
  expect(rig.server.get('todos', '2')).toMatchObject(added)
  expect((await older.todos.doc('2').get()).data).toMatchObject(added)
  await older.todos.doc('2').update({ data: { title: 'Oat milk', name: 'Bo' } })
  await rig.pass(1_000)
  expect((await app.todos.doc('2').get()).data).toMatchObject({ text: 'Oat milk', first: 'Bo', last: '' })
})

test('[LENS-1] an app of the second release and one of the third, offline at once, keep each other’s fields', async () => {
  const { rig, open } = setUp()
  rig.server.put('todos', stored)
  const first = await open({ subscribe: { todos: true } }, 2)
  const second = await open(
    { lenses: lenses({ todos: releases.slice(0, 2) }), subscribe: { todos: true } },
    3,
  )
  const third = await open()
  const apps = [first, second, third]
  for (const { cloud } of apps) cloud.goOffline()
  await first.todos.doc('1').update({ data: { color: 'green', author: { x: first._.inc(1) } } })
  await second.todos.doc('1').update({ data: { text: 'Green tea', priority: second._.inc(1) } })
  await third.todos.doc('1').update({ data: { last: 'Li', author: { handle: 'ann' } } })
  const { author, ...whole } = (await third.todos.doc('1').get()).data!
  await third.todos.doc('1').set({ data: { ...without(whole, '_id'), author, due: 5 } })
  for (const { cloud } of apps) {
    cloud.goOnline()
    await rig.pass(5_000)
  }
  expect(rig.server.get('todos', '1')).toMatchObject({ color: 'green', name: 'Ann Li', due: 5 })
  const [one, two, three] = await Promise.all(apps.map(async each => (await each.todos.doc('1').get()).data!))
  expect(three).toMatchObject({ first: 'Ann', last: 'Li', due: 5, author: { handle: 'ann' } })
  expect(two).toMatchObject({ text: three!.text, priority: three!.priority, color: 'green', name: 'Ann Li' })
  expect(one).toEqual(rig.server.get('todos', '1'))
  expect(third.errors).toEqual([])
})

function without<T extends object>(fields: T, ...keys: string[]): object {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !keys.includes(key)))
}

test('[LENS-2] conditions, order, count, where-writes and aggregations are of what is seen', async () => {
  const { rig, open } = setUp()
  const names = ['Ann Lee', 'Bo Ek', 'Cy Ek']
  for (const [at, name] of names.entries())
    rig.server.put('todos', { _id: String(at), title: `t${at}`, name, ...(at > 0 && { priority: at * 3 }) })
  const { todos, db, _ } = await open()
  const idsOf = async (asked: Promise<{ data: readonly { _id?: unknown }[] }>) =>
    (await asked).data.map(({ _id }) => _id)
  expect(await idsOf(todos.where({ text: 't1' }).get())).toEqual(['1'])
  expect(await idsOf(todos.where({ priority: 2 }).get())).toEqual(['0'])
  expect(await idsOf(todos.where({ priority: _.neq(2) }).get())).toEqual(['1', '2'])
  expect(await idsOf(todos.where({ last: 'Ek' }).orderBy('first', 'desc').limit(1).get())).toEqual(['2'])
  expect(await idsOf(todos.orderBy('priority', 'desc').skip(1).get())).toEqual(['1', '0'])
  expect(await todos.where(_.expr(db.command.aggregate.eq(['$last', 'Ek']))).count()).toMatchObject({
    total: 2,
  })
  expect((await todos.where({ text: 't0' }).field({ first: true, _id: false }).get()).data).toEqual([
    { first: 'Ann' },
  ])
  const { list } = await todos
    .aggregate()
    .match({ priority: _.gt(1) })
    .group({ _id: '$last', sum: db.command.aggregate.sum('$priority') })
    .sort({ _id: 1 })
    .end()
  expect(list).toEqual([
    { _id: 'Ek', sum: 9 },
    { _id: 'Lee', sum: 2 },
  ])
  const { stats } = await todos.where({ last: 'Ek' }).update({ data: { first: 'X', priority: _.inc(1) } })
  expect(stats).toEqual({ updated: 2 })
  await todos.where({ priority: _.gt(6) }).remove()
  await rig.pass(1_000)
  expect(rig.server.all('todos')).toMatchObject([{ _id: '0' }, { _id: '1', name: 'X Ek', priority: 4 }])
})

test('[LENS-2] a watch tells what is seen to change, in numbered snapshots; what older apps alone have is no change', async () => {
  const { rig, open } = setUp()
  rig.server.put('todos', stored)
  const { todos, _ } = await open()
  const told: unknown[][] = []
  const tell = (name: string) => ({
    onChange: ({
      id,
      docs,
      docChanges,
    }: {
      id: number
      docs: readonly object[]
      docChanges: readonly object[]
    }) =>
      told.push([
        name,
        id,
        docs.length,
        ...docChanges.map(change => {
          const { queueType, updatedFields, removedFields } = change as Record<string, unknown>
          return [queueType, updatedFields, removedFields].filter(each => each !== undefined)
        }),
      ]),
    onError: (error: Error) => told.push([error.message]),
  })
  todos.where({ text }).watch(tell('text'))
  todos.where({ last: 'Lee', priority: _.lt(5) }).watch(tell('last'))
  await settle()
  await todos.doc('1').update({ data: { author: { handle: 'ann' } } })
  rig.server.put('todos', { ...stored, author: { nick: 'ann', x: 1 }, color: 'green' })
  await rig.pass(1_000)
  await todos.doc('1').update({ data: { first: 'Jo', priority: 9 } })
  await settle()
  const changed = ['update', { 'author.handle': 'ann' }, []]
  expect(told.filter(([name]) => name === 'text')).toEqual([
    ['text', 0, 1, ['init']],
    ['text', 1, 1, changed],
    ['text', 2, 1, ['update', { first: 'Jo', priority: 9 }, []]],
  ])
  expect(told.filter(([name]) => name === 'last')).toEqual([
    ['last', 0, 1, ['init']],
    ['last', 1, 1, changed],
    ['last', 2, 0, ['dequeue']],
  ])
})

test('[LENS-3] a name that is stored under the new one by others is not lost, but changes places', async () => {
  const { rig, open } = setUp()
  rig.server.put('todos', { _id: '1', title: 'a', text: 'theirs' })
  const { todos } = await open({
    lenses: lenses({ todos: [{ rename: 'title', to: 'text' }] }),
    subscribe: { todos: true },
  })
  expect((await todos.get()).data).toEqual([{ _id: '1', text: 'a', title: 'theirs' }])
  await todos.doc('1').update({ data: { text: 'b' } })
  await rig.pass(1_000)
  expect(rig.server.get('todos', '1')).toEqual({ _id: '1', title: 'b', text: 'theirs' })
})

test('[LENS-4] what changes a field that was added begins at its default; counters made apart still add up', async () => {
  const { rig, open } = setUp()
  const later: readonly Lens[] = [
    { add: 'seen', default: 0 },
    { add: 'stock', default: 10 },
    { add: 'tags', default: ['new'] },
  ]
  rig.server.put('todos', { _id: '1' })
  const options = { lenses: lenses({ todos: later }), subscribe: { todos: true } } as const
  const [one, two] = [await open(options), await open(options, 2)]
  for (const { cloud, todos, _ } of [one, two]) {
    cloud.goOffline()
    await todos.doc('1').update({ data: { seen: _.inc(1) } })
  }
  await one.todos.doc('1').update({ data: { stock: one._.inc(-1), tags: one._.push('tea') } })
  await one.todos.doc('1').update({ data: { stock: one._.inc(-1) } })
  for (const { cloud } of [one, two]) cloud.goOnline()
  await rig.pass(5_000)
  expect(rig.server.get('todos', '1')).toEqual({ _id: '1', seen: 2, stock: 8, tags: ['new', 'tea'] })
})

test('[LENS-5] what only older apps have is kept by every write of a newer one', async () => {
  const { rig, open } = setUp()
  rig.server.put('todos', stored)
  const { todos } = await open()
  await todos.doc('1').set({ data: { text: 'anew', author: { handle: 'b' } } })
  await todos.doc('2').set({ data: { text: 'first' } })
  await rig.pass(1_000)
  expect(rig.server.get('todos', '1')).toEqual({
    _id: '1',
    title: 'anew',
    color: 'blue',
    author: { nick: 'b' },
  })
  expect(rig.server.get('todos', '2')).toMatchObject({ _id: '2', title: 'first', color: 'red' })
})

test('[LENS-6] a part is written by writing the whole; parts that would not come back the same are refused', async () => {
  const { rig, open } = setUp()
  rig.server.put('todos', stored)
  const { todos, _ } = await open()
  await todos.doc('1').update({ data: { last: 'Li', first: _.rename('other') } })
  await rig.pass(1_000)
  expect(rig.server.get('todos', '1')).toMatchObject({ name: ' Li', other: 'Ann' })
  const refused = {
    code: 'INVALID_PARAM',
    reason: 'lens',
    errMsg: expect.stringContaining('cannot be stored as "name"'),
  }
  expect(await refusal(todos.add({ data: { first: 'Ann Lee', last: 'Li' } }))).toMatchObject(refused)
  expect(await refusal(todos.doc('1').update({ data: { first: 5 } }))).toMatchObject(refused)
  expect(await refusal(todos.doc('1').update({ data: { first: 'A B' } }))).toMatchObject(refused)
  await rig.pass(1_000)
  expect(rig.server.all('todos')).toHaveLength(1)
})

test('[LENS-7] writes keep their order, also behind one that has to look at its document first', async () => {
  const { rig, open } = setUp()
  rig.server.put('todos', stored)
  const { todos, db } = await open()
  const batch = db.batch()
  batch
    .collection('todos')
    .doc('2')
    .update({ data: { last: 'F' } })
  batch
    .collection('todos')
    .doc('2')
    .update({ data: { first: 'G' } })
  batch
    .collection('todos')
    .doc('3')
    .update({ data: { first: 'nobody' } })
  const done = [
    todos.doc('1').update({ data: { first: 'B' } }),
    todos.doc('1').update({ data: { text: 'b', last: 'C' } }),
    todos.doc('1').update({ data: { text: 'c' } }),
    todos.add({ data: { _id: '2', first: 'D', last: 'E' } }),
    batch.commit(),
    todos.doc('2').update({ data: { first: 'G' } }),
  ]
  const found = todos.orderBy('text', 'desc').get()
  expect((await found).data).toMatchObject([
    { text: 'c', first: 'B', last: 'C' },
    { first: 'G', last: 'F' },
  ])
  const results = (await Promise.all(done)) as { stats?: unknown }[]
  expect(results.map(({ stats }) => stats)).toEqual([
    { updated: 1 },
    { updated: 1 },
    { updated: 1 },
    undefined,
    { created: 0, updated: 2, removed: 0 },
    { updated: 1 },
  ])
  await rig.pass(1_000)
  expect(rig.server.all('todos')).toMatchObject([{ title: 'c', name: 'B C' }, { name: 'G F' }])
})

test('[LENS-7] a document that is not here and has to be looked at cannot be written offline', async () => {
  const { rig, open } = setUp()
  rig.server.put('todos', stored)
  const { cloud, todos } = await open({ lenses: lenses({ todos: releases }) })
  cloud.goOffline()
  const reason = { code: 'OFFLINE', reason: 'lens' }
  expect(await refusal(todos.doc('1').set({ data: { text: 'x' } }))).toMatchObject(reason)
  expect(await refusal(todos.doc('1').update({ data: { first: 'x' } }))).toMatchObject(reason)
  expect(await refusal(todos.doc('1').update({ data: { text: 'x' } }))).toBe('done')
  expect(await refusal(todos.add({ data: { text: 'x' } }))).toBe('done')
})

test('[LENS-8] what cannot be said of the older shape is refused with INVALID_PARAM, where it is asked', async () => {
  const { rig, open } = setUp()
  rig.server.put('todos', stored)
  const { cloud, db, todos, _ } = await open()
  const doc = todos.doc('1')
  const errors: unknown[] = []
  todos
    .where({ name: 'a' })
    .watch({ onChange: () => errors.push('told'), onError: error => errors.push(error) })
  const refused = [
    () => todos.where({ title: text }).get(),
    () => todos.where({ 'author.nick': 'al' }).count(),
    () => todos.orderBy('color', 'asc').get(),
    () => todos.where({ text, color: 'red' }).update({ data: { text: '' } }),
    () => doc.update({ data: { title: 'x' } }),
    () => doc.update({ data: { author: { nick: 'x' } } }),
    () => doc.update({ data: { author: _.set({ nick: 'x' }) } }),
    () => doc.update({ data: { text: _.rename('color') } }),
    () => doc.update({ data: { name: 'x' } }),
    () => doc.update({ data: { first: db.serverDate() } }),
    () => doc.set({ data: { title: 'x' } }),
    () => todos.add({ data: { color: 'x' } }),
    () => todos.createIndex({ name: 'last', keys: { last: 1 } }),
  ]
  for (const ask of refused)
    expect(await refusal(ask())).toMatchObject({ code: 'INVALID_PARAM', reason: 'lens' })
  for (const ask of [
    () => cloud.subscribe('todos', { title: text }),
    () => todos.where({ color: 'red' }).subscribe(),
  ])
    expect(ask).toThrow(expect.objectContaining({ code: 'INVALID_PARAM' }))
  expect(errors).toMatchObject([{ code: 'INVALID_PARAM' }])
  expect(cloud.status().pending).toBe(0)
  expect(rig.server.get('todos', '1')).toEqual(stored)
})

test('[LENS-9] a document that does not fit is told of, shown without the parts, and kept; the others go on', async () => {
  const { rig, open } = setUp()
  rig.server.put('todos', stored)
  rig.server.put('todos', { _id: '2', title: 'b', name: 5, author: [{ nick: 'x' }] })
  const { todos, errors } = await open()
  const broken = { _id: '2', text: 'b', priority: 2, author: [{ nick: 'x' }] }
  for (const _again of [1, 2]) expect((await todos.get()).data).toEqual([seen, broken])
  expect(errors).toMatchObject([
    { code: 'INVALID_PARAM', details: { reason: 'lens', collection: 'todos', id: '2', path: 'name' } },
    { code: 'INVALID_PARAM', details: { reason: 'lens', collection: 'todos', id: '2', path: 'author' } },
  ])
  await todos.doc('2').set({ data: { text: 'c' } })
  await rig.pass(1_000)
  expect(rig.server.get('todos', '2')).toMatchObject({ title: 'c', name: 5 })
})

test.each<[string, () => object]>([
  ['a lens that throws', () => ({ up: () => fail('up'), down: () => fail('down') })],
  ['one that gives no object', () => ({ up: () => 5, down: () => undefined })],
  ['one that gives other parts', () => ({ up: () => ({ other: 1 }), down: () => ({}) })],
  [
    'one that gives what cannot be stored',
    () => ({ up: () => ({ part: new Map() }), down: () => new Map() }),
  ],
  ['one that is not pure in time', () => ({ up: async () => ({}), down: async () => 'a' })],
])('[LENS-9] %s harms nothing that is stored', async (_what, broken) => {
  const { rig, open } = setUp()
  rig.server.put('todos', { _id: '1', whole: 'a', n: 1 })
  const options = lenses({ todos: [{ split: 'whole', into: ['part'], ...broken() } as never] })
  const { todos, errors } = await open({ lenses: options, subscribe: { todos: true } })
  expect((await todos.get()).data).toEqual([{ _id: '1', n: 1 }])
  expect(errors).toMatchObject([{ code: 'INVALID_PARAM', details: { path: 'whole' } }])
  await todos.doc('1').update({ data: { n: 2 } })
  expect(await refusal(todos.doc('1').update({ data: { part: 'b' } }))).toMatchObject({
    code: 'INVALID_PARAM',
  })
  await rig.pass(1_000)
  expect(rig.server.get('todos', '1')).toEqual({ _id: '1', whole: 'a', n: 2 })
})

function fail(words: string): never {
  throw new Error(words)
}

test('[LENS-10] init refuses lenses that were not made', async () => {
  const { open } = setUp()
  await expect(open({ lenses: { todos: releases } as never })).rejects.toMatchObject({
    code: 'INVALID_PARAM',
  })
})

test('[LENS-10] names may go round and come back', async () => {
  const { rig, open } = setUp()
  rig.server.put('todos', { _id: '1', a: 1, b: 2 })
  const round: readonly Lens[] = [
    { rename: 'a', to: 'x' },
    { rename: 'b', to: 'a' },
    { rename: 'x', to: 'b' },
  ]
  const { todos } = await open({ lenses: lenses({ todos: round }), subscribe: { todos: true } })
  expect((await todos.get()).data).toEqual([{ _id: '1', a: 2, b: 1 }])
  await todos.doc('1').update({ data: { a: 20 } })
  await todos.where({ b: 1 }).update({ data: { b: 10 } })
  await rig.pass(1_000)
  expect(rig.server.get('todos', '1')).toEqual({ _id: '1', a: 10, b: 20 })
})

test('[LENS-11] what is subscribed to and indexed is named as it is seen', async () => {
  const { rig, open } = setUp()
  rig.server.put('todos', stored)
  rig.server.put('todos', { _id: '2', title: 'Milk', name: 'Bo Ek' })
  const { cloud, todos } = await open({ lenses: lenses({ todos: releases }), subscribe: { todos: { text } } })
  const following = cloud.subscribe('todos', { text: 'Milk', last: 'Ek' })
  await rig.pass(1_000)
  await following.ready
  cloud.goOffline()
  expect(await todos.where({ text }).get()).toEqual({ data: [seen], errMsg: 'collection.get:ok' })
  expect(await todos.where({ text: 'Milk' }).get()).not.toHaveProperty('fromCache')
  await todos.createIndex({ name: 'text', keys: { text: 1 } })
  expect((await todos.listIndexes()).indexes).toMatchObject([{ keys: [['text', 1]] }])
  expect(await todos.where({ text }).explain()).toMatchObject({ index: 'text' })
})

test('[LENS-12] refused writes are told, and tried again, as they were sent', async () => {
  const { rig, open } = setUp()
  rig.server.put('todos', stored)
  const { cloud, todos } = await open()
  rig.server.judge = () => 'shut'
  await todos.doc('1').update({ data: { text: 'x' } })
  await rig.pass(1_000)
  const [rejection] = cloud.rejections.list
  expect(rejection!.writes).toMatchObject([{ data: { title: 'x' } }])
  rig.server.judge = () => undefined
  await cloud.rejections.edit(rejection!.id, { title: 'y' })
  await rig.pass(1_000)
  expect((await todos.doc('1').get()).data).toMatchObject({ text: 'y' })
})

test('[LENS-1] collections without lenses are what they were, also in aggregations', async () => {
  const { rig, open } = setUp()
  rig.server.put('notes', { _id: '1', title: 'a', n: 2 })
  const { db } = await open({ lenses: lenses({ todos: releases }), subscribe: { notes: true, todos: true } })
  rig.server.put('todos', stored)
  await rig.pass(1_000)
  const notes = db.collection('notes')
  expect((await notes.where({ title: 'a' }).get()).data).toEqual([{ _id: '1', title: 'a', n: 2 }])
  expect((await notes.aggregate().project({ n: 1, _id: 0 }).end()).list).toEqual([{ n: 2 }])
  const joined = await notes
    .aggregate()
    .lookup({ from: 'todos', localField: 'n', foreignField: 'priority', as: 'found' })
    .end()
  expect(joined.list).toEqual([{ _id: '1', title: 'a', n: 2, found: [seen] }])
})
