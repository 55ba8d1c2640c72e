import { WebSocket } from 'ws'
import { percentile } from '../measuring.ts'
import type { Section } from '../section.ts'
import { withServer } from './loaded-server.ts'
import { inLanes, queryOf, RawClient } from './raw-client.ts'

const watchers = 1_000

/** From a write to each of those who watch, beside a bare `ws` in the same process that tells everybody the same text. */
export const fanOut: Section = {
  name: 'fan-out',
  run: ({ isFull }) =>
    withServer({ board: { read: true, write: true } }, async ({ url, bareUrl }) => {
      const rounds = isFull ? 200 : 40
      const ours = await nearcloudTimes(url, rounds)
      const bare = await bareTimes(bareUrl, rounds)
      const [median, bareMedian] = [percentile(ours, 0.5), percentile(bare, 0.5)]
      const [p99, bareP99] = [percentile(ours, 0.99), percentile(bare, 0.99)]
      return {
        absolute: { medianMs: median, p99Ms: p99, bareMedianMs: bareMedian, bareP99Ms: bareP99 },
        ratios: { median: median / bareMedian, p99: p99 / bareP99 },
      }
    }),
}

async function nearcloudTimes(url: string, rounds: number): Promise<number[]> {
  const writer = new RawClient()
  await writer.connect(url)
  await writer.push({ op: 'set', collection: 'board', id: 'now', data: { room: 1, n: 0 } })
  const all = Array.from({ length: watchers }, () => new RawClient())
  const round = new Round()
  await inLanes(all, 50, async client => {
    await client.connect(url, [queryOf('board', 'room', 1)])
    client.heard = text => {
      if (text.startsWith('{"type":"changes"')) round.heard()
    }
  })
  const times = await measured(rounds, round, n =>
    writer.push({ op: 'update', collection: 'board', id: 'now', changes: [['n', 'set', n]] }),
  )
  for (const client of [...all, writer]) client.close()
  return times
}

async function bareTimes(url: string, rounds: number): Promise<number[]> {
  const sockets = await Promise.all(
    Array.from(
      { length: watchers + 1 },
      () =>
        new Promise<WebSocket>((resolve, reject) => {
          const socket = new WebSocket(url, { perMessageDeflate: false })
          socket.on('open', () => resolve(socket)).on('error', reject)
        }),
    ),
  )
  const [writer, ...others] = sockets
  const round = new Round()
  for (const socket of others)
    socket.on('message', data => {
      if (String(data).startsWith('{"type":"changes"')) round.heard()
    })
  const times = await measured(rounds, round, async n =>
    writer!.send(
      `{"type":"changes","from":${n},"to":${n + 1},"lastMutation":0,"items":[["board",${n},1,{"n":${n}},"now"]]}`,
    ),
  )
  for (const socket of sockets) socket.terminate()
  return times
}

/** One write, and who has heard of it. */
class Round {
  #began = 0
  #times: number[] = []
  #over: (times: readonly number[]) => void = () => {}

  begin(): Promise<readonly number[]> {
    this.#times = []
    this.#began = performance.now()
    return new Promise(resolve => {
      this.#over = resolve
    })
  }

  heard(): void {
    this.#times.push(performance.now() - this.#began)
    if (this.#times.length === watchers) this.#over(this.#times)
  }
}

async function measured(
  rounds: number,
  round: Round,
  write: (n: number) => Promise<void>,
): Promise<number[]> {
  const times: number[] = []
  for (let n = 1; n <= rounds + 5; n++) {
    const over = round.begin()
    await write(n)
    const heard = await over
    if (n > 5) times.push(...heard)
  }
  return times
}
