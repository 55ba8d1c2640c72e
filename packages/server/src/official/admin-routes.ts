import { type Clock, type Json, limits, parseJson, toHex } from '@nearcloud/protocol'
import { CloudbaseError, cloudbaseError } from '@nearcloud/query/dialects'
import type { Context, Hono } from 'hono'
import { originOf } from '../http/origin-of.ts'
import { readText } from '../http/read-text.ts'
import type { Log } from '../log-line.ts'
import { databaseActions } from './database-actions.ts'
import { fileActions } from './file-actions.ts'
import { functionActions } from './function-actions.ts'
import { logFailure } from './log-failure.ts'
import type { Action, Caller, Host } from './official-call.ts'
import { bearerOf } from './signing/access-key.ts'
import { Admission, type Signer } from './signing/admission.ts'
import { watchActions } from './watch-actions.ts'
import { isFields } from './wire/shapes.ts'

export interface AdminRoutesOptions extends Pick<Host, 'env' | 'random' | 'files' | 'leaves'> {
  readonly clock: Clock
  readonly log: Log
  /** Undefined for a name that no key has. */
  signerOf(secretId: string): Signer<Caller> | undefined
  /** Of those that may be shown whole. */
  operatorOf(secretId: string): Signer<Caller> | undefined
}

/**
 * `POST /admin`: the one address of `wx-server-sdk` and `@cloudbase/node-sdk`, for requests that are signed with a key of this server, or show
 * it whole.
 * Every answer is 200 and JSON, as theirs is; a failure is `{ code, message, requestId }`.
 */
export function addAdminRoutes(app: Hono, options: AdminRoutesOptions): void {
  const admission = new Admission(options.clock, options.signerOf)

  app.post('/admin', async c => {
    const requestId = toHex(options.random(16))
    try {
      const bearer = bearerOf(c.req.header('authorization'), options.operatorOf)
      const { caller, body } = await admitted(c, admission, bearer)
      const { action, envName } = body
      if (envName !== '' && envName !== options.env)
        throw new CloudbaseError('INVALIID_ENV', `there is no environment ${JSON.stringify(envName)} here`)
      const host = { ...options, origin: originOf(c) }
      const answer = await actionOf(action)(caller, parametersOf(body), host)
      return c.json({ ...answer, requestId })
    } catch (thrown) {
      const { code, message } = cloudbaseError(thrown)
      if (code === 'SYS_ERR') logFailure(options.log, thrown)
      return c.json({ code, message: code === 'SYS_ERR' ? 'the server failed' : message, requestId })
    }
  })
}

async function admitted(
  c: Context,
  admission: Admission<Caller>,
  bearer: Caller | undefined,
): Promise<{ caller: Caller; body: Body }> {
  // whoever has a key of the server is no web page
  if (c.req.header('origin') !== undefined)
    throw new CloudbaseError('INVALID_REQUEST_SOURCE', 'no web page asks here')
  if (!bearer && !admission.knows(c.req.header('authorization')))
    throw new CloudbaseError('SIGN_PARAM_INVALID', 'the request is not signed with a key of this server')
  const text = await readText(c.req.raw, limits.frameBytes)
  if (text === undefined)
    throw new CloudbaseError('INVALID_PARAM', `a request has at most ${limits.frameBytes} bytes of text`)
  const body = parseJson(text, limits.depth + 3)
  if (!isFields(body)) throw new CloudbaseError('INVALID_PARAM', 'a request is an object')
  if (bearer) return { caller: bearer, body: body as Body }
  const { pathname, search } = new URL(c.req.url)
  const caller = admission.admit(
    {
      method: c.req.method,
      host: c.req.header('host') ?? '',
      path: pathname,
      query: search.slice(1),
      header: name => c.req.header(name),
    },
    body as Body,
  )
  return { caller, body: body as Body }
}

type Body = { readonly [key: string]: Json }

function actionOf(name: unknown): Action {
  const action = typeof name === 'string' ? actions.get(name) : undefined
  if (action) return action
  throw new CloudbaseError('INVALID_PARAM', `there is no action ${JSON.stringify(name)?.slice(0, 100)} here`)
}

/** SDKs leave out what is undefined, and say null for some of it. */
function parametersOf(body: Body): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
}

const actions = new Map(
  [databaseActions, functionActions, fileActions, watchActions].flatMap(table => Object.entries(table)),
)
