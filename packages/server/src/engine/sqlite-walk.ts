import type { DocId } from '@nearcloud/protocol'
import type { KeyRange } from '@nearcloud/query/indexes'
import type { IndexWalk, StoredRow } from './engine.ts'
import type { Statements } from './sqlite-statements.ts'
import { keyOfStored } from './text-key.ts'

/** The row a walk has come to. */
export interface Place {
  readonly key: string
  /** As it is stored. */
  readonly id: DocId
}

interface RawRow {
  key: Uint8Array
  id: DocId
  version: number
  text: string
  stamps: string
}

/**
 * The next rows of a walk behind `after`, from as many ranges as it takes; `last` is undefined when there are no more.
 * A page ends early when its texts are longer than `maxCharacters`.
 */
export function walkPage(
  statements: Statements,
  env: string,
  collection: string,
  walk: IndexWalk,
  after: Place | undefined,
  limits: { readonly rows: number; readonly maxCharacters: number },
): { readonly rows: readonly StoredRow[]; readonly last: Place | undefined } {
  const isBackwards = walk.direction === 'desc'
  const rows: StoredRow[] = []
  let size = 0
  for (const range of isBackwards ? [...walk.ranges].reverse() : walk.ranges) {
    if (after && isBehind(range, after.key, isBackwards)) continue
    const behind = after && holds(range, after.key) ? [storedIndexKey(after.key), after.id] : undefined
    const end = range.to === undefined ? [] : [storedIndexKey(range.to)]
    // the tighter bound alone, so that the database begins there and looks at nothing twice
    const lower = isBackwards || !behind ? [storedIndexKey(range.from)] : behind
    const upper = isBackwards && behind ? behind : end
    const select = statements.walk({ hasEnd: end.length > 0, isBehind: behind !== undefined, isBackwards })
    // no LIMIT: given as a parameter it has the statement prepared anew each time
    for (const raw of select.iterate(collection, env, walk.number, ...lower, ...upper)) {
      const { key: bytes, id, version, text, stamps } = raw as unknown as RawRow
      const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
      rows.push({ id: keyOfStored(id), version, text, stamps, key })
      size += text.length
      if (rows.length === limits.rows || size > limits.maxCharacters) return { rows, last: { key, id } }
    }
  }
  return { rows, last: undefined }
}

export function storedIndexKey(key: string): Uint8Array {
  return Buffer.from(key, 'latin1')
}

function holds(range: KeyRange, key: string): boolean {
  return key >= range.from && (range.to === undefined || key < range.to)
}

/** Has a walk that is at `key` left the range behind it? */
function isBehind(range: KeyRange, key: string, isBackwards: boolean): boolean {
  if (isBackwards) return key < range.from
  return range.to !== undefined && key >= range.to
}
