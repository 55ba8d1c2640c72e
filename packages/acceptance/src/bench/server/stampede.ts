import { inFolder } from '../measuring.ts'
import type { Section } from '../section.ts'
import { startLoaded } from './loaded-server.ts'
import { inLanes, queryOf, RawClient } from './raw-client.ts'

/**
 * Everybody has a write under way when the server is killed. It begins anew, and they all come back: until each has its first result and
 * the answer to its write. Afterwards each write is there once.
 */
export const stampede: Section = {
  name: 'stampede',
  run: ({ isFull }) =>
    inFolder(async folder => {
      const count = isFull ? 10_000 : 500
      const rules = { counts: { read: true, write: true } }
      const first = await startLoaded({ folder, port: 0, rules })
      await writeFirst(first.url)
      const clients = Array.from({ length: count }, () => new RawClient())
      const asked = (at: number) => [queryOf('counts', 'owner', at)]
      await inLanes(clients, 100, (client, at) => client.connect(first.url, asked(at)))
      const mutations = clients.map(client =>
        client.mutation({ op: 'update', collection: 'counts', id: 'all', changes: [['n', 'inc', 1]] }),
      )
      // some are decided, some on their way, some not said yet
      clients.forEach((client, at) => {
        if (at % 3 !== 0) client.say({ type: 'push', mutations: [mutations[at]!] })
      })
      await clients[0]!.pushAgain(mutations[0]!)
      await first.kill()
      for (const client of clients) client.close()
      const began = performance.now()
      const second = await startLoaded({ folder, port: first.port, rules })
      const startedMs = performance.now() - began
      let tries = 0
      await Promise.all(
        clients.map(async (client, at) => {
          for (;;)
            try {
              tries++
              await new Promise(resolve => setTimeout(resolve, Math.random() * 1_000))
              await client.connect(second.url, asked(at))
              await client.pushAgain(mutations[at]!)
              return
            } catch {
              client.close()
            }
        }),
      )
      const backMs = performance.now() - began
      const { n } = await readFirst(second.url, second.adminKey)
      const { peakRssBytes } = await second.costs()
      for (const client of clients) client.close()
      await second.kill()
      if (n !== count) throw new Error(`${count} writes were counted as ${n}`)
      return {
        absolute: {
          clients: count,
          allBackS: backMs / 1_000,
          serverStartS: startedMs / 1_000,
          triesEach: tries / count,
          serverPeakRssMb: peakRssBytes / 1_048_576,
        },
      }
    }),
}

async function writeFirst(url: string): Promise<void> {
  const client = new RawClient()
  await client.connect(url)
  await client.push({ op: 'set', collection: 'counts', id: 'all', data: { n: 0 } })
  client.close()
}

async function readFirst(url: string, adminKey: string): Promise<{ n: number }> {
  const response = await fetch(`${url}/cloud/v1/collections/counts/documents/all`, {
    headers: { authorization: `Bearer ${adminKey}` },
  })
  return ((await response.json()) as { data: { n: number } }).data
}
