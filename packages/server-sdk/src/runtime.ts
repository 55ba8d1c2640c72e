import { AsyncLocalStorage } from 'node:async_hooks'
import { CloudError, errorFromData } from '@nearcloud/protocol'
import type { AnswerMessage, AskVerb, Call, FromWorker } from './channel.ts'

/** The process a function runs in, as the SDK sees it. */
export interface Runtime {
  readonly env: string
  readonly appId: string
  send(message: FromWorker): void
}

/** The invocation whose code is running; concurrent ones keep their own through every await. */
export const calls = new AsyncLocalStorage<Call>()

let runtime: Runtime | undefined
let asked = 0
const waiting = new Map<number, { resolve(result: unknown): void; reject(error: CloudError): void }>()

/** Said once, by the worker. */
export function enterRuntime(entered: Runtime): void {
  runtime = entered
}

/** Throws NOT_INITIALIZED outside a function's process. */
export function currentRuntime(): Runtime {
  if (runtime) return runtime
  throw new CloudError('NOT_INITIALIZED', {
    errMsg:
      'wx-server-sdk works inside a cloud function only: this process was not started by a nearcloud server',
  })
}

/** Asks the server in the name of the running invocation. Rejects with the server's error. */
export async function ask(verb: AskVerb, text: string): Promise<unknown> {
  const { send } = currentRuntime()
  const call = calls.getStore()
  if (!call)
    throw new CloudError('ABORTED', {
      errMsg: 'the cloud was asked outside an invocation: ask inside exports.main, and await what it answers',
    })
  const id = ++asked
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject })
    send({ type: 'ask', ask: id, call: call.id, verb, text })
  })
}

/** Hands an answer to the one who asked. */
export function answered(message: AnswerMessage): void {
  const asker = waiting.get(message.ask)
  waiting.delete(message.ask)
  if (message.error) asker?.reject(errorFromData(message.error))
  else asker?.resolve(message.result)
}
