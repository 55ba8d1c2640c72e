import { limits, type Millis, type RandomBytes, toHex } from '@nearcloud/protocol'
import {
  type PollAnswer,
  type PollQuestion,
  pollAnswerText,
  pollContentType,
  readPollQuestion,
} from '@nearcloud/protocol/polls'
import type { Context, Hono } from 'hono'
import type { Wire } from '../session/wire.ts'
import { addressOf } from './address-of.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import { PollConnection, type PollConnectionOptions, type SessionEnd } from './poll-connection.ts'
import { readText } from './read-text.ts'
import { traceHeaders } from './trace-headers.ts'

export interface PollRoutesOptions {
  readonly sessions: { begin(wire: Wire): SessionEnd | undefined }
  readonly doorkeeper: Doorkeeper
  readonly random: RandomBytes
  readonly after: PollConnectionOptions['after']
  readonly limits?: Partial<PollLimits>
}

export interface PollLimits {
  readonly holdMs: Millis
  readonly idleMs: Millis
}

/**
 * `POST /sync/poll`: a session over requests, for who cannot have a WebSocket. What is said is `PollQuestion` and
 * `PollAnswer` of the protocol; a question's ticket is all it needs, so any page of an origin that may come in may ask.
 *
 * Returns the way to end: conversations that are being closed get a moment for their last words.
 */
export function addPollRoutes(app: Hono, options: PollRoutesOptions): () => Promise<void> {
  const { doorkeeper, random, after, sessions } = options
  const { holdMs, idleMs } = { ...usualLimits, ...options.limits }
  const open = new Map<string, PollConnection>()
  let emptied = () => {}

  app.all('/sync/poll', async c => {
    const origin = c.req.header('origin')
    if (!doorkeeper.mayEnter(origin))
      return c.json({ code: 'PROTOCOL_ERROR', errMsg: 'not from this origin' }, 403)
    const headers = answerHeaders(origin)
    if (c.req.method === 'OPTIONS') return c.body(null, 204, { ...headers, ...preflight })
    if (c.req.method !== 'POST') return c.body(pollAnswerText({ kind: 'refused' }), 405, headers)
    const body = await readText(c.req.raw, mostBodyBytes)
    const question = body === undefined ? undefined : readPollQuestion(body)
    const answer = question ? await answerTo(question, c) : ({ kind: 'refused' } as const)
    return c.body(pollAnswerText(answer), statuses[answer.kind] ?? 200, headers)
  })

  const end = async () => {
    if (open.size === 0) return
    await new Promise<void>(resolve => {
      emptied = resolve
      setTimeout(resolve, closingMs)
    })
    for (const connection of [...open.values()]) connection.drop()
  }
  return end

  function answerTo(question: PollQuestion, c: Context): Promise<PollAnswer> | PollAnswer {
    if (question.kind === 'open') return begin(c)
    const connection = open.get(question.ticket)
    if (!connection) return { kind: 'gone' }
    switch (question.kind) {
      case 'send':
        return connection.receive(question.offset, question.text)
      case 'poll':
        return connection.tell(
          question.offset,
          Math.min(question.mostBytes, mostAnswerBytes),
          c.req.raw.signal,
        )
      case 'end':
        connection.drop()
        return { kind: 'ended' }
    }
  }

  function begin(c: Context): PollAnswer {
    const address = addressOf(c)
    const visit = doorkeeper.enter(address, 'poll')
    if (!visit) return { kind: 'busy' }
    const ticket = toHex(random(16))
    const connection = new PollConnection({
      address,
      holdMs,
      idleMs,
      mostBuffered: 2 * limits.frameBytes,
      after,
      greeted: () => visit.greeted(),
      ended: () => {
        open.delete(ticket)
        visit.left()
        if (open.size === 0) emptied()
      },
    })
    open.set(ticket, connection)
    const session = sessions.begin(connection)
    if (!session) {
      connection.drop()
      return { kind: 'busy' }
    }
    connection.attach(session)
    return { kind: 'opened', ticket, holdMs }
  }
}

function answerHeaders(origin: string | undefined): Record<string, string> {
  return {
    'content-type': pollContentType,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(origin !== undefined && { 'access-control-allow-origin': origin, vary: 'origin' }),
  }
}

/** Our own client asks without one; a page that traces its requests does not. */
const preflight = {
  'access-control-allow-methods': 'POST',
  'access-control-allow-headers': ['content-type', ...traceHeaders].join(', '),
  'access-control-max-age': '86400',
}

const statuses: { readonly [kind in PollAnswer['kind']]?: 400 | 410 | 503 } = {
  refused: 400,
  gone: 410,
  busy: 503,
}
/** For last words. */
const closingMs = 1_000
const usualLimits: PollLimits = { holdMs: 20_000, idleMs: 30_000 }
/** A piece of text has 256 KB at most. */
const mostBodyBytes = 524_288
const mostAnswerBytes = 1_048_576
