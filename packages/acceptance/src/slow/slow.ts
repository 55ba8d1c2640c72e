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
  /** From a write to who follows it, in milliseconds: with nobody slow, and while everybody slow is stuck. */
  readonly before: Times
  readonly meanwhile: Times
  readonly seconds: number
}

interface Times {
  readonly median: number
  readonly p99: number
}

/**
 * Slow readers follow large documents until nothing more goes into their connections. They are kept so, while the same documents change on
 * and others write and are told. Then more waits for each of them than a server keeps: they are sent away, and come back to the
 * latest state.
 */
export async function runSlow({ project, data, readers, probes }: SlowOptions): Promise<SlowReport> {
  const began = performance.now()
  const server = await startServerProcess(project, data)
  const [writer, watcher] = [new RawClient(), new RawClient()]
  const slow = Array.from({ length: readers }, () => new RawClient())
  let cut = 0
  /** Large writes, as many as there are documents, to so many of them, each followed by so many probes. */
  const write = async (round: number, among: number, probesEach: number) => {
    const times: number[] = []
    let highest = 0
    for (let n = 0; n < documents; n++) {
      await writer.push(large(n % among, round, n))
      times.push(...(await probed(writer, watcher, probesEach)))
      highest = Math.max(highest, rssOf(server.pid))
    }
    return { times, highest }
  }
  /** What fills the connections of who follows this round, what changes then, and more than is kept for anybody. */
  const writeAll = async (round: number) => {
    const filling = await write(round, few, 0)
    const cutEarly = cut
    const stuck = await write(round, few, Math.ceil(probes / documents))
    const overflowing = await write(round, documents, 0)
    const highest = Math.max(...[filling, stuck, overflowing].map(each => each.highest))
    return { highest, cutEarly, times: timesOf(stuck.times) }
  }
  try {
    await writer.connect(server.url)
    await watcher.connect(server.url, [queryOf('board', 'of', 'all')])
    await write(0, documents, 10)
    const alone = await writeAll(1)
    await inLanes(slow, 5, client => client.connect(server.url, [queryOf('large', 'round', lastRound)]))
    const ended = slow.map(client => client.ended.then(() => cut++))
    for (const client of slow) client.pause()
    const together = await writeAll(lastRound)
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
      cut: cut - together.cutEarly,
      equal,
      rssGrowthMb: Math.round((together.highest - alone.highest) / 1_024),
      before: alone.times,
      meanwhile: together.times,
      seconds: Math.round((performance.now() - began) / 100) / 10,
    }
  } finally {
    for (const client of [writer, watcher, ...slow]) client.close()
    await server.stop()
  }
}

function large(n: number, round: number, time: number): object {
  const data = { round, text: String(time % 10).repeat(characters) }
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

/** Connects anew, as often as it has to, and reads: has it the last of everything? */
async function comesBack(client: RawClient, url: string): Promise<boolean> {
  for (let tries = 0; tries < 10; tries++) {
    const found = new Map<string, number>()
    const whole = new Promise<'whole'>(resolve => {
      client.heard = frame => {
        if (!frame.startsWith('{"type":"snapshot"')) return
        const { items, last } = JSON.parse(frame) as Snapshot
        for (const [, { _id, round }] of items) found.set(_id, round)
        if (last) resolve('whole')
      }
    })
    try {
      await client.connect(url, [queryOf('large', 'round', lastRound)])
      if ((await Promise.race([whole, client.ended])) !== 'whole') continue
      return found.size === documents && [...found.values()].every(round => round === lastRound)
    } catch {
      // it was sent away again
    } finally {
      client.close()
    }
  }
  return false
}

interface Snapshot {
  readonly items: readonly (readonly [version: number, document: { _id: string; round: number }])[]
  readonly last: boolean
}

/** Together 18 million characters: the network takes some, and 8.4 million may wait for each, which a few of them are not. */
const [documents, few, characters] = [30, 10, 600_000]
const lastRound = 2
