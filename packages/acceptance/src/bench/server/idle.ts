import type { Section } from '../section.ts'
import { withServer } from './loaded-server.ts'
import { inLanes, queryOf, RawClient } from './raw-client.ts'

/** Connections that watch one query each and say nothing. */
export const idle: Section = {
  name: 'idle',
  run: ({ isFull }) =>
    withServer({ tasks: { read: true, write: true } }, async ({ url, costs }) => {
      const count = isFull ? 10_000 : 1_000
      const before = await costs()
      const clients = Array.from({ length: count }, () => new RawClient())
      const began = performance.now()
      await inLanes(clients, 100, (client, at) => client.connect(url, [queryOf('tasks', 'owner', at)]))
      const connectMs = performance.now() - began
      const after = await costs()
      for (const client of clients) client.close()
      return {
        absolute: {
          connections: count,
          rssMb: after.rssBytes / 1_048_576,
          kbEach: (after.rssBytes - before.rssBytes) / count / 1_024,
          connectPerSecond: (count / connectMs) * 1_000,
        },
      }
    }),
}
