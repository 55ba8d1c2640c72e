import { RegExpValue } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { compareText } from './compare.ts'
import { clausesOf, constraintsOf } from './constraints.ts'
import { coversFilter } from './covering.ts'
import type { Filter, Test } from './types.ts'

const a1: Filter = ['field', 'a', ['eq', 1]]
const b2: Filter = ['field', 'b', ['gt', 2]]

test('[CONSTRAINT-3] equalities and ranges of a conjunction are constraints, the tightest of each', () => {
  const range: Filter = [
    'field',
    'b',
    [
      'and',
      [
        ['gt', 2],
        ['gte', 1],
        ['lt', 9],
        ['lte', 9],
      ],
    ],
  ]
  expect([...constraintsOf(['and', [a1, ['and', [range]]]])]).toEqual([
    ['a', { equals: [1] }],
    ['b', { lower: { value: 2, inclusive: false }, upper: { value: 9, inclusive: false } }],
  ])
  const either: Filter = ['or', [a1, ['field', 'a', ['in', [2, 3]]]]]
  expect(constraintsOf(either).get('a')).toEqual({ equals: [1, 2, 3] })
  expect(
    constraintsOf([
      'field',
      'a',
      [
        'or',
        [
          ['eq', 1],
          ['eq', 2],
        ],
      ],
    ]).get('a'),
  ).toEqual({ equals: [1, 2] })
})

test('[CONSTRAINT-4] what a missing field satisfies, and what any other value may, is no constraint', () => {
  const tests: Filter[] = [
    ['field', 'a', ['eq', null]],
    ['field', 'a', ['in', [1, null]]],
    ['field', 'a', ['neq', 1]],
    ['field', 'a', ['not', ['eq', 1]]],
    ['field', 'a', ['lt', Number.NaN]],
    ['field', 'a', ['eq', new RegExpValue('b')]],
    ['or', [a1, b2]],
    ['nor', [a1]],
  ]
  for (const filter of tests) expect([filter, [...constraintsOf(filter)]]).toEqual([filter, []])
})

test('[CONSTRAINT-5] an anchored beginning bounds the text on both sides', () => {
  const bounds = (pattern: string, options = '') =>
    constraintsOf(['field', 'a', ['eq', new RegExpValue(pattern, options)]]).get('a')
  expect(bounds('^abc.*')).toEqual({
    lower: { value: 'abc', inclusive: true },
    upper: { value: 'abd', inclusive: false },
  })
  expect(bounds('^\\u{d7ff}')!.upper!.value).toBe('\ue000')
  expect(bounds('^a\\u{10ffff}')!.upper!.value).toBe('b')
  expect(bounds('^\\u{10ffff}')).toEqual({ lower: { value: '\u{10ffff}', inclusive: true } })
  for (const loose of ['abc', '^a|^b', '^(a|b)', '^[a]', '^a*b'])
    expect([loose, bounds(loose)]).toEqual([loose, undefined])
  expect([bounds('^ab?')?.lower?.value, bounds('^a', 'i'), bounds('^a', 'm')]).toEqual([
    'a',
    undefined,
    undefined,
  ])
  expect(compareText('a\u{10ffff}😀', 'b')).toBeLessThan(0)
})

test('[CONSTRAINT-6] covering is seen clause by clause, however the clauses are nested', () => {
  const split: Filter = [
    'and',
    [
      a1,
      [
        'field',
        'b',
        [
          'and',
          [
            ['gt', 2],
            ['lt', 9],
          ],
        ],
      ],
    ],
  ]
  expect(clausesOf(split).length).toBe(3)
  expect(coversFilter(['and', []], a1)).toBe(true)
  expect(coversFilter(['and', [b2]], split)).toBe(true)
  expect(coversFilter(split, b2)).toBe(false)
})

test('[CONSTRAINT-7] an equality follows from a list, a range from a wider one, a part from an alternative', () => {
  const on = (...test: Filter[2] & readonly unknown[]) => ['field', 'a', test] as unknown as Filter
  const covers = (outer: Filter, inner: Filter) => coversFilter(outer, inner)
  expect(covers(on('in', [1, 2]), a1)).toBe(true)
  expect(covers(on('in', [1, 2]), on('in', [2, 1]))).toBe(true)
  expect(covers(on('in', [1, 2]), on('in', [2, 3]))).toBe(false)
  expect(covers(on('gt', 0), a1)).toBe(true)
  expect(covers(on('gt', 1), a1)).toBe(false)
  expect(covers(on('gte', 1), on('gt', 1))).toBe(true)
  expect(covers(on('gt', 1), on('gte', 1))).toBe(false)
  expect(covers(on('lt', 9), on('lte', 8))).toBe(true)
  expect(covers(on('lt', 9), on('lt', '8'))).toBe(false)
  expect(covers(on('exists', true), a1)).toBe(true)
  expect(covers(on('exists', true), on('eq', null))).toBe(false)
  expect(covers(on('exists', true), on('gte', null))).toBe(false)
  expect(covers(on('gte', null), on('eq', null))).toBe(false)
  expect(covers(['or', [a1, b2]], ['and', [b2, on('eq', 5)]])).toBe(true)
  expect(covers(on('in', [1, 2]), ['or', [a1, on('eq', 2)]])).toBe(true)
  expect(covers(on('neq', 2), a1)).toBe(false)
  expect(covers(on('in', [new RegExpValue('x')]), on('eq', new RegExpValue('x')))).toBe(false)
})

test('[CONSTRAINT-8] alternatives inside alternatives are not looked through for ever', () => {
  const nested = (path: string) => {
    let filter: Filter = ['field', path, ['eq', 1]]
    for (let i = 0; i < 28; i++) filter = ['or', [filter, ['field', `${path}${i}`, ['eq', i]]]]
    return filter
  }
  expect(coversFilter(nested('x'), nested('y'))).toBe(false)
})

test('[CONSTRAINT-9] all is an equality with each value; what an element is tells of the keys that lead to it', () => {
  const constraints = (path: string, test: Test) => Object.fromEntries(constraintsOf(['field', path, test]))
  const above: Test = [
    'and',
    [
      ['gt', 1],
      ['not', ['eq', 3]],
    ],
  ]
  const lower = { value: 1, inclusive: false }
  expect(constraints('a', ['all', ['x', 'y']])).toEqual({ a: { equals: ['x'] } })
  expect(constraints('a', ['elemMatch', { is: above }])).toEqual({ a: { lower } })
  expect(
    constraints('a', [
      'elemMatch',
      {
        where: [
          'and',
          [
            ['field', 'b', above],
            ['field', 'c.d', ['eq', 5]],
          ],
        ],
      },
    ]),
  ).toEqual({
    'a.b': { lower },
    'a.c.d': { equals: [5] },
  })
  expect(constraints('a', ['elemMatch', { where: ['field', 'b', ['elemMatch', { is: above }]] }])).toEqual({
    'a.b': { lower },
  })
  expect(constraints('a', ['elemMatch', { is: ['elemMatch', { is: above }] }])).toEqual({})
  expect(constraints('a.0', ['elemMatch', { is: above }])).toEqual({})
  expect(constraints('a', ['elemMatch', { where: ['field', '0', above] }])).toEqual({})
  expect(constraints('a', ['elemMatch', { where: ['field', 'b', ['eq', null]] }])).toEqual({})
})

test('[CONSTRAINT-10] all covers by its values; whatever only a value satisfies, exists', () => {
  const on = (test: Test): Filter => ['field', 'a', test]
  const all = on(['all', [1, 2]])
  expect(coversFilter(a1, all)).toBe(true)
  expect(coversFilter(all, a1)).toBe(false)
  expect(coversFilter(on(['in', [2, 9]]), all)).toBe(true)
  for (const test of [
    ['size', 0],
    ['mod', [2, 0]],
    ['elemMatch', { is: ['eq', null] }],
  ] as const) {
    expect(coversFilter(on(['exists', true]), on(test))).toBe(true)
    expect(coversFilter(on(test), ['and', [a1, on(test)]])).toBe(true)
    expect(coversFilter(on(test), on(['exists', true]))).toBe(false)
  }
})
