import fc from 'fast-check'
import { expect, test } from 'vitest'
import { maxThrownLength, parseFromWorker } from './channel.ts'

test.each([
  { type: 'ready' },
  { type: 'pong' },
  { type: 'unloadable', error: { message: 'no' } },
  { type: 'crashed', error: { message: 'no', stack: 'Error: no\n at x' } },
  { type: 'returned', call: 'a', text: '1' },
  { type: 'threw', call: 'a', error: { message: 'no' } },
  { type: 'log', level: 'warn', text: 'x' },
  { type: 'log', level: 'info', text: 'x', call: 'a' },
  { type: 'ask', ask: 1, call: 'a', verb: 'get', text: '{}' },
])('$type is understood as it was said', message => {
  expect(parseFromWorker(structuredClone(message))).toEqual(message)
})

test.each([
  null,
  'ready',
  [],
  {},
  { type: 'invoke' },
  { type: 'unloadable' },
  { type: 'unloadable', error: 'no' },
  { type: 'returned', call: 'a' },
  { type: 'returned', call: 1, text: '' },
  { type: 'threw', error: { message: 'no' } },
  { type: 'log', level: 'fatal', text: 'x' },
  { type: 'log', level: 'info', text: { length: 1e9 } },
  { type: 'ask', ask: 1.5, call: 'a', verb: 'get', text: '' },
  { type: 'ask', ask: 1, call: 'a', verb: 'constructor', text: '' },
  { type: 'ask', ask: 1, verb: 'get', text: '' },
])('%j is no message', message => {
  expect(parseFromWorker(message)).toBeUndefined()
})

test('anything at all is a message or none, and members that are not known do not pass', () => {
  fc.assert(
    fc.property(fc.object(), anything => {
      const message = parseFromWorker({ type: 'returned', call: 'a', text: 'x', ...anything })
      if (message?.type === 'returned') expect(Object.keys(message)).toEqual(['type', 'call', 'text'])
    }),
  )
})

test('an endless error is cut off', () => {
  const error = { message: 'x'.repeat(1e6), stack: 'y'.repeat(1e6) }
  const message = parseFromWorker({ type: 'crashed', error })
  expect(message).toMatchObject({
    error: { message: 'x'.repeat(maxThrownLength), stack: 'y'.repeat(maxThrownLength) },
  })
})
