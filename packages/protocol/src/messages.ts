import * as v from 'valibot'
import { bucketCounts } from './inventory.ts'
import { limits } from './limits.ts'
import { elementNames, type UpdateOperator } from './mutation.ts'

/**
 * The version of everything in this file. A change of any schema's shape changes it (messages.test.ts holds the shape
 * of each version), and a server goes on speaking the older ones.
 */
export const protocolVersion = 4

/** The oldest version a server still speaks: every later one only added what a client may say. */
export const oldestProtocolVersion = 1

// ---- parts ---------------------------------------------------------------------------------------------------

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const id = v.union([v.string(), v.number()])
/** Bytes. The longest is a whole text. */
const base64 = v.pipe(v.string(), v.maxLength(base64Length(limits.textStateBytes + 65_536)))
const textId = v.pipe(v.string(), v.minLength(1), v.maxLength(64))
/** A value's JSON tree; `fromJson` has the last word on it. */
const tree = v.unknown()
const record = v.record(v.string(), v.unknown())
/** A document's JSON tree: not copied here, since `fromJson` reads it anyway and snapshots have thousands. */
const documentTree = v.custom<{ [key: string]: unknown }>(
  input => typeof input === 'object' && input !== null && !Array.isArray(input),
  'not a document',
)

const operators: readonly [UpdateOperator, ...UpdateOperator[]] = [
  ...(['set', 'remove', 'rename', 'inc', 'mul', 'min', 'max', 'bit'] as const),
  ...(['push', 'addToSet', 'pop', 'shift', 'pull', 'pullAll'] as const),
]

/** Which element an index in the path meant. Since version 3. */
const guardSchema = v.strictTuple([
  count,
  v.picklist(['', ...elementNames]),
  v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  count,
])

const changeSchema = v.union([
  v.strictTuple([v.string(), v.picklist(operators), tree]),
  v.strictTuple([
    v.string(),
    v.picklist(operators),
    tree,
    v.pipe(v.array(guardSchema), v.minLength(1), v.maxLength(limits.pathGuards)),
  ]),
])

const writeSchema = v.variant('op', [
  v.strictObject({ op: v.literal('add'), collection: v.string(), id, data: tree }),
  v.strictObject({ op: v.literal('set'), collection: v.string(), id, data: tree }),
  v.strictObject({
    op: v.literal('update'),
    collection: v.string(),
    id,
    changes: v.array(changeSchema),
  }),
  v.strictObject({ op: v.literal('remove'), collection: v.string(), id }),
  /** An edit of a text field. Since version 4. */
  v.strictObject({
    op: v.literal('text'),
    collection: v.string(),
    id,
    path: v.string(),
    text: textId,
    update: v.pipe(v.string(), v.maxLength(base64Length(limits.textUpdateBytes))),
  }),
])

const mutationSchema = v.strictObject({
  id: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  nonce: v.pipe(v.string(), v.maxLength(64)),
  base: count,
  time: v.number(),
  writes: v.pipe(v.array(writeSchema), v.minLength(1), v.maxLength(limits.batchWrites)),
})

const outcomeSchema = v.variant('status', [
  v.strictObject({
    id: count,
    status: v.literal('accepted'),
    version: count,
    superseded: v.optional(v.array(v.string())),
  }),
  v.strictObject({
    id: count,
    status: v.literal('rejected'),
    code: v.string(),
    reason: v.string(),
    details: v.optional(record),
  }),
])

/** What of a client's subscriptions arrives first. */
const priority = v.optional(v.picklist(['high', 'normal', 'low']))

/**
 * The latest openings of a server's history, oldest first: their epochs, and the version at which each began. What two of
 * these lists have in common is the same history. Since version 4.
 */
const lineage = v.pipe(v.array(v.strictTuple([v.string(), count])), v.maxLength(limits.lineage))

const errorSchema = v.strictObject({ code: v.string(), errMsg: v.string(), details: v.optional(record) })

const putSchema = v.strictTuple([v.string(), count, documentTree])
const goneSchema = v.strictTuple([v.string(), count, v.null(), id])

/**
 * `[collection, version, document]`, or `[collection, version, null, id]` for "you no longer have it".
 *
 * Since version 4: `[collection, version, base, { path: value }, id, [path, …]]`, what the document of version `base` became.
 * Each path (dotted, all but its last part an object's there) gets its value; those of the list, which may be absent, are
 * removed first. Only a reader who holds that version gets it, and to no other version it may be applied.
 */
const itemSchema = v.union([
  putSchema,
  goneSchema,
  v.strictTuple([v.string(), count, count, documentTree, id]),
  v.strictTuple([v.string(), count, count, documentTree, id, v.pipe(v.array(v.string()), v.minLength(1))]),
])

/** As above; since version 4 `[version, document]`, of the subscription's collection. */
const snapshotItemSchema = v.union([putSchema, goneSchema, v.strictTuple([count, documentTree])])

// ---- up: from a client to the server ---------------------------------------------------------------------------

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

// ---- down: from the server to a client -------------------------------------------------------------------------

/**
 * The answer to hello. `token` is to be kept and shown next time; `access` is a short-lived one for HTTP requests.
 * `version` is where the changes of this conversation begin: the hello's when resumed, else one every snapshot is as new as.
 * `lastMutation` is the last one decided, `nonces` those of the latest of them; `outcomes` all above `seen`.
 * `resumed: false`: the copy cannot be continued (other history, other rights, too old): every subscription starts with
 * a snapshot that replaces what is there. `time` is the server's clock.
 *
 * Since version 4: `lineage` of this server. `common`, when not resumed: the copy's versions up to it are of this history, and those
 * above are of another one. `forgotten`: of mutations up to this one, unless they are among the nonces, nobody knows any more
 * how they were decided. `recall`: the history no longer tells what the accepted ones among `outcomes` changed: to be answered by
 * that.
 */
const welcome = v.strictObject({
  type: v.literal('welcome'),
  protocol: count,
  openid: v.string(),
  token: v.string(),
  access: v.string(),
  epoch: v.string(),
  version: count,
  viewKey: v.string(),
  lastMutation: count,
  nonces: v.array(v.strictTuple([count, v.string()])),
  outcomes: v.array(outcomeSchema),
  resumed: v.boolean(),
  time: v.number(),
  heartbeatMs: count,
  lineage: v.optional(lineage),
  common: v.optional(count),
  forgotten: v.optional(count),
  recall: v.optional(v.literal(true)),
})

/** The answer to signIn: `token` is for this user's first hello, `uid` the name in the ticket. Since version 4. */
const signedIn = v.strictObject({
  type: v.literal('signedIn'),
  openid: v.string(),
  uid: v.string(),
  token: v.string(),
})

/** Tokens in the place of those of the welcome, long before these end. Since version 4. */
const renewed = v.strictObject({ type: v.literal('renewed'), token: v.string(), access: v.string() })

const pushed = v.strictObject({ type: v.literal('pushed'), outcomes: v.array(outcomeSchema) })

/**
 * Part of a subscription's first result, in `_id` order. `version`: the commit it is at least as new as. As an answer to
 * `have` it is of what differs, with what is gone last; what was named and is not in it is as it was named.
 */
const snapshot = v.strictObject({
  type: v.literal('snapshot'),
  id: count,
  version: count,
  items: v.array(snapshotItemSchema),
  /** The ids in the query's window, when it has a limit or skip; on the last part. */
  window: v.optional(v.array(id)),
  done: count,
  total: count,
  last: v.boolean(),
})

/**
 * The `snapshot` that belongs in this place is at `path` of the server's address: `GET` with the welcome's `access` as a
 * bearer token. It has so many characters (UTF-16 units), and takes effect here: what follows waits for it. Only for who
 * asked (`hello.fetch`). Since version 4.
 */
const fetchPart = v.strictObject({
  type: v.literal('fetch'),
  path: v.pipe(v.string(), v.regex(/^\/sync\/parts\/[0-9a-f]{32}$/)),
  characters: count,
})

/** The subscription was refused; for a count, aggregate or call see answer. */
const denied = v.strictObject({ type: v.literal('denied'), id: count, error: errorSchema })

/**
 * The documents of a subscription at `version`, which is the `to` of the last change message (the welcome's version before
 * the first): how many, and their `Digest`. Not sent while documents change faster than they are counted. Since version 3.
 */
const digest = v.strictObject({
  type: v.literal('digest'),
  id: count,
  version: count,
  count,
  sum: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
})

/**
 * What a subscription has for this client, before anything of it is sent: the sums of 1, 16 or 256 buckets, as `Inventory`
 * has them. A client that has the same is complete; another one answers with `have`. Since version 4.
 */
const inventory = v.strictObject({
  type: v.literal('inventory'),
  id: count,
  sums: v.pipe(v.string(), v.regex(/^(?:[A-Za-z0-9_-]{8}){1,256}$/)),
})

/**
 * Everything between two versions that concerns this client, to be applied whole. `lastMutation`: this client's
 * mutations up to it are in `to`. `windows` are the new windows, by subscription id. What is too large for a frame comes in
 * parts, one right after the other; those before the last have `to` equal to `from`, no windows and no new `lastMutation`.
 *
 * Since version 4 `viewKey` may be absent, and is the welcome's then; `lastMutation` too: no more of them than before.
 */
const changes = v.strictObject({
  type: v.literal('changes'),
  from: count,
  to: count,
  viewKey: v.optional(v.string()),
  lastMutation: v.optional(count),
  items: v.array(itemSchema),
  windows: v.optional(v.array(v.strictTuple([count, v.array(id)]))),
})

/** To count, aggregate, call, files and merge, by id. */
const answer = v.strictObject({
  type: v.literal('answer'),
  id: count,
  result: v.optional(tree),
  error: v.optional(errorSchema),
})

/** To a ping, after every change that had been committed when the ping was read: a client may wait for it to catch up. */
const pong = v.strictObject({ type: v.literal('pong') })

/**
 * Edits of an open text, as one Yjs update (V1). `hash`, of the plain text after it, on the answer to openText, which is the
 * first: `text` there is the text that the field has now, another one than asked for when that has ended. Since version 4.
 */
const text = v.strictObject({
  type: v.literal('text'),
  id: count,
  text: textId,
  update: base64,
  hash: v.optional(v.pipe(v.string(), v.maxLength(64))),
})

/** The text was not opened, has ended, or may not be read any more. Since version 4. */
const textClosed = v.strictObject({ type: v.literal('textClosed'), id: count, error: errorSchema })

/**
 * Others in a room: each by a name that lasts as long as its connection, the user, and what it says of itself; null: it left.
 * `whole`: these are all; otherwise only what changed. Since version 4.
 */
const peers = v.strictObject({
  type: v.literal('peers'),
  id: count,
  whole: v.boolean(),
  peers: v.array(v.strictTuple([v.string(), v.string(), tree])),
})

/** The room was not entered, or may not be seen any more. Since version 4. */
const roomClosed = v.strictObject({ type: v.literal('roomClosed'), id: count, error: errorSchema })

/** Before the server closes. With `retryAfterMs`: come back then; without: a person has to do something first. */
const bye = v.strictObject({ type: v.literal('bye'), error: errorSchema, retryAfterMs: v.optional(count) })

export const downSchema = v.variant('type', [
  welcome,
  signedIn,
  renewed,
  pushed,
  snapshot,
  fetchPart,
  digest,
  inventory,
  denied,
  changes,
  answer,
  text,
  textClosed,
  peers,
  roomClosed,
  pong,
  bye,
])

/** Characters of so many bytes in base64. */
function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4
}

export type Room = v.InferOutput<typeof room>
export type Hello = v.InferOutput<typeof hello>
export type FilesAsk = v.InferOutput<typeof files>['ask']
export type UpMessage = v.InferOutput<typeof upSchema>
export type DownMessage = v.InferOutput<typeof downSchema>
export type DownOf<T extends DownMessage['type']> = Extract<DownMessage, { type: T }>
export type UpOf<T extends UpMessage['type']> = Extract<UpMessage, { type: T }>
export type Item = v.InferOutput<typeof itemSchema>
export type SnapshotItem = v.InferOutput<typeof snapshotItemSchema>
export type MutationJson = v.InferOutput<typeof mutationSchema>
export type OutcomeJson = v.InferOutput<typeof outcomeSchema>
