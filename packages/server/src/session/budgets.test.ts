import { limits, type UpMessage } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { openHouse, tokenOf } from '../testing/local-house.ts'
import { clientId } from '../testing/raw-client.ts'

const everything: unknown = ['and', []]
const nested = (depth: number): unknown => (depth === 0 ? everything : ['and', [nested(depth - 1)]])
const many = (count: number): unknown => [
  'or',
  Array.from({ length: count }, (_, n) => ['field', 'n', ['eq', n]]),
]
const computed = (expression: unknown): unknown => ['expr', expression]
const nestedCall = (depth: number): unknown =>
  depth === 0 ? ['path', 'n'] : ['call', 'abs', ['list', [nestedCall(depth - 1)]]]
const manyParts = (count: number): unknown => ['list', Array.from({ length: count }, () => ['path', 'n'])]

/** What is too much of anything, as a condition. */
const tooMuch: readonly (readonly [string, unknown])[] = [
  ['conditions nested too deep', nested(limits.filterDepth)],
  ['too many conditions', many(limits.filterNodes)],
  ['an expression nested too deep', computed(nestedCall(limits.filterDepth))],
  ['an expression of too many parts', computed(manyParts(limits.filterNodes))],
  ['an operator nobody knows', computed(['call', 'where', ['value', 'while(true);']])],
  ['a prototype for an operator', computed(['call', 'constructor', ['list', []]])],
  [
    'a pattern that is a program',
    ['field', 't', ['eq', { $regularExpression: { pattern: '(a{1000}){1000}', options: '' } }]],
  ],
]

/** Every door a condition comes in by. */
const doors: readonly (readonly [string, (id: number, where: unknown) => UpMessage])[] = [
  ['subscribe', (id, where) => ({ type: 'subscribe', id, query: queryWith(where) })],
  ['count', (id, where) => ({ type: 'count', id, query: queryWith(where) })],
  ['aggregate', (id, where) => ({ type: 'aggregate', id, aggregation: pipeline(['match', where]) })],
  [
    'a lookup',
    (id, where) => ({
      type: 'aggregate',
      id,
      aggregation: pipeline(['lookup', { from: 'todos', as: 'x', let: [], pipeline: [['match', where]] }]),
    }),
  ],
]

function queryWith(where: unknown) {
  return { collection: 'todos', where, orderBy: [], skip: 0 }
}

function pipeline(...stages: unknown[]) {
  return { collection: 'todos', stages }
}

test.each(doors)('[SESSION-18] %s refuses what costs too much, alone, and goes on', async (_door, ask) => {
  const house = await openHouse()
  const client = house.connect()
  await client.hello({ client: clientId('c'), token: tokenOf('alice') })
  let id = 0
  for (const [what, where] of tooMuch) {
    const message = ask(++id, where)
    client.send(message)
    const answer = await client.next(message.type === 'subscribe' ? 'denied' : 'answer')
    expect(answer.id, what).toBe(id)
    expect(['INVALID_PARAM', 'DATABASE_INVALID_OPERATOR'], what).toContain(answer.error?.code)
  }
  client.send({ type: 'count', id: ++id, query: queryWith(nested(limits.filterDepth - 1)) })
  expect(await client.next('answer')).toEqual({ type: 'answer', id, result: 0 })
})

test('[SESSION-18] a pipeline has a bounded number of stages, however they are nested', async () => {
  const house = await openHouse()
  const client = house.connect()
  await client.hello({ client: clientId('c'), token: tokenOf('alice') })
  const limit: unknown = ['limit', 1]
  const deep = (depth: number): unknown[] =>
    depth === 0 ? [limit] : [['lookup', { from: 'todos', as: 'x', let: [], pipeline: deep(depth - 1) }]]
  for (const stages of [Array.from({ length: 101 }, () => limit), deep(20)]) {
    client.send({ type: 'aggregate', id: 1, aggregation: { collection: 'todos', stages } })
    expect(await client.next('answer')).toMatchObject({ error: { code: 'INVALID_PARAM' } })
  }
})
