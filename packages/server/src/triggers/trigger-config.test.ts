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
    config: { timeLimitMs: 3_000, memoryMb: 256, variables: {}, triggers },
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
    },
  ])
})

test('[TRIGGER-8] a timer is named as not supported yet, and does not keep the others from running', () => {
  const { database, unsupported } = readTriggers(
    code([
      { name: 'nightly', type: 'timer', config: '0 0 2 1 * * *' },
      { name: 'onOrder', type: 'database', config: { collection: 'orders', events: ['add'] } },
    ]),
  )
  expect(database.map(({ name }) => name)).toEqual(['onOrder'])
  expect(unsupported).toEqual([
    '/f/greet/config.json: "triggers[0].type" is "timer", and triggers of this type are not supported yet: it will not run',
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
