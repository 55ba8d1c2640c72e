import { expect, test } from 'vitest'
import type { FunctionCode } from '../functions/warm-function.ts'
import { readTriggers } from './trigger-config.ts'

function code(triggers: readonly unknown[]): FunctionCode {
  return {
    folder: {
      name: 'greet',
      path: '/f/greet',
      entry: '/f/greet/index.js',
      ownPackage: false,
      fingerprint: '',
    },
    config: { timeLimitMs: 3_000, memoryMb: 256, variables: {}, offline: false, triggers },
  }
}

test('[TRIGGER-8] a database trigger without events has all of them', () => {
  const { database } = readTriggers(
    code([{ name: 'onOrder', type: 'database', config: { collection: 'orders' } }]),
  )
  expect(database).toEqual([
    {
      function: 'greet',
      name: 'onOrder',
      collection: 'orders',
      events: new Set(['add', 'update', 'set', 'remove']),
      concurrency: 8,
    },
  ])
})

test('[TRIGGER-8] a type that is none here is named, and does not keep the others from running', () => {
  const { database, unsupported } = readTriggers(
    code([
      { name: 'nightly', type: 'ckafka', config: {} },
      { name: 'onOrder', type: 'database', config: { collection: 'orders', events: ['add'] } },
    ]),
  )
  expect(database.map(({ name }) => name)).toEqual(['onOrder'])
  expect(unsupported).toEqual([
    '/f/greet/config.json: "triggers[0].type" is "ckafka", and triggers of this type are not supported: it will not run',
  ])
})

test.each([
  ['a text', ['x'], '"triggers[0]" must be an object'],
  ['no name', [{ type: 'database' }], '"triggers[0].name" must be a text: a letter'],
  [
    'a long name',
    [{ name: 'x'.repeat(61), type: 'database' }],
    '"triggers[0].name" must be a text: a letter',
  ],
  ['no type', [{ name: 'a' }], '"triggers[0].type" must be a text'],
  ['no config', [{ name: 'a', type: 'database' }], '"triggers[0].config" must be an object'],
  [
    'no collection',
    [{ name: 'a', type: 'database', config: {} }],
    '"triggers[0].config.collection" does not name',
  ],
  [
    'a collection of the server',
    [{ name: 'a', type: 'database', config: { collection: '_files' } }],
    '"triggers[0].config.collection" does not name',
  ],
  [
    'an event that is none',
    [{ name: 'a', type: 'database', config: { collection: 'c', events: ['create'] } }],
    '"triggers[0].config.events" must be a list of "add", "update", "set", "remove"',
  ],
  [
    'no events',
    [{ name: 'a', type: 'database', config: { collection: 'c', events: [] } }],
    '"triggers[0].config.events" must be a list',
  ],
  [
    'a concurrency of none',
    [{ name: 'a', type: 'database', config: { collection: 'c', concurrency: 0 } }],
    '"triggers[0].config.concurrency" must be a whole number, 1 to 32',
  ],
  [
    'a condition with an operator that is none',
    [{ name: 'a', type: 'database', config: { collection: 'c', where: { n: { $gt: 1 } } } }],
    '"triggers[0].config.where.n" has operators of = != > >= < <= in',
  ],
  [
    'a condition on what is no path',
    [{ name: 'a', type: 'database', config: { collection: 'c', where: { '__proto__.n': 1 } } }],
    '"triggers[0].config.where" cannot be used',
  ],
  ['a timer without an expression', [{ name: 'a', type: 'timer' }], '"triggers[0].config" must be a text'],
  [
    'a timer with a broken expression',
    [{ name: 'a', type: 'timer', config: '0 0 25 * * * *' }],
    '"triggers[0].config" cannot be used: "25" is no hour: 0 to 23',
  ],
  [
    'a timer nowhere',
    [{ name: 'a', type: 'timer', config: '0 0 2 * * * *', timeZone: 'Mars' }],
    '"triggers[0].timeZone" cannot be used: "Mars" is no time zone',
  ],
  [
    'a timer that misses otherwise',
    [{ name: 'a', type: 'timer', config: '0 0 2 * * * *', missed: 'all' }],
    '"triggers[0].missed" must be "once" or "skip"',
  ],
  [
    'a queue without a name',
    [{ name: 'a', type: 'queue', config: {} }],
    '"triggers[0].config.queue" must name a queue',
  ],
  [
    'one name twice',
    [
      { name: 'a', type: 'database', config: { collection: 'c' } },
      { name: 'a', type: 'database', config: { collection: 'd' } },
    ],
    '"triggers[1].name" is used twice',
  ],
])(
  'a declaration with %s is refused in one sentence that names the file and the place',
  (_, triggers, words) => {
    expect(() => readTriggers(code(triggers))).toThrow(`/f/greet/config.json: ${words}`)
  },
)
