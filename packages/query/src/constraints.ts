import { RegExpValue, type Value } from '@nearcloud/protocol'
import { compareValues } from './compare.ts'
import { indexOf, joinPath, segmentsOf } from './paths.ts'
import { compileRegExp } from './regex/regexp.ts'
import type { Filter, Test } from './types.ts'

export interface Bound {
  readonly value: Value
  readonly inclusive: boolean
}

/** What the keys of a document at one path must satisfy. Each part alone may be satisfied by another key. */
export interface Constraint {
  readonly equals?: readonly Value[]
  readonly lower?: Bound
  readonly upper?: Bound
}

/**
 * The conditions that must all hold, flattened: conjunctions of filters and of tests on one field are taken apart, and
 * `all` is an equality for each value.
 */
export function clausesOf(filter: Filter): readonly Filter[] {
  if (filter[0] === 'and') return filter[1].flatMap(clausesOf)
  if (filter[0] !== 'field') return [filter]
  const [, path, test] = filter
  if (test[0] === 'and') return test[1].flatMap(each => clausesOf(['field', path, each]))
  if (test[0] === 'all' && test[1].length > 0) return test[1].map(value => ['field', path, ['eq', value]])
  return [filter]
}

/**
 * Where an index may look, by path. Sound: of every document that matches, some key (`keysAt`) equals one of `equals`,
 * some key is within `lower`, and some key is within `upper`.
 *
 * The bounds may be met by different elements of one array: a range scan that uses both misses `[0, 10]` for "over 1 and
 * under 5", so where a path holds arrays, use one bound only. Conditions that a missing field satisfies give no constraint.
 */
export function constraintsOf(filter: Filter): Map<string, Constraint> {
  const constraints = new Map<string, Constraint>()
  for (const clause of clausesOf(filter).flatMap(consequencesOf)) {
    const found = clause[0] === 'or' ? constraintOfBranches(clause[1]) : constraintOfClause(clause)
    if (!found) continue
    const [path, constraint] = found
    constraints.set(path, narrow(constraints.get(path) ?? {}, constraint))
  }
  return constraints
}

/** The clause, and what an element that matches says about the keys of the array's path and of the paths in it. */
function consequencesOf(clause: Filter): readonly Filter[] {
  if (clause[0] !== 'field' || clause[2][0] !== 'elemMatch' || endsWithIndex(clause[1])) return [clause]
  const [, path, [, element]] = clause
  // elements of the element are no keys of this path, so what is said about them ends here
  if ('is' in element) return clausesOf(['field', path, element.is]).filter(each => !isAboutElements(each))
  return clausesOf(element.where).flatMap(each =>
    each[0] === 'field' && indexOf(segmentsOf(each[1])[0]!) < 0
      ? consequencesOf(['field', joinPath(path, each[1]), each[2]])
      : [],
  )
}

function isAboutElements(clause: Filter): boolean {
  return clause[0] === 'field' && clause[2][0] === 'elemMatch'
}

/** An array that an index leads to is a key as a whole only. */
function endsWithIndex(path: string): boolean {
  return indexOf(path.slice(path.lastIndexOf('.') + 1)) >= 0
}

function constraintOfClause(clause: Filter): [path: string, Constraint] | undefined {
  if (clause[0] !== 'field') return undefined
  const constraint = constraintOfTest(clause[2])
  return constraint && [clause[1], constraint]
}

/** `or` over one path, every branch an equality. */
function constraintOfBranches(branches: readonly Filter[]): [path: string, Constraint] | undefined {
  const equals: Value[] = []
  let path: string | undefined
  for (const branch of branches) {
    const found = constraintOfClause(branch)
    if (!found?.[1].equals || (path !== undefined && path !== found[0])) return undefined
    path = found[0]
    equals.push(...found[1].equals)
  }
  return path === undefined ? undefined : [path, { equals }]
}

function constraintOfTest(test: Test): Constraint | undefined {
  switch (test[0]) {
    case 'eq':
      if (test[1] instanceof RegExpValue) return constraintOfPrefix(compileRegExp(test[1]).prefix)
      return isKey(test[1]) ? { equals: [test[1]] } : undefined
    case 'in':
      return test[1].every(isKey) ? { equals: test[1] } : undefined
    case 'gt':
    case 'gte':
      return isBound(test[1]) ? { lower: { value: test[1], inclusive: test[0] === 'gte' } } : undefined
    case 'lt':
    case 'lte':
      return isBound(test[1]) ? { upper: { value: test[1], inclusive: test[0] === 'lte' } } : undefined
    case 'or': {
      const found = constraintOfBranches(test[1].map(each => ['field', '', each]))
      return found?.[1]
    }
    default:
      return undefined
  }
}

/** Text that begins with `prefix`: from it, to the first text that comes after all of them. */
function constraintOfPrefix(prefix: string): Constraint | undefined {
  if (prefix === '') return undefined
  const lower = { value: prefix, inclusive: true }
  const codes = [...prefix].map(character => character.codePointAt(0)!)
  while (codes[codes.length - 1] === 0x10ffff) codes.pop()
  const last = codes.pop()
  if (last === undefined) return { lower }
  const next = last === 0xd7ff ? 0xe000 : last + 1
  return { lower, upper: { value: String.fromCodePoint(...codes, next), inclusive: false } }
}

function narrow(known: Constraint, more: Constraint): Constraint {
  const equals =
    known.equals && more.equals
      ? more.equals.length < known.equals.length
        ? more.equals
        : known.equals
      : (known.equals ?? more.equals)
  const lower = tighter(known.lower, more.lower, 1)
  const upper = tighter(known.upper, more.upper, -1)
  return { ...(equals && { equals }), ...(lower && { lower }), ...(upper && { upper }) }
}

function tighter(a: Bound | undefined, b: Bound | undefined, sign: 1 | -1): Bound | undefined {
  if (!a || !b) return a ?? b
  const order = compareValues(a.value, b.value) * sign
  if (order === 0) return a.inclusive ? b : a
  return order > 0 ? a : b
}

function isKey(value: Value): boolean {
  return value !== null && !(value instanceof RegExpValue)
}

function isBound(value: Value): boolean {
  return isKey(value) && !Number.isNaN(value)
}
