import { limits, parseJson } from '@nearcloud/protocol'
import type { Database } from '@nearcloud/query'
import { CloudbaseError } from '@nearcloud/query/dialects'
import type { Context, Hono } from 'hono'
import type { Actor } from '../../actor.ts'
import type { Tokens } from '../../auth/tokens.ts'
import type { Files } from '../../files/files.ts'
import type { Functions } from '../../functions/functions.ts'
import { addressOf } from '../../http/address-of.ts'
import { originOf } from '../../http/origin-of.ts'
import { watchPath } from '../../http/watch-socket.ts'
import { eventFrom } from '../database-actions.ts'
import { fileActions } from '../file-actions.ts'
import { reviveEjson } from '../wire/ejson.ts'
import { fieldsOf, textOf } from '../wire/shapes.ts'
import type { Parameters } from './collection-work.ts'
import type { UserTransactions } from './user-transactions.ts'
import { webDatabaseActions } from './web-database-actions.ts'
import { bodyOf, type WebDoor } from './web-door.ts'

export interface WebActionOptions {
  readonly env: string
  readonly tokens: Tokens
  readonly door: WebDoor
  readonly files: Pick<Files, 'ask' | 'wholeUpload' | 'copy'>
  readonly functions: Pick<Functions, 'invoke'>
  readonly transactions: UserTransactions
  databaseFor(actor: Actor): Database
}

interface Visit {
  readonly c: Context
  readonly requestId: string
  readonly actor: Actor & { readonly kind: 'user' }
  readonly parameters: Parameters
}

/**
 * `POST /web` with `{ "action", "access_token", … }`: everything `@cloudbase/js-sdk` asks whose `endPointMode` is `CLOUD_API`, and of every other
 * leave to open a socket for watches. What is wrong with a request is told with 200, as this way has it.
 */
export function addWebActionRoutes(app: Hono, options: WebActionOptions): void {
  const { env, door } = options
  door.open(app, '/web')
  app.post('/web', c =>
    door.answer(
      c,
      async requestId => {
        const { access_token: token = '', ...body } = fieldsOf(await bodyOf(c), 'a request')
        const actor = await door.userBy(c, textOf(token, 'access_token'))
        if (body.env !== undefined && body.env !== env)
          throw new CloudbaseError('INVALIID_ENV', `there is no environment ${quoted(body.env)} here`)
        const visit = { c, requestId, actor, parameters: body }
        return { ...(await answerTo(options, visit, token as string)), requestId }
      },
      { isToldWith200: true },
    ),
  )
}

async function answerTo(options: WebActionOptions, visit: Visit, token: string): Promise<object> {
  const { action } = visit.parameters
  if (typeof action === 'string') {
    if (action === 'auth.wsWebSign') return leaveToWatch(options, visit, token)
    if (action === 'functions.invokeFunction') return invoke(options, visit)
    if (Object.hasOwn(fileActions, action)) {
      const host = { files: options.files, origin: originOf(visit.c) }
      return fileActions[action]!(visit, visit.parameters, host)
    }
    if (Object.hasOwn(webDatabaseActions, action)) return askDatabase(options, visit, action)
  }
  throw new CloudbaseError('INVALID_PARAM', `there is no action ${quoted(action)} here`)
}

async function leaveToWatch({ env, tokens }: WebActionOptions, { c, actor }: Visit, token: string) {
  const { round } = await tokens.read('access', env, token)
  const signStr = await tokens.sign('access', env, actor.openid, signMs, round)
  const wsUrl = `${originOf(c).replace(/^http/, 'ws')}${watchPath}?sign=${signStr}`
  return { data: { signStr, wsUrl, secretVersion: 1, envId: env } }
}

/** With `parse` the result is JSON in the answer, else a text of it. */
async function invoke({ functions }: WebActionOptions, { c, requestId, actor, parameters }: Visit) {
  const { function_name: name, request_data: said = '', parse } = parameters
  const text = textOf(said, 'request_data')
  const result = await functions.invoke({
    name: textOf(name, 'function_name'),
    data: eventFrom(text === '' ? {} : parseJson(text, limits.depth)),
    actor,
    requestId,
    clientIp: addressOf(c),
  })
  return { data: { response_data: parse === true ? result : JSON.stringify(result) } }
}

async function askDatabase(
  { transactions, databaseFor }: WebActionOptions,
  { actor, parameters: said }: Visit,
  action: string,
): Promise<object> {
  const parameters = fieldsOf(reviveEjson(said as never), 'a request')
  const { transactionId } = parameters
  const isInside = transactionId !== undefined && !endings.has(action)
  const database = isInside ? transactions.get(actor, transactionId) : databaseFor(actor)
  return webDatabaseActions[action]!({ actor, parameters, transactions, database })
}

function quoted(given: unknown): string | undefined {
  return JSON.stringify(given)?.slice(0, 100)
}

const endings = new Set(['database.commitTransaction', 'database.abortTransaction'])
/** The SDKs use one for a minute. */
const signMs = 90_000
