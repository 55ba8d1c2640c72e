import { timed } from '../measuring.ts'
import type { Section } from '../section.ts'
import { type LoadedServer, withServer } from './loaded-server.ts'
import { queryOf, RawClient } from './raw-client.ts'

const filters = 10_000
/** A session has at most so many. */
const perClient = 200
const writes = 2_000

/** What a write costs that one of them is told of: with one watch, and with 10,000 of as many different equality filters. */
export const writeCost: Section = {
  name: 'write-cost',
  async run() {
    const one = await withServer(rules, server => costWith(1, server))
    const many = await withServer(rules, server => costWith(filters, server))
    return {
      absolute: {
        oneCpuMs: one.cpuMs,
        manyCpuMs: many.cpuMs,
        oneMs: one.ms,
        manyMs: many.ms,
      },
      ratios: { cpu: many.cpuMs / one.cpuMs, clock: many.ms / one.ms },
    }
  },
}

const rules = { tasks: { read: true, write: true } }

async function costWith(watches: number, { url, costs }: LoadedServer) {
  const clients: RawClient[] = []
  for (let from = 0; from < watches; from += perClient) {
    const client = new RawClient()
    const mine = Array.from({ length: Math.min(perClient, watches - from) }, (_, at) => from + at)
    await client.connect(
      url,
      mine.map(owner => queryOf('tasks', 'owner', owner)),
    )
    clients.push(client)
  }
  const writer = new RawClient()
  await writer.connect(url)
  for (let n = 0; n < 10; n++)
    await writer.push({ op: 'set', collection: 'tasks', id: `t${n}`, data: { owner: n % watches, n: 0 } })
  const write = (n: number) =>
    writer.push({ op: 'update', collection: 'tasks', id: `t${n % 10}`, changes: [['n', 'set', n]] })
  for (let n = 0; n < 500; n++) await write(n)
  const before = await costs()
  const ms = await timed(async () => {
    for (let n = 0; n < writes; n++) await write(n)
  })
  const after = await costs()
  for (const client of [...clients, writer]) client.close()
  return { ms: ms / writes, cpuMs: (after.cpuMs - before.cpuMs) / writes }
}
