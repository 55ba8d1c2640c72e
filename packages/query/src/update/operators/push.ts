import { isPlainObject, type Value } from '@nearcloud/protocol'
import { compareValues } from '../../compare.ts'
import { checkPath, valueAt } from '../../paths.ts'
import { refuse } from '../../refusals.ts'
import { checkValues, listIn } from './lists.ts'
import type { Operation } from './operation.ts'

/** The values in, at `position` or at the end; then the whole sorted; then cut. */
export const push: Operation = {
  kind: 'execute',
  check(argument) {
    if (!isPlainObject(argument)) return checkValues('push', argument)
    for (const name of Object.keys(argument))
      if (!modifiers.includes(name)) throw refuse(`push has no "${name.slice(0, 50)}"`)
    checkValues('push', argument.each)
    checkInteger('position', argument.position)
    checkInteger('slice', argument.slice)
    if (argument.sort !== undefined) checkSort(argument.sort)
  },
  apply(current, argument, target) {
    const list = current === undefined ? [] : listIn(current, target)
    if (Array.isArray(argument)) return Object.freeze([...list, ...(argument as readonly Value[])])
    const { each, position = list.length, sort, slice } = argument as unknown as Modified
    const at = position < 0 ? Math.max(0, list.length + position) : position
    const grown = [...list.slice(0, at), ...each, ...list.slice(at)]
    if (sort !== undefined) grown.sort(compileElementOrder(sort))
    if (slice === undefined) return Object.freeze(grown)
    return Object.freeze(slice < 0 ? grown.slice(slice) : grown.slice(0, slice))
  },
}

interface Modified {
  readonly each: readonly Value[]
  /** Before which element; negative: counted from the end. */
  readonly position?: number
  readonly sort?: Sort
  /** So many first elements stay; negative: last ones. */
  readonly slice?: number
}

/** Of whole elements, or by paths in them, one key after the other. */
type Sort = Sign | readonly (readonly [path: string, sign: Sign])[]
type Sign = 1 | -1

/** What has no such field is sorted as null. */
function compileElementOrder(sort: Sort): (a: Value, b: Value) => number {
  if (typeof sort === 'number') return (a, b) => compareValues(a, b) * sort
  return (a, b) => {
    for (const [path, sign] of sort) {
      const order = compareValues(valueAt(a, path), valueAt(b, path))
      if (order !== 0) return order * sign
    }
    return 0
  }
}

function checkInteger(name: string, value: Value | undefined): void {
  if (value === undefined || Number.isSafeInteger(value)) return
  throw refuse(`push: "${name}" is an integer`)
}

function checkSort(sort: Value): void {
  if (isSign(sort)) return
  if (!Array.isArray(sort) || sort.length === 0 || sort.length > maxKeys)
    throw refuse(`push: "sort" is 1, -1, or at most ${maxKeys} paths with 1 or -1`)
  for (const key of sort as readonly Value[]) {
    if (!Array.isArray(key) || key.length !== 2 || !isSign(key[1]))
      throw refuse('push: a key of "sort" is a path with 1 or -1')
    checkPath(key[0])
  }
}

function isSign(value: unknown): value is Sign {
  return value === 1 || value === -1
}

const modifiers = ['each', 'position', 'sort', 'slice']
const maxKeys = 32
