import {
  type CloudError,
  type DocId,
  type Document,
  type DocumentData,
  Geo,
  hasOwn,
  isPlainObject,
  makeDocument,
  NewText,
  type PathChange,
  ServerDate,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import { applyWrite, checkWrite, differenceOf, type Filter, type Query, valueAt } from '@nearcloud/query'
import { type Fields, isAround, type Place, placeOf, refuse, type Step } from './step.ts'

type SetWrite = Extract<Write, { readonly op: 'set' }>

/** A query of the documents that are stored; `isExact`: its answer is the answer. Otherwise it is a wider one, of whole documents. */
export interface Reading {
  readonly query: Query
  readonly isExact: boolean
}

/** The shape in which an app knows the documents of a collection, as steps from the one that is stored. */
export class Shape {
  readonly collection: string
  readonly #steps: readonly Step[]
  readonly #newerFirst: readonly Step[]
  readonly #known = new WeakMap<Document, Document>()
  /** Where they are stored. */
  readonly #hidden: readonly Place[]

  constructor(collection: string, steps: readonly Step[]) {
    this.collection = collection
    this.#steps = steps
    this.#newerFirst = [...steps].reverse()
    this.#hidden = steps.flatMap(({ hidden }, at) => {
      const older = steps.slice(0, at).reverse()
      const path = hidden && through(hidden.path, older, 'place')
      return path === undefined ? [] : [placeOf(path)]
    })
  }

  /** A document as it is stored, seen in this shape; the same object each time. `failed` is told what does not fit. */
  up(stored: Document, failed: (error: CloudError) => void): Document {
    const known = this.#known.get(stored)
    if (known) return known
    let doc: Fields = stored
    for (const step of this.#steps)
      doc = step.up(doc, (path, reason, cause) =>
        failed(
          refuse(
            `${this.collection}/${String(stored._id)} does not fit: "${path}": ${reason}`,
            { reason: 'lens', collection: this.collection, id: stored._id, path },
            cause,
          ),
        ),
      )
    const seen = makeDocument(stored._id, doc)
    this.#known.set(stored, seen)
    return seen
  }

  reading(asked: Query): Reading {
    const { collection, where, orderBy, skip, limit } = asked
    const found = this.#filter(where)
    const order = orderBy.map(([path, direction]) => [this.#through(path, 'order'), direction] as const)
    const isExact = found.isExact && order.every(([path]) => path !== undefined)
    if (!isExact) return { query: { collection, where: found.filter, orderBy: [], skip: 0 }, isExact }
    const query = {
      collection,
      where: found.filter,
      orderBy: order as Query['orderBy'],
      skip,
      ...(limit !== undefined && { limit }),
    }
    return { query, isExact }
  }

  /** Where the value at a path is stored. Throws INVALID_PARAM when it is nowhere by itself. */
  place(path: string): string {
    const place = this.#through(path, 'place')
    if (place === undefined) throw refuse(`"${path}" is not stored by itself`, { reason: 'lens', path })
    return place
  }

  newPlace(path: string): string {
    return this.#steps.reduce((at, step) => step.newPlace(at), path)
  }

  /** Has a new value of a whole document to keep what this app does not see? */
  get isHiding(): boolean {
    return this.#steps.some(({ isHiding }) => isHiding)
  }

  /**
   * The write that sets a whole document, as it is stored. Where there is something in it that older apps alone write, everything
   * else is assigned: so it can be that they have changed it meanwhile. Throws INVALID_PARAM.
   */
  set(write: SetWrite, current: Document | null): Write {
    const data = this.down(write.data, current ?? undefined)
    if (!current || !this.#hidden.some(({ path }) => valueAt(current, path) !== undefined))
      return { ...write, data }
    return {
      op: 'update',
      collection: write.collection,
      id: write.id,
      changes: this.#assigned(data, current),
    }
  }

  #assigned(data: Fields, before: Fields, parents: readonly string[] = []): readonly PathChange[] {
    const keys = new Set([...Object.keys(before), ...Object.keys(data)])
    if (parents.length === 0) for (const own of ['_id', '_openid']) keys.delete(own)
    return [...keys].flatMap((key): readonly PathChange[] => {
      const path = [...parents, key].join('.')
      if (this.#hidden.some(place => place.path === path)) return []
      const value = hasOwn(data, key) ? data[key]! : undefined
      const was = hasOwn(before, key) ? before[key]! : null
      if (value === undefined) return [[path, 'remove', null]]
      const isAroundIt = this.#hidden.some(place => isAround(path, place))
      if (isAroundIt && isPlainObject(value) && isPlainObject(was))
        return this.#assigned(value, was, [...parents, key])
      return [[path, 'set', value]]
    })
  }

  /** The data of a whole document, as they are stored in place of `current`. Throws INVALID_PARAM. */
  down(data: DocumentData, current?: Document): DocumentData {
    return this.#down(data, current && this.#stagesOf(current))
  }

  /** As they are stored; undefined when the document has to be looked at. Throws INVALID_PARAM. */
  changes(changes: readonly PathChange[]): readonly PathChange[] | undefined {
    checkWrite({ op: 'update', collection: this.collection, id: 'any', changes })
    const { said, left } = this.#said(changes)
    return left.length === 0 ? said : undefined
  }

  /**
   * The changes of a document that is there, as they are stored: what can be said of the older shape is said; of the rest the
   * outcome is assigned. Throws INVALID_PARAM, and what the change is refused with.
   */
  changesOf(current: Document, changes: readonly PathChange[], now: number): readonly PathChange[] {
    const stages = this.#stagesOf(current)
    const { said, left } = this.#said(changes, stages)
    if (left.length === 0) return said
    const together = [...said, ...this.#outcomeOf(current, stages, left, now)]
    // both have made the same object
    return isClashing(together) ? this.#outcomeOf(current, stages, changes, now) : together
  }

  #outcomeOf(
    current: Document,
    stages: readonly Fields[],
    changes: readonly PathChange[],
    now: number,
  ): readonly PathChange[] {
    for (const [path, , argument] of changes)
      if (isOpen(argument))
        throw refuse(`"${path}" is computed here: it can have no server date and no text`, {
          reason: 'lens',
          path,
        })
    const { collection } = this
    const { after } = applyWrite(
      { doc: makeDocument(current._id, stages.at(-1)!), stamps: {} },
      { op: 'update', collection, id: current._id, changes },
      { base: Number.POSITIVE_INFINITY, time: now, version: 1, now },
    )
    const outcome = makeDocument(current._id, this.#down(after!.doc, stages))
    const { updatedFields = {}, removedFields = [] } = differenceOf(current, outcome) ?? {}
    return [
      ...Object.entries(updatedFields).map(([path, value]): PathChange => [path, 'set', value]),
      ...removedFields.map((path): PathChange => [path, 'remove', null]),
    ]
  }

  /** From the stored document to the one in this shape. */
  #stagesOf(stored: Document): readonly Fields[] {
    const stages: Fields[] = [stored]
    for (const step of this.#steps) stages.push(step.up(stages.at(-1)!, () => undefined))
    return stages
  }

  #down(data: DocumentData, stages?: readonly Fields[]): DocumentData {
    let older: Fields =
      data instanceof Geo ? { type: data.type, coordinates: data.coordinates as Value } : data
    for (let at = this.#steps.length - 1; at >= 0; at--) older = this.#steps[at]!.down(older, stages?.[at])
    return older
  }

  #said(changes: readonly PathChange[], stages?: readonly Fields[]) {
    const said: PathChange[] = []
    const left: PathChange[] = []
    for (const change of changes) {
      let older: PathChange | undefined = change
      for (let at = this.#steps.length - 1; at >= 0 && older; at--)
        older = this.#steps[at]!.change(older, stages?.[at])
      if (older) said.push(older)
      else left.push(change)
    }
    return { said, left }
  }

  #through(path: string, what: 'order' | 'place'): string | undefined {
    return through(path, this.#newerFirst, what)
  }

  #filter(filter: Filter): { readonly filter: Filter; readonly isExact: boolean } {
    const [operator] = filter
    if (operator === 'field' || operator === 'expr') {
      const older = operator === 'field' ? throughAll(filter, this.#newerFirst) : undefined
      return older ? { filter: older, isExact: true } : unknown
    }
    const parts = filter[1].map(part => this.#filter(part))
    const isExact = parts.every(part => part.isExact)
    // of what is asked together each part narrows, of alternatives none does alone
    if (!isExact && operator !== 'and') return unknown
    const inner = parts.map(part => part.filter).filter(part => isExact || part !== everything)
    return { filter: [operator, inner], isExact }
  }
}

function through(path: string, newerFirst: readonly Step[], what: 'order' | 'place'): string | undefined {
  let at: string | undefined = path
  for (const step of newerFirst) if (at !== undefined) at = step[what](at)
  return at
}

/** A clause as all steps see it; one may have made several of it. */
function throughAll(clause: Filter, steps: readonly Step[]): Filter | undefined {
  const [step, ...rest] = steps
  if (!step) return clause
  if (clause[0] === 'field') {
    const older = step.filter(clause[1], clause[2])
    return older && throughAll(older, rest)
  }
  if (clause[0] === 'expr') return undefined
  const parts = clause[1].map(part => throughAll(part, steps))
  return parts.includes(undefined) ? undefined : [clause[0], parts as Filter[]]
}

/** Do paths lie in each other? */
function isClashing(changes: readonly PathChange[]): boolean {
  const paths = changes.flatMap(([path, operator, argument]) =>
    operator === 'rename' ? [path, argument as string] : [path],
  )
  return paths.some((path, at) =>
    paths.some((other, n) => n !== at && (other === path || other.startsWith(`${path}.`))),
  )
}

/** Does it become what it is only when it is written? */
function isOpen(value: Value): boolean {
  if (value instanceof ServerDate || value instanceof NewText) return true
  if (Array.isArray(value)) return (value as readonly Value[]).some(isOpen)
  return isPlainObject(value) && Object.values(value).some(isOpen)
}

const everything: Filter = ['and', []]
const unknown = { filter: everything, isExact: false }

/** For a write: a document by its id. */
export function queryOf(collection: string, id: DocId): Query {
  return { collection, where: ['field', '_id', ['eq', id]], orderBy: [], skip: 0 }
}
