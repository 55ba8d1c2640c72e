import type { Section } from '../section.ts'
import { withServer } from './loaded-server.ts'
import { inLanes, queryOf, RawClient } from './raw-client.ts'

/** Connections that watch one query each and say nothing; with `--full` 10,000, and then 20,000 or as many as this process may have. */
export const idle: Section = {
  name: 'idle',
  run: ({ isFull }) =>
    withServer({ tasks: { read: true, write: true } }, async ({ url, costs }) => {
      const count = isFull ? 10_000 : 1_000
      const before = await costs()
      const clients: RawClient[] = []
      const connect = async (total: number) => {
        const more = Array.from({ length: total - clients.length }, () => new RawClient())
        const first = clients.length
        clients.push(...more)
        await inLanes(more, 100, (client, at) => client.connect(url, [queryOf('tasks', 'owner', first + at)]))
        return (await costs()).rssBytes
      }
      const began = performance.now()
      const rssBytes = await connect(count)
      const connectMs = performance.now() - began
      const most = Math.min(20_000, mayOpen() - 500)
      const mostBytes = isFull && most > count ? await connect(most) : undefined
      for (const client of clients) client.close()
      return {
        absolute: {
          connections: count,
          rssMb: rssBytes / 1_048_576,
          kbEach: (rssBytes - before.rssBytes) / count / 1_024,
          connectPerSecond: (count / connectMs) * 1_000,
          ...(mostBytes !== undefined && { most, mostRssMb: mostBytes / 1_048_576 }),
        },
      }
    }),
}

/** Files and sockets of one process, by the system's limit. */
function mayOpen(): number {
  const { userLimits } = process.report.getReport() as unknown as {
    userLimits?: { open_files?: { soft?: number | 'unlimited' } }
  }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY
}
