import { isDeepStrictEqual } from 'node:util'
import { type DocumentData, fromJson, type Json, type PathChange } from '@nearcloud/protocol'
import { isTree, type Tree } from './shape.ts'

/** What is to be done to the server's document; `stay`: nothing, it says what was wanted, or the server's word stands. */
export type Merge =
  | { readonly kind: 'stay' }
  | { readonly kind: 'add'; readonly data: DocumentData }
  | { readonly kind: 'change'; readonly changes: readonly PathChange[] }
  | { readonly kind: 'remove' }

/**
 * What a replica did to a document, laid over what the server has. `assumed`: the server's state as the replica knew it when it
 * wrote `wanted`; `own`: what it wrote last, if it may not know yet what came of that. A field that the replica alone changed becomes what
 * it says; of what both changed the server's stays, and so does a document that was changed or removed meanwhile. Undefined states are
 * no documents.
 */
export function mergeRow(
  master: Tree | undefined,
  assumed: Tree | undefined,
  wanted: Tree | undefined,
  own?: Tree,
): Merge {
  if (isSame(master, wanted)) return stay
  const known = assumed ?? own
  if (master === undefined)
    return known === undefined && wanted !== undefined
      ? { kind: 'add', data: fromJson(wanted) as DocumentData }
      : stay
  if (known === undefined) return stay
  if (wanted === undefined) return isSame(master, known) || isSame(master, own) ? { kind: 'remove' } : stay
  const changes = changesOf(known, wanted, master, own)
  return changes.length === 0 ? stay : { kind: 'change', changes }
}

/**
 * The changes that make `wanted` of `assumed`: all of them, or with a `master` those at places where it still says what was
 * assumed, or what the replica itself made it say.
 */
export function changesOf(
  assumed: Tree,
  wanted: Tree,
  master = assumed,
  own = assumed,
): readonly PathChange[] {
  const changes: PathChange[] = []
  compare({ assumed, wanted, master, own }, '', 1, changes)
  return changes
}

interface States {
  readonly assumed: Tree
  readonly wanted: Tree
  readonly master: Tree
  readonly own: Tree
}

function compare(
  { assumed, wanted, master, own }: States,
  prefix: string,
  depth: number,
  changes: PathChange[],
): void {
  for (const name of new Set([assumed, wanted, own].flatMap(Object.keys))) {
    const [was, is, has, wrote] = [at(assumed, name), at(wanted, name), at(master, name), at(own, name)]
    if (isSame(was, is) && isSame(was, wrote)) continue
    const path = prefix + name
    if (isOpen(was) && isOpen(is) && isOpen(has) && isPathPart(name)) {
      const within = { assumed: was, wanted: is, master: has, own: isOpen(wrote) ? wrote : was }
      compare(within, `${path}.`, depth + 1, changes)
      continue
    }
    const known = isSame(has, wrote) ? wrote : was
    if (!isSame(known, is) && isSame(known, has))
      changes.push(is === undefined ? [path, 'remove', null] : [path, 'set', fromJson(is, { depth })])
  }
}

function at(tree: Tree, name: string): Json | undefined {
  return Object.hasOwn(tree, name) ? tree[name] : undefined
}

/** An object whose fields are fields: no tagged value, no place on the earth. */
function isOpen(value: Json | undefined): value is Tree & Json {
  if (!isTree(value)) return false
  const names = Object.keys(value)
  if (names.length === 0 || names.some(name => !isPathPart(name))) return false
  return !(names.length === 2 && Object.hasOwn(value, 'type') && Object.hasOwn(value, 'coordinates'))
}

function isPathPart(name: string): boolean {
  return name !== '' && !name.startsWith('$')
}

export function isSame(a: Json | undefined, b: Json | undefined): boolean {
  return isDeepStrictEqual(a, b)
}

const stay = { kind: 'stay' } as const
