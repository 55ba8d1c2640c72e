import type { DocId, Document, Mutation, Write } from '@nearcloud/protocol'
import {
  type Applied,
  applyWrite,
  equalValues,
  guardWrite,
  Replay,
  type WriteContext,
} from '@nearcloud/query'
import type { Collection } from './collection.ts'
import type { Collections } from './collections.ts'
import { DocMap, DocSet } from './doc-map.ts'
import type { Outbox } from './outbox.ts'
import type { ShownTexts } from './shown-texts.ts'

/** How one document the app sees became another. */
export interface Change {
  readonly collection: string
  readonly id: DocId
  readonly before: Document | null
  readonly after: Document | null
  readonly dataType: 'add' | 'update' | 'replace' | 'remove'
}

/** What a mutation does to the documents it touches; `applied` has one item for each write. */
export interface Effect {
  readonly documents: Iterable<readonly [collection: string, id: DocId, after: Document | null]>
  /** With guards for the elements they change. */
  readonly writes: readonly Write[]
  readonly applied: readonly { readonly id: DocId; readonly existed: boolean; readonly exists: boolean }[]
}

/**
 * The effect of a mutation on what `read` gives; nothing is changed. What it makes belongs to `owner`, as the server will
 * say: absent while nobody has signed in. `isNew`: it is being made now, on what its author sees, and gets its guards.
 * Throws what `applyWrite` throws.
 */
export function effectOf(
  mutation: Mutation,
  owner: string | undefined,
  read: (collection: string, id: DocId) => Document | null | undefined,
  { isNew = false, shown }: { readonly isNew?: boolean; readonly shown?: ShownTexts | undefined } = {},
): Effect {
  const [first] = mutation.writes
  const make = { owner, isNew, shown }
  if (first && mutation.writes.length === 1) {
    const { write, made, ...ended } = madeBy(first, read(first.collection, first.id) ?? null, mutation, make)
    const documents = made === undefined ? [] : [[first.collection, first.id, made] as const]
    return { documents, writes: write === first ? mutation.writes : [write], applied: [ended] }
  }
  const documents = new DocMap<Document | null>()
  const writes: Write[] = []
  const ended = mutation.writes.map(asked => {
    const { collection, id } = asked
    const before =
      (documents.has(collection, id) ? documents.get(collection, id) : read(collection, id)) ?? null
    const { write, made, ...each } = madeBy(asked, before, mutation, make)
    writes.push(write)
    if (made !== undefined) documents.set(collection, id, made)
    return each
  })
  return { documents, writes, applied: ended }
}

/** `made`: what becomes of the document; undefined when the write does not touch it. */
function madeBy(
  asked: Write,
  before: Document | null,
  mutation: Mutation,
  { owner, isNew, shown }: { owner: string | undefined; isNew: boolean; shown: ShownTexts | undefined },
): Effect['applied'][number] & { readonly write: Write; readonly made: Document | null | undefined } {
  const write = isNew ? guardWrite(asked, before) : asked
  const { after, touched } = applied(before, write, mutation, owner, shown)
  const made = touched ? (after?.doc ?? null) : undefined
  const exists = touched ? after !== null : before !== null
  return { id: asked.id, existed: before !== null, exists, write, made }
}

/** Shows the effect of a mutation made on what is visible. */
export function showEffect(collections: Collections, mutation: Mutation, effect: Effect): readonly Change[] {
  const changes: Change[] = []
  for (const [name, id, after] of effect.documents) {
    const before = collections.of(name).show(id, after)
    if (before === after) continue
    changes.push({
      collection: name,
      id,
      before,
      after,
      dataType: dataTypeOf(mutation.writes, name, id, before, after),
    })
  }
  return changes
}

/**
 * Shows these documents anew: as confirmed, with everything pending laid over them. What reads the same as before is
 * no change. A mutation that no longer fits what is there (its document exists already, its field is of another type)
 * has no effect; the server will say what becomes of it.
 */
export function rebase(
  collections: Collections,
  outbox: Outbox,
  docs: DocSet,
  owner: string | undefined,
  shown?: ShownTexts,
): readonly Change[] {
  if (outbox.size + outbox.drafts.length === 0) return showConfirmed(collections, docs)
  const changes: Change[] = []
  const together = new DocSet()
  for (const name of docs.collections()) {
    const collection = collections.of(name)
    for (const id of docs.ids(name)) {
      const confirmed = collection.confirmed.documentOf(id)
      const after = withAll(confirmed, outbox.of(name, id), owner, shown)
      if (after === undefined) together.add(name, id)
      else show(collection, name, id, after, changes)
    }
  }
  const next = new DocMap<Document | null>()
  const mutations = outbox.touching(together) // which are more documents then
  for (const [name, id] of together) next.set(name, id, collections.of(name).confirmed.documentOf(id))
  for (const mutation of mutations) layOver(mutation, owner, next, shown)
  for (const [name, id, after] of next) show(collections.of(name), name, id, after, changes)
  return changes
}

/** A document with all its mutations laid over it; undefined where one of them may write others as well. */
function withAll(
  confirmed: Document | null,
  mutations: readonly Mutation[],
  owner: string | undefined,
  shown: ShownTexts | undefined,
): Document | null | undefined {
  let document = confirmed
  let replay: Replay | undefined
  for (const mutation of mutations) {
    if (mutation.writes.length > 1) return undefined
    const write = mutation.writes[0]!
    try {
      if (document && write.op === 'update') {
        replay ??= new Replay(document)
        if (replay.update(write.changes, mutation.time)) continue
      }
      if (replay) document = replay.finish()
      replay = undefined
      const { after, touched } = applied(document, write, mutation, owner, shown)
      if (touched) document = after?.doc ?? null
    } catch {
      // what becomes of it the server will say
    }
  }
  return replay ? replay.finish() : document
}

/** Nothing is pending: what the server has said is what there is to see. */
function showConfirmed(collections: Collections, docs: DocSet): readonly Change[] {
  const changes: Change[] = []
  for (const name of docs.collections()) {
    const collection = collections.of(name)
    for (const id of docs.ids(name)) show(collection, name, id, collection.confirmed.documentOf(id), changes)
  }
  return changes
}

function show(
  collection: Collection,
  name: string,
  id: DocId,
  after: Document | null,
  changes: Change[],
): void {
  const before = collection.show(id, after)
  if (before === after) return
  if (before && after && equalValues(before, after)) return
  changes.push({
    collection: name,
    id,
    before,
    after,
    dataType: before ? (after ? 'update' : 'remove') : 'add',
  })
}

/** A mutation that does not fit has no effect, as a whole. */
function layOver(
  mutation: Mutation,
  owner: string | undefined,
  next: DocMap<Document | null>,
  shown: ShownTexts | undefined,
): void {
  try {
    const effect = effectOf(mutation, owner, (collection, id) => next.get(collection, id), { shown })
    for (const [name, id, after] of effect.documents) next.set(name, id, after)
  } catch {
    // what becomes of it the server will say
  }
}

/** What a write makes of a document, on the device where it was made. */
function applied(
  before: Document | null,
  write: Write,
  mutation: Mutation,
  owner: string | undefined,
  shown: ShownTexts | undefined,
): Applied {
  const effective = asShown(write, shown)
  return applyWrite(
    before && { doc: before, stamps: noStamps },
    before || isDraft(mutation) ? effective : ownedBy(owner, effective),
    contextOf(mutation),
  )
}

/** Those of the outbox have whole numbers. */
function isDraft({ id }: Mutation): boolean {
  return id % 1 !== 0
}

function asShown(write: Write, shown: ShownTexts | undefined): Write {
  return write.op === 'text' ? (shown?.asShown(write) ?? write) : write
}

/** Whatever a device writes counts here; stamps are the server's. */
function contextOf({ time }: Mutation): WriteContext {
  return { base: Number.POSITIVE_INFINITY, version: Number.MAX_SAFE_INTEGER, time, now: time }
}

const noStamps = Object.freeze({})

/** The server writes the creator in front of what a user makes; seen here at once, so that nothing changes when it does. */
function ownedBy(owner: string | undefined, write: Write): Write {
  if (owner === undefined || (write.op !== 'add' && write.op !== 'set')) return write
  return { ...write, data: Object.freeze({ _openid: owner, ...write.data }) }
}

function dataTypeOf(
  writes: readonly Write[],
  collection: string,
  id: DocId,
  before: Document | null,
  after: Document | null,
): Change['dataType'] {
  if (!after) return 'remove'
  if (!before) return 'add'
  return writes.some(write => write.op === 'set' && write.id === id && write.collection === collection)
    ? 'replace'
    : 'update'
}
