import * as v from 'valibot'
import { adoptJson, fromJson, toJson } from './codec.ts'
import { CloudError } from './errors.ts'
import { Geo } from './geo.ts'
import { limits } from './limits.ts'
import { isUsualPush } from './messages/usual-push.ts'
import {
  type DownMessage,
  type DownOf,
  downSchema,
  type Item,
  type MutationJson,
  type OutcomeJson,
  type SnapshotItem,
  type UpMessage,
  upSchema,
} from './messages.ts'
import type { Mutation, Outcome, PathChange, Version, Write } from './mutation.ts'
import { parseJson } from './parse-json.ts'
import type { Patch } from './patch.ts'
import type { DocId, Document, DocumentData, Value } from './values.ts'

/** A frame from a client, by a server that trusts nobody. Throws PROTOCOL_ERROR. */
export function parseUp(frame: string): UpMessage {
  if (frame.length > limits.frameBytes)
    throw new CloudError('PROTOCOL_ERROR', { errMsg: `a frame of more than ${limits.frameBytes} bytes` })
  const json = parseJson(frame, limits.depth + frameDepth)
  return isUsualPush(json) ? json : (check(upSchema, json) as UpMessage)
}

/** A frame from the server. Throws PROTOCOL_ERROR. */
export function parseDown(frame: string): DownMessage {
  let json: unknown
  try {
    json = JSON.parse(frame)
  } catch (cause) {
    throw new CloudError('PROTOCOL_ERROR', { errMsg: 'the server sent something that is not JSON', cause })
  }
  return readDown(json)
}

/** A message from the server that was parsed. Throws PROTOCOL_ERROR. */
export function readDown(json: unknown): DownMessage {
  const items = briefItems(json)
  if (!items) return check(downSchema, json) as DownMessage
  const rest = check(downSchema, { ...(json as object), items: [] }) as DownOf<'snapshot'>
  return { ...rest, items }
}

/** A snapshot's items where all have their brief form: there are thousands, and a schema takes its time for each. */
function briefItems(json: unknown): SnapshotItem[] | undefined {
  const { type, items } = (json ?? {}) as { type?: unknown; items?: unknown }
  if (type !== 'snapshot' || !Array.isArray(items)) return undefined
  const isBrief = (item: unknown) => {
    if (!Array.isArray(item) || item.length !== 2) return false
    const [version, document] = item
    return (
      Number.isSafeInteger(version) &&
      version >= 0 &&
      typeof document === 'object' &&
      document !== null &&
      !Array.isArray(document)
    )
  }
  return items.every(isBrief) ? (items as SnapshotItem[]) : undefined
}

/**
 * The text of a snapshot's items, `[version,document],…`, as it stands in the frame that `message` was read from; undefined
 * where it does not stand there in that form.
 */
export function snapshotText({ items, window }: DownOf<'snapshot'>, frame: string): string | undefined {
  if (window !== undefined || items.length === 0 || items.some(item => item.length !== 2)) return undefined
  const head = /^\{"type":"snapshot","id":\d+,"version":\d+,"items":\[/.exec(frame)?.[0]
  const end = frame.lastIndexOf('],"done":')
  // where these two stand as they are, the grammar of JSON leaves nothing else for them to be
  if (head === undefined || !/^\],"done":\d+,"total":\d+,"last":(?:true|false)\}$/.test(frame.slice(end)))
    return undefined
  return frame.slice(head.length, end)
}

export function mutationToJson(mutation: Mutation): MutationJson {
  return { ...mutation, writes: mutation.writes.map(writeToJson) }
}

/** As it is sent: without what stays on the device. */
export function mutationToSend(mutation: Mutation): MutationJson {
  const writes = mutation.writes.map(write => {
    if (write.op !== 'text') return write
    const { shows: _, ...sent } = write
    return sent
  })
  return mutationToJson({ ...mutation, writes })
}

/**
 * Throws VALUE_REFUSED for values no `encode` gives. The meaning (names, ids, paths) is `query`'s to check. `read`: `adoptJson`
 * for what nobody else has.
 */
export function mutationFromJson(json: MutationJson, read: (tree: unknown) => Value = fromJson): Mutation {
  return { ...json, writes: json.writes.map(write => writeFromJson(write, read)) }
}

function writeToJson(write: Write): MutationJson['writes'][number] {
  switch (write.op) {
    case 'add':
    case 'set': {
      const data = toJson(write.data)
      return data === (write.data as unknown) ? (write as MutationJson['writes'][number]) : { ...write, data }
    }
    case 'update':
      return { ...write, changes: write.changes.map(changeToJson) }
    case 'remove':
    case 'text':
      return write
  }
}

function writeFromJson(json: MutationJson['writes'][number], read: (tree: unknown) => Value): Write {
  switch (json.op) {
    case 'add':
    case 'set':
      return { ...json, data: objectFromJson(json.data, read) }
    case 'update':
      return { ...json, changes: json.changes.map(change => changeFromJson(change, read)) }
    case 'remove':
    case 'text':
      return { ...json }
  }
}

type ChangeJson = Extract<MutationJson['writes'][number], { op: 'update' }>['changes'][number]

function changeToJson([path, operator, argument, guards]: PathChange): ChangeJson {
  if (!guards) return [path, operator, toJson(argument)]
  return [path, operator, toJson(argument), guards.map(([...guard]) => guard)]
}

function changeFromJson(
  [path, operator, argument, guards]: ChangeJson,
  read: (tree: unknown) => Value,
): PathChange {
  return guards ? [path, operator, read(argument), guards] : [path, operator, read(argument)]
}

function objectFromJson(tree: unknown, read: (tree: unknown) => Value = fromJson): DocumentData {
  const value = read(tree)
  if (value instanceof Geo) return Object.freeze({ ...value.toJSON() }) as unknown as DocumentData
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return value as DocumentData
  throw new CloudError('VALUE_REFUSED', {
    errMsg: 'data: not an object',
    details: { path: '', reason: 'not an object' },
  })
}

/** A document at a version. */
export interface PutItem {
  readonly collection: string
  readonly version: Version
  readonly document: Document
}

/** What is no longer there, or no longer to be seen. */
export interface GoneItem {
  readonly collection: string
  readonly version: Version
  readonly gone: DocId
}

/** What the document of version `base` became. */
export interface PatchItem {
  readonly collection: string
  readonly version: Version
  readonly base: Version
  readonly id: DocId
  readonly patch: Patch
}

/** What an item says; its document becomes the one that is given. Throws VALUE_REFUSED for what no `encode` gives. */
export function readItem(item: Item): PutItem | GoneItem | PatchItem {
  const [collection, version, what] = item
  if (what === null) return { collection, version, gone: item[3] as DocId }
  if (typeof what !== 'number') return { collection, version, document: adoptJson(what) as Document }
  const [, , , set, id, removed = []] = item as Extract<Item, { 2: number }>
  return { collection, version, base: what, id: id!, patch: { set: set!, removed } }
}

/** As `readItem`, a document of a snapshot of `collection`; undefined for the id of one that is gone. */
export function readSnapshotItem(collection: string, item: SnapshotItem): PutItem | undefined {
  if (item.length === 2) return { collection, version: item[0], document: adoptJson(item[1]) as Document }
  if (item[2] === null) return undefined
  return { collection: item[0], version: item[1], document: adoptJson(item[2]) as Document }
}

/** Types an outcome as it came from a message. */
export function readOutcome(outcome: OutcomeJson): Outcome {
  return outcome as Outcome
}

function check<S extends v.GenericSchema>(schema: S, json: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, json, { abortEarly: true, abortPipeEarly: true })
  if (result.success) return result.output
  const issue = result.issues[0]
  const place = issue.path?.map(step => String(step.key)).join('.') ?? ''
  throw new CloudError('PROTOCOL_ERROR', {
    errMsg: `a message this version does not know${place && ` (at ${place})`}: ${issue.message}`,
    details: { place },
  })
}

/**
 * Around a value. A push nests it seven deep (frame, mutations, mutation, writes, write, changes, change), and a tag adds two
 * levels; a query or a pipeline nests conditions and expressions of three levels each.
 */
const frameDepth = 9 + 3 * limits.filterDepth
