import { percentile, timed } from '../measuring.ts'
import type { Section } from '../section.ts'
import { HttpLane } from './http-lane.ts'
import { withServer } from './loaded-server.ts'
import { inLanes } from './raw-client.ts'

const concurrent = 500
const users = 50

/** Documents that are added over the HTTP API under a rule, by 500 connections at once; each durable before its answer. */
export const creates: Section = {
  name: 'creates',
  run: ({ isFull }) =>
    withServer(
      {
        notes: {
          read: 'doc._openid == auth.openid',
          create: 'auth != null && request.data.title != null && request.data.size < 1000',
        },
      },
      async ({ url, port, costs }) => {
        const tokens = await Promise.all(Array.from({ length: users }, () => tokenOf(url)))
        const lanes = await Promise.all(Array.from({ length: concurrent }, () => HttpLane.open(port)))
        const took: number[] = []
        const create = async (n: number, lane: HttpLane) => {
          const began = performance.now()
          const status = await lane.post(
            '/cloud/v1/collections/notes/documents',
            `authorization: Bearer ${tokens[n % users]}\r\n`,
            `{"data":{"title":"note ${n}","size":${n % 1_000},"tags":["a","b"],"text":"a line of some length, as people write"}}`,
          )
          if (status !== 201) throw new Error(`a create was answered by ${status}`)
          took.push(performance.now() - began)
        }
        const run = async (count: number) => {
          let next = 0
          await inLanes(lanes, concurrent, async lane => {
            while (next < count) await create(next++, lane)
          })
        }
        await run(2_000) // until everything is compiled
        took.length = 0
        const count = isFull ? 50_000 : 10_000
        const before = await costs()
        const ms = await timed(() => run(count))
        const after = await costs()
        for (const lane of lanes) lane.close()
        return {
          absolute: {
            perSecond: (count / ms) * 1_000,
            medianMs: percentile(took, 0.5),
            p99Ms: percentile(took, 0.99),
            serverCpuMsEach: (after.cpuMs - before.cpuMs) / count,
          },
        }
      },
    ),
}

async function tokenOf(url: string): Promise<string> {
  const response = await fetch(`${url}/cloud/v1/auth/anonymous`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  return ((await response.json()) as { accessToken: string }).accessToken
}
