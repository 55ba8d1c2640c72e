import {
  type DocumentData,
  normalise,
  type PathChange,
  RegExpValue,
  ServerDate,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyWrite } from './apply.ts'
import { checkWrite } from './check-write.ts'

function update(before: DocumentData, ...changes: PathChange[]): Record<string, unknown> {
  const doc = { _id: 'x', ...(normalise(before) as DocumentData) }
  const write: Write = {
    op: 'update',
    collection: 'c',
    id: 'x',
    changes: changes.map(([at, operator, argument]) => [at, operator, normalise(argument)]),
  }
  checkWrite(write)
  const context = { base: Infinity, time: 1_000, version: 1, now: 1_000 }
  const { _id, ...rest } = applyWrite({ doc, stamps: {} }, write, context).after!.doc
  return rest
}

const list = (before: unknown, operator: PathChange[1], argument: unknown) =>
  update({ l: before } as DocumentData, ['l', operator, argument as Value]).l

test('[UPDATE-12] mul multiplies a number; a missing field becomes 0; anything else is refused', () => {
  expect(update({ n: 5 }, ['n', 'mul', -3], ['m.k', 'mul', 7])).toEqual({ n: -15, m: { k: 0 } })
  expect(() => update({ n: '5' }, ['n', 'mul', 2])).toThrow('non-numeric')
  expect(() => update({ n: null }, ['n', 'mul', 2])).toThrow('non-numeric')
})

test('[UPDATE-13] min and max assign what is less or greater in the order of all values; a missing field becomes it', () => {
  expect(
    update({ a: 5, b: 5, c: 5 }, ['a', 'min', 3], ['b', 'min', 9], ['c', 'max', 9], ['d', 'max', 1]),
  ).toEqual({ a: 3, b: 5, c: 9, d: 1 })
  expect(update({ a: null, b: null, c: 'x' }, ['a', 'min', 1], ['b', 'max', 1], ['c', 'max', 9])).toEqual({
    a: null,
    b: 1,
    c: 'x',
  })
  expect(
    update({ a: new Date(5), b: 1 }, ['a', 'max', new ServerDate(1)], ['b', 'max', new Date(0)]),
  ).toEqual({ a: new Date(1_001), b: new Date(0) })
  expect(update({ a: Number.NaN, b: 0 }, ['a', 'min', -1], ['b', 'min', -0])).toEqual({ a: Number.NaN, b: 0 })
})

test('[UPDATE-14] bit combines integers as two’s complements of 64 bits; a missing field is 0', () => {
  expect(update({ n: 13 }, ['n', 'bit', { and: 10 }])).toEqual({ n: 8 })
  expect(update({ n: 3 }, ['n', 'bit', { or: 5, xor: 1 }])).toEqual({ n: 6 })
  expect(update({}, ['n', 'bit', { or: 5 }], ['m', 'bit', { and: 5 }])).toEqual({ n: 5, m: 0 })
  for (const value of [1.5, '1', null, [1], Number.NaN, 2 ** 60])
    expect(() => update({ n: value as Value }, ['n', 'bit', { or: 1 }])).toThrow('no integer')
  const integer = fc.maxSafeInteger()
  fc.assert(
    fc.property(integer, integer, (a, b) => {
      const [x, y] = [BigInt(a), BigInt(b)]
      const found = (name: string) => BigInt(update({ n: a }, ['n', 'bit', { [name]: b }]).n as number)
      expect([found('and'), found('or'), found('xor')]).toEqual([x & y, x | y, x ^ y])
    }),
  )
})

test('[UPDATE-15] rename moves a value to another path of the document and overwrites what is there', () => {
  expect(update({ a: { b: 1 }, d: 2 }, ['a', 'rename', 'c'])).toEqual({ c: { b: 1 }, d: 2 })
  expect(update({ o: { a: 1, k: 2 } }, ['o.a', 'rename', 'b'])).toEqual({ o: { k: 2 }, b: 1 })
  expect(update({ a: 1, b: 2 }, ['a', 'rename', 'b'])).toEqual({ b: 1 })
  expect(update({ a: 1 }, ['a', 'rename', 'x.y.z'])).toEqual({ x: { y: { z: 1 } } })
  expect(update({ a: 1, b: 2 }, ['missing', 'rename', 'b'], ['a', 'inc', 1])).toEqual({ a: 2, b: 2 })
  expect(update({ a: null }, ['a', 'rename', 'b'])).toEqual({ b: null })
})

test('[UPDATE-16] a rename out of an array, into one, or through a scalar is refused', () => {
  expect(() => update({ l: [{ a: 1 }] }, ['l.0.a', 'rename', 'b'])).toThrow('array')
  expect(() => update({ l: [1], a: 1 }, ['a', 'rename', 'l.0'])).toThrow('array')
  expect(() => update({ a: 1, s: 5 }, ['a', 'rename', 's.t'])).toThrow("Cannot create field 't'")
})

test('[UPDATE-17] push puts values at a position, then sorts, then cuts', () => {
  const push = (before: unknown, options: object) => list(before, 'push', options)
  expect(push([1, 2, 3], { each: [8, 9], position: 1 })).toEqual([1, 8, 9, 2, 3])
  expect(push([1, 2, 3], { each: [8, 9], position: -1 })).toEqual([1, 2, 8, 9, 3])
  expect([push([1], { each: [8], position: 7 }), push([1], { each: [8], position: -7 })]).toEqual([
    [1, 8],
    [8, 1],
  ])
  expect(push([1, 2, 3], { slice: 3, sort: -1, each: [4, 5, 6] })).toEqual([6, 5, 4])
  expect([push([1, 2], { each: [3], slice: -2 }), push([1, 2], { each: [3], slice: 0 })]).toEqual([
    [2, 3],
    [],
  ])
  expect(push(['b', 1, null, [0], true], { each: [{}], sort: 1 })).toEqual([null, 1, 'b', {}, [0], true])
  expect(push(undefined, { each: [2, 1], sort: 1 })).toEqual([1, 2])
  expect(push([1], { each: [] })).toEqual([1])
  expect(() => push('x', { each: [1], position: 0 })).toThrow('must be an array')
})

test('[UPDATE-18] a sort by paths takes them one after the other, keeps equals in place, and a missing one is null', () => {
  const rows = [{ a: 2, b: 1 }, { a: 1, b: { c: 2 } }, { b: { c: 1 } }, 7, { a: 1, b: { c: 1 } }]
  expect(
    list(rows, 'push', {
      each: [],
      sort: [
        ['a', 1],
        ['b.c', -1],
      ],
    }),
  ).toEqual([{ b: { c: 1 } }, 7, { a: 1, b: { c: 2 } }, { a: 1, b: { c: 1 } }, { a: 2, b: 1 }])
})

test('[UPDATE-19] pop and shift take the last and the first; of nothing, nothing', () => {
  expect([list([1, 2, 3], 'pop', null), list([1, 2, 3], 'shift', null)]).toEqual([
    [1, 2],
    [2, 3],
  ])
  expect([list([], 'pop', null), list([], 'shift', null)]).toEqual([[], []])
  expect(update({ a: 1 }, ['l', 'pop', null], ['o.k', 'shift', null])).toEqual({ a: 1 })
  for (const operator of ['pop', 'shift'] as const)
    for (const value of [null, 5, 'x', {}])
      expect(() => list(value, operator, null)).toThrow('must be an array')
})

test('[UPDATE-20] pull takes away every element that satisfies a test; pullAll every one that equals a value', () => {
  expect(list([1, 2, 1, [1], '1'], 'pull', { is: ['eq', 1] })).toEqual([2, [1], '1'])
  expect(list([1, 5, 9, 'x'], 'pull', { is: ['gte', 5] })).toEqual([1, 'x'])
  expect(list([1, null, 2], 'pull', { is: ['eq', null] })).toEqual([1, 2])
  expect(list(['apple', 'pear', 5], 'pull', { is: ['eq', new RegExpValue('^a')] })).toEqual(['pear', 5])
  expect(list([{ a: 1, b: 2 }, { a: 2 }, 1], 'pull', { where: ['field', 'a', ['eq', 1]] })).toEqual([
    { a: 2 },
    1,
  ])
  expect(list([new Date(0), new Date(5_000)], 'pull', { is: ['lt', new ServerDate()] })).toEqual([
    new Date(5_000),
  ])
  expect(list([1, 2, 3, 1, { a: -0 }], 'pullAll', [1, 3, { a: 0 }])).toEqual([2])
  expect(list([1], 'pullAll', [])).toEqual([1])
  expect(update({}, ['l', 'pull', { is: ['eq', 1] }], ['m', 'pullAll', [1]])).toEqual({})
  for (const value of [null, 5, {}]) {
    expect(() => list(value, 'pull', { is: ['eq', 1] })).toThrow('must be an array')
    expect(() => list(value, 'pullAll', [1])).toThrow('must be an array')
  }
})

test('[UPDATE-21] what an operation leaves as it is stays the same object', () => {
  const doc = normalise({ _id: 'x', l: [1], n: 5, o: {} }) as DocumentData & { _id: string }
  const changes: PathChange[] = [
    ['l', 'pull', { is: ['eq', 9] }],
    ['n', 'max', 5],
    ['o.k', 'pop', null],
    ['q', 'shift', null],
    ['r', 'rename', 's'],
  ]
  const write: Write = { op: 'update', collection: 'c', id: 'x', changes }
  const context = { base: Infinity, time: 1, version: 1, now: 1 }
  expect(applyWrite({ doc, stamps: {} }, write, context).after!.doc).toBe(doc)
})
