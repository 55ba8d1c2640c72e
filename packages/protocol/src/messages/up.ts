import * as v from 'valibot'
import { bucketCounts } from '../inventory.ts'
import { limits } from '../limits.ts'
import { mutationSchema } from './mutations.ts'
import { base64, count, id, lineage, priority, textId, tree } from './parts.ts'

// from a client to the server

/**
 * The first frame. `token` from an earlier welcome (absent: sign in anonymously). `version` is the last change message
 * applied durably, in the history named by `epoch`; `viewKey` from the same message. `seen`: outcomes up to this
 * mutation are durable here. `subscriptions` are those the store holds: `complete` ones are resumed from `version` when
 * possible, the others start with a snapshot. `clock` is this side's time.
 *
 * Since version 3: `priority` (default normal) says which snapshots come first; `after`: of this incomplete subscription
 * everything up to this `_id` is here as of `version`, so that, when resumed, its snapshot begins behind it.
 *
 * Since version 4: `fetch`: this side can fetch parts of first results over HTTP (see there); so many characters of each
 * come by this conversation, and what goes beyond may be left to be fetched.
 * Also since version 4: `lineage` of the server this copy was made by; `holds`: documents of this subscription are here, so
 * where a snapshot would come an inventory does.
 *
 * Since version 5: `numbered`: every frame after this one, and every one after the welcome, has its number before it.
 */
const hello = v.strictObject({
  type: v.literal('hello'),
  protocol: count,
  env: v.string(),
  client: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  token: v.optional(v.string()),
  epoch: v.optional(v.string()),
  version: count,
  viewKey: v.optional(v.string()),
  seen: count,
  subscriptions: v.array(
    v.strictObject({
      id: count,
      query: tree,
      complete: v.boolean(),
      priority,
      after: v.optional(id),
      holds: v.optional(v.literal(true)),
    }),
  ),
  lineage: v.optional(lineage),
  clock: v.number(),
  fetch: v.optional(count),
  numbered: v.optional(v.literal(true)),
})

/**
 * Instead of hello: whoever shows a ticket for one sign-in is told a session token (`signedIn`), and the connection ends.
 * Since version 4.
 */
const signIn = v.strictObject({
  type: v.literal('signIn'),
  protocol: count,
  env: v.string(),
  ticket: v.string(),
})

/** Mutations in order, ids without a gap. */
const push = v.strictObject({
  type: v.literal('push'),
  mutations: v.pipe(v.array(mutationSchema), v.minLength(1)),
})

/**
 * Follow a query: a snapshot, then its part of every change message. `priority` since version 3, default normal; `holds`
 * as in hello, since version 4.
 */
const subscribe = v.strictObject({
  type: v.literal('subscribe'),
  id: count,
  query: tree,
  priority,
  holds: v.optional(v.literal(true)),
})
const unsubscribe = v.strictObject({ type: v.literal('unsubscribe'), id: count })

/** The rest of a subscription's snapshot is more urgent now, or less. Since version 3. */
const prioritise = v.strictObject({
  type: v.literal('prioritise'),
  id: count,
  priority: v.picklist(['high', 'normal', 'low']),
})

/** What has a subscription (one without a limit or skip) in it? Answered by a digest, sooner or later. Since version 3. */
const check = v.strictObject({ type: v.literal('check'), id: count })

/**
 * To an inventory: every document of the subscription that is here in these of `of` buckets, by id and version. Answered by a
 * snapshot of what differs: documents that are not here in the version there, and ids of those that are not there. With no
 * `documents` all of them are wanted, as for a subscription that begins. With no buckets it is the same, and there is no answer.
 * Since version 4.
 */
const have = v.strictObject({
  type: v.literal('have'),
  id: count,
  of: v.picklist(bucketCounts),
  buckets: v.pipe(v.array(count), v.maxLength(256)),
  documents: v.optional(v.pipe(v.array(v.strictTuple([id, count])), v.maxLength(limits.inventoryDocuments))),
})

/**
 * To a welcome that asks for it, before anything else: the documents of mutations that were accepted. The next change message
 * has them as they are. Since version 4.
 */
const recall = v.strictObject({
  type: v.literal('recall'),
  documents: v.pipe(v.array(v.strictTuple([v.string(), id])), v.maxLength(limits.batchWrites)),
})

/** How many documents a query has, without fetching them. */
const countQuery = v.strictObject({ type: v.literal('count'), id: count, query: tree })

/** What a pipeline makes of the documents this client may read. Since version 2. */
const aggregateQuery = v.strictObject({ type: v.literal('aggregate'), id: count, aggregation: tree })

/** Run a cloud function. */
const call = v.strictObject({ type: v.literal('call'), id: count, name: v.string(), data: tree })

/** Ask for an upload ticket, temporary URLs, or deletion. */
const files = v.strictObject({
  type: v.literal('files'),
  id: count,
  ask: v.variant('verb', [
    v.strictObject({
      verb: v.literal('upload'),
      path: v.string(),
      size: count,
      sha256: v.string(),
      contentType: v.string(),
    }),
    v.strictObject({
      verb: v.literal('urls'),
      files: v.array(v.strictObject({ fileID: v.string(), maxAge: v.optional(count) })),
    }),
    v.strictObject({ verb: v.literal('delete'), files: v.array(v.string()) }),
  ]),
})

/**
 * Follow a text field: what is missing here, then every edit as it is committed. `id` counts them, apart from subscriptions.
 * `text` and `vector` (a Yjs state vector) say what of it is here. Asked again under the same `id` it is looked at anew.
 * Answered by text or textClosed. Since version 4.
 */
const openText = v.strictObject({
  type: v.literal('openText'),
  id: count,
  collection: v.string(),
  doc: id,
  path: v.string(),
  text: v.optional(textId),
  vector: v.optional(base64),
})
const closeText = v.strictObject({ type: v.literal('closeText'), id: count })

/** A free room, the room of a document, or of one text of it. */
const room = v.union([
  v.pipe(v.string(), v.minLength(1), v.maxLength(limits.roomBytes)),
  v.strictTuple([v.string(), id]),
  v.strictTuple([v.string(), id, v.string()]),
])

/** Come into a room: who else is there is told by present. `id` counts the rooms. Since version 4. */
const enter = v.strictObject({ type: v.literal('enter'), id: count, room })
const leave = v.strictObject({ type: v.literal('leave'), id: count })

/** What others in the room may know of this client; null: nothing. Said again within 30 s, or it is taken back. Since version 4. */
const present = v.strictObject({ type: v.literal('present'), id: count, state: tree })

/**
 * Gives what the anonymous user of this session token owns to the one who asks, who has signed in by name. Asked again it
 * gets the same answer: how many `documents` there were, and how many are `left` because a unique index forbids it. Since version 4.
 */
const merge = v.strictObject({ type: v.literal('merge'), id: count, token: v.string() })

const ping = v.strictObject({ type: v.literal('ping') })

export const upSchema = v.variant('type', [
  hello,
  signIn,
  push,
  subscribe,
  unsubscribe,
  prioritise,
  check,
  have,
  recall,
  countQuery,
  aggregateQuery,
  call,
  files,
  openText,
  closeText,
  enter,
  leave,
  present,
  merge,
  ping,
])

export type UpMessage = v.InferOutput<typeof upSchema>
export type UpOf<T extends UpMessage['type']> = Extract<UpMessage, { type: T }>
export type Hello = v.InferOutput<typeof hello>
export type FilesAsk = v.InferOutput<typeof files>['ask']
export type Room = v.InferOutput<typeof room>
