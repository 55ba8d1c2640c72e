import { inFolder } from '../measuring.ts'
import type { Quiet } from '../offline-client.ts'
import { ask, nextMessage, type ServerProcess, startProcess, startServer } from '../processes.ts'
import type { Found, Section } from '../section.ts'
import { countingDoor } from '../wire.ts'

const clients = 5
const writes = 1_000

/**
 * Five clients write a thousand times each without a network, on the same 200 documents, of which ten refuse it (5 % of
 * the writes); then they come back together, each a process of its own with a durable store.
 */
export const offlineDay: Section = {
  name: 'offline-day',
  async run(): Promise<Found> {
    const rules = { tasks: { read: true, create: true, update: 'doc.locked != true' } }
    const server = await startServer({ documents: 200, locked: 10, rules })
    try {
      return await inFolder(folder => measure(server, folder))
    } finally {
      server.stop()
    }
  },
}

async function measure(server: ServerProcess, folder: string): Promise<Found> {
  const door = await countingDoor(server.url)
  const children = Array.from({ length: clients }, (_, n) =>
    startProcess('offline-client', { url: door.url, env: server.env, folder: `${folder}/${n}`, n, writes }),
  )
  await Promise.all(children.map(child => nextMessage(child)))
  const [bytesBefore, cpuBefore, start] = [door.bytes(), await server.cpuMs(), performance.now()]
  await Promise.all(children.map(child => ask(child, 'goOnline')))
  const pushedMs = performance.now() - start
  const quiet = await Promise.all(children.map(child => ask<Quiet>(child, 'settle')))
  const quiescenceMs = performance.now() - start
  const serverCpuMs = (await server.cpuMs()) - cpuBefore
  const bytes = door.bytes() - bytesBefore
  for (const child of children) child.kill()
  door.close()
  if (new Set(quiet.map(({ all }) => all)).size !== 1) throw new Error('the clients are not equal')
  const refused = quiet.reduce((sum, { rejected }) => sum + rejected, 0)
  return {
    absolute: {
      clients,
      offlineWritesOfEach: writes,
      refused,
      pushedMs,
      quiescenceMs,
      bytes,
      serverCpuMs,
      longestBlockMs: Math.max(...quiet.map(({ longestBlockMs }) => longestBlockMs)),
      clientCpuMs: Math.max(...quiet.map(({ cpuMs }) => cpuMs)),
    },
    ratios: { mutationsPerSecond: (clients * writes * 1_000) / quiescenceMs },
  }
}
