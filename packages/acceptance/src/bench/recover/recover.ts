import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type ServerProcess, startServerProcess } from '../../fuzz/server-process.ts'
import { inLanes, queryOf, RawClient } from '../server/raw-client.ts'
import { fillDataFolder } from './fill.ts'

export interface RecoverOptions {
  /** `log` and `tasks` may be read and written by everybody. */
  readonly project: string
  readonly data: string
  /** Of documents. */
  readonly bytes: number
  readonly writers: number
  readonly followers: number
  /** Of which the writers hear, all together, before the server is killed. */
  readonly writes: number
}

export interface RecoverReport {
  readonly databaseMb: number
  readonly documents: number
  /** Writes of whose acceptance the writers had heard, and of these those that are there afterwards. */
  readonly acknowledged: number
  readonly found: number
  /** After a kill, with nothing of the files in memory where that can be had. */
  readonly afterKill: Start
  /** Asked to stop while everybody writes, and somebody fetches all there is. */
  readonly stopMs: number
  readonly afterStop: Start
}

interface Start {
  /** From the start of the process until it says where it listens. */
  readonly listeningMs: number
  /** Until somebody has the first documents along an index, and a write accepted. */
  readonly servingMs: number
}

/** How long a server with much to keep takes to come back when it was killed, and to end when it is asked to. */
export async function runRecover(options: RecoverOptions): Promise<RecoverReport> {
  const { project, data } = options
  const documents = await fillDataFolder(data, options.bytes)
  const database = join(data, 'nearcloud.db')

  const first = await startServerProcess(project, data)
  const load = await beginLoad(first, options)
  await load.accepted
  await first.kill()
  const acknowledged = load.end()
  forgetCached(database)
  forgetCached(`${database}-wal`)

  const killed = await timedStart(options)
  const found = await countsOf(killed.server, options.writers)
  const again = await beginLoad(killed.server, options)
  const greedy = new RawClient()
  await greedy.connect(killed.server.url, [queryOf('tasks', 'text', 'x'.repeat(700))])
  await again.accepted
  const asked = performance.now()
  await killed.server.stop()
  const stopMs = Math.round(performance.now() - asked)
  again.end()
  greedy.close()

  const stopped = await timedStart(options)
  await stopped.server.stop()
  return {
    databaseMb: Math.round(statSync(database).size / 1_048_576),
    documents,
    acknowledged: sum(acknowledged),
    found: sum(acknowledged.map((count, n) => Math.min(count, found[n]!))),
    afterKill: killed.start,
    stopMs,
    afterStop: stopped.start,
  }
}

/**
 * Writers increase a count of their own, and all follow all of them. `accepted` resolves when they have heard of so many `writes`; `end` tells
 * of how many each has heard.
 */
async function beginLoad(
  server: ServerProcess,
  { writers, followers, writes }: RecoverOptions,
): Promise<{ readonly accepted: Promise<void>; end(): number[] }> {
  const all = Array.from({ length: writers + followers }, () => new RawClient())
  await inLanes(all, 10, client => client.connect(server.url, [queryOf('log', 'of', 'all')]))
  const heard = new Array<number>(writers).fill(0)
  let enough = () => {}
  const accepted = new Promise<void>(resolve => {
    enough = resolve
  })
  for (const [n, client] of all.slice(0, writers).entries()) write(n, client).catch(() => undefined)
  return {
    accepted,
    end() {
      for (const client of all) client.close()
      return heard
    },
  }

  async function write(n: number, client: RawClient): Promise<void> {
    const id = `w${n}`
    await client.push({ op: 'set', collection: 'log', id, data: { of: 'all', count: 0 } })
    for (;;) {
      await client.push({ op: 'update', collection: 'log', id, changes: [['count', 'inc', 1]] })
      heard[n]!++
      if (sum(heard) >= writes) enough()
    }
  }
}

async function timedStart({
  project,
  data,
}: RecoverOptions): Promise<{ server: ServerProcess; start: Start }> {
  const began = performance.now()
  const server = await startServerProcess(project, data)
  const listeningMs = Math.round(performance.now() - began)
  const client = new RawClient()
  const shown = new Promise<void>(resolve => {
    client.heard = frame => {
      if (frame.startsWith('{"type":"snapshot"')) resolve()
    }
  })
  await client.connect(server.url, [{ ...queryOf('tasks', 'owner', 'person-7'), limit: 20 }])
  await shown
  await client.push({ op: 'set', collection: 'log', id: 'there', data: { of: 'nobody' } })
  const servingMs = Math.round(performance.now() - began)
  client.close()
  return { server, start: { listeningMs, servingMs } }
}

async function countsOf(server: ServerProcess, writers: number): Promise<number[]> {
  const client = new RawClient()
  const counts = new Array<number>(writers).fill(0)
  const whole = new Promise<void>(resolve => {
    client.heard = frame => {
      if (!frame.startsWith('{"type":"snapshot"')) return
      const { items, last } = JSON.parse(frame) as Snapshot
      for (const [, { _id, count }] of items) counts[Number(_id.slice(1))] = count
      if (last) resolve()
    }
  })
  await client.connect(server.url, [queryOf('log', 'of', 'all')])
  await whole
  client.close()
  return counts
}

interface Snapshot {
  readonly items: readonly (readonly [version: number, document: { _id: string; count: number }])[]
  readonly last: boolean
}

/** Lets the system drop what it has of a file in memory. Where there is no such tool it stays. */
function forgetCached(file: string): void {
  if (!existsSync(file)) return
  spawnSync('sync', [file])
  spawnSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none'])
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
