import { type Document, geoFromJson, type Value } from '@nearcloud/protocol'
import { compileElement } from './match/compile.ts'
import { asFields, isContainer, segmentsOf } from './paths.ts'
import type { FieldChoice, Fields } from './types.ts'

/** The tree of the paths named: at the end of each, what becomes of the value (`undefined`: it is left out). */
type Tree = Map<string, Tree | Choice>
type Choice = (value: Value) => Value | undefined

/**
 * A document with only the fields asked for (and `_id`, unless it is false), or without those refused, in stored order. A
 * path reaches into every object of an array on its way. `fields` is checked (`parse/`); `_id` is absent
 * from the answer only when it was refused.
 */
export function project(document: Document, fields: Fields): Document {
  return compileProjection(fields)(document)
}

export function compileProjection(fields: Fields): (document: Document) => Document {
  const paths = Object.keys(fields)
  if (paths.length === 0) return document => document
  const including = isInclusion(fields)
  const tree: Tree = new Map()
  for (const path of paths) if (path !== '_id') plant(tree, segmentsOf(path), choiceOf(fields[path]!))
  if (including ? fields._id !== false : fields._id === false) tree.set('_id', choiceOf(including))
  return document => pick(document, tree, including) as Document
}

/** Are the paths those to include? A slice leaves that to the others, and `_id` decides only when no other does. */
export function isInclusion(fields: Fields): boolean {
  for (const path of Object.keys(fields)) {
    const choice = fields[path]!
    if (path === '_id' || (typeof choice !== 'boolean' && choice[0] === 'slice')) continue
    return choice !== false
  }
  return fields._id === true
}

function choiceOf(choice: FieldChoice): Choice {
  if (typeof choice === 'boolean') return choice ? value => value : () => undefined
  if (choice[0] === 'slice') {
    const [from, count] = choice[1]
    return value => (Array.isArray(value) ? sliceOf(value, from, count) : value)
  }
  const matches = compileElement(choice[1])
  return value => {
    if (!Array.isArray(value)) return undefined
    const found = (value as readonly Value[]).find(element => matches(element))
    return found === undefined ? undefined : Object.freeze([found])
  }
}

/** A beginning before the array's is its beginning. */
function sliceOf(list: readonly Value[], from: number, count: number): Value {
  const begin = from < 0 ? Math.max(0, list.length + from) : from
  return Object.freeze(list.slice(begin, begin + count))
}

function plant(tree: Tree, [first, ...rest]: readonly string[], choice: Choice): void {
  if (rest.length === 0) {
    tree.set(first!, choice)
    return
  }
  let branch = tree.get(first!)
  if (!(branch instanceof Map)) {
    branch = new Map()
    tree.set(first!, branch)
  }
  plant(branch, rest, choice)
}

/** `undefined`: a value without fields where fields were asked for. */
function pick(value: Value, tree: Tree, including: boolean): Value | undefined {
  if (Array.isArray(value)) {
    const kept: Value[] = []
    for (const element of value as readonly Value[]) {
      const picked = pick(element, tree, including)
      if (picked !== undefined) kept.push(picked)
    }
    return Object.freeze(kept)
  }
  if (!isContainer(value)) return including ? undefined : value
  const fields = asFields(value)
  const kept: { [key: string]: Value } = {}
  for (const key of Object.keys(fields)) {
    const branch = tree.get(key)
    if (!branch && including) continue
    const given = fields[key]!
    const field = branch instanceof Map ? pick(given, branch, including) : branch ? branch(given) : given
    if (field !== undefined) kept[key] = field
  }
  return geoFromJson(kept) ?? Object.freeze(kept)
}
