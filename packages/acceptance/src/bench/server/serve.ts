import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer } from '@nearcloud/server'
import { WebSocketServer } from 'ws'
import { say, toldOptions } from '../processes.ts'

export interface LoadedOptions {
  /** Everything of it is in here. */
  readonly folder: string
  /** 0, or that of the last time. */
  readonly port: number
  readonly rules: object
}

/** What this process says when it is ready. */
export interface Loaded {
  readonly url: string
  readonly port: number
  /** Sends what it gets to everybody else, and does nothing besides. */
  readonly bareUrl: string
}

/** Of the process: since it began, and now. */
export interface Costs {
  readonly cpuMs: number
  readonly rssBytes: number
  /** The most there ever was. */
  readonly peakRssBytes: number
}

/** A server without limits of how often one address may ask; until it is killed. Answers every message with its costs. */
const { folder, port, rules } = toldOptions<LoadedOptions>()
process.on('disconnect', () => process.exit(0))
writeFileSync(join(folder, 'rules.json'), JSON.stringify({ database: rules }))
const unlimited = { perMinute: 1e9, burst: 1_000_000 }
const server = await createServer({
  dataFolder: join(folder, 'data'),
  project: folder,
  port,
  rates: { address: unlimited, user: unlimited },
  door: { waitingPerAddress: 100_000 },
})
const bare = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
bare.on('connection', from =>
  from.on('message', data => {
    const text = String(data)
    for (const each of bare.clients) if (each !== from) each.send(text)
  }),
)
await new Promise(resolve => bare.once('listening', resolve))
process.on('message', () => {
  globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  const peakRssBytes = process.resourceUsage().maxRSS * 1_024
  say({ cpuMs: (user + system) / 1_000, rssBytes: process.memoryUsage.rss(), peakRssBytes } satisfies Costs)
})
const barePort = (bare.address() as { port: number }).port
say({ url: server.url, port: server.port, bareUrl: `ws://127.0.0.1:${barePort}` } satisfies Loaded)
