import { createCloud } from '@nearcloud/node'
import { startServerProcess } from './server-process.ts'
import { type FuzzReport, fuzzSockets } from './ws.ts'

/** Hostile frames against a server process of its own, while a healthy client writes and is answered. */
export async function fuzzCommand(options: {
  readonly project: string
  readonly data: string
  readonly count: number
  readonly seed: number
}): Promise<FuzzReport & { readonly isAlive: boolean; readonly slowestProbeMs: number }> {
  const server = await startServerProcess(options.project, options.data)
  const cloud = createCloud()
  try {
    cloud.init({ endpoint: server.url, subscribe: { todos: true } })
    await cloud.whenSynced()
    const todos = cloud.database().collection('todos')
    let slowestProbeMs = 0
    const report = await fuzzSockets({
      ...options,
      url: server.url,
      pid: server.pid,
      async probe() {
        const began = performance.now()
        await todos.doc('probe').set({ data: { n: Date.now() }, wait: 'server' } as never)
        slowestProbeMs = Math.max(slowestProbeMs, Math.round(performance.now() - began))
      },
    })
    return { ...report, isAlive: server.isAlive(), slowestProbeMs }
  } finally {
    await cloud.close()
    await server.stop()
  }
}
