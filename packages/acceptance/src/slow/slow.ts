import { percentile } from '../bench/measuring.ts'
import { inLanes, queryOf, RawClient } from '../bench/server/raw-client.ts'
import { rssOf } from '../fuzz/memory.ts'
import { startServerProcess } from '../fuzz/server-process.ts'

export interface SlowOptions {
  /** May be read and written by everybody: `board` and `large`. */
  readonly project: string
  readonly data: string
  /** Clients that take nothing from their sockets. */
  readonly readers: number
  /** Writes to one that reads, with nobody slow and with all of them. */
  readonly probes: number
}

export interface SlowReport {
  readonly isAlive: boolean
  /** Slow readers that the server sent away. */
  readonly cut: number
  /** Of these, back with all there is as it is. */
  readonly equal: number
  /** What the server took at most, more than with the same writes and nobody slow. */
  readonly rssGrowthMb: number
  /** From a write to who follows it, in milliseconds. */
  readonly before: Times
  readonly meanwhile: Times
  readonly seconds: number
}

interface Times {
  readonly median: number
  readonly p99: number
}

/**
 * Slow readers follow what changes until more waits for each of them than a server keeps. Others are served meanwhile; the slow
 * ones are sent away, and come back to the latest state.
 */
export async function runSlow({ project, data, readers, probes }: SlowOptions): Promise<SlowReport> {
  const began = performance.now()
  const server = await startServerProcess(project, data)
  const [writer, watcher] = [new RawClient(), new RawClient()]
  const slow = Array.from({ length: readers }, () => new RawClient())
  const times: number[] = []
  /** Writes all of it once more, with probes in between; tells the most that the server took meanwhile. */
  const writeRound = async (round: number): Promise<number> => {
    let highest = 0
    for (let from = 0; from < documents; from += 10) {
      for (let n = from; n < from + 10; n++) await writer.push(large(n, round))
      times.push(...(await probed(writer, watcher, Math.ceil((probes * 10) / documents))))
      highest = Math.max(highest, rssOf(server.pid))
    }
    return highest
  }
  try {
    await writer.connect(server.url)
    await watcher.connect(server.url, [queryOf('board', 'of', 'all')])
    await writeRound(0)
    times.length = 0
    const alone = await writeRound(1)
    const before = timesOf(times.splice(0))
    await inLanes(slow, 5, client => client.connect(server.url, [queryOf('large', 'round', lastRound)]))
    let cut = 0
    const ended = slow.map(client => client.ended.then(() => cut++))
    for (const client of slow) client.pause()
    const together = await writeRound(lastRound)
    // who was not sent away has an answer, when it has read all that waited
    const answered = slow.map(
      client =>
        new Promise<void>(resolve => {
          client.heard = frame => {
            if (frame === '{"type":"pong"}') resolve()
          }
          client.say({ type: 'ping' })
          client.resume()
        }),
    )
    await Promise.all(answered.map((pong, at) => Promise.race([pong, ended[at]])))
    let equal = 0
    await inLanes(slow, 10, async client => {
      if (await comesBack(client, server.url)) equal++
    })
    return {
      isAlive: server.isAlive(),
      cut,
      equal,
      rssGrowthMb: Math.round((together - alone) / 1_024),
      before,
      meanwhile: timesOf(times),
      seconds: Math.round((performance.now() - began) / 100) / 10,
    }
  } finally {
    for (const client of [writer, watcher, ...slow]) client.close()
    await server.stop()
  }
}

function large(n: number, round: number): object {
  const data = { round, text: String(n % 10).repeat(characters) }
  return { op: 'set', collection: 'large', id: `l${n}`, data }
}

async function probed(writer: RawClient, watcher: RawClient, count: number): Promise<readonly number[]> {
  const all: number[] = []
  for (let n = 0; n < count; n++) {
    const began = performance.now()
    const told = new Promise<void>(resolve => {
      watcher.heard = frame => {
        if (frame.startsWith('{"type":"changes"')) resolve()
      }
    })
    await writer.push({ op: 'set', collection: 'board', id: 'now', data: { of: 'all', at: began } })
    await told
    all.push(performance.now() - began)
  }
  return all
}

function timesOf(all: readonly number[]): Times {
  const rounded = (ms: number) => Math.round(ms * 10) / 10
  return { median: rounded(percentile(all, 0.5)), p99: rounded(percentile(all, 0.99)) }
}

/** Connects anew, and reads: has it the last of everything? */
async function comesBack(client: RawClient, url: string): Promise<boolean> {
  const found = new Map<string, number>()
  const whole = new Promise<void>(resolve => {
    client.heard = frame => {
      if (!frame.startsWith('{"type":"snapshot"')) return
      const { items, last } = JSON.parse(frame) as Snapshot
      for (const [, { _id, round }] of items) found.set(_id, round)
      if (last) resolve()
    }
  })
  await client.connect(url, [queryOf('large', 'round', lastRound)])
  await whole
  client.close()
  return found.size === documents && [...found.values()].every(round => round === lastRound)
}

interface Snapshot {
  readonly items: readonly (readonly [version: number, document: { _id: string; round: number }])[]
  readonly last: boolean
}

/** Together 18 million characters: the network takes some, and 8.4 million may wait for each. */
const [documents, characters] = [30, 600_000]
const lastRound = 2
