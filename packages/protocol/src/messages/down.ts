import * as v from 'valibot'
import { outcomeSchema } from './mutations.ts'
import {
  base64,
  count,
  errorSchema,
  id,
  itemSchema,
  lineage,
  snapshotItemSchema,
  textId,
  tree,
} from './parts.ts'

// from the server to a client

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

export type DownMessage = v.InferOutput<typeof downSchema>
export type DownOf<T extends DownMessage['type']> = Extract<DownMessage, { type: T }>
