import { type DocumentData, Geo, kindOf, type Value } from '@nearcloud/protocol'
import { asFields, isContainer } from '../../paths.ts'
import { unfit } from '../../refusals.ts'
import type { Expression } from '../../types.ts'
import { compileExpression } from '../expressions/compile.ts'
import type { Scope } from '../scope.ts'
import { each, type Operator } from './pages.ts'

/** Of each document what is computed of it, which has to be an object. */
export function replaceRoot(newRoot: Expression, scope: Scope): Operator {
  const evaluate = compileExpression(newRoot, scope)
  const isPart = newRoot[0] === 'path'
  return each(
    document => rootOf(evaluate(document)),
    (made, { meter }) => (isPart ? 0 : meter.measure(made)),
  )
}

function rootOf(value: Value | undefined): DocumentData {
  if (isContainer(value)) return value instanceof Geo ? asFields(value) : value
  const kind = value === undefined ? 'missing' : kindOf(value)
  throw unfit(
    `aggregate: replaceRoot: newRoot has to be an object, and of some document it is ${kind}: let a match stage leave those out`,
  )
}
