import { RegExpValue } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { compareText } from './compare.ts'
import { clausesOf, constraintsOf, coversFilter } from './constraints.ts'
import type { Filter } from './types.ts'

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
