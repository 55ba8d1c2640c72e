import {
  type DocId,
  type Document,
  decodeTrusted,
  type Mutation,
  type PathChange,
  type Value,
  type Write,
} from '@nearcloud/protocol'
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

/** What stands on a document. */
interface Known {
  readonly assignments: readonly Standing[]
  /** What is kept of forgotten removals: as a stamp of what is missing (`$`), and of what was made again since. */
  readonly removals: readonly Standing[]
}

const nothing: Known = { assignments: [], removals: [] }

/**
 * The table of merging, written a second time and plainly: an assignment gives way to one its author had not seen that is
 * later, of what it assigns or of what that lies in, and to a later removal that is forgotten (query, MERGE-41); every other one
 * stands. Followed along what is stored.
 */
export class Merging {
  readonly #known = new Map<string, Known>()

  /** Another history: what stands shows when a document changes again. */
  forget(): void {
    this.#known.clear()
  }

  /** What is wrong with this change. `mutation`: what made it, if a client did. */
  follow({ record, stamps }: StoredChange, mutation: Mutation | undefined, superseded: Superseded): string[] {
    const { collection, id, version, afterText, time: now } = record
    const key = documentKey(collection, id)
    const before = this.#known.get(key) ?? (record.beforeText === null ? nothing : undefined)
    this.#known.delete(key)
    if (afterText === null) return []
    const stored = Object.entries(readStamps(stamps, decodeTrusted(afterText) as Document))
      .filter(([path]) => !path.endsWith('.$')) // of moves in arrays
      .map(([path, [version, time]]) => ({ path, version, time }))
    const write = mutation && onlyWriteOf(mutation, record)
    const { client } = record
    const assigned = stored.filter(each => each.path !== '$')
    const won = assigned.filter(each => each.version === version).map(each => ({ ...each, client }))
    const removals = before ? removalsIn(stored, before.removals) : stored.filter(each => each.path === '$')
    if (!before || (mutation && !write)) {
      this.#known.set(key, { assignments: assigned, removals })
      return []
    }
    // a base that is not there yet is of another history
    const base = mutation && mutation.base < version ? mutation.base : 0
    const seen = mutation ? base : Number.POSITIVE_INFINITY
    const isCovered = (each: Standing) =>
      won.some(
        ({ path, time }) =>
          encloses(path, each.path) && (path === each.path || seen >= each.version || time >= each.time),
      )
    const assignments = [...before.assignments.filter(each => !isCovered(each)), ...won]
    this.#known.set(key, { assignments, removals })
    if (!write || !mutation) return []
    const document = record.beforeText === null ? null : (decodeTrusted(record.beforeText) as Document)
    return judge(before, won, {
      write,
      time: Math.min(mutation.time, now),
      base,
      client,
      superseded,
      document,
    })
  }
}

/** `$`, and the stamps that are as `$` was when what they stand on was made again. */
function removalsIn(stored: readonly Standing[], before: readonly Standing[]): Standing[] {
  const isRemembered = (stamp: Standing) =>
    before.some(each => each.version === stamp.version && each.time === stamp.time)
  return stored.filter(each => each.path === '$' || isRemembered(each))
}

function judge(
  { assignments, removals }: Known,
  won: readonly Standing[],
  facts: {
    write: Write
    time: number
    base: number
    client: string | null
    superseded: Superseded
    document: Document | null
  },
): string[] {
  const { write, base, client, superseded, document } = facts
  return assignedBy(write).flatMap(path => {
    const name = nameOf(write, path)
    const stamp = won.find(each => each.path === path)
    if (!superseded.includes(name) && !stamp) return [`${name} is said to stand, and has no stamp`]
    const time = stamp?.time ?? facts.time
    const isUnseen = (each: Standing) => each.version > base && each.time > time
    const against = assignments.filter(each => encloses(each.path, path) && isUnseen(each))
    const isMissing = document !== null && path !== '' && at(document, path) === undefined
    const isForgotten = removals.some(
      each => (each.path === '$' ? isMissing : encloses(each.path, path)) && isUnseen(each),
    )
    const isOwn = !isForgotten && against.length > 0 && against.every(each => each.client === client)
    if (isOwn) return [`${name} gave way to what its author wrote before it`]
    const gaveWay = superseded.includes(name)
    if (gaveWay === (against.length > 0 || isForgotten)) return []
    return gaveWay
      ? [`${name} gave way, and nothing newer stands there that its author had not seen`]
      : [`${name} of ${time} stands against ${JSON.stringify(isForgotten ? removals : against)}`]
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
