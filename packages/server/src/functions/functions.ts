import { randomBytes } from 'node:crypto'
import {
  type Clock,
  CloudError,
  decode,
  encode,
  type FilesAsk,
  isPlainObject,
  type Json,
  seedOfCall,
  toHex,
  type Value,
} from '@nearcloud/protocol'
import type { Executor } from '@nearcloud/query'
import {
  type AskVerb,
  type Call,
  type FilesResult,
  maxResultLength,
  type OpenapiResult,
} from '@nearcloud/server-sdk/channel'
import type { Actor } from '../actor.ts'
import type { TicketOptions, UserAdmin } from '../auth/user-admin.ts'
import { EffectNames } from '../commit/effect-names.ts'
import type { Environment } from '../commit/environment.ts'
import type { OpenapiCall } from '../openapi/openapi.ts'
import { spanOf, traceWork } from '../tracing/traces.ts'
import type { ServerTransaction } from '../transactions/server-transaction.ts'
import { TransactionScope } from '../transactions/transaction-scope.ts'
import { sendJob } from '../triggers/queues/jobs.ts'
import { carryOut } from './asks.ts'
import { executeFail, functionNotFound, functionsClosed, invokeDenied } from './function-errors.ts'
import type { HttpExchange } from './http/http-exchange.ts'
import { type JailWish, openJail } from './jail/open-jail.ts'
import { type RecordCall, recorded, timeOf } from './logs/call-record.ts'
import { Registry } from './registry.ts'
import type { FunctionCode, WarmFunction } from './warm-function.ts'

export interface FunctionsOptions extends Omit<JailWish, 'folder' | 'clock'> {
  /** The folder with a folder for each function (see `findFunctionsFolder`); undefined: there are none. */
  readonly folder: string | undefined
  readonly environment: Environment
  readonly clock: Clock
  /** What functions see as APPID. Default: the environment's name. */
  readonly appId?: string
  /** Serves the file methods of the SDK; absent: they are refused. */
  readonly files?: {
    ask(actor: Actor, ask: FilesAsk): Promise<Value>
    /** Where this server is reached over HTTP, for the bytes of files; empty: not yet. */
    url(): string
  }
  /** Calls the WeChat API; absent: it is refused. */
  readonly openapi?: (call: OpenapiCall) => Promise<OpenapiResult>
  /** Makes tickets for signing in; absent: there are none. */
  readonly createTicket?: (uid: string, options: TicketOptions) => Promise<string>
  /** Ends users and their sessions; absent: there are none with a name. */
  readonly users?: Pick<UserAdmin, 'delete' | 'endSessions'>
  /** Lets the official SDK of a function in, for one of its calls; absent: such functions reach nothing. */
  readonly officialSdk?: (call: OfficialCall) => OfficialVisit
  /** The name that all apps of one owner have for a user, where the user's host told it. */
  readonly unionidOf?: (openid: string) => Promise<string | undefined>
  /** Keeps what functions say and how their calls went. */
  readonly record?: RecordCall
  /** This function's process is started at once, for a debugger to come in at this port of the machine; 0: any. */
  readonly inspect?: { readonly function: string; readonly port: number }
  /** Calls of one function that run at once, as its configuration says unless told fewer, and that wait for one of them to end: 256. */
  readonly maxRunning?: number
  readonly maxWaiting?: number
}

export interface Invocation {
  readonly name: string
  readonly data: Value
  /** Who calls. A function's call runs one deeper than it, and keeps its `openid`. */
  readonly actor: Actor
  /** SOURCE of `getWXContext`; by the actor unless told. */
  readonly source?: string
  /** The request id; random unless told. */
  readonly requestId?: string
  /** Of a call that waited on a device, which a function that runs there, too, makes its ids from. */
  readonly key?: string
  /** Where the person is who began the chain. */
  readonly clientIp?: string
  /** Names the event it runs for: what it writes is done once, however often it runs. See `EffectNames`. */
  readonly once?: string
}

/** A request that a function answers. */
export interface HttpInvocation extends Pick<Invocation, 'name' | 'actor' | 'clientIp'> {
  /** JSON. */
  readonly event: string
  readonly requestId: string
  readonly streamsBody: boolean
  /** The route is open to everybody: no rule is asked. */
  readonly isPermitted: boolean
  readonly exchange: HttpExchange
}

export interface Functions {
  /**
   * Runs a function and answers what it returned, after its trip as JSON.
   *
   * Rejects with FUNCTION_NOT_FOUND; FUNCTIONS_EXECUTE_FAIL (it threw, its process ended, its answer cannot be sent, or
   * the caller may not); FUNCTIONS_TIME_LIMIT_EXCEEDED; EXCEED_REQUEST_LIMIT (try again later); ABORTED (stopping).
   */
  invoke(invocation: Invocation): Promise<Value>
  /** By name. */
  list(): readonly FunctionCode[]
  /** Calls that run may finish within two seconds; then every process is ended. */
  close(): Promise<void>
}

/** Functions that answer HTTP requests, too. */
export interface ServingFunctions extends Functions {
  /** Answers an HTTP request: as `invoke`, with a response's JSON for an answer, where the exchange has not begun one. */
  serve(request: HttpInvocation): Promise<string>
  /** Another one when `list` became another. */
  readonly revision: number
  /** Looks at the files of this function, so that `list` is as they are. */
  current(name: string): void
  /** Looks for functions that are new, once a second at most. */
  lookAround(): void
  /** What functions see as APPID. */
  readonly appId: string
}

/** A call of a function that uses an official SDK, and what stands behind it. */
export interface OfficialCall {
  readonly actor: FunctionActor
  readonly executor: Executor
  readonly source: string
  readonly appId: string
  readonly clientIp?: string
  readonly unionid?: string
  begin(lost?: ServerTransaction): Promise<ServerTransaction>
  callFunction(name: string, data: Value): Promise<Value>
}

export interface OfficialVisit {
  /** What the SDK reads of its environment. */
  readonly variables: Readonly<Record<string, string>>
  /** Nothing is let in any more, and what is open is not written. */
  end(): Promise<void>
}

/** An invocation, as its process gets it. */
interface Asked extends Pick<Invocation, 'name' | 'actor' | 'key' | 'clientIp'> {
  readonly requestId: string
  readonly source: string
  readonly event: string
  readonly isPermitted?: boolean
  readonly once?: string
  readonly http?: Call['http']
  readonly exchange?: HttpExchange
}

type FunctionActor = Actor & { readonly kind: 'function' }

/** Functions and triggers that lead to one another, at most. */
export const maxDepth = 16

/**
 * The functions of a folder, ready to be called; no process runs before the first call.
 *
 * Throws SERVER_CONFIGURATION when a function's `config.json` cannot be used.
 */
export function openFunctions(options: FunctionsOptions): ServingFunctions {
  const { environment, log, clock, maxRunning, maxWaiting = 256 } = options
  const { env, judge } = environment
  const appId = options.appId ?? env
  let closed = false

  const { folder, secret, runtimeFolder, isolation } = options
  const held =
    folder === undefined ? undefined : openJail({ folder, secret, runtimeFolder, isolation, log, clock })

  const registry = new Registry(options.folder, clock, folder => ({
    env,
    appId,
    clock,
    ...(maxRunning !== undefined && { maxRunning }),
    maxWaiting,
    jail: held!.jail,
    ...(options.inspect?.function === folder.name && {
      debug: [`--inspect=127.0.0.1:${options.inspect.port}`],
      onDebug: (address: string) => tellDebugger(folder.name, address),
    }),
    onLog(level, message, requestId) {
      const facts = { function: folder.name, ...(requestId !== undefined && { requestId }) }
      log({ level, event: 'function.log', message, facts })
      options.record?.({ time: timeOf(clock), level, message, ...facts })
    },
  }))

  function find(name: string, requestId: string): WarmFunction {
    try {
      const found = registry.find(name)
      if (found) return found
    } catch (error) {
      if (!(error instanceof CloudError)) throw error
      log({ level: 'error', event: 'function.config', message: error.errMsg, facts: { function: name } })
      throw executeFail(name, requestId, 'its config.json cannot be used: the log of the server says why')
    }
    throw functionNotFound(name)
  }

  function look(name: string): void {
    try {
      find(name, '')
    } catch (error) {
      if (!(error instanceof CloudError)) throw error // gone, or told to the log
    }
  }

  async function invoke({ name, data, actor, ...told }: Invocation): Promise<Value> {
    const requestId = told.requestId ?? toHex(randomBytes(16))
    const source = told.source ?? sourceOf(actor)
    const event = encode(eventOf(data, actor, appId))
    const { once, key, clientIp } = told
    const text = await run({ name, actor, requestId, source, event, ...given({ once, key, clientIp }) })
    return resultOf(name, requestId, text)
  }

  async function serve(request: HttpInvocation): Promise<string> {
    const { exchange, streamsBody, ...rest } = request
    return run({ ...rest, source: 'wx_http', http: { streamsBody }, exchange })
  }

  /** The text that the function's process answered. */
  async function run(asked: Asked): Promise<string> {
    const { name, actor, requestId, source, event, exchange, http, clientIp } = asked
    if (closed) throw functionsClosed()
    if (!asked.isPermitted && !judge.mayInvoke(actor, name)) throw invokeDenied(name)
    const depth = actor.kind === 'function' ? actor.depth + 1 : 0
    if (depth > maxDepth) throw tooDeep(name, requestId)
    await registry.settled(name)
    if (closed) throw functionsClosed()
    const found = find(name, requestId)
    const openid = openidOf(actor)
    const unionid = openid === undefined ? undefined : await options.unionidOf?.(openid)
    const { timeLimitMs, memoryMb, offline } = found.code.config
    const callSeed =
      offline && openid !== undefined && asked.key !== undefined ? seedOfCall(openid, asked.key) : undefined
    const seed = asked.once ?? callSeed
    const self: FunctionActor = { kind: 'function', name, depth, ...(openid !== undefined && { openid }) }
    const effects = asked.once === undefined ? undefined : new EffectNames(asked.once)
    const begin = (lost?: ServerTransaction) => environment.transactions.begin(self, { lost, effects })
    const transactions = new TransactionScope(begin)
    const executor = environment.executorFor(self, effects)
    async function callAnother(name: string, data: Value) {
      const requestId = toHex(randomBytes(16))
      const once = effects?.next(`call-${name}`)
      const caller = { actor: self, source: `${source},scf`, ...given({ once, clientIp }) }
      const result = await invoke({ name, data, requestId, ...caller })
      return { requestId, result }
    }
    const visit =
      found.isOfficial &&
      options.officialSdk?.({
        ...{ actor: self, executor, source, appId, begin },
        ...given({ clientIp, unionid }),
        callFunction: async (name, data) => (await callAnother(name, data)).result,
      })
    const call: Call = {
      id: requestId,
      source,
      timeLimitMs,
      memoryMb,
      ...given({ openid, unionid, clientIp, http, seed }),
      ...(visit && { variables: visit.variables }),
    }
    const behind = {
      transactions,
      executor,
      call: callAnother,
      openapi:
        options.openapi &&
        ((api: string, args: Json) => options.openapi!({ api, args, function: name, effects })),
      send: (queue: string, data: Value, delay: number | undefined) =>
        sendJob(environment, {
          queue,
          data,
          delay,
          depth,
          ...(effects && { once: effects.next(`send-${queue}`) }),
        }),
      files: (ask: FilesAsk) => askFiles(self, ask),
      createTicket: options.createTicket,
      users: options.users,
      exchange,
    }
    const ask = (verb: AskVerb, question: string) => carryOut(behind, verb, question)
    try {
      const facts = { 'nearcloud.function': name, 'nearcloud.request': requestId, 'nearcloud.source': source }
      return await traceWork('nearcloud.function', facts, { actor: self, parent: spanOf(actor) }, () =>
        recorded(options.record, clock, { function: name, requestId, source }, measured =>
          found.invoke({ call, event, ask, measured }),
        ),
      )
    } finally {
      await transactions.close()
      if (visit) await visit.end()
    }
  }

  function tellDebugger(name: string, address: string): void {
    const message = `"${name}" waits for a debugger at ${address}; its calls have no time limit`
    log({ level: 'info', event: 'function.inspect', message, facts: { function: name, address } })
  }

  async function askFiles(self: Actor, ask: FilesAsk): Promise<FilesResult> {
    const server = options.files?.url() ?? ''
    if (server === '' || !options.files)
      throw new CloudError('STORAGE_REQUEST_FAIL', { errMsg: 'this server keeps no files, or not yet' })
    return { text: encode(await options.files.ask(self, ask)), server }
  }

  function tooDeep(name: string, requestId: string): CloudError {
    const message = `the call of "${name}" was not made: a chain of more than ${maxDepth} functions and triggers`
    log({ level: 'error', event: 'function.depth', message, facts: { function: name, requestId } })
    return executeFail(name, requestId, message)
  }

  if (options.inspect) {
    const { function: name } = options.inspect
    const found = registry.find(name)
    if (!found)
      throw new CloudError('SERVER_CONFIGURATION', { errMsg: `there is no function "${name}" to look into` })
    found.warm()
  }

  return {
    invoke,
    serve,
    list: () => registry.list(),
    get revision() {
      return registry.revision
    },
    current: look,
    lookAround() {
      for (const name of registry.newNames()) look(name)
    },
    appId,
    async close() {
      closed = true
      await registry.close()
      await held?.close()
    },
  }
}

/** What is not undefined. */
function given<Facts extends object>(
  facts: Facts,
): { [name in keyof Facts]?: Exclude<Facts[name], undefined> } {
  return Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined)) as never
}

/** With the caller's identity as the platform adds it, and never one that the caller made up. */
function eventOf(given: Value, actor: Actor, appId: string): Value {
  const data = given ?? {}
  if (!isPlainObject(data)) return data
  switch (actor.kind) {
    case 'user':
      return { ...data, userInfo: { appId, openId: actor.openid } }
    case 'stranger': {
      const { userInfo: _, ...rest } = data
      return rest
    }
    default:
      return data
  }
}

function resultOf(name: string, requestId: string, text: string): Value {
  if (text.length > maxResultLength) throw executeFail(name, requestId, 'the result is larger than 1 MB')
  try {
    return decode(text, 'call')
  } catch (error) {
    throw executeFail(name, requestId, `the result cannot be sent (${(error as Error).message})`)
  }
}

function openidOf(actor: Actor): string | undefined {
  return actor.kind === 'user' || actor.kind === 'function' ? actor.openid : undefined
}

function sourceOf(actor: Actor): string {
  switch (actor.kind) {
    case 'admin':
      return 'wx_devtools'
    case 'function':
      return 'scf'
    default:
      return 'wx_client'
  }
}
