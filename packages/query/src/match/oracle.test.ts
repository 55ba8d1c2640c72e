import { type Document, isPlainObject, normalise, type Value } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareValues, equalValues, rankOf } from '../compare.ts'
import { constraintsOf } from '../constraints.ts'
import { coversFilter } from '../covering.ts'
import type { Filter, Test } from '../types.ts'
import { compileFilter } from './compile.ts'
import { keysAt } from './path.ts'

/*
 * The meaning of a filter by the plainest means: first everything a path reaches, as a list, then the operators over the
 * list. Slow, without shortcuts, and written apart from the matcher.
 */

type Reached = Value | undefined

function reach(value: Value, segments: readonly string[]): { value: Reached; named: boolean }[] {
  const [key, ...rest] = segments
  const field = isPlainObject(value) && Object.hasOwn(value, key!) ? value[key!] : undefined
  if (rest.length === 0) return [{ value: field, named: true }]
  if (Array.isArray(field)) return reachInto(field as readonly Value[], rest)
  return isPlainObject(field) ? reach(field, rest) : [{ value: undefined, named: false }]
}

function reachInto(
  list: readonly Value[],
  segments: readonly string[],
): { value: Reached; named: boolean }[] {
  const [key, ...rest] = segments
  return list.flatMap((element, i) => {
    const found = isPlainObject(element) ? reach(element, segments) : []
    if (String(i) !== key) return found
    if (rest.length === 0) return [...found, { value: element, named: false }]
    if (isPlainObject(element)) return [...found, ...reach(element, rest)]
    return Array.isArray(element) ? [...found, ...reachInto(element as readonly Value[], rest)] : found
  })
}

function candidates(document: Document, path: string): Reached[] {
  return reach(document, path.split('.')).flatMap(({ value, named }) =>
    named && Array.isArray(value) ? [value, ...(value as readonly Value[])] : [value],
  )
}

function isMatch(document: Document, filter: Filter): boolean {
  if (filter[0] === 'field')
    return holds(candidates(document, filter[1]), arrays(document, filter[1]), filter[2])
  if (filter[0] === 'expr') throw new Error('no expressions here')
  const answers = filter[1].map(each => isMatch(document, each))
  if (filter[0] === 'and') return !answers.includes(false)
  return answers.includes(true) === (filter[0] === 'or')
}

/** `found`: everything reached; `lists`: the arrays reached, whole. */
function holds(found: readonly Reached[], lists: readonly (readonly Value[])[], condition: Test): boolean {
  const equals = (wanted: Value) => found.some(value => equalValues(value, wanted))
  const ordered = (wanted: Value, fits: (order: number) => boolean) =>
    found.some(value => {
      if (rankOf(value) !== rankOf(wanted)) return false
      const order = compareValues(value, wanted)
      const isPeculiar = wanted === null || Number.isNaN(wanted) || Number.isNaN(value)
      return isPeculiar ? order === 0 && fits(0) : fits(order)
    })
  switch (condition[0]) {
    case 'eq':
      return equals(condition[1])
    case 'neq':
      return !equals(condition[1])
    case 'in':
      return condition[1].some(equals)
    case 'nin':
      return !condition[1].some(equals)
    case 'gt':
      return ordered(condition[1], order => order > 0)
    case 'gte':
      return ordered(condition[1], order => order >= 0)
    case 'lt':
      return ordered(condition[1], order => order < 0)
    case 'lte':
      return ordered(condition[1], order => order <= 0)
    case 'exists':
      return found.some(value => value !== undefined) === condition[1]
    case 'and':
      return condition[1].every(each => holds(found, lists, each))
    case 'or':
      return condition[1].some(each => holds(found, lists, each))
    case 'not':
      return !holds(found, lists, condition[1])
    case 'mod': {
      const [divisor, remainder] = condition[1]
      const whole = (number: number) => BigInt(Math.trunc(number))
      return found.some(
        value =>
          typeof value === 'number' &&
          Number.isFinite(value) &&
          whole(value) % whole(divisor) === whole(remainder),
      )
    }
    case 'all':
      return condition[1].length > 0 && condition[1].every(equals)
    case 'size':
      return lists.some(list => list.length === condition[1])
    case 'elemMatch': {
      const element = condition[1]
      const isWanted = (value: Value): boolean => {
        if ('is' in element)
          return holds([value], Array.isArray(value) ? [value as readonly Value[]] : [], element.is)
        if (!isPlainObject(value) && !Array.isArray(value)) return false
        return isMatch({ ...(value as object) } as Document, element.where)
      }
      return lists.some(list => list.some(isWanted))
    }
    case 'geoNear':
    case 'geoWithin':
    case 'geoIntersects':
      throw new Error('not generated here')
  }
}

/** Arrays that a path leads to, whole. */
function arrays(document: Document, path: string): (readonly Value[])[] {
  return reach(document, path.split('.')).flatMap(({ value }) =>
    Array.isArray(value) ? [value as readonly Value[]] : [],
  )
}

const scalar = fc.constantFrom<Value>(
  ...[null, 0, 1, 2, -3, 1.5, -0, Number.NaN, Infinity, 2 ** 53],
  ...['', 'a', 'b', 'é', '\u{1F600}', '\uFFFD', true, false, new Date(1), new Date(0)],
)
const { value } = fc.letrec<{ value: Value }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 3, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('a', 'b', '0'), tie('value'), { maxKeys: 2 }) },
  ),
}))
const document = fc
  .dictionary(fc.constantFrom('a', 'b'), value)
  .map(fields => normalise({ _id: 'x', ...fields }) as Document)
const path = fc.constantFrom('a', 'b', 'a.b', 'a.0', 'a.1', 'a.b.a', 'a.0.b', 'a.0.0', 'b.a.0')
const { condition } = fc.letrec<{ condition: Test }>(tie => ({
  condition: fc.oneof(
    { maxDepth: 2 },
    fc.tuple(fc.constantFrom('eq' as const, 'neq' as const), value),
    fc.tuple(fc.constantFrom('gt' as const, 'gte' as const, 'lt' as const, 'lte' as const), value),
    fc.tuple(fc.constantFrom('in' as const, 'nin' as const), fc.array(value, { maxLength: 3 })),
    fc.tuple(fc.constant('exists' as const), fc.boolean()),
    fc.tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(tie('condition'), { maxLength: 3 })),
    fc.tuple(fc.constant('not' as const), tie('condition')),
    fc.tuple(fc.constant('all' as const), fc.array(value, { maxLength: 2 })),
    fc.tuple(fc.constant('size' as const), fc.nat(3)),
    fc.tuple(
      fc.constant('mod' as const),
      fc.tuple(fc.constantFrom(1, 2, 2.5, -2, 3), fc.constantFrom(0, 1, -1, 1.5)),
    ),
    fc.tuple(fc.constant('elemMatch' as const), fc.record({ is: tie('condition') })),
    fc.tuple(
      fc.constant('elemMatch' as const),
      fc.record({ where: fc.tuple(fc.constant('field' as const), path, tie('condition')) }),
    ),
  ),
}))
const { filter } = fc.letrec<{ filter: Filter }>(tie => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    { weight: 2, arbitrary: fc.tuple(fc.constant('field' as const), path, condition) },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.constantFrom('and' as const, 'or' as const, 'nor' as const),
        fc.array(tie('filter'), { maxLength: 3 }),
      ),
    },
  ),
}))

test('[MATCH-11] the matcher finds what the plainest reading of the language finds', () => {
  fc.assert(
    fc.property(filter, fc.array(document, { minLength: 1, maxLength: 10 }), (wanted, documents) => {
      const matches = compileFilter(wanted)
      for (const each of documents)
        expect([each, wanted, matches(each)]).toEqual([each, wanted, isMatch(each, wanted)])
    }),
    { numRuns: 1_500 },
  )
})

test('[CONSTRAINT-1] every document that matches satisfies the constraints with its keys', () => {
  fc.assert(
    fc.property(filter, fc.array(document, { minLength: 1, maxLength: 10 }), (wanted, documents) => {
      const constraints = [...constraintsOf(wanted)]
      for (const each of documents.filter(compileFilter(wanted)))
        for (const [at, { equals, lower, upper }] of constraints) {
          const keys = keysAt(each, at)
          const some = (test: (key: Value) => boolean) =>
            expect([each, wanted, keys.some(test)]).toEqual([each, wanted, true])
          if (equals) some(key => equals.some(wanted1 => equalValues(key, wanted1)))
          if (lower) some(key => compareValues(key, lower.value) > (lower.inclusive ? -1 : 0))
          if (upper) some(key => compareValues(key, upper.value) < (upper.inclusive ? 1 : 0))
        }
    }),
    { numRuns: 1_000 },
  )
})

/** Conditions near each other, so that one often follows from another. */
const near = fc.constantFrom<Value>(null, 0, 1, 2, 'a', 'b', Number.NaN, [1], [])
const { close } = fc.letrec<{ close: Filter }>(tie => ({
  close: fc.oneof(
    { maxDepth: 2 },
    {
      weight: 4,
      arbitrary: fc.tuple(fc.constant('field' as const), fc.constantFrom('a', 'a.b'), closeTest()),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.constantFrom('and' as const, 'or' as const),
        fc.array(tie('close'), { maxLength: 2 }),
      ),
    },
  ),
}))

function closeTest(): fc.Arbitrary<Test> {
  return fc.oneof(
    fc.tuple(fc.constantFrom('eq' as const, 'neq' as const), near),
    fc.tuple(fc.constantFrom('gt' as const, 'gte' as const, 'lt' as const, 'lte' as const), near),
    fc.tuple(fc.constantFrom('in' as const, 'nin' as const), fc.array(near, { maxLength: 2 })),
    fc.tuple(fc.constant('exists' as const), fc.boolean()),
    fc.tuple(fc.constant('all' as const), fc.array(near, { maxLength: 2 })),
    fc.tuple(fc.constant('size' as const), fc.nat(2)),
    fc.tuple(fc.constant('mod' as const), fc.constant([2, 1] as const)),
    fc.record({ is: fc.tuple(fc.constant('gt' as const), near) }).map((is): Test => ['elemMatch', is]),
  )
}

test('[CONSTRAINT-2] a filter that is said to cover another has all its matches', () => {
  let covered = 0
  fc.assert(
    fc.property(
      close,
      close,
      fc.array(document, { minLength: 5, maxLength: 20 }),
      (one, other, documents) => {
        expect(coversFilter(one, ['and', [other, one]])).toBe(true)
        if (!coversFilter(one, other)) return
        covered++
        const matches = compileFilter(one)
        for (const each of documents.filter(compileFilter(other)))
          expect([one, other, each, matches(each)]).toEqual([one, other, each, true])
      },
    ),
    { numRuns: 1_500 },
  )
  expect(covered).toBeGreaterThan(60)
})
