import {
  CloudError,
  encode,
  fromJson,
  limits,
  type Mutation,
  mutationFromJson,
  type Outcome,
  toCloudError,
  toJson,
  type UpMessage,
  type UpOf,
  type Value,
} from '@nearcloud/protocol'
import { parseQuery } from '@nearcloud/query'
import { parseAggregation } from '@nearcloud/query/aggregate'
import type { Feed } from '../fanout/feed.ts'
import { recallNamed } from '../fanout/resume.ts'
import { errorData } from './error-data.ts'
import { follow, look } from './greeting.ts'
import { outcomeToJson } from './outcome-json.ts'
import type { Session } from './session.ts'

/** What each message of a greeted client does. Throws what ends the conversation. */
export async function route(session: Session, feed: Feed, message: UpMessage): Promise<void> {
  switch (message.type) {
    case 'hello':
    case 'signIn':
      throw new CloudError('PROTOCOL_ERROR', { errMsg: `a ${message.type} in the middle of a conversation` })
    case 'push':
      return push(session, feed, message)
    case 'subscribe':
      return subscribe(session, feed, message)
    case 'unsubscribe':
      feed.followed.remove(message.id)
      feed.first.drop(message.id)
      return
    case 'prioritise':
      feed.first.prioritise(message.id, message.priority)
      return
    case 'check':
      feed.first.check(message.id)
      return
    case 'have':
      return have(feed, message)
    case 'recall':
      return recall(session, feed, message)
    case 'count':
      return answer(session, message.id, async () => {
        const query = parseQuery(message.query)
        const executor = session.options.environment.executorFor(session.actor)
        return (await executor.run({ verb: 'count', query })).total
      })
    case 'aggregate':
      return answer(session, message.id, () => aggregate(session, message))
    case 'call':
      return answer(session, message.id, () => call(session, message))
    case 'files':
      return answer(session, message.id, () => session.options.askFiles(session.actor, message.ask))
    case 'openText':
      return openText(session, feed, message)
    case 'closeText':
      feed.texts.close(message.id)
      return
    case 'enter':
      return feed.rooms.enter(message)
    case 'leave':
      feed.rooms.leave(message.id)
      return
    case 'present':
      feed.rooms.present(message)
      return
    case 'merge':
      return answer(session, message.id, () => merge(session, message))
    case 'ping':
      // first everything up to now, then the answer: by that the client knows it has caught up
      void feed.caughtUp(session.options.fanout.head).then(() => session.send({ type: 'pong' }))
      return
  }
}

/** Decides mutations in their order, and answers when the last of them is durable. */
async function push(session: Session, feed: Feed, { mutations }: UpOf<'push'>): Promise<void> {
  const { environment } = session.options
  const release = feed.hold()
  const { actor } = session
  const id = session.client!
  const settled = await environment.commitAll(
    mutations.map(json => ({ actor, client: { id, ...readMutation(json) } })),
  )
  const outcomes: Outcome[] = []
  let failure: unknown
  for (const each of settled)
    if (each.status === 'fulfilled') outcomes.push(each.value.outcome)
    else failure ??= each.reason
  if (outcomes.length > 0) session.send({ type: 'pushed', outcomes: outcomes.map(outcomeToJson) })
  release()
  if (failure !== undefined) throw failure
}

/** One with a value that no codec gives is decided too, and refused: its author's count goes on. */
function readMutation(json: UpOf<'push'>['mutations'][number]): { mutation: Mutation; refusal?: CloudError } {
  try {
    return { mutation: mutationFromJson(json) }
  } catch (thrown) {
    return { mutation: { ...json, writes: [] }, refusal: toCloudError(thrown) }
  }
}

async function subscribe(session: Session, feed: Feed, message: UpOf<'subscribe'>): Promise<void> {
  if (feed.followed.has(message.id))
    throw new CloudError('PROTOCOL_ERROR', { errMsg: 'a subscription id in use' })
  const isTooMany = feed.followed.size >= session.limits.subscriptions
  const wanted = isTooMany
    ? new CloudError('EXCEED_REQUEST_LIMIT', {
        errMsg: `more than ${session.limits.subscriptions} subscriptions`,
      })
    : await look(feed, { ...message, complete: false })
  if (!feed.isOpen) return
  const error = wanted instanceof CloudError ? wanted : follow(feed, wanted)
  if (error) session.send({ type: 'denied', id: message.id, error: errorData(error) })
  else feed.first.snapshot(message.id, message)
}

async function openText(session: Session, feed: Feed, message: UpOf<'openText'>): Promise<void> {
  if (feed.texts.has(message.id) || feed.texts.size < limits.openTexts) return feed.texts.open(message)
  const error = new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: `more than ${limits.openTexts} texts open` })
  session.send({ type: 'textClosed', id: message.id, error: errorData(error) })
}

function have(feed: Feed, { id, of, buckets, documents }: UpOf<'have'>): void {
  feed.first.differences(id, documents && { of, buckets: new Set(buckets), versions: new Map(documents) })
}

/** Asked for once, in the welcome. */
async function recall(session: Session, feed: Feed, { documents }: UpOf<'recall'>): Promise<void> {
  const { recalled } = session
  if (!recalled) throw new CloudError('PROTOCOL_ERROR', { errMsg: 'a recall that nobody asked for' })
  session.recalled = undefined
  await recallNamed(feed, documents)
  recalled()
}

/** The answer goes in one frame. */
async function aggregate(session: Session, message: UpOf<'aggregate'>): Promise<Value> {
  const aggregation = parseAggregation(message.aggregation)
  const executor = session.options.environment.executorFor(session.actor)
  const { results = [] } = await executor.run({ verb: 'aggregate', aggregation })
  if (encode(results).length * 3 > limits.frameBytes)
    throw new CloudError('DATABASE_REQUEST_FAILED', {
      errMsg: `aggregate: the answer is too large for one message: add a limit stage, or project less`,
      details: { limit: 'frameBytes' },
    })
  return results
}

function call(session: Session, { name, data }: UpOf<'call'>): Promise<Value> {
  const { invoke, wire } = session.options
  return invoke({
    name,
    data: fromJson(data, { keys: 'call' }),
    actor: session.actor,
    ...(wire.address !== undefined && { clientIp: wire.address }),
  })
}

async function merge(session: Session, { token }: UpOf<'merge'>): Promise<Value> {
  const { users } = session.options
  if (!users || session.openid === undefined)
    throw new CloudError('INVALID_PARAM', { errMsg: 'merge: there are only anonymous users here' })
  return { ...(await users.merge(token, session.openid)) }
}

/** Begins what is asked, in order; its answer comes when it comes. */
function answer(session: Session, id: number, ask: () => Promise<Value>): void {
  if (session.running >= session.limits.running) {
    const error = new CloudError('EXCEED_REQUEST_LIMIT', {
      errMsg: `more than ${session.limits.running} questions at once`,
    })
    session.send({ type: 'answer', id, error: errorData(error) })
    return
  }
  session.running++
  void run(ask)
    .then(
      result => session.send({ type: 'answer', id, result: toJson(result) }),
      thrown => session.send({ type: 'answer', id, error: errorData(toCloudError(thrown)) }),
    )
    .finally(() => {
      session.running--
    })
}

async function run<T>(ask: () => Promise<T>): Promise<T> {
  return ask()
}
