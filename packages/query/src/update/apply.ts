import {
  CloudError,
  type DocId,
  type Document,
  type DocumentData,
  makeDocument,
  type PathChange,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import { resolveServerDates } from '../merge/server-dates.ts'
import { hasUnseenAround, isSuperseded, restamp } from '../merge/stamps.ts'
import { asFields, hasOwn, segmentsOf, valueAt } from '../paths.ts'
import { unfit } from '../refusals.ts'
import type { Applied, Stored, WriteContext } from '../types.ts'
import { Draft } from './draft.ts'
import { operations } from './operators/index.ts'

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
      return touched({ doc: documentOf(write.id, write.data, context), stamps: {} })
    case 'set':
      return replace(before, write.id, write.data, context)
    case 'update':
      return before ? update(before, write.changes, context) : untouched
    case 'remove':
      return before ? { after: null, touched: true, superseded: [] } : untouched
  }
}

function replace(before: Stored | null, id: DocId, data: DocumentData, context: WriteContext): Applied {
  if (before && isSuperseded(before.stamps, '', context)) return touched(before, [''])
  const { stamps, kept } = restamp(before?.stamps ?? {}, new Set(['']), context)
  const fresh = documentOf(id, data, context)
  if (!before) return touched({ doc: fresh, stamps })
  const draft = new Draft(withOwnerOf(before.doc, fresh))
  for (const path of kept.get('') ?? []) assign(draft, path, valueAt(before.doc, path), true)
  return touched({ doc: draft.finish(), stamps })
}

function update(before: Stored, changes: readonly PathChange[], context: WriteContext): Applied {
  const { won, superseded } = decide(before, changes, context)
  const { stamps, kept } = restamp(before.stamps, won, context)
  const draft = new Draft(before.doc)
  const assignAt = (path: string, value: Value | undefined) => {
    if (!won.has(path)) return
    // a scalar that a concurrent edit put around the path gives way, as it would had the two come the other way round
    assign(draft, path, value, hasUnseenAround(before.stamps, path, context))
    for (const inner of kept.get(path) ?? []) assign(draft, inner, valueAt(before.doc, inner), true)
  }
  for (const [path, operator, argument] of changes) {
    const operation = operations[operator]
    const resolved = resolveServerDates(argument, context.now)
    switch (operation.kind) {
      case 'assign':
        assignAt(path, operation.value(resolved))
        break
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
        if (next !== undefined && !Object.is(next, current)) draft.write(segments, next)
      }
    }
  }
  return touched({ doc: draft.finish(), stamps }, superseded)
}

/** Which paths are assigned, and which assignments a newer edit has overtaken. */
function decide(
  { doc, stamps }: Stored,
  changes: readonly PathChange[],
  context: WriteContext,
): { readonly won: ReadonlySet<string>; readonly superseded: readonly string[] } {
  const won = new Set<string>()
  const superseded: string[] = []
  const isAssigned = (path: string) => {
    const isLate = isSuperseded(stamps, path, context)
    if (isLate) superseded.push(path)
    else won.add(path)
    return !isLate
  }
  for (const [path, operator, argument] of changes) {
    const { kind } = operations[operator]
    if (kind === 'assign') isAssigned(path)
    if (kind !== 'move' || valueAt(doc, path) === undefined) continue
    for (const each of [path, argument as string]) refuseElement(doc, each)
    // what is there now is not what its author moved when somebody has assigned it since
    if (isAssigned(path)) isAssigned(argument as string)
  }
  return { won, superseded }
}

function refuseElement(document: Document, path: string): void {
  for (let end = path.indexOf('.'); end > 0; end = path.indexOf('.', end + 1))
    if (Array.isArray(valueAt(document, path.slice(0, end))))
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
