import { type DocId, type Document, decodeTrusted, type Version } from '@nearcloud/protocol'
import type { Change } from '../commit/change.ts'
import { findAll } from '../commit/find.ts'
import { nextTurn } from '../engine/turn.ts'
import { type Checkpoint, readCheckpoint, staleView } from './checkpoint.ts'
import type { Concerns } from './concerns.ts'
import { shown, type Tree, tombstone } from './shape.ts'
import { mayRead, type View, viewKeyOf } from './view.ts'

/** What a replica lacks, and how far it is with it. */
export interface Pulled {
  readonly documents: readonly Tree[]
  readonly checkpoint: Checkpoint
  /** There is more behind it, though the batch is not full. */
  readonly more: boolean
  /** The copy is made anew: what the replica has of documents that are not there any more nobody tells it. */
  readonly anew: boolean
}

/**
 * What the replica at `said` lacks, at least `limit` documents if there are so many, unless they are large: first the documents as
 * they are, by `_id`; then, from the commit at which that began, whatever became of them since. Never nothing with more behind it:
 * a replica that gets nothing does not move.
 */
export async function changesSince(
  view: View,
  concerns: Concerns,
  said: unknown,
  limit: number,
): Promise<Pulled> {
  const { env, engine } = view.environment
  const key = viewKeyOf(view)
  // in this order: nobody names an opening that is not in the list, or a commit above the head
  const openings = await engine.lineage(env)
  const head = await engine.head(env)
  const found = readCheckpoint(said, { openings, head })
  const isStale = found && (found.view !== key || (await concerns.hasAny(found.version, head)) !== false)
  const from = found && { ...found, epoch: engine.epoch, view: isStale ? staleView : key }
  const told = from && (await readFrom(view, from, { head, limit }))
  const isBehind = told !== undefined && (told.more || told.documents.length >= limit)
  if (told && (isBehind || told.checkpoint.view === key)) return { ...told, anew: false }
  // of a copy that is no good any more, too, what was removed meanwhile is told first: nothing else will
  const before = told?.documents ?? []
  const fresh: Checkpoint = { view: key, epoch: engine.epoch, version: head, after: '' }
  const copied = await readDocuments(view, fresh, limit - before.length)
  return { ...copied, documents: [...before, ...copied.documents], anew: said !== undefined }
}

type Read = Omit<Pulled, 'anew'>

interface Reach {
  readonly head: Version
  readonly limit: number
}

/** Undefined when the history does not tell what became of a copy. */
async function readFrom(view: View, from: Checkpoint, { head, limit }: Reach): Promise<Read | undefined> {
  if (from.view === staleView || from.after === null)
    return readHistory(view, { ...from, after: null }, { head, limit })
  const copied = await readDocuments(view, from, limit)
  if (copied.checkpoint.after !== null || copied.documents.length >= limit) return copied
  const { documents } = copied
  const since = await readHistory(view, copied.checkpoint, { head, limit: limit - documents.length })
  return since && { ...since, documents: [...documents, ...since.documents] }
}

async function readDocuments(view: View, from: Checkpoint, limit: number): Promise<Read> {
  const { environment, user, collection, shape } = view
  const most = Math.min(limit, mostDocuments)
  const documents: Tree[] = []
  let characters = 0
  const query = { collection, where: ['and', []], orderBy: [], skip: 0 } as const
  const part = from.after ? { after: from.after } : {}
  for await (const page of findAll(environment, user, query, part))
    for (const { row, document } of page) {
      const told = shown(document, shape)
      if (!told) continue
      documents.push(told)
      characters += row.text.length
      if (documents.length < most && characters < mostCharacters) continue
      const checkpoint = { ...from, after: row.id as string }
      return { documents, checkpoint, more: documents.length < limit }
    }
  return { documents, checkpoint: { ...from, after: null }, more: false }
}

/** Undefined when the history does not tell, because it begins too late. */
async function readHistory(view: View, from: Checkpoint, { head, limit }: Reach): Promise<Read | undefined> {
  const most = Math.min(limit, mostDocuments)
  const documents: Tree[] = []
  let { version } = from
  let characters = 0
  while (version < head && documents.length < most && characters < mostCharacters) {
    const part = await readPart(view, { ...from, version }, most - documents.length)
    if (!part) return undefined
    version = part.version ?? head
    for (const each of part.documents) {
      documents.push(each.document)
      characters += each.characters
    }
    await nextTurn()
  }
  const checkpoint = { ...from, version }
  return { documents, checkpoint, more: version < head && documents.length < limit }
}

/** What became of the next documents that were changed, whole commits; `version`: the last of them, if there was one. */
async function readPart(view: View, from: Checkpoint, limit: number) {
  const { environment, collection, shape } = view
  const { env, engine } = environment
  const changes = await engine.log(env, from.version, pageChanges)
  if (!changes) return undefined
  const changed = new Map<DocId, Change[]>()
  let version: Version | undefined
  for (const change of changes) {
    if (change.version !== version && changed.size >= limit) break
    version = change.version
    if (change.collection !== collection) continue
    const known = changed.get(change.id)
    if (known) known.push(change)
    else changed.set(change.id, [change])
  }
  const rows = await engine.get(env, collection, [...changed.keys()])
  const documents: { readonly document: Tree; readonly characters: number }[] = []
  let at = 0
  for (const [, those] of changed) {
    const row = rows[at++]
    const document = await become(view, row ? (decodeTrusted(row.text) as Document) : null, those)
    if (!document) continue
    // by another view it may have been out of sight then: not a word of it but that it is gone
    const isBare = from.view === staleView && document._deleted
    const told = isBare ? tombstone({ [shape.key]: document[shape.key]! }) : document
    documents.push({ document: told, characters: row?.text.length ?? 1_000 })
  }
  return { version, documents }
}

/**
 * What a replica is told of a document that is `now`, after `changes`: itself; or that it is gone, if there was a state the user may
 * read; or nothing.
 */
export async function become(
  view: View,
  now: Document | null,
  changes: readonly Pick<Change, 'before' | 'after'>[],
): Promise<Tree | undefined> {
  if (now && (await mayRead(view, now))) return shown(now, view.shape)
  for (let at = changes.length - 1; at >= 0; at--)
    for (const state of [changes[at]!.after, changes[at]!.before])
      if (state && (await mayRead(view, state))) {
        const known = shown(state, view.shape)
        return known && tombstone(known)
      }
  return undefined
}

/** Which of these are not there, or not for this user. */
export async function missing(view: View, keys: readonly string[]): Promise<readonly string[]> {
  const { env, engine } = view.environment
  const rows = await engine.get(env, view.collection, keys)
  const found: string[] = []
  for (const [at, key] of keys.entries()) {
    const row = rows[at]
    if (!row || !(await mayRead(view, decodeTrusted(row.text) as Document))) found.push(key)
  }
  return found
}

const pageChanges = 500
/** Of one answer; a single document may be larger. */
const mostCharacters = 4_000_000
const mostDocuments = 10_000
