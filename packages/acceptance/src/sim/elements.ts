import type { Document, Mutation, PathChange, Value, Version, Write } from '@nearcloud/protocol'
import type { Batch } from '@nearcloud/server/testing'
import { documentKey } from './sim-disk.ts'

/** An element of the lists that people move about; whoever changes it writes down whose it was meant to be. */
export interface Element {
  readonly id: string
  /** `word@id`. */
  readonly x: string
}

/** What is changed in it says so. */
export function meantFor(id: string, word: string): string {
  return `${word}@${id}`
}

export function elementsOf(document: Document | null | undefined): readonly Element[] {
  const items = document?.items
  return Array.isArray(items) ? (items as readonly unknown[] as readonly Element[]) : []
}

/** Elements without a name; what they say of themselves is never changed. */
export interface Mark {
  readonly mark: string
  /** `word@mark`. */
  readonly x: string
}

export function marksOf(word: string): readonly { [key: string]: string }[] {
  return ['m1', 'm2', 'm3'].map(mark => ({ mark, x: meantFor(mark, word) }))
}

export function marksIn(document: Document | null | undefined): readonly Mark[] {
  const marks = document?.marks
  return Array.isArray(marks) ? (marks as readonly unknown[] as readonly Mark[]) : []
}

/** Elements that have what was meant for another; `areMarksKnown`: those without a name are looked at too. */
export function misplacedIn(document: Document, areMarksKnown: boolean): string[] {
  const marks = areMarksKnown ? marksIn(document) : []
  const named = [
    ...elementsOf(document).map(({ id, x }) => ({ id, x })),
    ...marks.map(({ mark, x }) => ({ id: mark, x })),
  ]
  return named.flatMap(({ id, x }) =>
    x.split('@')[1] === id ? [] : [`the element ${id} has ${x}, which was meant for another`],
  )
}

type StoredChange = Batch['changes'][number]['record']

/**
 * A change through an index gives way when its element is gone, or when somebody assigned what it is about. Followed along
 * what is stored.
 */
export class Elements {
  readonly #since: Version
  /** Who assigned something of a document's list, by document. */
  readonly #assigned = new Map<string, { readonly version: Version; readonly client: string | null }[]>()
  /** Documents that were set whole: in these newer edits of elements without a name stay at their index (MERGE-35). */
  readonly #whole: Set<string>

  /** `since`: what happened up to this version is not known; `before`: what was known before. */
  constructor(since: Version, before?: Elements) {
    this.#since = since
    this.#whole = before ? new Set(before.#whole) : new Set()
  }

  /** Notes an assignment of the list, or of something in it. */
  note({ collection, id, version, client, beforeText }: StoredChange, mutation: Mutation | undefined): void {
    const writes = mutation?.writes.filter(write => write.collection === collection && write.id === id)
    const key = documentKey(collection, id)
    const isAssigned =
      !writes ||
      beforeText === null ||
      writes.some(
        write =>
          write.op !== 'update' ||
          write.changes.some(([path, operator]) => path.startsWith('items') && isAssignment(operator)),
      )
    if (!isAssigned) return
    this.#assigned.set(key, [...(this.#assigned.get(key) ?? []), { version, client }])
  }

  /** Notes what was done to it in one version: several mutations, perhaps. */
  noteWhole(key: string, isNew: boolean, writes: readonly Write[]): void {
    if (writes.some(({ op }) => op === 'set')) this.#whole.add(key)
    else if (isNew) this.#whole.delete(key)
  }

  areMarksKnown(key: string): boolean {
    return !this.#whole.has(key)
  }

  /** What is wrong with this change of one write on a document. */
  check(record: StoredChange, mutation: Mutation, superseded: readonly string[], states: States): string[] {
    const { collection, id, version, client } = record
    const [write] = mutation.writes.filter(each => each.collection === collection && each.id === id)
    const { before, after } = states
    if (write?.op !== 'update' || !before || !after) return []
    const foreign = (this.#assigned.get(documentKey(collection, id)) ?? []).some(
      each => each.version > mutation.base && each.version < version && each.client !== client,
    )
    return write.changes.flatMap(change => {
      const meant = meantBy(change)
      if (meant === undefined) return []
      const name = `${collection}/${id}/${change[0]}`
      const isThere = elementsOf(before).filter(element => element.id === meant).length === 1
      const isDone = elementsOf(after).some(element => element.x === xOf(change[2]))
      if (superseded.includes(name))
        return isDone
          ? [`${name} gave way, and was changed`]
          : isThere && !foreign && mutation.base >= this.#since
            ? [`${name} gave way, and its element ${meant} is there, and nobody assigned it`]
            : []
      // newer edits inside a whole element stay
      return isDone || !change[0].endsWith('.x')
        ? []
        : [`${name} of ${meant} is said to stand, and is not there`]
    })
  }
}

interface States {
  readonly before: Document | null
  readonly after: Document | null
}

/** The element that a change through an index was meant for. */
function meantBy([path, operator, argument]: PathChange): string | undefined {
  return /^items\.\d+/.test(path) && operator === 'set' ? xOf(argument)?.split('@')[1] : undefined
}

function xOf(argument: Value): string | undefined {
  return typeof argument === 'string' ? argument : (argument as unknown as Element | null)?.x
}

function isAssignment(operator: PathChange[1]): boolean {
  return operator === 'set' || operator === 'remove'
}
