import {
  CloudError,
  type DocId,
  type Document,
  type DocumentData,
  makeDocument,
  type PathChange,
  type TextWrite,
  type UpdateOperator,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import { forgetMissing, mayHaveMissed, rememberRemovals, withoutMissing } from '../merge/forgetting.ts'
import { followElements, placeInside, relocate } from '../merge/moves.ts'
import { Places } from '../merge/places.ts'
import { resolveServerDates } from '../merge/server-dates.ts'
import { hasUnseenAround, isSuperseded, type OpenStamps, restamp, stampOf } from '../merge/stamps.ts'
import { asFields, hasOwn, segmentsOf, valueAt } from '../paths.ts'
import { unfit } from '../refusals.ts'
import type { Applied, Stamps, Stored, WriteContext } from '../types.ts'
import { Draft } from './draft.ts'
import { operations } from './operators/index.ts'
import { editedPlain } from './texts.ts'

/**
 * The one evaluator of changes and of merging: what a checked write (`checkWrite`) makes of a document.
 *
 * Assignments win against what their author had seen and against what is not newer; otherwise that path alone is
 * superseded. A rename is an assignment of both its paths. Everything else is executed on what is there. `_id` and `_openid` of a document that exists never change.
 * Nothing given is modified; an unchanged document is the same object. The caller checks the size (`documentText`).
 *
 * Throws DUPLICATE_ID for an `add` of what exists, DATABASE_REQUEST_FAILED when an operator does not fit what is there.
 */
export function applyWrite(before: Stored | null, write: Write, context: WriteContext): Applied {
  switch (write.op) {
    case 'add':
      if (before) throw duplicate(write.collection, write.id)
      return replace(null, write.id, write.data, context)
    case 'set':
      return replace(before, write.id, write.data, context)
    case 'update':
      return before ? update(before, write.changes, context) : untouched
    case 'remove':
      return before ? { after: null, touched: true, superseded: [] } : untouched
    case 'text':
      return before ? shownEdit(before, write, context) : untouched
  }
}

/** An edit of a text, where nothing understands it: what its author saw it do to the plain field. */
function shownEdit(before: Stored, { path, shows }: TextWrite, context: WriteContext): Applied {
  const plain = valueAt(before.doc, path)
  if (typeof plain !== 'string' || !shows) return touched(before)
  return update(before, [[path, 'set', editedPlain(plain, shows)]], {
    ...context,
    base: Number.POSITIVE_INFINITY,
  })
}

function replace(before: Stored | null, id: DocId, data: DocumentData, context: WriteContext): Applied {
  if (!before)
    return touched({ doc: documentOf(id, data, context), stamps: Object.freeze({ '': stampOf(context) }) })
  if (isSuperseded(before.stamps, '', context)) return touched(before, [''])
  const { stamps, kept } = restamp(before.stamps, new Set(['']), context)
  const fresh = documentOf(id, data, context)
  const superseded: string[] = []
  const known = mayHaveMissed(before.stamps, context)
    ? (withoutMissing(fresh, before.doc, '', superseded) as Document)
    : fresh
  const draft = new Draft(withOwnerOf(before.doc, known))
  keep(draft, before, known, '', { stamps, kept })
  return finished(before, draft, stamps, context, superseded)
}

/** A change, and where it applies in the document that is there. */
interface Placed {
  readonly path: string
  /** As its author says it: so it is named in the answer. */
  readonly asked: string
  readonly operator: UpdateOperator
  readonly argument: Value
}

function update(before: Stored, changes: readonly PathChange[], context: WriteContext): Applied {
  const superseded: string[] = []
  const placed = placesOf(before, changes, context, superseded)
  const won = decide(before, placed, context, superseded)
  const restamped = restamp(before.stamps, won, context)
  const { stamps } = restamped
  const isUnsure = mayHaveMissed(before.stamps, context)
  const draft = new Draft(before.doc)
  const assignAt = (path: string, value: Value | undefined) => {
    if (!won.has(path)) return
    // a scalar that a concurrent edit put around the path gives way, as it would had the two come the other way round
    assign(draft, path, value, hasUnseenAround(before.stamps, path, context))
    keep(draft, before, value, path, restamped)
  }
  for (const { path, operator, argument } of placed) {
    const operation = operations[operator]
    const resolved = resolveServerDates(argument, context.now)
    switch (operation.kind) {
      case 'assign': {
        const value = operation.value(resolved)
        const isPart = isUnsure && value !== undefined && won.has(path)
        assignAt(path, isPart ? withoutMissing(value, valueAt(before.doc, path), path, superseded) : value)
        break
      }
      case 'move':
        if (!won.has(path)) break
        assignAt(path, undefined)
        assignAt(resolved as string, valueAt(before.doc, path))
        break
      case 'execute': {
        const segments = segmentsOf(path)
        const current = draft.read(segments)
        const refuse = (reason: string) => unfit(`${reason} in document {_id: ${before.doc._id}}`)
        const next = operation.apply(current, resolved, { path, refuse })
        if (next === undefined || Object.is(next, current)) break
        draft.write(segments, next)
        followElements(stamps, path, { before: current, after: next }, context)
      }
    }
  }
  const made = () => [...won, ...placed.map(({ path }) => path)].flatMap(pathsAround)
  rememberRemovals(stamps, before, made, path => draft.read(segmentsOf(path)))
  return finished(before, draft, stamps, context, superseded)
}

/** Where the changes apply. Those of elements that are gone, or that another change has taken, are superseded. */
function placesOf(
  before: Stored,
  changes: readonly PathChange[],
  context: WriteContext,
  superseded: string[],
): readonly Placed[] {
  if (changes.every(change => change[3] === undefined))
    return changes.map(([path, operator, argument]) => ({ path, asked: path, operator, argument }))
  const places = new Places(before, context)
  const placed: Placed[] = []
  for (const [asked, operator, argument, guards] of changes) {
    const path = places.of(asked, guards)
    if (path === undefined) superseded.push(asked)
    else placed.push({ path, asked, operator, argument })
  }
  if (placed.every(({ path, asked }) => path === asked)) return placed
  const paths = new Set<string>()
  const around = new Set<string>()
  return placed.filter(({ path, asked }) => {
    const outer = pathsAround(path)
    const isFree = !paths.has(path) && !around.has(path) && !outer.some(each => paths.has(each))
    if (!isFree) superseded.push(asked)
    else {
      paths.add(path)
      for (const each of outer) around.add(each)
    }
    return isFree
  })
}

/** Which paths are assigned; the assignments that a newer edit has overtaken are superseded. */
function decide(
  { doc, stamps }: Stored,
  changes: readonly Placed[],
  context: WriteContext,
  superseded: string[],
): ReadonlySet<string> {
  const won = new Set<string>()
  const isUnsure = mayHaveMissed(stamps, context)
  const isAssigned = (path: string, asked: string, mayBeMissing = false) => {
    const isForgotten = isUnsure && !mayBeMissing && valueAt(doc, path) === undefined
    const isLate = isForgotten || isSuperseded(stamps, path, context)
    if (isLate) superseded.push(asked)
    else won.add(path)
    return !isLate
  }
  for (const { path, asked, operator, argument } of changes) {
    const { kind } = operations[operator]
    if (kind === 'assign') isAssigned(path, asked)
    if (kind !== 'move' || valueAt(doc, path) === undefined) continue
    for (const each of [path, argument as string]) refuseElement(doc, each)
    // what is there now is not what its author moved when somebody has assigned it since
    if (isAssigned(path, asked)) isAssigned(argument as string, argument as string, true)
  }
  return won
}

/** The newer edits inside a value that was assigned at `path` are made in it again. */
function keep(
  draft: Draft,
  before: Stored,
  value: Value | undefined,
  path: string,
  { stamps, kept }: { readonly stamps: OpenStamps; readonly kept: ReadonlyMap<string, readonly string[]> },
): void {
  const inside = kept.get(path)
  if (!inside) return
  const placeOf = (inner: string) => placeInside(before.doc, path, value, inner)
  for (const inner of inside) {
    const place = placeOf(inner)
    if (place !== undefined) assign(draft, place, valueAt(before.doc, inner), true)
  }
  relocate(stamps, inside, placeOf)
}

function finished(
  before: Stored,
  draft: Draft,
  stamps: OpenStamps,
  context: WriteContext,
  superseded: readonly string[],
): Applied {
  const doc = draft.finish()
  forgetMissing(stamps, doc, context.horizon)
  const isSame = doc === before.doc && isEqual(stamps, before.stamps)
  return touched(isSame ? before : { doc, stamps: Object.freeze(stamps) }, superseded)
}

function isEqual(one: Stamps, other: Stamps): boolean {
  const paths = Object.keys(one)
  return paths.length === Object.keys(other).length && paths.every(path => one[path] === other[path])
}

function pathsAround(path: string): readonly string[] {
  const paths: string[] = []
  for (let end = path.indexOf('.'); end > 0; end = path.indexOf('.', end + 1)) paths.push(path.slice(0, end))
  return paths
}

function refuseElement(document: Document, path: string): void {
  for (const around of pathsAround(path))
    if (Array.isArray(valueAt(document, around)))
      throw unfit(`The path '${path}' of a rename leads through an array in document {_id: ${document._id}}`)
}

function assign(draft: Draft, path: string, value: Value | undefined, force: boolean): void {
  if (value === undefined) draft.erase(segmentsOf(path))
  else draft.write(segmentsOf(path), value, force)
}

function documentOf(id: DocId, data: DocumentData, context: WriteContext): Document {
  return makeDocument(id, resolveServerDates(asFields(data), context.now) as DocumentData)
}

/** The fields of `fresh`, with the creator of `stored` unless they name one, which only the server side can. */
function withOwnerOf(stored: Document, fresh: Document): Document {
  if (hasOwn(fresh, '_openid')) return fresh
  const owned: { _id: DocId; [key: string]: Value } = { ...fresh }
  if (hasOwn(stored, '_openid')) owned._openid = stored._openid!
  return Object.freeze(owned)
}

function touched(after: Stored, superseded: readonly string[] = []): Applied {
  return { after, touched: true, superseded }
}

const untouched: Applied = { after: null, touched: false, superseded: [] }

function duplicate(collection: string, id: DocId): CloudError {
  return new CloudError('DUPLICATE_ID', {
    errMsg: `E11000 duplicate key error: a document with _id ${JSON.stringify(id)} exists in ${collection}`,
    details: { collection, id },
  })
}
