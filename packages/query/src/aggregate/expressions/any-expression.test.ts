import { CloudError, type DocumentData, isPlainObject, normalise, type Value } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { equalValues } from '../../compare.ts'
import type { Expression } from '../../types.ts'
import type { Scope } from '../scope.ts'
import { compileExpression } from './compile.ts'

const names =
  'abs add ceil divide exp floor ln log log10 mod multiply pow sqrt subtract trunc arrayElemAt arrayToObject concatArrays in ' +
  'indexOfArray isArray objectToArray range reverseArray size slice and or not cmp eq gt gte lt lte neq cond ifNull dayOfMonth ' +
  'dayOfWeek dayOfYear isoDayOfWeek isoWeek isoWeekYear millisecond minute month second hour week year mergeObjects ' +
  'allElementsTrue anyElementTrue setDifference setEquals setIntersection setIsSubset setUnion concat indexOfBytes indexOfCP ' +
  'split strLenBytes strLenCP strcasecmp substr substrBytes substrCP toLower toUpper avg max min stdDevPop stdDevSamp sum ' +
  'toBool toDate toDecimal toDouble toInt toLong toObjectId toString type'

const argumentsByName: readonly (readonly [string, ...string[]])[] = [
  ['cond', 'if', 'then', 'else'],
  ['map', 'input', 'in'],
  ['filter', 'input', 'cond'],
  ['reduce', 'input', 'initialValue', 'in'],
  ['let', 'vars', 'in'],
  ['zip', 'inputs'],
  ['trim', 'input', 'chars'],
  ['ltrim', 'input'],
  ['rtrim', 'input'],
  ['dateFromParts', 'year', 'month', 'day', 'hour', 'timezone'],
  ['dateFromParts', 'isoWeekYear', 'isoWeek'],
  ['dateToParts', 'date', 'timezone', 'iso8601'],
  ['dateToString', 'date', 'format', 'timezone', 'onNull'],
  ['dateFromString', 'dateString', 'format', 'timezone'],
  ['dateFromString', 'dateString', 'onError'],
  ['hour', 'date', 'timezone'],
  ['convert', 'input', 'to', 'onError'],
]

/** What an argument of a name is most likely to be. */
const fitting: { readonly [name: string]: Value } = {
  date: new Date(1.5e12),
  timezone: 'Europe/Berlin',
  format: '%Y-%m-%d',
  dateString: '2017-02-08',
  iso8601: true,
  year: 2017,
  month: 14,
  day: -3,
  hour: 5,
  isoWeekYear: 2018,
  isoWeek: 3,
  to: 'string',
  chars: 'a',
}

const scalars: readonly Value[] = [
  ...[0, -0, 1, -1, 2.5, 31, 2017, 1e9, 2 ** 53, -1e300, Number.NaN, Infinity, null, true, false],
  ...['', 'a', 'k', '汉😀', '%Y-%m-%d', '2017-02-08', '12', 'America/New_York', '+08', 'date', 'int'],
  ...[new Date(0), new Date(8.64e15), new Date(-8.64e15), Uint8Array.of(1, 2)],
  ...[/x/, [], {}, [1, [2, 'a']], { k: 'a', v: 1 }, [['a', 1]], { type: 'Point', coordinates: [1, 2] }].map(
    value => normalise(value),
  ),
]

const { expression } = fc.letrec<{ expression: Expression }>(tie => {
  const inner = tie('expression')
  return {
    expression: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(...scalars).map((value): Expression => ['value', value]),
      fc.constantFrom('a', 'b', 'c.d', 'l.k', '', 'none').map((path): Expression => ['path', path]),
      fc.constantFrom('this', 'value', 'ROOT', 'REMOVE').map((name): Expression => ['variable', name, '']),
      fc.array(inner, { maxLength: 3 }).map((items): Expression => ['list', items]),
      fc
        .array(fc.tuple(fc.constantFrom('x', 'type', 'k'), inner), { maxLength: 2 })
        .map((fields): Expression => ['object', fields]),
      fc
        .tuple(fc.constantFrom(...names.split(' ')), fc.array(inner, { minLength: 1, maxLength: 3 }))
        .map(([name, items]): Expression => ['call', name, ['list', items]]),
      fc
        .tuple(
          fc.constantFrom(...argumentsByName),
          fc.array(inner, { minLength: 5, maxLength: 5 }),
          fc.nat(99),
        )
        .map(([[name, ...keys], items, dice]): Expression => {
          const argumentOf = (key: string, i: number): Expression =>
            fitting[key] !== undefined && (dice + i) % 4 > 0 ? ['value', fitting[key]] : items[i]!
          return ['call', name, ['object', keys.map((key, i) => [key, argumentOf(key, i)] as const)]]
        }),
    ),
  }
})

/** Some expressions stand outside of what binds the variables they name. */
const scope: Scope = new Map([
  ['this', { value: 7 }],
  ['value', { value: normalise(['v']) }],
])

const document = normalise({ a: 3, b: 'text', c: { d: new Date(0) }, l: [{ k: 'a' }, { k: 'b', v: [1] }] })

test('[EXPR-41] any expression gives a value that can be stored, the same each time, or a CloudError', () => {
  let computed = 0
  fc.assert(
    fc.property(expression, given => {
      try {
        const evaluate = compileExpression(given, scope, 100_000)
        const value = evaluate(document)
        expect(equalValues(value, evaluate(document))).toBe(true)
        if (value === undefined) return
        expect(equalValues(normalise(value), value)).toBe(true)
        expect(isFrozen(value)).toBe(true)
        computed++
      } catch (thrown) {
        if (!(thrown instanceof CloudError) || thrown.code === 'VALUE_REFUSED') throw thrown
      }
    }),
    { numRuns: 2_000 },
  )
  expect(computed).toBeGreaterThan(200)
})

function isFrozen(value: Value): boolean {
  if (Array.isArray(value)) return Object.isFrozen(value) && value.every(isFrozen)
  return (
    !isPlainObject(value) || (Object.isFrozen(value) && Object.values(value as DocumentData).every(isFrozen))
  )
}
