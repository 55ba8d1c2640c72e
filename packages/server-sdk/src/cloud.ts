import { CloudError, decodeTrusted, toJson } from '@nearcloud/protocol'
import { createDatabase, type DatabaseOptions } from '@nearcloud/query'
import { type TransactionalDatabase, withTransactions } from '@nearcloud/query/transactions'
import type { CallResult, LogLevel } from './channel.ts'
import { serverExecutor } from './executor.ts'
import { jsonValue } from './json-value.ts'
import { newId } from './new-id.ts'
import { ask, calls, currentRuntime } from './runtime.ts'
import { beginTransaction } from './transactions.ts'

export const version = '0.1.0'

/** Stands for the environment the function runs in. */
export const DYNAMIC_CURRENT_ENV: unique symbol = Symbol('DYNAMIC_CURRENT_ENV')

type EnvName = string | typeof DYNAMIC_CURRENT_ENV

export interface InitOptions {
  /** The server has one environment, and a function runs in it: another name is answered with a warning in the log. */
  readonly env?: EnvName | { readonly [service: string]: EnvName }
  /** Default true: `doc(id).get()` of nothing rejects; false: its data is null. */
  readonly throwOnNotFound?: boolean
}

export interface WXContext {
  /** Absent where nobody signed in: a trigger, a stranger, the operator. */
  OPENID?: string
  /** Of a user of WeChat who signed in when WeChat knew the app's owner. */
  UNIONID?: string
  APPID?: string
  ENV?: string
  SOURCE?: string
  /** Where the person is who called, or the HTTP request came from: one of the two. */
  CLIENTIP?: string
  CLIENTIPV6?: string
}

let settings: InitOptions | undefined

export function init(options: InitOptions = {}): void {
  settings = options
  warnOfOtherEnv(options)
}

/** Changes some of what `init` was told. */
export function updateConfig(options: InitOptions = {}): void {
  init({ ...initialised(), ...options })
}

/** A server has one environment: another name is told to the log. */
export function warnOfOtherEnv(options: InitOptions): void {
  const { env } = currentRuntime()
  const named = typeof options.env === 'object' ? Object.values(options.env) : [options.env]
  const other = named.find(name => typeof name === 'string' && name !== env)
  if (other !== undefined)
    log('warn', `init names the environment "${String(other)}"; this server has "${env}"`)
}

/**
 * The database as the server itself sees it: no rule filters what a function reads or writes. Asked for here, `throwOnNotFound: false`
 * makes what `doc(id).get()` finds a document or null in its type too; asked for in `init` the type cannot know of it.
 */
export function database(options: { throwOnNotFound: false }): TransactionalDatabase<null>
export function database(options?: { throwOnNotFound?: boolean }): TransactionalDatabase
export function database(options: { throwOnNotFound?: boolean } = {}): TransactionalDatabase {
  return openDatabase({ ...initialised(), ...options })
}

export function openDatabase({
  throwOnNotFound = true,
}: Pick<InitOptions, 'throwOnNotFound'>): TransactionalDatabase {
  const settings: DatabaseOptions = {
    newId,
    limits: { default: 100, max: 1_000 },
    side: 'server',
    throwOnNotFound,
    now: Date.now,
  }
  return withTransactions(createDatabase(serverExecutor, settings), settings, beginTransaction)
}

/** Who is behind the running invocation; empty outside one. */
export function getWXContext(): WXContext {
  const call = calls.getStore()
  if (!call) return {}
  const { env, appId } = currentRuntime()
  return {
    ...(call.openid !== undefined && { OPENID: call.openid }),
    ...(call.unionid !== undefined && { UNIONID: call.unionid }),
    APPID: appId,
    ENV: env,
    SOURCE: call.source,
    ...addressOf(call.clientIp ?? ''),
  }
}

/** Calls another function in the name of the same person. `data` makes the trip as JSON, as in the original. */
export async function callFunction(options: {
  name: string
  data?: unknown
}): Promise<{ result: unknown; errMsg: string; requestID: string }> {
  initialised()
  return callByName(options)
}

export async function callByName(
  options: Parameters<typeof callFunction>[0],
): ReturnType<typeof callFunction> {
  if (typeof options?.name !== 'string' || options.name === '')
    throw new CloudError('INVALID_PARAM', { errMsg: 'callFunction:fail 函数名不能为空' })
  const data = toJson(jsonValue(options.data ?? {}, { name: 'data', keys: 'call', onCircle: circularData }))
  const frame = JSON.stringify({ type: 'call', id: 1, name: options.name, data })
  try {
    const { requestId, text } = (await ask('call', frame)) as CallResult
    return {
      result: JSON.parse(JSON.stringify(decodeTrusted(text, 'call'))),
      errMsg: 'callFunction:ok',
      requestID: requestId,
    }
  } catch (thrown) {
    if (!(thrown instanceof CloudError)) throw thrown
    const { code, errMsg, details } = thrown
    throw new CloudError(code, { errMsg: `callFunction:fail ${errMsg}`, details, cause: thrown })
  }
}

/** Structured lines in the function's log: each takes one object. */
export function logger(): Record<'log' | 'info' | 'warn' | 'error', (entry: object) => void> {
  const at = (level: LogLevel) => (entry: object) => {
    if (typeof entry !== 'object' || entry === null)
      throw new CloudError('INVALID_PARAM', { errMsg: 'logger: the argument must be an object' })
    log(level, JSON.stringify(entry))
  }
  return { log: at('info'), info: at('info'), warn: at('warn'), error: at('error') }
}

function addressOf(ip: string): Pick<WXContext, 'CLIENTIP' | 'CLIENTIPV6'> {
  if (ip === '') return {}
  const mapped = /^::ffff:([\d.]+)$/i.exec(ip)?.[1]
  return ip.includes(':') && mapped === undefined ? { CLIENTIPV6: ip } : { CLIENTIP: mapped ?? ip }
}

function circularData(): Error {
  return new CloudError('INVALID_PARAM', { errMsg: 'callFunction:fail 对象出现了循环引用' })
}

function log(level: LogLevel, text: string): void {
  const call = calls.getStore()
  currentRuntime().send({ type: 'log', level, text, ...(call && { call: call.id }) })
}

function initialised(): InitOptions {
  if (settings) return settings
  throw new CloudError('NOT_INITIALIZED', {
    errMsg: "Cloud API isn't enabled, please call init first",
  })
}
