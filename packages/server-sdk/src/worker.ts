/*
 * The process of a cloud function. The server forks it, says `start` and then `invoke` as often as it likes; everything
 * the function wants of the cloud goes back as an `ask`. It ends when the server does, whatever the function is doing.
 */
import { Worker } from 'node:worker_threads'
import { encode } from '@nearcloud/protocol'
import { withVariables } from './call-variables.ts'
import {
  type FromWorker,
  type InvokeMessage,
  maxResultLength,
  type StartMessage,
  type Thrown,
  type ToWorker,
} from './channel.ts'
import { forwardConsole } from './console.ts'
import { eventFromText } from './event-text.ts'
import { answerRequest, requestEvent } from './http-response.ts'
import { jsonValue } from './json-value.ts'
import { loadFunction, type Main } from './load-function.ts'
import { answered, calls, enterRuntime } from './runtime.ts'

const send = takeChannel()
/** As declared, and as they were at the start. */
const variables = { ...process.env }
let started: StartMessage | undefined
let main: Main | undefined

process.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'start':
      started = message
      void start(message)
      break
    case 'invoke':
      void invoke(message)
      break
    case 'answer':
      answered(message)
      break
    case 'ping':
      send({ type: 'pong' })
  }
})
process.on('disconnect', () => process.exit())
process.on('uncaughtExceptionMonitor', error => send({ type: 'crashed', error: thrownFrom(error) }))
// A loop in the function would keep this thread from noticing that the server is gone.
// Where a process may have no threads, whoever started it sees to its end.
if (mayHaveThreads())
  new Worker(new URL('./parent-watch.js', import.meta.url), {
    workerData: { parent: process.ppid },
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2 },
  }).unref()

async function start(message: StartMessage): Promise<void> {
  enterRuntime({ env: message.env, appId: message.appId, send })
  forwardConsole((level, text) => {
    const call = calls.getStore()
    send({ type: 'log', level, text, ...(call && { call: call.id }) })
  })
  try {
    main = await loadFunction(message)
    send({ type: 'ready' })
  } catch (error) {
    send({ type: 'unloadable', error: thrownFrom(error) })
  }
}

async function invoke({ call, event }: InvokeMessage): Promise<void> {
  try {
    const text = await withVariables(call, () =>
      calls.run(call, async () => {
        if (call.http) return answerRequest(await main!(requestEvent(event, call.http), contextOf(call)))
        return encode(jsonValue(await main!(eventFromText(event), contextOf(call)), called))
      }),
    )
    if (text.length > maxResultLength)
      throw new Error(`the result is larger than 1 MB (${text.length} characters)`)
    send({ type: 'returned', call: call.id, text, memoryMb: memoryMb() })
  } catch (error) {
    send({ type: 'threw', call: call.id, error: thrownFrom(error), memoryMb: memoryMb() })
  }
}

/** Asking costs a quarter of a millisecond, so not after every call of a busy process. */
function memoryMb(): number {
  const now = performance.now()
  if (now - measuredAt > measureEveryMs) {
    measuredAt = now
    measuredMb = Math.round(process.memoryUsage.rss() / 1_048_576)
  }
  return measuredMb
}

let measuredAt = Number.NEGATIVE_INFINITY
let measuredMb = 0
const measureEveryMs = 100
const called = { name: 'result', keys: 'call' } as const

function contextOf(call: InvokeMessage['call']) {
  return {
    request_id: call.id,
    function_name: started!.name,
    function_version: '$LATEST',
    namespace: started!.env,
    memory_limit_in_mb: call.memoryMb,
    time_limit_in_ms: call.timeLimitMs,
    environ: Object.entries(variables)
      .map(([name, text]) => `${name}=${text}`)
      .join(';'),
    environment: JSON.stringify({ ...variables, ...call.variables }),
  }
}

/** Asked of Node's permissions; without them a process may. */
function mayHaveThreads(): boolean {
  const { permission } = process as { permission?: { has(scope: string): boolean } }
  return !permission || process.platform === 'win32'
}

/** The way to the server, taken from where the function's code could find it. */
function takeChannel(): (message: FromWorker) => void {
  const send = process.send?.bind(process)
  if (!send) throw new Error('this program is started by a nearcloud server, for one cloud function')
  Reflect.deleteProperty(process, 'send')
  Reflect.deleteProperty(process, 'disconnect')
  // Not delivered: the server is gone, and this process goes with it.
  return message => void send(message, undefined, undefined, () => {})
}

function thrownFrom(error: unknown): Thrown {
  const { message, errMsg, stack } = (typeof error === 'object' && error !== null ? error : {}) as {
    message?: unknown
    errMsg?: unknown
    stack?: unknown
  }
  const words = [message, errMsg].find(text => typeof text === 'string' && text !== '')
  return {
    message: typeof words === 'string' ? words : String(error),
    ...(typeof stack === 'string' && { stack }),
  }
}
