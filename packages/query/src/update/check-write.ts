import {
  CloudError,
  checkCollectionName,
  checkDocId,
  limits,
  type PathChange,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import { checkGuards } from '../merge/guards.ts'
import { checkPath, hasOwn, isContainer } from '../paths.ts'
import { refuse, unfit } from '../refusals.ts'
import { depthOf } from './draft.ts'
import { operations } from './operators/index.ts'
import { checkChangeTexts, checkDataTexts, checkTextWrite } from './texts.ts'

/** Who writes: a person's client, or the server's own (functions, the operator). */
type Side = 'client' | 'server'

/**
 * What the builder guarantees of a write, and a stranger's has to prove before `applyWrite`: its collection and id, data
 * that is an object without `_id`, paths that do not lie in each other, operators with their arguments, guards of
 * indexes alone, and no assignment of `_id` to a document that exists; nor, by a client, of `_openid`.
 *
 * Values are normalised already (`fromJson`). Throws INVALID_PARAM or DATABASE_INVALID_OPERATOR.
 */
export function checkWrite(write: Write, side: Side = 'client'): void {
  checkCollectionName(write.collection)
  checkDocId(write.id)
  switch (write.op) {
    case 'add':
    case 'set':
      checkData(write.data)
      return
    case 'update':
      checkChanges(write.changes, side)
      return
    case 'remove':
      return
    case 'text':
      checkTextWrite(write)
      return
    default:
      throw refuse('a write is one of add, set, update, remove')
  }
}

/** Throws unless these changes can be made together. */
export function checkChanges(changes: readonly PathChange[], side: Side): void {
  if (changes.length === 0) throw refuse('options.data must not be empty')
  if (changes.length > limits.batchWrites)
    throw refuse(`more than ${limits.batchWrites} changes of one document`)
  const paths = new Set<string>()
  let guarded = 0
  for (const [path, operator, argument, guards] of changes) {
    if (!hasOwn(operations, operator))
      throw new CloudError('DATABASE_INVALID_OPERATOR', {
        errMsg: `unknown update operator "${String(operator).slice(0, 50)}"`,
      })
    operations[operator].check(argument)
    if (depthOf(argument) > limits.depth) throw refuse(`an argument nested deeper than ${limits.depth}`)
    if (guards !== undefined) {
      if (++guarded > limits.guardedChanges)
        throw refuse(`more than ${limits.guardedChanges} changes with guards in one update`)
      if (operations[operator].kind === 'move') throw refuse('a rename has no guards')
      checkGuards(path, guards)
    }
    const assigned = operations[operator].kind === 'move' ? [path, argument as string] : [path]
    for (const each of assigned) {
      checkChangeable(each, side)
      if (paths.has(each)) throw conflict(each, each)
      paths.add(each)
    }
  }
  checkChangeTexts(changes)
  for (const path of paths)
    for (let end = path.indexOf('.'); end > 0; end = path.indexOf('.', end + 1))
      if (paths.has(path.slice(0, end))) throw conflict(path, path.slice(0, end))
}

function checkChangeable(path: unknown, side: Side): void {
  checkPath(path)
  if (isIn(path, '_id')) throw refuse('不能更新_id的值')
  if (side === 'client' && isIn(path, '_openid'))
    throw refuse('不能更新_openid的值 (_openid cannot be updated)')
}

function isIn(path: string, field: string): boolean {
  return path.startsWith(field) && (path.length === field.length || path[field.length] === '.')
}

function checkData(data: Value): void {
  if (!isContainer(data)) throw refuse('data is an object')
  if (hasOwn(data, '_id')) throw refuse('不能更新_id的值')
  if (depthOf(data) > limits.depth) throw refuse(`data nested deeper than ${limits.depth}`)
  checkDataTexts(data)
}

function conflict(path: string, other: string): CloudError {
  return unfit(`Updating the path '${path}' would create a conflict at '${other}'`)
}
