import { CloudError, fromJson, type Json, normalise, toHex, type Value } from '@nearcloud/protocol'
import { DraftedOutbox } from '@nearcloud/store/drafts'
import type { OfflineCall, OfflineFunctions, OfflineRun } from '../functions.ts'
import { LaidCalls, textOfWrites } from './laid-calls.ts'
import { type Caller, enter, Run } from './run.ts'

type Main = (event: unknown, context: unknown) => unknown

/** A function as its file exports it: `exports.main = …`, a module with `main`, or `main` itself. */
export type GivenFunction =
  | Main
  | { readonly main: Main }
  | { readonly default: { readonly main: Main } | Main }

/**
 * Functions to run on this device as well, by their names: for `init({ functions })`. `limitMs`: one that takes longer is left to
 * the server; default 3,000. Throws INVALID_PARAM for what is no function.
 */
export function offlineFunctions(
  given: Readonly<Record<string, GivenFunction>>,
  { limitMs = 3_000 }: { readonly limitMs?: number } = {},
): OfflineFunctions {
  const mains = new Map(Object.entries(given).map(([name, value]) => [name, mainOf(name, value)]))
  return {
    run(call) {
      const main = mains.get(call.name)
      return main && inTurn(call, main, limitMs)
    },
    attend: to => new LaidCalls(to),
    outbox: () => new DraftedOutbox(),
  }
}

/** One that does not come to its end keeps the others from being run here: it might write in their names. */
let isHanging = false
let last: Promise<unknown> = Promise.resolve()

function inTurn(call: OfflineCall, main: Main, limitMs: number): Promise<OfflineRun> {
  const { options, host } = call
  const key = options.key ?? toHex(host.random(16))
  const turn = last.then(() => (isHanging ? onServer : runHere(call, key, main, limitMs)))
  last = turn.catch(() => undefined)
  return turn.then(ran => ({ ...ran, key }))
}

async function runHere(
  call: OfflineCall,
  key: string,
  main: Main,
  limitMs: number,
): Promise<Omit<OfflineRun, 'key'>> {
  const { instance, host, options } = call
  const { setting, sync, store } = instance
  const caller: Caller = { key, openid: sync.openid, env: setting.env, store, clock: host.clock }
  const run = new Run(caller)
  const ended = () => {
    isHanging = false
    enter(undefined)
  }
  enter(run)
  const running = (async () =>
    resultOf(await main(eventOf(call.data, caller), contextOf(call.name, caller))))()
  running.then(ended, ended)
  let cancel: () => void = () => undefined
  const late = new Promise<'late'>(resolve => {
    cancel = host.clock.after(limitMs, () => resolve('late'))
  })
  try {
    const result = await Promise.race([running, late])
    if (result === 'late') isHanging = true
    else if (run.wish === undefined) {
      const effects = run.writes.length > 0 && { effects: textOfWrites(run.writes) }
      return { ...effects, isAtOnce: options.queue !== true, result: result.value }
    }
  } catch (thrown) {
    // depending on nothing but its data, it would say the same there
    if (run.wish === undefined && !run.hasRead) throw failed(call.name, thrown)
  } finally {
    cancel()
  }
  return onServer
}

const onServer = Object.freeze({ result: null })

/** An event of its own, as the server gives it. */
function eventOf(data: Value, { openid, env }: Caller): unknown {
  const event = copyOf(data)
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return event
  return { ...event, userInfo: { appId: env, openId: openid } }
}

function copyOf(value: Value): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyOf)
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copyOf(each as Value)]))
}

function contextOf(name: string, { key, env }: Caller) {
  return { request_id: key, function_name: name, function_version: '$LATEST', namespace: env }
}

/** After a trip as JSON, as it comes back from the server. */
function resultOf(returned: unknown): { readonly value: Value } {
  const text = JSON.stringify(returned)
  const value: Json = text === undefined ? null : (JSON.parse(text) as Json)
  return { value: normalise(fromJson(value, { keys: 'call' }), { name: 'result', keys: 'call' }) }
}

function failed(name: string, thrown: unknown): CloudError {
  const { message, errMsg } = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as Record<
    string,
    unknown
  >
  const words = [message, errMsg].find(text => typeof text === 'string' && text !== '') ?? String(thrown)
  return new CloudError('FUNCTIONS_EXECUTE_FAIL', {
    errMsg: `cloud.callFunction:fail Error: errCode: -504002 functions execute fail | errMsg: ${String(words)}`,
    details: { function: name },
    cause: thrown,
  })
}

function mainOf(name: string, given: GivenFunction): Main {
  const exported = given as { readonly main?: unknown; readonly default?: unknown }
  const inner = exported?.default as { readonly main?: unknown } | undefined
  const main = [exported?.main, inner?.main, inner, given].find(each => typeof each === 'function')
  if (main) return main as Main
  throw new CloudError('INVALID_PARAM', {
    errMsg: `offlineFunctions: "${name}" is neither a function nor a module that exports one as "main"`,
  })
}
