import { createHash } from 'node:crypto'
import {
  CloudError,
  type DocId,
  limits,
  type MutationId,
  oldestProtocolVersion,
  protocolVersion,
  type UpOf,
} from '@nearcloud/protocol'
import { type Priority, parseQuery, type Query } from '@nearcloud/query'
import type { Roles } from '../auth/roles.ts'
import type { ShownToken } from '../auth/tokens.ts'
import type { KnownUser } from '../auth/users.ts'
import { askedBy } from '../commit/find.ts'
import type { Feed } from '../fanout/feed.ts'
import type { Wish } from '../fanout/first-results.ts'
import { isWindowed } from '../fanout/followed.ts'
import { errorData } from './error-data.ts'
import { kinshipOf } from './kinship.ts'
import { outcomeToJson } from './outcome-json.ts'
import type { Session } from './session.ts'

/** One subscription of a hello, looked at. */
type Wanted =
  | {
      readonly id: number
      readonly query: Query
      readonly complete: boolean
      readonly priority?: Priority | undefined
      readonly after?: DocId | undefined
      readonly holds?: true | undefined
    }
  | { readonly id: number; readonly error: CloudError }

/**
 * Answers a hello: who it is, what was decided, and from where the client goes on. Afterwards the session has a feed.
 *
 * Gives how long its session tokens last. Throws what ends the conversation: UPGRADE_NEEDED, INVALID_ENV, TOKEN_REFUSED,
 * PROTOCOL_ERROR.
 */
export async function greet(session: Session, hello: UpOf<'hello'>): Promise<KnownUser> {
  const { environment, fanout, tokens, clock } = session.options
  checkHello(session, hello)
  const { env } = environment
  const proof = await shown(session, hello.token)
  const { openid, round } = proof
  // first the name, then the look: who is deleted meanwhile is found by one of the two
  session.openid = openid
  const user = hello.token === undefined ? {} : ((await session.options.users?.known(openid, round)) ?? {})
  session.uid = user.uid
  session.roles = user.roles
  if (user.uid !== undefined) session.link = session.options.users?.follow(proof, user)
  // a new one each time: who comes back within its life never loses who they are
  const token = await tokens.sign('session', env, openid, user.sessionMs, user.round, session.link)
  const access = await tokens.sign('access', env, openid, undefined, user.round, session.link)
  if (session.isOver) return user
  // the older connection is closed first: what it sent is decided before this one is told how far it is
  session.options.claim(hello.client)
  session.client = hello.client

  const { actor } = session
  const viewKey = viewKeyOf(openid, environment.judge.version, user.roles)
  const { fetch } = hello
  const shelf = fetch === undefined ? undefined : session.openShelf(openid)
  const send = (frame: string) => session.write(frame)
  const sink = {
    send,
    sendPart(frame: string, before: number) {
      if (shelf && before + frame.length > fetch! && frame.length >= worthFetching && !session.isOver)
        session.send({ type: 'fetch', path: `/sync/parts/${shelf.put(frame)}`, characters: frame.length })
      else send(frame)
    },
    get bufferedBytes() {
      return session.options.wire.bufferedBytes + (shelf?.characters ?? 0)
    },
    cut: (error: CloudError, retryAfterMs: number) => session.sendAway(error, retryAfterMs),
  }
  // from here on changes are noted, so none falls between the history and what happens now
  const feed = fanout.openFeed({ client: hello.client, actor, viewKey, sink, protocol: hello.protocol })
  try {
    const wanted: Wanted[] = []
    for (const each of hello.subscriptions) wanted.push(await look(feed, each))
    if (session.isOver) return user
    const opened = await environment.openClient(hello.client, openid, hello.seen)
    const { head, row, outcomes } = opened
    feed.decided(row.lastMutation)
    const isNew = hello.protocol >= 4
    // what a client may have sent long ago it must not send again: those before version 4 would
    if (!isNew && row.forgotten > hello.seen) throw forgotten(row.forgotten)
    const openings = await environment.engine.lineage(env)
    const kinship = kinshipOf(openings, head, hello)
    const isSameView = hello.viewKey === viewKey && kinship.isWhole
    const isFresh = hello.epoch === undefined && hello.version === 0
    const mayResume = isFresh || isSameView
    if (!isFresh && !kinship.isWhole) environment.tellSetBack(hello, kinship.common)
    const kept = wanted.filter(each => 'query' in each && isKept(each))
    for (const each of kept) follow(feed, each)
    const { readsOthers } = environment.judge
    const isTold = kept.length === 0 && row.lastMutation <= hello.seen && (isFresh || !readsOthers)
    const resumed = mayResume && (await feed.resume(hello.version, hello.seen, isTold ? hello.version : head))
    if (!resumed) feed.beginAnew(hello.seen)
    else if (isFresh) feed.reads.beginAnew()
    // accepted, and told by no change message: once the next one says they are in it, they leave the client's overlay
    const untold = outcomes.flatMap(({ outcome }) => (outcome.status === 'accepted' ? [outcome.version] : []))
    const recalled = Math.max(Math.min(...untold) - 1, 0)
    const isToldOwn =
      untold.length === 0 ||
      (resumed && recalled >= hello.version) ||
      (await feed.recall(recalled, head)) ||
      !isNew
    if (session.isOver) return user
    if (!isToldOwn) session.recalled = feed.hold()

    session.send({
      type: 'welcome',
      protocol: hello.protocol,
      openid,
      token,
      access,
      epoch: !isNew && kinship.isWhole && !isFresh ? hello.epoch! : environment.engine.epoch,
      version: feed.sent,
      viewKey,
      lastMutation: row.lastMutation,
      nonces: outcomes.map(each => [each.outcome.id, each.nonce]),
      outcomes: outcomes.map(each => outcomeToJson(each.outcome)),
      resumed,
      time: clock.now(),
      heartbeatMs: session.limits.heartbeatMs,
      ...(isNew && {
        lineage: openings.slice(-limits.lineage).map(({ epoch, start }) => [epoch, start]),
        ...(!resumed && !isFresh && !kinship.isWhole && { common: kinship.common }),
        ...(row.forgotten > 0 && { forgotten: row.forgotten }),
        ...(!isToldOwn && { recall: true }),
      }),
    })
    if (hello.numbered) session.beginNumbers()
    session.feed = feed
    const starting: { id: number; wish: Wish }[] = []
    for (const each of wanted) {
      const error = 'error' in each ? each.error : feed.followed.has(each.id) ? undefined : follow(feed, each)
      if (error) session.send({ type: 'denied', id: each.id, error: errorData(error) })
      else if ('query' in each && !(resumed && each.complete && !isWindowed(each.query)))
        starting.push({ id: each.id, wish: resumed ? each : { ...each, after: undefined } })
    }
    feed.goLive()
    for (const { id, wish } of starting) feed.first.snapshot(id, wish)
    return user
  } finally {
    if (session.isOver || !session.feed) feed.close()
  }
}

/** Whom a token names; without one somebody new. */
async function shown(session: Session, token: string | undefined): Promise<ShownToken> {
  const { tokens, users, environment } = session.options
  if (token === undefined) return { openid: tokens.newOpenid(), round: 0 }
  if (users) return users.shown('session', token)
  return { openid: await tokens.verify('session', environment.env, token), round: 0 }
}

/** What of it is here is told what happened since: all of it, or the first part. */
function isKept({ complete, query, after }: Extract<Wanted, { query: Query }>): boolean {
  return !isWindowed(query) && (complete || after !== undefined)
}

/** Follows a checked query. Answers with the error of one that cannot be. */
export function follow(feed: Feed, wanted: Wanted): CloudError | undefined {
  if ('error' in wanted) return wanted.error
  try {
    feed.followed.add(wanted.id, wanted.query)
    return undefined
  } catch (thrown) {
    if (thrown instanceof CloudError) return thrown
    throw thrown
  }
}

/** What a subscription asks, when this actor may ask it. */
export async function look(feed: Feed, asked: UpOf<'hello'>['subscriptions'][number]): Promise<Wanted> {
  const { query: _, ...rest } = asked
  try {
    const query = await askedBy(feed.reading, feed.actor, parseQuery(asked.query))
    return { ...rest, query }
  } catch (thrown) {
    if (thrown instanceof CloudError) return { id: asked.id, error: thrown }
    throw thrown
  }
}

function checkHello(session: Session, hello: UpOf<'hello'>): void {
  const { env } = session.options.environment
  if (hello.protocol < oldestProtocolVersion || hello.protocol > protocolVersion) {
    const spoken = `${oldestProtocolVersion} to ${protocolVersion}`
    const older = hello.protocol < oldestProtocolVersion ? 'app' : 'server'
    throw new CloudError('UPGRADE_NEEDED', {
      errMsg: `this client speaks protocol ${hello.protocol}, the server ${spoken}: update the ${older}`,
      details: { oldest: oldestProtocolVersion, newest: protocolVersion },
    })
  }
  if (hello.env !== '' && hello.env !== env)
    throw new CloudError('INVALID_ENV', {
      errMsg: `there is no environment "${hello.env.slice(0, 100)}" here`,
    })
  const ids = new Set(hello.subscriptions.map(each => each.id))
  if (ids.size < hello.subscriptions.length)
    throw new CloudError('PROTOCOL_ERROR', { errMsg: 'two subscriptions with one id' })
  if (ids.size > session.limits.subscriptions)
    throw new CloudError('EXCEED_REQUEST_LIMIT', {
      errMsg: `more than ${session.limits.subscriptions} subscriptions`,
    })
}

/** An exchange has a head and takes a while: less is not worth it. */
const worthFetching = 4_096
function forgotten(mutation: MutationId): CloudError {
  return new CloudError('UPGRADE_NEEDED', {
    errMsg: `this client was away for so long that how its writes up to number ${mutation} were decided is forgotten: update the app, which then tells what it may have sent`,
  })
}

/** Names what a copy was made under: another user or other rules make another copy. */
function viewKeyOf(openid: string, rules: string, roles?: Roles): string {
  return createHash('sha256')
    .update(JSON.stringify([openid, rules, ...(roles ? [roles] : [])]))
    .digest('hex')
    .slice(0, 32)
}
