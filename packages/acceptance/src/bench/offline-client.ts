import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createCloud } from '@nearcloud/node'
import { benchId } from './documents.ts'
import { say, toldOptions } from './processes.ts'

export interface OfflineClientOptions {
  readonly url: string
  readonly env: string
  readonly folder: string
  /** Which of the clients it is. */
  readonly n: number
  readonly writes: number
}

/** How a client came to rest. */
export interface Quiet {
  /** Text of all its documents. */
  readonly all: string
  readonly rejected: number
  readonly longestBlockMs: number
  readonly cpuMs: number
}

/** A client that is offline for a day, in a process of its own: says when it has written, then does what it is told. */
const { url, env, folder, n, writes } = toldOptions<OfflineClientOptions>()
const documents = 200
const delay = monitorEventLoopDelay({ resolution: 1 })
const cloud = createCloud({ folder })
cloud.init({
  endpoint: url,
  env,
  subscribe: { tasks: true },
  queryLimits: { default: documents, max: documents },
})
await cloud.ready()
await cloud.whenSynced()
cloud.goOffline()
const { command: _, collection } = cloud.database()
const tasks = collection('tasks')
const writing: Promise<unknown>[] = []
for (let at = 0; at < writes; at++) {
  const id = benchId((at * 7 + n * 13) % documents)
  const data =
    at % 3 === 0 ? { count: _.inc(1) } : at % 3 === 1 ? { priority: at } : { tags: _.push([`${n}-${at}`]) }
  writing.push(tasks.doc(id).update({ data }))
}
await Promise.all(writing)

let cpuBefore = process.cpuUsage()
process.on('message', question => void answer(question as 'goOnline' | 'settle').then(say))
process.on('disconnect', () => process.exit(0))
say('written')

async function answer(question: 'goOnline' | 'settle'): Promise<unknown> {
  if (question === 'goOnline') {
    cpuBefore = process.cpuUsage()
    delay.enable()
    cloud.goOnline()
    await cloud.whenSynced()
    return 'pushed'
  }
  await cloud.whenSynced()
  delay.disable()
  const { user, system } = process.cpuUsage(cpuBefore)
  const { data } = await tasks.orderBy('_id', 'asc').get()
  const quiet: Quiet = {
    all: JSON.stringify(data),
    rejected: cloud.status().rejected,
    longestBlockMs: delay.max / 1e6 - 1,
    cpuMs: (user + system) / 1_000,
  }
  return quiet
}
