import {
  CloudError,
  type Document,
  type DocumentData,
  decode,
  documentText,
  normalise,
  type PathChange,
  RegExpValue,
  ServerDate,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import { arbitraryFields, arbitraryValue } from '@nearcloud/protocol/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyWrite } from './apply.ts'
import { checkWrite } from './check-write.ts'

function refusal(write: object, side?: 'server'): string {
  try {
    checkWrite({ collection: 'c', id: 'x', ...write } as Write, side)
  } catch (error) {
    expect(error).toBeInstanceOf(CloudError)
    return (error as CloudError).errMsg
  }
  return 'accepted'
}

const update = (...changes: unknown[]) => refusal({ op: 'update', changes })

test('[CHECK-1] a write names its collection and document', () => {
  for (const bad of [
    { collection: '_files' },
    { collection: '' },
    { id: '' },
    { id: null },
    { id: Number.NaN },
    { op: 'drop' },
  ])
    expect(refusal({ op: 'remove', ...bad })).not.toBe('accepted')
  expect(refusal({ op: 'remove', id: 0 })).toBe('accepted')
})

test('[CHECK-2] data is an object without _id', () => {
  for (const data of [null, [], 'x', 5, new Date(), { _id: 'x' }])
    for (const op of ['add', 'set']) expect([data, refusal({ op, data })]).not.toEqual([data, 'accepted'])
  expect(refusal({ op: 'add', data: { _openid: 'u' } })).toBe('accepted')
})

test('[CHECK-3] nobody assigns _id or _openid of a document that exists', () => {
  for (const path of ['_id', '_id.x', '_openid', '_openid.0'])
    for (const change of [
      [path, 'set', 1],
      [path, 'remove', null],
      [path, 'inc', 1],
      [path, 'push', [1]],
    ])
      expect(update(change)).toContain('不能更新')
  for (const path of ['_identity', '_openids.0', 'a._id'])
    expect(update([path, 'set', 1]), path).toBe('accepted')
})

test('[CHECK-3] the server side may give a document to another user, but not another id', () => {
  const assign = (path: string) => ({ op: 'update', changes: [[path, 'set', 'u']] })
  expect(refusal(assign('_openid'), 'server')).toBe('accepted')
  expect(refusal(assign('_id'), 'server')).toContain('不能更新')
})

test('[CHECK-4] paths lead somewhere and not into each other', () => {
  expect(update()).toContain('must not be empty')
  for (const path of ['', 'a.', '.a', '$set', 'a.$[]', '__proto__', 'a.constructor.b', 'a.'.repeat(70)])
    expect([path, update([path, 'set', 1])]).not.toEqual([path, 'accepted'])
  expect(update(['a', 'set', 1], ['a', 'inc', 1])).toContain('conflict')
  expect(update(['a.b.c', 'set', 1], ['a', 'inc', 1])).toContain('conflict')
  expect(update(['a.b', 'set', 1], ['a.bc', 'set', 1], ['ab', 'set', 1], ['a-b', 'set', 1])).toBe('accepted')
})

test('[CHECK-5] operators are known, and their arguments fit', () => {
  const bad: readonly (readonly [operator: string, argument: unknown])[] = [
    ['unset', null],
    ['toString', 1],
    ['__proto__', 1],
    ['remove', 1],
    ['inc', '1'],
    ['inc', Number.NaN],
    ['inc', Number.POSITIVE_INFINITY],
    ['push', 1],
    ['push', null],
    ['addToSet', {}],
    ['pullAll', null],
    ['pop', 1],
    ['shift', -1],
    ['mul', '2'],
    ['mul', Number.NaN],
    ['bit', 1],
    ['bit', {}],
    ['bit', { not: 1 }],
    ['bit', { and: 1.5 }],
    ['bit', { toString: 1 }],
    ['rename', 1],
    ['push', {}],
    ['push', { each: 1 }],
    ['push', { each: [], more: 1 }],
    ['push', { each: [], position: '0' }],
    ['push', { each: [], slice: 1.5 }],
    ['push', { each: [], sort: 2 }],
    ['push', { each: [], sort: [] }],
    ['push', { each: [], sort: [['a']] }],
    ['push', { each: [], sort: [['a', 0]] }],
    ['push', { each: [], sort: [['__proto__', 1]] }],
    ['push', { each: [], sort: Array.from({ length: 33 }, (_, i) => [`k${i}`, 1]) }],
    ['pull', 5],
    ['pull', null],
    ['pull', { is: ['$where', 'x'] }],
    ['pull', { where: { a: 1 } }],
    ['pull', { where: ['field', 'a.__proto__', ['eq', 1]] }],
    ['pull', { is: ['eq', new RegExpValue('(a)\\1')] }],
  ]
  for (const [operator, argument] of bad)
    expect([operator, argument, update(['a', operator, argument])]).not.toEqual([
      operator,
      argument,
      'accepted',
    ])
})

test('[CHECK-7] the new path of a rename is a path like any other', () => {
  for (const bad of ['', '_id', '_openid', '_openid.x', 'a', 'a.b', '__proto__', '$b', `${'b.'.repeat(64)}b`])
    expect([bad, update(['a', 'rename', bad])]).not.toEqual([bad, 'accepted'])
  expect(update(['a', 'rename', 'b'], ['b', 'set', 1])).toContain('conflict')
  expect(update(['a', 'rename', 'b.c'], ['b', 'inc', 1])).toContain('conflict')
  expect(update(['a', 'rename', 'b'], ['c', 'rename', 'b'])).toContain('conflict')
  expect(update(['_id', 'rename', 'b'])).toContain('不能更新')
  expect(update(['a.b', 'rename', 'b'], ['a.c', 'set', 1])).toBe('accepted')
})

test('[CHECK-8] an argument is no deeper than a value may be; a server date may be one wherever it becomes a date', () => {
  let deep: Value = 1
  for (let i = 0; i < 64; i++) deep = [deep]
  for (const operator of ['push', 'pullAll', 'min'])
    expect(update(['a', operator, [deep]])).toContain('deeper than 64')
  expect(update(['a', 'pull', { is: ['eq', deep] }])).toContain('deeper than 64')
  expect(update(['a', 'pull', { is: ['lt', new ServerDate(5)] }], ['b', 'max', new ServerDate()])).toBe(
    'accepted',
  )
  expect(update(['a', 'push', { each: [new ServerDate()], slice: -5 }])).toBe('accepted')
})

test('[CHECK-6] thousands of changes are checked in no time', () => {
  const changes = Array.from({ length: 10_000 }, (_, i) => [`${'a.'.repeat(30)}f${i}`, 'set', 1])
  expect(update(...changes)).toBe('accepted')
  expect(update(...changes, ['z', 'set', 1])).toContain('more than 10000')
})

test('[UPDATE-11] what a checked write makes is a document that reads the same after any trip', () => {
  const path = fc
    .array(fc.constantFrom('a', 'b', '0', '1', 'type', 'coordinates', 'toString'), {
      minLength: 1,
      maxLength: 4,
    })
    .map(keys => keys.join('.'))
  const value = arbitraryValue({ maxDepth: 2, serverDates: true })
  const change = fc.oneof(
    fc.tuple(path, fc.constant('set'), value),
    fc.tuple(path, fc.constant('remove'), fc.constant(null)),
    fc.tuple(path, fc.constant('inc'), fc.integer()),
    fc.tuple(path, fc.constantFrom('push', 'addToSet', 'pullAll'), fc.array(value, { maxLength: 2 })),
    fc.tuple(
      path,
      fc.constant('push'),
      fc.record({ each: fc.array(value, { maxLength: 2 }), position: fc.integer({ min: -3, max: 3 }) }),
    ),
    fc.tuple(path, fc.constantFrom('min', 'max'), value),
    fc.tuple(path, fc.constant('rename'), path),
    fc.tuple(path, fc.constantFrom('pop', 'shift'), fc.constant(null)),
  )
  const start = fc.oneof(
    arbitraryFields(),
    fc.constantFrom({ a: { type: 'Point', coordinates: [1, 2] }, b: [{ a: 1 }] }),
  )
  fc.assert(
    fc.property(start, fc.array(change, { maxLength: 5 }), (fields, changes) => {
      let doc = normalise({ _id: 'x', ...fields }) as Document
      const text = documentText(doc)
      for (const [at, operator, argument] of changes) {
        const made = [[at, operator, normalise(argument)] as PathChange]
        const write: Write = { op: 'update', collection: 'c', id: 'x', changes: made }
        try {
          checkWrite(write)
          const context = { base: Number.POSITIVE_INFINITY, time: 1, version: 1, now: 1 }
          doc = applyWrite({ doc, stamps: {} }, write, context).after!.doc
        } catch (error) {
          expect(error).toMatchObject({
            code: expect.stringMatching(/DATABASE_REQUEST_FAILED|INVALID_PARAM/),
          })
        }
        expect(decode(documentText(doc))).toEqual(doc)
      }
      const again = normalise({ _id: 'x', ...fields }) as DocumentData
      expect(documentText(again as Document)).toBe(text)
    }),
    { numRuns: 500 },
  )
})
