import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createDice } from '../scenario/dice.ts'
import type { HealthyReport } from './healthy-client.ts'
import { sendRequests, whoStorms } from './http.ts'
import { rssOf } from './memory.ts'
import { startServerProcess } from './server-process.ts'
import { fuzzSockets } from './ws.ts'

export interface StormReport {
  readonly frames: number
  readonly sockets: number
  readonly requests: number
  readonly statuses: Readonly<Record<string, number>>
  /** Answers of a defect (500), or with what nobody but its owner may see; a few of them. */
  readonly bad: readonly string[]
  readonly isAlive: boolean
  readonly rssGrowthMb: number
  readonly healthy: HealthyReport
  readonly seconds: number
}

/**
 * Hostile frames and requests at once against one server process, while a healthy client in another process writes and reads.
 * Rejects when the server is gone, or the healthy client is not served.
 */
export async function storm(options: {
  readonly project: string
  readonly data: string
  readonly frames: number
  readonly requests: number
  readonly seed: number
}): Promise<StormReport> {
  const server = await startServerProcess(options.project, options.data)
  try {
    const { url, pid } = server
    const known = await whoStorms(url)
    const dice = createDice(options.seed)
    const probe = async () => {}
    const warmUp = { url, known, dice, count: Math.min(2_000, options.requests / 10) }
    await sendRequests(warmUp)
    const before = rssOf(pid)
    const client = await startHealthyClient(url)
    const began = performance.now()
    const [sockets, said] = await Promise.all([
      fuzzSockets({ url, pid, count: options.frames, seed: options.seed, probe }),
      sendRequests({ url, known, dice, count: options.requests }),
    ])
    const seconds = Math.round((performance.now() - began) / 100) / 10
    const healthy = await client.stop()
    return {
      ...{ frames: sockets.frames, sockets: sockets.sockets, ...said },
      isAlive: server.isAlive(),
      rssGrowthMb: Math.round((rssOf(pid) - before) / 1024),
      ...{ healthy, seconds },
    }
  } finally {
    await server.stop()
  }
}

async function startHealthyClient(url: string): Promise<{ stop(): Promise<HealthyReport> }> {
  const child: ChildProcess = fork(resolve(import.meta.dirname, '../../dist/fuzz/healthy-client.js'), [url], {
    execArgv: [], // not those of a test runner
  })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the healthy client ended with ${code}`)
  })
  ended.catch(() => undefined)
  const next = async () => (await Promise.race([once(child, 'message'), ended]))[0] as unknown
  await next()
  return {
    async stop() {
      child.send('stop')
      return (await next()) as HealthyReport
    },
  }
}
