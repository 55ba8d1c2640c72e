import { type Document, isPlainObject, type Value } from '@nearcloud/protocol'
import { segmentsOf } from './paths.ts'

type Fields = Readonly<Record<string, boolean>>

/** The tree of the paths named: `true` where a path ends. */
type Tree = Map<string, Tree | true>

/**
 * A document with only the fields asked for (and `_id`, unless it is false), or without those refused, in stored order. A
 * path reaches into every object of an array on its way. `fields` is checked (`parse-query.ts`); `_id` is absent
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
  for (const path of paths) if (path !== '_id') plant(tree, segmentsOf(path))
  if (including ? fields._id !== false : fields._id === false) tree.set('_id', true)
  return document => pick(document, tree, including) as Document
}

/** Are the paths those to include? `_id` decides only when it stands alone. */
export function isInclusion(fields: Fields): boolean {
  for (const path of Object.keys(fields)) if (path !== '_id') return fields[path] === true
  return fields._id === true
}

function plant(tree: Tree, [first, ...rest]: readonly string[]): void {
  if (rest.length === 0) {
    tree.set(first!, true)
    return
  }
  let branch = tree.get(first!)
  if (!branch || branch === true) {
    branch = new Map()
    tree.set(first!, branch)
  }
  plant(branch, rest)
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
  if (!isPlainObject(value)) return including ? undefined : value
  const kept: { [key: string]: Value } = {}
  for (const key of Object.keys(value)) {
    const branch = tree.get(key)
    if (branch === true ? !including : !branch && including) continue
    const field = branch instanceof Map ? pick(value[key]!, branch, including) : value[key]!
    if (field !== undefined) kept[key] = field
  }
  return Object.freeze(kept)
}
