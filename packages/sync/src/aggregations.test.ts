import type { Aggregation, Filter, Stage } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { everyOne, TestRig } from './testing/index.ts'

const byName: Stage = ['group', { by: ['path', 'by'], fields: [['total', 'sum', ['path', 'n']]] }]
const sorted: Stage = ['sort', [['_id', 'asc']]]
const totals = (...before: readonly Stage[]): Aggregation => ({
  collection: 'todos',
  stages: [...before, byName, sorted],
})
const withPeople: Stage = ['lookup', { from: 'people', localField: 'by', foreignField: '_id', as: 'people' }]
const run = (aggregation: Aggregation) => ({ verb: 'aggregate', aggregation }) as const

async function rigWithTodos(): Promise<TestRig> {
  const rig = new TestRig()
  for (let n = 0; n < 10; n++) rig.server.put('todos', { _id: `t${n}`, by: n % 2 ? 'ann' : 'bob', n })
  rig.server.put('people', { _id: 'ann', age: 9 })
  return rig
}

test('[READ-13] what is in step is aggregated here, with pending writes, without a word to the server', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  ann.sync.goOffline()
  await ann.sync.executor.commit({
    writes: [{ op: 'add', collection: 'todos', id: 'mine', data: { by: 'ann', n: 100 } }],
  })
  const answer = await ann.sync.executor.run(run(totals()))
  expect(answer).toMatchObject({ fromCache: false, documents: [] })
  expect(answer.results).toEqual([
    { _id: 'ann', total: 125 },
    { _id: 'bob', total: 20 },
  ])
})

test('[READ-13] what the leading match narrows to is enough; each collection looked up has to be here whole', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  const anns: Filter = ['field', 'by', ['eq', 'ann']]
  void ann.sync.subscribe(everyOne('todos', anns))
  await rig.pass()
  const { frames } = ann.network
  expect((await ann.sync.executor.run(run(totals(['match', anns])))).results).toEqual([
    { _id: 'ann', total: 25 },
  ])
  expect(ann.network.frames).toBe(frames)
  const lookedUp = run({ collection: 'todos', stages: [['match', anns], withPeople, ['limit', 1]] })
  const asked = ann.sync.executor.run(lookedUp)
  await rig.pass()
  expect((await asked).results).toMatchObject([{ _id: 't1', people: [{ _id: 'ann', age: 9 }] }])
  expect(ann.network.frames).toBeGreaterThan(frames)
  void ann.sync.subscribe(everyOne('people'))
  await rig.pass()
  ann.sync.goOffline()
  expect(await ann.sync.executor.run(lookedUp)).toMatchObject({
    fromCache: false,
    results: [{ _id: 't1', people: [{ _id: 'ann', age: 9 }] }],
  })
})

test('[READ-13] what is not in step is asked of the server, after the writes made before it', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  await ann.sync.executor.commit({
    writes: [{ op: 'add', collection: 'todos', id: 'mine', data: { by: 'cid', n: 3 } }],
  })
  const asked = ann.sync.executor.run(run(totals()))
  await rig.pass()
  expect(await asked).toMatchObject({
    fromCache: false,
    results: [
      { _id: 'ann', total: 25 },
      { _id: 'bob', total: 20 },
      { _id: 'cid', total: 3 },
    ],
  })
  expect(ann.store.subscriptions.size).toBe(0)
})

test('[READ-13] without a connection the answer is of what is here, and says so', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  ann.sync.goOffline()
  expect(await ann.sync.executor.run(run(totals()))).toMatchObject({ fromCache: true, results: [] })
})

test('[READ-13] a pipeline that cannot be is refused here as there', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  const broken: Stage = [
    'addFields',
    [
      [
        'x',
        [
          'call',
          'divide',
          [
            'list',
            [
              ['path', 'n'],
              ['value', 0],
            ],
          ],
        ],
      ],
    ],
  ]
  const covered = ann.sync.executor.run(run({ collection: 'todos', stages: [broken] }))
  await expect(covered).rejects.toMatchObject({ code: 'DATABASE_REQUEST_FAILED' })
  const asked = ann.sync.executor.run(run({ collection: 'people', stages: [broken] }))
  asked.catch(() => undefined)
  await rig.pass()
  await expect(asked).resolves.toMatchObject({ results: [{ _id: 'ann', x: null }] })
})

test('[READ-14] a condition on what is computed is read, watched and followed like any other', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  const large: Filter = [
    'expr',
    [
      'call',
      'gt',
      [
        'list',
        [
          ['path', 'n'],
          ['value', 7],
        ],
      ],
    ],
  ]
  const query = everyOne('todos', large)
  const sizes: number[] = []
  ann.sync.executor.watch(query, {
    next: ({ docs }) => sizes.push(docs.length),
    error: error => {
      throw error
    },
  })
  await rig.pass()
  const { documents } = await ann.sync.executor.run({ verb: 'get', query })
  expect(documents.map(({ _id }) => _id)).toEqual(['t8', 't9'])
  rig.server.put('todos', { _id: 't10', by: 'ann', n: 70 })
  await rig.pass()
  ann.sync.goOffline()
  await ann.sync.executor.commit({
    target: query,
    first: false,
    change: [['n', 'inc', -2]],
  })
  await rig.pass()
  expect(sizes).toEqual([2, 3, 1])
})

test('[READ-14] a followed condition on what is computed survives a restart', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  const large: Filter = [
    'expr',
    [
      'call',
      'gt',
      [
        'list',
        [
          ['path', 'n'],
          ['value', 7],
        ],
      ],
    ],
  ]
  await ann.sync.subscribe(everyOne('todos', large)).ready
  await ann.stop()
  const again = await rig.client({ medium: ann.medium, isStarted: false })
  const { documents, fromCache } = await again.sync.executor.run({
    verb: 'get',
    query: everyOne('todos', large),
  })
  expect(documents.map(({ _id }) => _id)).toEqual(['t8', 't9'])
  expect(fromCache).toBe(false)
})

test('[READ-15] an index made on a client is the local store’s, and told by explain', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  const { frames } = ann.network
  const { executor } = ann.sync
  const createIndex = {
    name: 'by_n',
    keys: [
      ['by', 1],
      ['n', -1],
    ],
    unique: false,
  } as const
  await executor.commit({ collection: 'todos', createIndex })
  expect((await executor.run({ verb: 'indexes', collection: 'todos' })).indexes).toEqual([createIndex])
  const query = everyOne('todos', ['field', 'by', ['eq', 'ann']], { orderBy: [['n', 'desc']], limit: 2 })
  expect((await executor.run({ verb: 'explain', query })).explanation).toMatchObject({
    plan: 'index',
    index: 'by_n',
    ordered: true,
    examined: 2,
    returned: 2,
    answeredBy: 'local',
  })
  const unique = { ...createIndex, name: 'u', unique: true }
  await expect(executor.commit({ collection: 'todos', createIndex: unique })).rejects.toMatchObject({
    code: 'INVALID_PARAM',
  })
  await executor.commit({ collection: 'todos', dropIndex: 'by_n' })
  expect((await executor.run({ verb: 'explain', query })).explanation).toMatchObject({ plan: 'scan' })
  expect(ann.network.frames).toBe(frames)
})
