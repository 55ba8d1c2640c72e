import type { DocId, Document, Value } from '@nearcloud/protocol'
import { compileFilter, equalityKey, equalValues, keysAt, valueAt } from '@nearcloud/query'
import {
  compares,
  compile,
  fieldOf,
  isAmong,
  isMissing,
  isNull,
  RuleEvaluationError,
  type Scope,
} from './evaluate.ts'
import { type Expression, partsOf, type RuleValue } from './expression.ts'
import { filterFor, type RuleField } from './read-others.ts'

/** What happened to a document. */
export interface Happened {
  readonly collection: string
  readonly id: DocId
  readonly before: Document | null
  readonly after: Document | null
}

/** A place in a rule where it looks at another document. */
export interface Look {
  readonly collection: string
  /**
   * Whether what it sees there may now make a difference to a user (`auth` of the scope); undefined when it does to
   * nobody. The answer is asked about many users.
   */
  concern(happened: Happened): ((scope: Scope) => boolean) | undefined
}

/**
 * The places where a rule looks at other documents. What a rule compares with something about the user is told apart by
 * the answer (`auth.openid in get(…).members` concerns who enters and who leaves); what it compares with the judged
 * document concerns everybody.
 */
export function looksOf(rule: Expression): readonly Look[] {
  switch (rule.kind) {
    case 'compare': {
      const { operator, left, right } = rule
      return [
        ...sideOf(left, right, (seen, other) => compares(seen, operator, other)),
        ...sideOf(right, left, (seen, other) => compares(other, operator, seen)),
      ]
    }
    case 'in':
      return [
        ...sideOf(rule.left, rule.right, (seen, list) => isAmong(seen, list)),
        ...sideOf(rule.right, rule.left, (seen, value) => isAmong(value, seen)),
      ]
    case 'missing':
      return sideOf(rule.operand, nothing, isMissing)
    case 'member':
    case 'get':
      return sideOf(rule, nothing, undefined)
    case 'size':
      return [listLook(rule), ...rule.where.flatMap(([, value]) => looksOf(value))]
    default:
      return partsOf(rule).flatMap(looksOf)
  }
}

type Comparing = (seen: RuleValue, other: RuleValue) => boolean

/** One side of a comparison, or a value as it is. */
function sideOf(side: Expression, other: Expression, comparing: Comparing | undefined): readonly Look[] {
  const path: Expression[] = []
  let at = side
  for (; at.kind === 'member'; at = at.object) path.unshift(at.key)
  if (at.kind !== 'get') return at === side ? looksOf(side) : [at, ...path].flatMap(looksOf)
  const inside = [at.id, ...path].flatMap(looksOf)
  const isPlain = path.every(key => key.kind === 'constant')
  return [
    documentLook(at, isPlain ? path : [], isPlain && isClosed(other) ? comparing : undefined, other),
    ...inside,
  ]
}

function documentLook(
  { collection, id }: Extract<Expression, { kind: 'get' }>,
  path: readonly Expression[],
  comparing: Comparing | undefined,
  other: Expression,
): Look {
  const keys = path.map(key => (key as Extract<Expression, { kind: 'constant' }>).value)
  const seenIn = (document: Document | null) => keys.reduce<RuleValue>(fieldOf, document)
  const [idOf, otherOf] = [isClosed(id) ? compile(id) : undefined, compile(other)]
  return {
    collection,
    concern({ id, before, after }) {
      const was: RuleValue = seenIn(before)
      const is: RuleValue = seenIn(after)
      if (typeof id !== 'string' || isSame(was, is)) return undefined
      return scope =>
        isPossible(() => {
          if (idOf && idOf(scope) !== id) return false
          if (!comparing) return true
          const value = otherOf(scope)
          return comparing(was, value) !== comparing(is, value)
        })
    },
  }
}

function listLook({ collection, where }: Extract<Expression, { kind: 'size' }>): Look {
  const closed = where
    .filter(([, value]) => isClosed(value))
    .map(([path, value]) => ({ path, isWrittenNull: isNull(value), worth: compile(value) }))
  const open = where.filter(([, value]) => !isClosed(value)).map(([path]) => path)
  return {
    collection,
    concern({ before, after }) {
      const differs = (paths: readonly string[]) =>
        before === null ||
        after === null ||
        paths.some(path => !isSame(valueAt(before, path), valueAt(after, path)))
      if (!differs(where.map(([path]) => path))) return undefined
      const images = [before, after].filter(image => image !== null)
      const keys = new Map(
        closed.map(({ path }) => [
          path,
          new Set(images.flatMap(image => keysAt(image, path).map(value => equalityKey(value)))),
        ]),
      )
      return scope =>
        isPossible(() => {
          const fields = closed.map(({ worth, ...field }): RuleField => ({ ...field, value: worth(scope) }))
          // most users are told apart here
          if (fields.some(({ path, value }) => isText(value) && !keys.get(path)!.has(equalityKey(value))))
            return false
          const matches = compileFilter(filterFor(fields))
          const [was, is] = [before !== null && matches(before), after !== null && matches(after)]
          return was !== is || (was && differs(open))
        })
    },
  }
}

function isText(value: RuleValue): value is string {
  return typeof value === 'string'
}

/** Does it depend on who asks alone? */
function isClosed(part: Expression): boolean {
  if (part.kind === 'get' || part.kind === 'size') return false
  if (part.kind === 'variable') return part.name === 'auth'
  return partsOf(part).every(isClosed)
}

/** What is an error for this user is one whatever the document says. */
function isPossible(concerns: () => boolean): boolean {
  try {
    return concerns()
  } catch (thrown) {
    if (thrown instanceof RuleEvaluationError) return false
    throw thrown
  }
}

function isSame(a: RuleValue, b: RuleValue): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  return equalValues(a as Value, b as Value)
}

const nothing: Expression = { kind: 'constant', value: undefined }
