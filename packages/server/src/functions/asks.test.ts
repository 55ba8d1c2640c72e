import { type CloudError, encode, limits, type Value } from '@nearcloud/protocol'
import { type AskVerb, askVerbs } from '@nearcloud/server-sdk/channel'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openWorld } from '../testing/scenario.ts'
import { type Behind, carryOut } from './asks.ts'

function behindOf(world = openWorld()): Behind {
  return {
    executor: world.environment.executorFor({ kind: 'function', name: 'f', depth: 0 }),
    call: async (name, data) => ({ requestId: 'r', result: [name, data] as Value }),
    files: async ask => ({ text: encode(ask.verb), server: 'http://127.0.0.1' }),
  }
}

const query = (part: object = {}) =>
  JSON.stringify({ collection: 'todos', where: ['and', []], orderBy: [], skip: 0, ...part })

const push = (...writes: object[]) =>
  JSON.stringify({ type: 'push', mutations: [{ id: 1, nonce: '', base: 0, time: 0, writes }] })

const add = (part: object = {}) => ({ op: 'add', collection: 'todos', id: 'a', data: { n: 1 }, ...part })

test('documents come back as their canonical text', async () => {
  const behind = behindOf()
  const at = { $date: 5 }
  expect(await carryOut(behind, 'push', push(add({ data: { at } })))).toMatchObject({ created: 1 })
  expect(await carryOut(behind, 'get', query())).toEqual({
    documents: ['{"_id":"a","at":{"$date":5}}'],
    total: 1,
  })
  expect(await carryOut(behind, 'count', query())).toMatchObject({ total: 1 })
})

test('a change of what a query matches is decided by the server', async () => {
  const world = openWorld()
  const behind = behindOf(world)
  await carryOut(behind, 'push', push(add(), add({ id: 'b', data: { n: 2 } })))
  const changes = [['n', 'inc', 10]]
  const text = JSON.stringify({ query: JSON.parse(query()), first: false, changes })
  expect(await carryOut(behind, 'change', text)).toMatchObject({ updated: 2 })
  expect(await world.documents()).toMatchObject([{ n: 11 }, { n: 12 }])
  const removal = JSON.stringify({ query: JSON.parse(query()), first: false, changes: null })
  expect(await carryOut(behind, 'change', removal)).toMatchObject({ removed: 2 })
  expect(await world.documents()).toEqual([])
})

test('a call brings the answer with its request id', async () => {
  const text = JSON.stringify({ type: 'call', id: 1, name: 'other', data: { at: { $date: 5 } } })
  expect(await carryOut(behindOf(), 'call', text)).toEqual({
    requestId: 'r',
    text: encode(['other', { at: new Date(5) }]),
  })
})

const pipeline = (part: object) => JSON.stringify({ collection: 'todos', stages: [], ...part })
const lookup = (from: string) => ['lookup', { from, as: 'x', localField: 'a', foreignField: 'b' }]
const index = (part: object) =>
  JSON.stringify({ collection: 'todos', index: { name: 'i', keys: [['n', 1]], unique: false }, ...part })

test('an aggregation comes back as canonical text', async () => {
  const behind = behindOf()
  const at = { $date: 5 }
  await carryOut(behind, 'push', push(add({ data: { n: 1, at } })))
  const stages = [
    [
      'addFields',
      [
        [
          'twice',
          [
            'call',
            'add',
            [
              'list',
              [
                ['path', 'n'],
                ['path', 'n'],
              ],
            ],
          ],
        ],
      ],
    ],
  ]
  expect(await carryOut(behind, 'aggregate', pipeline({ stages }))).toEqual({
    text: '[{"_id":"a","n":1,"at":{"$date":5},"twice":2}]',
  })
})

const hostile: readonly (readonly [string, AskVerb, string])[] = [
  ['no JSON', 'get', 'todos'],
  ['a prototype in a query', 'get', '{"__proto__":{"collection":"todos"}}'],
  ['a key twice', 'count', '{"collection":"todos","collection":"_files"}'],
  ['a collection of the server', 'get', query({ collection: '_files' })],
  ['an unknown operator', 'get', query({ where: ['field', 'a', ['regex', '(a+)+$']] })],
  ['a negative skip', 'get', query({ skip: -1 })],
  ['a deep condition', 'get', query({ where: nested(40) })],
  ['a write of another shape', 'push', push(add({ sudo: true }))],
  ['a write into a collection of the server', 'push', push(add({ collection: '_files' }))],
  ['a prototype in data', 'push', push(add()).replace('"n"', '"__proto__"')],
  ['an operator in data', 'push', push(add({ data: { $set: { a: 1 } } }))],
  [
    'an update of _id',
    'push',
    push({ op: 'update', collection: 'todos', id: 'a', changes: [['_id', 'set', 'b']] }),
  ],
  ['a frame of another type', 'push', JSON.stringify({ type: 'ping' })],
  ['a hello', 'call', JSON.stringify({ type: 'ping' })],
  [
    'changes that are none',
    'change',
    JSON.stringify({ query: JSON.parse(query()), first: true, changes: {} }),
  ],
  [
    'a change by an unknown operator',
    'change',
    JSON.stringify({ query: JSON.parse(query()), first: true, changes: [['a', 'eval', '1']] }),
  ],
  ['a change without a query', 'change', JSON.stringify({ first: true, changes: null })],
  [
    'a change of a collection of the server',
    'change',
    JSON.stringify({ query: JSON.parse(query({ collection: '_files' })), first: true, changes: null }),
  ],
  ['a change in no words', 'change', 'null'],
  ['files in no words', 'files', JSON.stringify({ type: 'files', id: 1, ask: { verb: 'format' } })],
  ['a pipeline over a collection of the server', 'aggregate', pipeline({ collection: '_files' })],
  ['a pipeline that looks up one', 'aggregate', pipeline({ stages: [lookup('_files')] })],
  ['a stage nobody knows', 'aggregate', pipeline({ stages: [['out', 'todos']] })],
  ['a pipeline of no stages', 'aggregate', pipeline({ stages: null })],
  ['a computed operator nobody knows', 'get', query({ where: ['expr', ['call', 'function', ['list', []]]] })],
  ['an explanation in no words', 'explain', '[]'],
  ['indexes of a collection of the server', 'indexes', '{"collection":"_indexes"}'],
  ['an index of one', 'createIndex', index({ collection: '_files' })],
  ['an index without keys', 'createIndex', index({ index: { name: 'i', keys: [], unique: false } })],
  [
    'an index on a prototype',
    'createIndex',
    index({ index: { name: 'i', keys: [['__proto__.a', 1]], unique: false } }),
  ],
  ['an index in no words', 'createIndex', 'null'],
  ['dropping no index', 'dropIndex', '{"collection":"todos"}'],
  ['more than a frame', 'get', ' '.repeat(limits.frameBytes + 1)],
]

test.each(hostile)('%s is refused by a code, and nothing is written', async (_, verb, text) => {
  const world = openWorld()
  const refusal = await carryOut(behindOf(world), verb, text).then(
    () => 'carried out',
    (error: CloudError) => error.code,
  )
  expect([
    'PROTOCOL_ERROR',
    'INVALID_PARAM',
    'VALUE_REFUSED',
    'DATABASE_REQUEST_FAILED',
    'DATABASE_INVALID_OPERATOR',
  ]).toContain(refusal)
  expect(world.heard).toEqual([])
})

test('any JSON at all is answered or refused by a code', async () => {
  const verbs = fc.constantFrom<AskVerb>(...askVerbs)
  await fc.assert(
    fc.asyncProperty(verbs, fc.json(), async (verb, text) => {
      const refusal = await carryOut(behindOf(), verb, text).then(
        () => 'carried out',
        (error: CloudError) => error.code,
      )
      expect(refusal).toBeTypeOf('string')
    }),
  )
})

function nested(levels: number): unknown {
  return levels === 0 ? ['and', []] : ['and', [nested(levels - 1)]]
}
