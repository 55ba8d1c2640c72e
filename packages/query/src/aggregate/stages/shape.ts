import { type DocumentData, hasOwn, type Value } from '@nearcloud/protocol'
import { asFields, isContainer, segmentsOf } from '../../paths.ts'
import type { Expression, ProjectStage } from '../../types.ts'
import { compileExpression } from '../expressions/compile.ts'
import type { Evaluate, Scope } from '../scope.ts'
import { objectOf } from './fields.ts'
import { each, type Operator } from './pages.ts'

/** What becomes of the fields of an object: kept, left out, computed, or what is inside of them. */
interface Branch {
  readonly choices: Map<string, boolean | Evaluate | Branch>
  /** Something in it is computed, so it makes an object of what is none. */
  computes: boolean
}

interface Shape {
  readonly root: Branch
  /** What nothing is said about stays, and what is computed stays in its place. */
  readonly keepsRest: boolean
}

/** Fields kept and computed, or fields left out. In stored order; what is computed comes behind, in the order it was said. */
export function project(fields: ProjectStage, scope: Scope): Operator {
  const says = fields.filter(([path]) => path !== '_id').map(([, choice]) => choice)
  const keepsRest = says.length === 0 ? fields.every(([, choice]) => choice === false) : says.includes(false)
  const isIdSaid = fields.some(([path]) => path === '_id')
  const whole: ProjectStage = keepsRest || isIdSaid ? fields : [['_id', true], ...fields]
  return shaping(whole, keepsRest, scope)
}

/** Fields computed and added, in place of what was there. One computed as missing is taken away. */
export function addFields(fields: readonly (readonly [string, Expression])[], scope: Scope): Operator {
  return shaping(fields, true, scope)
}

function shaping(fields: ProjectStage, keepsRest: boolean, scope: Scope): Operator {
  const root: Branch = { choices: new Map(), computes: false }
  let isLarge = false
  for (const [path, choice] of fields) {
    if (typeof choice === 'boolean') plant(root, segmentsOf(path), choice)
    else {
      const evaluate = compileExpression(choice, scope)
      plant(root, segmentsOf(path), document => {
        const value = evaluate(document)
        isLarge ||=
          typeof value === 'object' ? value !== null : typeof value === 'string' && value.length > 100
        return value
      })
    }
  }
  const shape = { root, keepsRest }
  const make = keepsRest && isFlat(root) ? adding(root) : making(shape)
  return each(make, (made, { meter }) => {
    if (!isLarge) return 0
    isLarge = false
    return meter.measure(made)
  })
}

function plant({ choices }: Branch, [key, ...rest]: readonly string[], choice: boolean | Evaluate): void {
  if (rest.length === 0) {
    choices.set(key!, choice)
    return
  }
  const known = choices.get(key!)
  const branch = typeof known === 'object' ? known : { choices: new Map(), computes: false }
  branch.computes ||= typeof choice === 'function'
  choices.set(key!, branch)
  plant(branch, rest, choice)
}

function isFlat({ choices }: Branch): boolean {
  return [...choices.values()].every(choice => typeof choice === 'function')
}

function adding({ choices }: Branch): (document: DocumentData) => DocumentData {
  const fields = [...choices] as readonly (readonly [string, Evaluate])[]
  return document => {
    const made: { [key: string]: Value } = { ...document }
    for (const [key, evaluate] of fields) {
      const value = evaluate(document)
      if (value !== undefined) made[key] = value
      else if (hasOwn(made, key)) delete made[key]
    }
    return Object.freeze(made)
  }
}

function making(shape: Shape): (document: DocumentData) => DocumentData {
  return document => Object.freeze(fieldsOf(document, shape.root, shape, document))
}

function fieldsOf(
  fields: { readonly [key: string]: Value },
  { choices }: Branch,
  shape: Shape,
  document: DocumentData,
): { [key: string]: Value } {
  const made: { [key: string]: Value } = {}
  for (const key of Object.keys(fields)) {
    const choice = choices.get(key)
    const field = fields[key]!
    if (choice === undefined ? shape.keepsRest : choice === true) made[key] = field
    else if (typeof choice === 'object') put(made, key, inside(field, choice, shape, document))
    else if (typeof choice === 'function' && shape.keepsRest) put(made, key, choice(document))
  }
  for (const [key, choice] of choices)
    if (typeof choice === 'function') {
      if (!shape.keepsRest || !hasOwn(fields, key)) put(made, key, choice(document))
    } else if (typeof choice === 'object' && choice.computes && !hasOwn(fields, key))
      put(made, key, inside(undefined, choice, shape, document))
  return made
}

/** What a branch makes of a value; `undefined` when nothing of it is left. Every element of an array on its own. */
function inside(
  value: Value | undefined,
  branch: Branch,
  shape: Shape,
  document: DocumentData,
): Value | undefined {
  if (Array.isArray(value)) {
    const elements: Value[] = []
    for (const element of value as readonly Value[]) {
      const made = inside(element, branch, shape, document)
      if (made !== undefined) elements.push(made)
    }
    return Object.freeze(elements)
  }
  if (isContainer(value)) return objectOf(fieldsOf(asFields(value), branch, shape, document))
  if (branch.computes) return objectOf(fieldsOf({}, branch, shape, document))
  return shape.keepsRest ? value : undefined
}

function put(fields: { [key: string]: Value }, key: string, value: Value | undefined): void {
  if (value !== undefined) fields[key] = value
}
