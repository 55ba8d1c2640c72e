import * as v from 'valibot'
import { limits } from '../limits.ts'

// what messages of both directions are made of

export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
export const id = v.union([v.string(), v.number()])
/** Bytes. The longest is a whole text. */
export const base64 = v.pipe(v.string(), v.maxLength(base64Length(limits.textStateBytes + 65_536)))
export const textId = v.pipe(v.string(), v.minLength(1), v.maxLength(64))
/** A value's JSON tree; `fromJson` has the last word on it. */
export const tree = v.unknown()
export const record = v.record(v.string(), v.unknown())
/** A document's JSON tree: not copied here, since `fromJson` reads it anyway and snapshots have thousands. */
const documentTree = v.custom<{ [key: string]: unknown }>(
  input => typeof input === 'object' && input !== null && !Array.isArray(input),
  'not a document',
)

/** What of a client's subscriptions arrives first. */
export const priority = v.optional(v.picklist(['high', 'normal', 'low']))

/**
 * The latest openings of a server's history, oldest first: their epochs, and the version at which each began. What two of
 * these lists have in common is the same history. Since version 4.
 */
export const lineage = v.pipe(v.array(v.strictTuple([v.string(), count])), v.maxLength(limits.lineage))

export const errorSchema = v.strictObject({
  code: v.string(),
  errMsg: v.string(),
  details: v.optional(record),
})

const putSchema = v.strictTuple([v.string(), count, documentTree])
const goneSchema = v.strictTuple([v.string(), count, v.null(), id])

/**
 * `[collection, version, document]`, or `[collection, version, null, id]` for "you no longer have it".
 *
 * Since version 4: `[collection, version, base, { path: value }, id, [path, …]]`, what the document of version `base` became.
 * Each path (dotted, all but its last part an object's there) gets its value; those of the list, which may be absent, are
 * removed first. Only a reader who holds that version gets it, and to no other version it may be applied.
 */
export const itemSchema = v.union([
  putSchema,
  goneSchema,
  v.strictTuple([v.string(), count, count, documentTree, id]),
  v.strictTuple([v.string(), count, count, documentTree, id, v.pipe(v.array(v.string()), v.minLength(1))]),
])

/** As above; since version 4 `[version, document]`, of the subscription's collection. */
export const snapshotItemSchema = v.union([putSchema, goneSchema, v.strictTuple([count, documentTree])])

/** Characters of so many bytes in base64. */
export function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4
}

export type Item = v.InferOutput<typeof itemSchema>
export type SnapshotItem = v.InferOutput<typeof snapshotItemSchema>
