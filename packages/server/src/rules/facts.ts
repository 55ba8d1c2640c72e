import { RegExpValue, type Value } from '@nearcloud/protocol'
import { clausesOf, compareValues, type Filter, type Test } from '@nearcloud/query'
import { compares, readDate } from './evaluate.ts'
import type { Comparison, RuleValue } from './expression.ts'

type FieldClause = readonly ['field', string, Test]

/**
 * What is known of every document that a filter lets through, read field by field.
 *
 * A filter looks into arrays where a rule does not (`owner: 'ann'` also finds `owner: ['ann', 'bob']`): what is known is
 * true of documents whose field is a plain value, and the others are for `mayRead` to leave out.
 */
export class Facts {
  readonly #fields: readonly FieldClause[]
  readonly #choices: readonly Choice[]

  constructor(filters: readonly Filter[]) {
    const clauses = filters.flatMap(clausesOf).flatMap(simplify)
    this.#fields = clauses.filter((clause): clause is FieldClause => clause[0] === 'field')
    this.#choices = clauses.flatMap(choiceOf)
  }

  /** The number of things known: what one look at them costs. */
  get size(): number {
    return this.#fields.length
  }

  /** The one value `path` can have, or undefined when that is not known. */
  valueOf(path: string): { value: Value | undefined } | undefined {
    for (const [, name, test] of this.#fields) {
      if (test[0] === 'eq' && isPlain(test[1] as Value)) {
        if (name === path) return { value: readDate((test[1] as Value) ?? undefined) }
        if (path.startsWith(`${name}.`)) {
          const found = within(test[1] as Value, path.slice(name.length + 1))
          if (found) return found
        }
      }
      if (name === path && test[0] === 'exists' && !test[1]) return { value: undefined }
    }
    return undefined
  }

  /** Is `path` a list that holds `value`? */
  holds(path: string, value: RuleValue): boolean {
    return this.#fields.some(
      ([, name, test]) =>
        name === path &&
        test[0] === 'eq' &&
        isPlain(test[1] as Value) &&
        test[1] !== null &&
        compares(readDate(test[1] as Value), '==', value),
    )
  }

  /** Is there something at `path`? */
  isPresent(path: string): boolean {
    return this.#tests(path).some(test => isBound(test) || (test[0] === 'neq' && test[1] === null))
  }

  /** Is `path <operator> value` sure to be `answer`? */
  settles(path: string, operator: Comparison, value: RuleValue, answer: boolean): boolean {
    return this.#tests(path).some(test => settlesTest(test, operator, value, answer))
  }

  /** These facts once for every way to fulfil one of their alternatives that speaks of `paths`; or undefined. */
  split(paths: ReadonlySet<string>): Iterable<Facts> | undefined {
    const index = this.#choices.findIndex(choice => choice.paths.some(path => paths.has(path)))
    if (index < 0) return undefined
    const others: Filter[] = this.#choices.filter((_, i) => i !== index).map(choice => choice.filter)
    return factsOfBranches([...this.#fields, ...others], this.#choices[index]!.branches)
  }

  #tests(path: string): readonly Test[] {
    return this.#fields.filter(([, name]) => name === path).map(([, , test]) => test)
  }
}

interface Choice {
  readonly filter: Filter
  readonly paths: readonly string[]
  readonly branches: readonly Filter[]
}

/** One at a time: a list may be long, and the first that fails is the last that is looked at. */
function* factsOfBranches(known: readonly Filter[], branches: readonly Filter[]): Iterable<Facts> {
  for (const branch of branches) yield new Facts([...known, branch])
}

/** Alternatives of a clause: `or`, `in`, `or` on one field. */
function choiceOf(clause: Filter): Choice[] {
  if (clause[0] === 'or') return [{ filter: clause, paths: clause[1].flatMap(pathsOf), branches: clause[1] }]
  if (clause[0] !== 'field') return []
  const [, path, test] = clause
  if (test[0] === 'in') {
    if (!test[1].every(isPlain)) return []
    return [{ filter: clause, paths: [path], branches: test[1].map(value => ['field', path, ['eq', value]]) }]
  }
  if (test[0] === 'or')
    return [{ filter: clause, paths: [path], branches: test[1].map(each => ['field', path, each]) }]
  return []
}

function pathsOf(filter: Filter): string[] {
  if (filter[0] === 'expr') return []
  return filter[0] === 'field' ? [filter[1]] : filter[1].flatMap(pathsOf)
}

/** Takes negations inwards where that loses nothing; what cannot be used is left as it is. */
function simplify(clause: Filter): readonly Filter[] {
  if (clause[0] === 'nor')
    return clause[1].flatMap(part =>
      part[0] === 'field' ? simplify(['field', part[1], ['not', part[2]]]) : [],
    )
  if (clause[0] !== 'field' || clause[2][0] !== 'not') return [clause]
  const [, path, [, test]] = clause
  switch (test[0]) {
    case 'eq':
      return [['field', path, ['neq', test[1] as Value]]]
    case 'neq':
      return [['field', path, ['eq', test[1] as Value]]]
    case 'in':
      return [['field', path, ['nin', test[1]]]]
    case 'nin':
      return [['field', path, ['in', test[1]]]]
    case 'exists':
      return [['field', path, ['exists', !test[1]]]]
    default:
      return []
  }
}

function settlesTest(test: Test, operator: Comparison, value: RuleValue, answer: boolean): boolean {
  if (test[0] === 'neq') return !answer && operator === '==' && isPlain(test[1]) && same(test[1], value)
  if (test[0] === 'nin')
    return !answer && operator === '==' && test[1].some(one => isPlain(one) && same(one, value))
  if (!isBound(test)) return false
  const bound = readDate(test[1])
  if (typeof bound !== typeof value || (typeof bound !== 'number' && typeof bound !== 'string')) return false
  const order = compareValues(bound, value as Value)
  if (Number.isNaN(bound) || Number.isNaN(value)) return false
  const isLower = test[0] === 'gt' || test[0] === 'gte'
  // beyond: all values are on the bound's own side of `value`; at or beyond: or equal to it
  const beyond = isLower
    ? order > 0 || (order === 0 && test[0] === 'gt')
    : order < 0 || (order === 0 && test[0] === 'lt')
  const atOrBeyond = isLower ? order >= 0 : order <= 0
  switch (operator) {
    case '==':
      return !answer && beyond
    case '>':
      return isLower ? answer && beyond : !answer && atOrBeyond
    case '>=':
      return isLower ? answer && atOrBeyond : !answer && beyond
    case '<':
      return isLower ? !answer && atOrBeyond : answer && beyond
    case '<=':
      return isLower ? !answer && beyond : answer && atOrBeyond
  }
}

function isBound(test: Test): test is readonly ['gt' | 'gte' | 'lt' | 'lte', Value] {
  return (test[0] === 'gt' || test[0] === 'gte' || test[0] === 'lt' || test[0] === 'lte') && test[1] !== null
}

function same(known: Value, value: RuleValue): boolean {
  return compares(readDate(known), '==', value)
}

/** An equality with a regular expression is a search. */
function isPlain(value: Value): boolean {
  return !(value instanceof RegExpValue)
}

function within(value: Value, path: string): { value: Value | undefined } | undefined {
  let found: Value | undefined = value
  for (const key of path.split('.')) {
    if (found === null || typeof found !== 'object' || Array.isArray(found) || found instanceof Date)
      return undefined
    found = Object.hasOwn(found, key) ? (found as { readonly [key: string]: Value })[key] : undefined
  }
  return { value: readDate(found) }
}
