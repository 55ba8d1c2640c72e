import {
  type Document,
  type DocumentData,
  decodeTrusted,
  fromJson,
  type Outcome,
  toCloudError,
  type Write,
} from '@nearcloud/protocol'
import type { CommitRequest } from '../commit/environment.ts'
import type { StoredRow } from '../engine/engine.ts'
import { changesOf, isSame, mergeRow } from './merge-row.ts'
import type { OwnWrites } from './own-writes.ts'
import { fieldsOf, isTree, keyIn, readSaid, type Said, shown, type Tree, tombstone } from './shape.ts'
import { mayRead, type View } from './view.ts'

/** What became of rows. */
export interface Written {
  /** The server's state where it is not what the replica wrote: merged, or as it was, or (deleted) none for this user. */
  readonly conflicts: readonly Tree[]
  /** Of rows that were not taken, why. */
  readonly refused: readonly Refusal[]
}

export interface Refusal {
  readonly id: string
  readonly code: string
  readonly errMsg: string
}

/** One row on its way. */
interface Row {
  readonly id: string
  readonly assumed: Said | undefined
  readonly wanted: Said | undefined
  refusal?: Refusal
}

/** A document as it is, for who may see it; `hidden`: there is one, and it is none of this user's business. */
type Master = {
  readonly row: StoredRow | null
  readonly document: Document | null
  readonly isHidden: boolean
}

/**
 * Lays each row over the server's document, by `mergeRow` with what this replica wrote before (`own`), as a commit of its own: judged, merged and published as everybody's.
 * One that somebody overtakes is looked at again.
 *
 * Throws PROTOCOL_ERROR for what are no rows, before anything is written; and what commits reject with when nothing can be
 * stored: then rows may have been written, and may be sent again.
 */
export async function masterWrite(view: View, own: OwnWrites, asked: readonly Tree[]): Promise<Written> {
  const rows = asked.map(row => readRow(row, view))
  for (let at = 0; at < rows.length; at += rowsAtOnce)
    await writeRows(view, own, rows.slice(at, at + rowsAtOnce))
  const conflicts: Tree[] = []
  for (let at = 0; at < rows.length; at += rowsAtOnce) {
    const part = rows.slice(at, at + rowsAtOnce)
    const masters = await mastersOf(view, part)
    for (const [n, row] of part.entries()) {
      const conflict = conflictOf(view, row, masters[n]!)
      if (conflict) conflicts.push(conflict)
      own.set(row.id, conflict && conflict._deleted !== true && !row.refusal ? row.wanted?.fields : undefined)
    }
  }
  return { conflicts, refused: rows.flatMap(({ refusal }) => (refusal ? [refusal] : [])) }
}

function readRow(row: Tree, { shape }: View): Row {
  const { newDocumentState: wanted, assumedMasterState: assumed } = row
  const id = keyIn(wanted, shape)
  if (isTree(assumed) && keyIn(assumed, shape) !== id) keyIn(undefined, shape)
  try {
    return {
      id,
      wanted: readSaid(wanted as Tree, shape),
      assumed: isTree(assumed) ? readSaid(assumed, shape) : undefined,
    }
  } catch (thrown) {
    return { id, wanted: undefined, assumed: undefined, refusal: refusalOf(id, toCloudError(thrown)) }
  }
}

async function writeRows(view: View, own: OwnWrites, rows: readonly Row[]): Promise<void> {
  let open = rows.filter(row => !row.refusal)
  for (let round = 0; open.length > 0 && round < mostRounds; round++) {
    const masters = await mastersOf(view, open)
    const asked = open.flatMap((row, n) => {
      const request = requestFor(view, row, masters[n]!, own.get(row.id))
      return request ? [{ row, request }] : []
    })
    const settled = await view.environment.commitAll(asked.map(({ request }) => request))
    open = []
    for (const [n, { row }] of asked.entries()) {
      const result = settled[n]!
      if (result.status === 'rejected') throw result.reason
      if (isOvertaken(result.value.outcome)) open.push(row)
      else note(row, result.value.outcome)
    }
  }
}

/** What is to be committed for a row; undefined when nothing is. */
function requestFor(
  { user, collection, shape }: View,
  row: Row,
  { row: stored, document, isHidden }: Master,
  own: Tree | undefined,
): CommitRequest | undefined {
  const { id } = row
  const { fields: wanted } = row.wanted!
  const assumed = row.assumed?.fields
  if (isHidden) {
    // nothing is compared with what is there: the rules judge what was done, as if anybody had said it
    const write: Write =
      wanted === undefined
        ? { op: 'remove', collection, id }
        : assumed === undefined
          ? { op: 'add', collection, id, data: fromJson(wanted) as DocumentData }
          : { op: 'update', collection, id, changes: changesOf(assumed, wanted) }
    return write.op === 'update' && write.changes.length === 0 ? undefined : { actor: user, writes: [write] }
  }
  const master = document ? fieldsOf(shown(document, shape)!, shape) : undefined
  const merge = mergeRow(master, assumed, wanted, own)
  const seen = [{ collection, id, version: stored?.version ?? 0 }]
  switch (merge.kind) {
    case 'stay':
      return undefined
    case 'add':
      return { actor: user, seen, writes: [{ op: 'add', collection, id, data: merge.data }] }
    case 'change':
      return { actor: user, seen, writes: [{ op: 'update', collection, id, changes: merge.changes }] }
    case 'remove':
      return { actor: user, seen, writes: [{ op: 'remove', collection, id }] }
  }
}

/** What the replica has to take instead of what it wrote; undefined when it may keep that. */
function conflictOf(
  { shape }: View,
  { id, assumed, wanted }: Row,
  { document, isHidden }: Master,
): Tree | undefined {
  const isWantedGone = wanted !== undefined && wanted.fields === undefined
  // what it wrote is out of its sight: as everybody's replica it has no copy then
  if (!document || isHidden)
    return isWantedGone ? undefined : tombstone((assumed ?? wanted)?.known ?? { [shape.key]: id })
  const master = shown(document, shape)!
  return wanted && !isWantedGone && isSame(master, { ...wanted.known, _deleted: false }) ? undefined : master
}

async function mastersOf(view: View, rows: readonly Row[]): Promise<readonly Master[]> {
  const { environment, collection } = view
  const ids = rows.map(row => row.id)
  const found = await environment.engine.get(environment.env, collection, ids)
  const masters: Master[] = []
  for (const row of found) {
    const document = row && (decodeTrusted(row.text) as Document)
    masters.push({ row, document, isHidden: document !== null && !(await mayRead(view, document)) })
  }
  return masters
}

function isOvertaken(outcome: Outcome): boolean {
  return outcome.status === 'rejected' && outcome.code === 'DATABASE_TRANSACTION_CONFLICT'
}

function note(row: Row, outcome: Outcome): void {
  if (outcome.status === 'rejected')
    row.refusal = refusalOf(row.id, { code: outcome.code, errMsg: outcome.reason })
}

function refusalOf(
  id: string,
  { code, errMsg }: { readonly code: string; readonly errMsg: string },
): Refusal {
  return { id, code, errMsg }
}

const rowsAtOnce = 200
/** A row that is overtaken more often is told what there is, and comes again. */
const mostRounds = 8
