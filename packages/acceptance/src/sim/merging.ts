import type { DocId, Document, Mutation, PathChange, Value, Write } from '@nearcloud/protocol'
import { readStamps } from '@nearcloud/query'
import type { Batch } from '@nearcloud/server/testing'
import { documentKey } from './sim-disk.ts'

/** An assignment that stands. */
interface Standing {
  readonly path: string
  /** Whose it is, where that is known. */
  readonly client?: string | null
  readonly version: number
  readonly time: number
}

type StoredChange = Batch['changes'][number]
type Superseded = readonly string[]

/**
 * The table of merging, written a second time and plainly: an assignment gives way to one its author had not seen that is
 * later, of what it assigns or of what that lies in; every other one stands. Followed along what is stored.
 */
export class Merging {
  readonly #standing = new Map<string, readonly Standing[]>()

  /** Another history: what stands shows when a document changes again. */
  forget(): void {
    this.#standing.clear()
  }

  /** What is wrong with this change. `mutation`: what made it, if a client did. */
  follow({ record, stamps }: StoredChange, mutation: Mutation | undefined, superseded: Superseded): string[] {
    const { collection, id, version, afterText, time: now } = record
    const key = documentKey(collection, id)
    const stored = Object.entries(readStamps(stamps))
      .filter(([path]) => !path.endsWith('$')) // of moves in arrays, and of what was forgotten
      .map(([path, [version, time]]) => ({ path, version, time }))
    const before = this.#standing.get(key) ?? (record.beforeText === null ? [] : undefined)
    if (afterText === null) this.#standing.delete(key)
    const write = mutation && onlyWriteOf(mutation, record)
    if (afterText === null) return []
    const { client } = record
    const won = stored.filter(each => each.version === version).map(each => ({ ...each, client }))
    if (!before || (mutation && !write)) {
      this.#standing.set(key, stored)
      return []
    }
    const seen = mutation?.base ?? Number.POSITIVE_INFINITY
    const isCovered = (each: Standing) =>
      won.some(
        ({ path, time }) =>
          encloses(path, each.path) && (path === each.path || seen >= each.version || time >= each.time),
      )
    this.#standing.set(key, [...before.filter(each => !isCovered(each)), ...won])
    if (!write || !mutation) return []
    // a base that is not there yet is of another history
    const base = mutation.base < version ? mutation.base : 0
    return judge(before, won, { write, time: Math.min(mutation.time, now), base, client, superseded })
  }
}

function judge(
  standing: readonly Standing[],
  won: readonly Standing[],
  facts: { write: Write; time: number; base: number; client: string | null; superseded: Superseded },
): string[] {
  const { write, base, client, superseded } = facts
  return assignedBy(write).flatMap(path => {
    const name = nameOf(write, path)
    const stamp = won.find(each => each.path === path)
    if (!superseded.includes(name) && !stamp) return [`${name} is said to stand, and has no stamp`]
    const time = stamp?.time ?? facts.time
    const against = standing.filter(
      each => encloses(each.path, path) && each.version > base && each.time > time,
    )
    const isOwn = against.length > 0 && against.every(each => each.client === client)
    if (isOwn) return [`${name} gave way to what its author wrote before it`]
    if (superseded.includes(name) === against.length > 0) return []
    return against.length > 0
      ? [`${name} of ${time} stands against ${JSON.stringify(against)}`]
      : [`${name} gave way, and nothing newer stands there that its author had not seen`]
  })
}

/** Is what this change left of an assigned path what it should be? */
export function checkValues(
  write: Write,
  superseded: Superseded,
  before: Document | null,
  after: Document | null,
): string[] {
  if (write.op !== 'update' || !before || !after) return []
  return write.changes.flatMap(change => {
    const [path, operator, argument] = change
    if ((operator !== 'set' && operator !== 'remove') || isThroughIndex(path)) return []
    const found = JSON.stringify(at(after, path))
    const name = nameOf(write, path)
    if (superseded.includes(name))
      return found === JSON.stringify(at(before, path)) ? [] : [`${name} gave way, and was changed`]
    if (typeof argument === 'object' && argument !== null) return []
    const wanted = JSON.stringify(operator === 'set' ? argument : undefined)
    return found === wanted ? [] : [`${name} is ${found}, not ${wanted}`]
  })
}

/** The one write of a mutation on this document; undefined when there are several, or one that looks alike. */
export function onlyWriteOf(
  { writes }: Mutation,
  { collection, id }: { readonly collection: string; readonly id: DocId },
): Write | undefined {
  const alike = writes.filter(write => write.collection === collection && String(write.id) === String(id))
  return alike.length === 1 && alike[0]!.id === id ? alike[0] : undefined
}

/** As the server names what gave way. */
function nameOf({ collection, id }: Write, path: string): string {
  return `${collection}/${id}/${path}`
}

function assignedBy(write: Write): readonly string[] {
  if (write.op === 'set') return ['']
  if (write.op !== 'update') return []
  const isAssignment = ([, operator]: PathChange) => operator === 'set' || operator === 'remove'
  // elements move, and their stamps with them: see Elements
  return write.changes.filter(isAssignment).flatMap(([path]) => (isThroughIndex(path) ? [] : [path]))
}

/** `items.2.x`. */
function isThroughIndex(path: string): boolean {
  return /\.\d+(\.|$)/.test(path)
}

function encloses(outer: string, path: string): boolean {
  return outer === '' || outer === path || path.startsWith(`${outer}.`)
}

function at(document: Document, path: string): Value | undefined {
  let value: Value | undefined = document as Value
  for (const segment of path.split('.'))
    value = (value as { [key: string]: Value } | null | undefined)?.[segment]
  return value
}
