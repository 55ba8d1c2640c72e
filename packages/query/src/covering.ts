import { encode, RegExpValue, type Value } from '@nearcloud/protocol'
import { compareValues, equalityKey, rankOf } from './compare.ts'
import { clausesOf } from './constraints.ts'
import type { Filter, Test } from './types.ts'

/**
 * Does every document that matches `inner` match `outer`, as far as their forms show? Each clause of `outer` is among
 * those of `inner`, or follows from one of them: an equality from a list or a range, a range from a wider one, a
 * condition from an alternative. `false` may mean "not seen".
 */
export function coversFilter(outer: Filter, inner: Filter): boolean {
  return covers(outer, inner, { looks: maxLooks })
}

/** What is left to spend: alternatives inside alternatives have more ways than anyone should try. */
interface Budget {
  looks: number
}

function covers(outer: Filter, inner: Filter, budget: Budget): boolean {
  const given = clausesOf(inner)
  budget.looks -= given.length + 1
  if (budget.looks < 0) return false
  const texts = new Set(given.map(textOf))
  return clausesOf(outer).every(
    clause =>
      texts.has(textOf(clause)) ||
      given.some(each => follows(clause, each, budget)) ||
      branchesOf(clause).some(branch => covers(branch, inner, budget)),
  )
}

/** The alternatives any of which satisfies the clause. */
function branchesOf(clause: Filter): readonly Filter[] {
  if (clause[0] === 'or') return clause[1]
  if (clause[0] !== 'field' || clause[2][0] !== 'or') return []
  const [, path, [, tests]] = clause
  return tests.map(test => ['field', path, test])
}

/** Does `clause` hold of every document of which `given` holds? */
function follows(clause: Filter, given: Filter, budget: Budget): boolean {
  const branches = branchesOf(given)
  if (branches.length > 0) return branches.every(branch => covers(clause, branch, budget))
  if (clause[0] !== 'field' || given[0] !== 'field' || clause[1] !== given[1]) return false
  const found = valuesOf(given[2])
  if (found) return found.length > 0 && found.every(value => isSatisfiedBy(clause[2], value))
  if (clause[2][0] === 'exists') return clause[2][1] && isOfSomething(given[2])
  return isWider(clause[2], given[2])
}

/** The values one of which is certainly there. */
function valuesOf(test: Test): readonly Value[] | undefined {
  const values = test[0] === 'eq' ? [test[1]] : test[0] === 'in' ? test[1] : undefined
  return values?.some(value => value instanceof RegExpValue) ? undefined : values
}

/** Does a path that reaches `value` (for null: perhaps nothing) satisfy the test? */
function isSatisfiedBy(test: Test, value: Value): boolean {
  switch (test[0]) {
    case 'eq':
      return equalityKey(test[1]) === equalityKey(value)
    case 'in':
      return test[1].some(each => equalityKey(each) === equalityKey(value))
    case 'exists':
      return test[1] && value !== null
    default:
      return isRange(test) && isWithin(test, value, true)
  }
}

type Range = Extract<Test, readonly ['gt' | 'gte' | 'lt' | 'lte', Value]>

function isRange(test: Test): test is Range {
  return test[0] === 'gt' || test[0] === 'gte' || test[0] === 'lt' || test[0] === 'lte'
}

/** Does only a value satisfy the test, never a missing field? */
function isOfSomething(test: Test): boolean {
  if (isRange(test)) return test[1] !== null
  switch (test[0]) {
    case 'mod':
    case 'size':
    case 'elemMatch':
    case 'geoNear':
    case 'geoWithin':
    case 'geoIntersects':
      return true
    default:
      return false
  }
}

function isWider(outer: Test, inner: Test): boolean {
  if (!isRange(outer) || !isRange(inner) || outer[0][0] !== inner[0][0]) return false
  return isWithin(outer, inner[1], inner[0].endsWith('e'))
}

/** Is the bound itself (`reached`), or all that lies beyond it, within the range? */
function isWithin(range: Range, bound: Value, reached: boolean): boolean {
  if (bound === null || Number.isNaN(bound) || Number.isNaN(range[1]) || rankOf(bound) !== rankOf(range[1]))
    return false
  const order = compareValues(bound, range[1]) * (range[0][0] === 'g' ? 1 : -1)
  return order > 0 || (order === 0 && (!reached || range[0].endsWith('e')))
}

function textOf(clause: Filter): string {
  return encode(clause as unknown as Value)
}

const maxLooks = 2_000
