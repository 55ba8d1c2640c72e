import type { DocumentData } from '@nearcloud/protocol'
import type { Expression, Filter } from '../../../types.ts'
import { compileExpression } from '../../expressions/compile.ts'
import type { Scope } from '../../scope.ts'
import { KeyMap } from '../key-map.ts'
import type { Page } from '../pages.ts'

/** Of documents that are held those that can satisfy a condition now, in their order. */
export type Candidates = (documents: Page) => Page

/**
 * Where a condition demands that a field equals a variable (`$.eq(['$customer', '$$id'])`, alone or in an `and`), documents
 * are looked up by that field; what comes out has still to be tested. undefined where it demands no such thing.
 */
export function candidatesFor(condition: Filter, scope: Scope): Candidates | undefined {
  const equality = equalitiesOf(condition, scope)[0]
  if (!equality) return undefined
  const fieldOf = compileExpression(equality.field, scope)
  const wantedOf = compileExpression(equality.variable, scope)
  const indexes = new WeakMap<Page, KeyMap<DocumentData[]>>()
  return documents => {
    let index = indexes.get(documents)
    if (!index) {
      index = new KeyMap()
      for (const document of documents) {
        const key = fieldOf(document) ?? null
        const same = index.get(key)
        if (same) same.push(document)
        else index.set(key, [document])
      }
      indexes.set(documents, index)
    }
    return index.get(wantedOf(null) ?? null) ?? []
  }
}

interface Equality {
  readonly field: Expression
  readonly variable: Expression
}

function equalitiesOf(condition: Filter, scope: Scope): readonly Equality[] {
  if (condition[0] === 'and') return condition[1].flatMap(part => equalitiesOf(part, scope))
  return condition[0] === 'expr' ? equalitiesIn(condition[1], scope) : []
}

function equalitiesIn(expression: Expression, scope: Scope): readonly Equality[] {
  if (expression[0] !== 'call' || expression[2][0] !== 'list') return []
  const [, operator, [, given]] = expression
  if (operator === 'and') return given.flatMap(each => equalitiesIn(each, scope))
  if (operator !== 'eq' || given.length !== 2) return []
  const field = given.find(each => each[0] === 'path')
  const variable = given.find(each => each[0] === 'variable' && scope.has(each[1]))
  return field && variable ? [{ field, variable }] : []
}
