import {
  CloudError,
  type Document,
  errorFromData,
  type Millis,
  newDocId,
  type Value,
} from '@nearcloud/protocol'
import type { Environment } from '../../commit/environment.ts'
import { findFirst } from '../../commit/find.ts'
import { isQueueName } from './queue-config.ts'

/** The server's own collection of what was sent and not yet taken. */
export const jobsCollection = '_jobs'

/** A message in a queue. */
export interface Job {
  readonly id: string
  readonly queue: string
  readonly data: Value
  readonly dueAt: Millis
  readonly sentAt: Millis
  /** Functions and triggers that led to it. */
  readonly depth: number
}

export interface SendOptions {
  /** Milliseconds to wait before it is brought, 0 unless told, at most 90 days. */
  readonly delay?: number | undefined
}

const everything = { orderBy: [], skip: 0 }
const admin = { kind: 'admin' } as const

/**
 * Sends a message; resolves with its id when it is durable. `once`: see `CommitRequest`. Throws INVALID_PARAM,
 * EXCEED_REQUEST_LIMIT when too many wait.
 */
export async function sendJob(
  environment: Environment,
  message: SendOptions & Pick<Job, 'queue' | 'data' | 'depth'> & { readonly once?: string },
): Promise<string> {
  const { queue, data, delay = 0, depth, once } = message
  if (!isQueueName(queue))
    throw new CloudError('INVALID_PARAM', {
      errMsg: 'a queue’s name is a letter, then up to 59 letters, digits, "_" or "-"',
    })
  if (typeof delay !== 'number' || !(delay >= 0 && delay <= longestDelayMs))
    throw new CloudError('INVALID_PARAM', { errMsg: 'delay is a number of milliseconds, 0 to 90 days' })
  if ((await environment.engine.size(environment.env, jobsCollection)) >= mostJobs)
    throw new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: `more than ${mostJobs} messages wait in queues` })
  const sentAt = environment.clock.now()
  const job = { queue, data, dueAt: Math.ceil(sentAt + delay), sentAt, depth }
  const { outcome, effects } = await environment.commit({
    actor: admin,
    writes: [{ op: 'add', collection: jobsCollection, id: newDocId(environment.random), data: job }],
    ...(once !== undefined && { once }),
  })
  if (outcome.status === 'accepted') return String(effects[0]!.id)
  const { code, reason, details } = outcome
  throw errorFromData({ code, errMsg: reason, details })
}

/** Messages of a queue that are due, the earliest first. */
export async function dueJobs(
  environment: Environment,
  queue: string,
  now: Millis,
  limit: number,
): Promise<readonly Job[]> {
  const where = [
    'and',
    [
      ['field', 'queue', ['eq', queue]],
      ['field', 'dueAt', ['lte', now]],
    ],
  ] as const
  const query = {
    ...everything,
    collection: jobsCollection,
    where,
    orderBy: [['dueAt', 'asc']] as const,
    limit,
  }
  return (await findFirst(environment, admin, query)).map(({ document }) => jobOf(document))
}

/** When the next message of a queue is due that is not due now. */
export async function nextDue(
  environment: Environment,
  queue: string,
  now: Millis,
): Promise<Millis | undefined> {
  const where = [
    'and',
    [
      ['field', 'queue', ['eq', queue]],
      ['field', 'dueAt', ['gt', now]],
    ],
  ] as const
  const query = {
    ...everything,
    collection: jobsCollection,
    where,
    orderBy: [['dueAt', 'asc']] as const,
    limit: 1,
  }
  const [found] = await findFirst(environment, admin, query)
  return found && jobOf(found.document).dueAt
}

/** Makes what finds them fast. */
export function indexJobs(environment: Environment): Promise<void> {
  const keys = [
    ['queue', 1],
    ['dueAt', 1],
  ] as const
  return environment.createIndex(jobsCollection, { name: 'due', keys, unique: false })
}

function jobOf({ _id, ...job }: Document): Job {
  return { id: String(_id), ...job } as unknown as Job
}

const longestDelayMs = 90 * 86_400_000
const mostJobs = 100_000
