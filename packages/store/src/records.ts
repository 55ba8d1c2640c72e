import {
  adoptJson,
  CloudError,
  type DocId,
  type Document,
  fromJson,
  type Json,
  type Mutation,
  type MutationJson,
  mutationFromJson,
  mutationToJson,
  toJson,
  type Value,
} from '@nearcloud/protocol'
import { parseQuery, queryToJson } from '@nearcloud/query'
import { cutApart } from './cut-apart.ts'
import { Kept } from './kept.ts'
import { freezeJson, hasTags } from './packed.ts'
import type {
  Checkpoint,
  Confirmed,
  ConfirmedStep,
  DraftJson,
  Lot,
  RejectedMutation,
  StoredSubscription,
} from './store.ts'
import type { StoredText, TextStep } from './texts.ts'

/*
 * What records say. A record's text is a letter and JSON:
 *
 *   L  a log record: [entry, entry, …], one group of commits and confirmed steps, in order
 *   S  a segment: documents of one collection, later ones over earlier ones
 *   M  a manifest: which segments count, and everything that is not a document. Log records before it are in it.
 */

/** One commit or one confirmed step. */
export type Entry =
  /** `retries`: the nonce of the rejected mutation it takes the place of. */
  | {
      readonly kind: 'mutation'
      readonly mutation: Mutation
      readonly retries?: string
      /** The nonce of the last mutation, in whose place it is. */
      readonly amends?: string
      /** Made in another tab. */
      readonly from?: Origin
    }
  | { readonly kind: 'step'; readonly step: LoggedStep }

/** A tab, by name, and the number of the write among those of that tab. */
export type Origin = readonly [tab: string, number: number]

export interface LoggedStep extends Omit<ConfirmedStep, 'lot'> {
  /** Its text is a segment of its own, of this name, right before the step. */
  readonly lot?: {
    readonly segment: number
    readonly collection: string
    parts(): readonly (() => { readonly documents: Lot['documents'] })[]
    /** Of one that is read back. */
    read?(): Segment
  }
}

export interface SegmentHead {
  /** Named by number, made once. */
  readonly name: number
  readonly collection: string
  /** How many documents it tells of. */
  readonly size: number
}

/** Read in parts, each when it is asked for: a step of what should not hold up a page. */
export interface Segment extends SegmentHead {
  readonly parts: readonly (() => SegmentPart)[]
}

/** No document that is gone is among `documents`; `ids` are theirs. */
export interface SegmentPart {
  readonly ids: readonly DocId[]
  readonly documents: readonly Kept[]
  readonly gone: readonly DocId[]
}

/** A segment on the medium. */
export interface StoredSegment {
  readonly head: SegmentHead
  readonly sequences: readonly number[]
  read(): Segment
}

export interface Manifest {
  /** 1: before steps had lots. */
  readonly format: 1 | 2
  /** Live segments, oldest first. */
  readonly segments: readonly number[]
  readonly nextSegment: number
  readonly checkpoint: Checkpoint
  readonly subscriptions: ReadonlyMap<string, StoredSubscription>
  readonly outbox: readonly Mutation[]
  readonly rejected: readonly RejectedMutation[]
  readonly texts: readonly StoredText[]
  /** Absent: none. */
  readonly drafts?: readonly DraftJson[]
}

export type RecordText =
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'segment'; readonly text: string }
  | { readonly kind: 'manifest'; readonly text: string }

/** Throws STORE_FAILED for a letter of another time. */
export function recordOf(text: string): RecordText {
  const kind = ({ L: 'log', S: 'segment', M: 'manifest' } as const)[text[0] ?? '']
  if (!kind) throw unreadable(`a record that begins with "${text.slice(0, 1)}"`)
  return { kind, text: text.slice(1) }
}

// ---- log ---------------------------------------------------------------------------------------------------------

/** Text of one entry. Throws what `toJson` throws. */
export function entryText(entry: Entry): string {
  if (entry.kind === 'step') return JSON.stringify({ step: stepToJson(entry.step) })
  const { mutation, retries, amends, from } = entry // what is undefined is not written
  return JSON.stringify({ mutation: mutationToJson(mutation), retries, amends, from })
}

/** Throws STORE_FAILED for what is no entry, and for one with a lot: that has a text of its own. */
export function readEntry(text: string): Entry {
  const [entry] = readLog(`[${text}]`, () => {
    throw unreadable('an entry with a lot, where there is none')
  })
  if (!entry) throw unreadable('nothing, where an entry belongs')
  return entry
}

export function logText(entries: readonly string[]): string {
  return inOne('L[', entries.join(','), ']')
}

/** `lotOf` finds the segment of a lot. */
export function readLog(text: string, lotOf: (segment: number) => StoredSegment): readonly Entry[] {
  return (parse(text) as EntryJson[]).map(entry =>
    'mutation' in entry
      ? { ...entry, kind: 'mutation', mutation: adoptMutation(entry.mutation) }
      : { kind: 'step', step: stepFromJson(entry.step, lotOf) },
  )
}

type EntryJson =
  | { mutation: MutationJson; retries?: string; amends?: string; from?: Origin }
  | { step: StepJson }

interface StepJson {
  /** The segment's name. */
  lot?: number
  puts?: [collection: string, version: number, document: Json][]
  gone?: [collection: string, version: number, id: DocId][]
  accepted?: number
  rejected?: NonNullable<ConfirmedStep['rejected']>
  /** Removed fields are null. */
  checkpoint?: Record<string, unknown>
  cut?: number
  closeUp?: true
  subscriptions?: [key: string, subscription: SubscriptionJson | null][]
  renumber?: { client: string }
  left?: readonly string[]
  discarded?: readonly string[]
  texts?: readonly TextStep[]
  laid?: DraftJson
  lifted?: NonNullable<ConfirmedStep['lifted']>
}

function stepToJson(step: LoggedStep): StepJson {
  return {
    ...(step.lot && { lot: step.lot.segment }),
    ...(step.puts?.length && {
      puts: step.puts.map(put => [put.collection, put.version, toJson(put.document)]),
    }),
    ...(step.gone?.length && { gone: step.gone.map(item => [item.collection, item.version, item.id]) }),
    ...(step.accepted !== undefined && { accepted: step.accepted }),
    ...(step.rejected?.length && { rejected: step.rejected }),
    ...(step.checkpoint && {
      checkpoint: Object.fromEntries(
        Object.entries(step.checkpoint).map(([field, value]) => [field, value ?? null]),
      ),
    }),
    ...(step.subscriptions && {
      subscriptions: [...step.subscriptions].map(([key, value]) => [key, value && subscriptionToJson(value)]),
    }),
    ...(step.cut !== undefined && { cut: step.cut }),
    ...(step.closeUp && { closeUp: true as const }),
    ...(step.renumber && { renumber: step.renumber }),
    ...(step.left?.length && { left: step.left }),
    ...(step.discarded?.length && { discarded: step.discarded }),
    ...(step.texts?.length && { texts: step.texts }),
    ...(step.laid && { laid: step.laid }),
    ...(step.lifted && { lifted: step.lifted }),
  }
}

function stepFromJson(json: StepJson, lotOf: (segment: number) => StoredSegment): LoggedStep {
  const { lot, puts, gone, checkpoint, subscriptions, ...rest } = json
  return {
    ...rest,
    ...(lot !== undefined && { lot: lotFrom(lotOf(lot)) }),
    ...(puts && {
      puts: puts.map(([collection, version, document]) => ({
        collection,
        version,
        document: readDocument(document),
      })),
    }),
    ...(gone && { gone: gone.map(([collection, version, id]) => ({ collection, version, id })) }),
    ...(checkpoint && {
      checkpoint: Object.fromEntries(
        Object.entries(checkpoint).map(([field, value]) => [field, value ?? undefined]),
      ) as NonNullable<ConfirmedStep['checkpoint']>,
    }),
    ...(subscriptions && {
      subscriptions: new Map(
        subscriptions.map(([key, value]) => [key, value && subscriptionFromJson(value)]),
      ),
    }),
  }
}

function lotFrom({ head, read }: StoredSegment): NonNullable<LoggedStep['lot']> {
  return {
    segment: head.name,
    collection: head.collection,
    parts: () => read().parts as ReturnType<NonNullable<LoggedStep['lot']>['parts']>, // each has a document
    read,
  }
}

/** Of a segment that is room in reserve: those with documents are counted from 1. */
export const reserveName = 0

// ---- segments ----------------------------------------------------------------------------------------------------

/** A segment of `size` documents, whose JSON texts with commas between them are `documents`. */
export function segmentText({ name, collection, size }: SegmentHead, documents: string): string {
  const head = `S{"name":${name},"collection":${JSON.stringify(collection)},"size":${size},"documents":[`
  return inOne(head, documents, ']}')
}

/** One document of a segment; null: it is gone. */
export function segmentItemText(id: DocId, confirmed: Confirmed | undefined): string {
  return JSON.stringify(confirmed ? [confirmed.version, toJson(confirmed.document)] : [0, null, id])
}

/** As `segmentItemText` of each, with commas between them: written in one go, which takes half the time. */
export function segmentItemsText(items: readonly Confirmed[]): string {
  return JSON.stringify(items.map(({ version, document }) => [version, toJson(document)])).slice(1, -1)
}

/** `head`: of a text that is what `segmentText` gave; its documents need not be looked at value by value, nor at once. */
export function readSegment(text: string, head?: FoundHead): Segment {
  const apart = head && cutApart(text, head)
  if (apart) return { ...head, parts: partsOf(apart) }
  const read = head && !hasTags(text) ? freezeJson : readDocument
  const { name, collection, documents } = parse(text) as {
    name: number
    collection: string
    documents: SegmentItem[]
  }
  const parts = Array.from({ length: Math.ceil(documents.length / partDocuments) }, (_, n) => {
    const items = documents.slice(n * partDocuments, (n + 1) * partDocuments)
    let part: SegmentPart | undefined
    return () => {
      part ??= partOf(items, read)
      return part
    }
  })
  return { name, collection, size: documents.length, parts }
}

type SegmentItem = [version: number, document: Json] | [version: number, document: null, id: DocId]

function partOf(items: readonly SegmentItem[], read: (document: Json) => Document): SegmentPart {
  const ids: DocId[] = []
  const documents: Kept[] = []
  const gone: DocId[] = []
  for (const item of items) {
    if (item[1] === null) gone.push(item[2]!)
    else {
      const document = read(item[1])
      ids.push(document._id)
      documents.push(new Kept(item[0], undefined, document))
    }
  }
  return { ids, documents, gone }
}

/** Of what was cut apart: nothing of it is read yet. */
function partsOf({ ids, documents }: Omit<SegmentPart, 'gone'>): Segment['parts'] {
  return Array.from({ length: Math.ceil(documents.length / partDocuments) }, (_, n) => () => {
    const [from, to] = [n * partDocuments, (n + 1) * partDocuments]
    return { ids: ids.slice(from, to), documents: documents.slice(from, to), gone: [] }
  })
}

/** So many documents are read in a millisecond or two, also on a phone. */
export const partDocuments = 100

/** What a segment says of itself, without reading its documents; undefined: it has to be read. */
export function segmentHead(text: string): FoundHead | undefined {
  const [said, name, collection, size] = headPattern.exec(text) ?? []
  if (said === undefined) return undefined
  return {
    name: Number(name),
    collection: parse(collection!) as string,
    size: Number(size),
    from: said.length,
  }
}

/** `from`: where the first document is. */
export interface FoundHead extends SegmentHead {
  readonly from: number
}

const headPattern = /^\{"name":(\d+),"collection":("(?:[^"\\]|\\.)*"),"size":(\d+),"documents":\[/

// ---- manifest ----------------------------------------------------------------------------------------------------

export function manifestText(manifest: Manifest): string {
  const json = JSON.stringify({
    ...manifest,
    subscriptions: [...manifest.subscriptions].map(([key, value]) => [key, subscriptionToJson(value)]),
    outbox: manifest.outbox.map(mutationToJson),
    rejected: manifest.rejected.map(each => ({ ...each, mutation: mutationToJson(each.mutation) })),
  })
  return inOne('M', json)
}

export function readManifest(text: string): Manifest {
  const json = parse(text) as Omit<Manifest, 'subscriptions' | 'outbox' | 'rejected'> & {
    subscriptions: [string, SubscriptionJson][]
    outbox: MutationJson[]
    rejected: (Omit<RejectedMutation, 'mutation'> & { mutation: MutationJson })[]
  }
  const { texts = [] } = json // earlier versions had none
  if (json.format !== 1 && json.format !== 2)
    throw new CloudError('STORE_FAILED', {
      errMsg: `the local store is of format ${String(json.format)}, made by a newer version of the app`,
      details: { reason: 'newer' },
    })
  return {
    ...json,
    texts,
    subscriptions: new Map(json.subscriptions.map(([key, value]) => [key, subscriptionFromJson(value)])),
    outbox: json.outbox.map(adoptMutation),
    rejected: json.rejected.map(each => ({ ...each, mutation: adoptMutation(each.mutation) })),
  }
}

// ---- parts -------------------------------------------------------------------------------------------------------

interface SubscriptionJson {
  query: Json
  complete: boolean
  window?: readonly DocId[]
  letGo?: number
  after?: DocId
}

function subscriptionToJson({ query, ...rest }: StoredSubscription): SubscriptionJson {
  return { query: queryToJson(query), ...rest }
}

function subscriptionFromJson({ query, ...rest }: SubscriptionJson): StoredSubscription {
  return { query: parseQuery(query), ...rest }
}

/** What was just parsed becomes the mutation. */
function adoptMutation(json: MutationJson): Mutation {
  return readMutation(json, adoptJson)
}

export function readMutation(json: MutationJson, read: (tree: unknown) => Value = fromJson): Mutation {
  const mutation = mutationFromJson(json, read)
  return Object.freeze({
    ...mutation,
    writes: Object.freeze(mutation.writes.map(write => Object.freeze(write))),
  })
}

/** Written down as one: a text that an engine puts together of parts later is looked at letter by letter half as fast. */
function inOne(...parts: readonly string[]): string {
  return parts.join('')
}

function readDocument(tree: Json): Document {
  return adoptJson(tree) as Document
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unreadable('a record that is not JSON', cause)
  }
}

function unreadable(what: string, cause?: unknown): CloudError {
  return new CloudError('STORE_FAILED', { errMsg: `the local store holds ${what}`, cause })
}
