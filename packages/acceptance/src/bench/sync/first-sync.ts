import { createCloud } from '@nearcloud/node'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'
import { WebSocket } from 'ws'
import { receiveBare } from '../bare.ts'
import { cpuTimed, inFolder, median, repeat, timed } from '../measuring.ts'
import { type ServerProcess, startServer } from '../processes.ts'
import { firstSyncOfRxdb } from '../rxdb.ts'
import type { Found, Section } from '../section.ts'
import { countingDoor } from '../wire.ts'

const documents = 50_000

/** Until a fresh Node client has 50,000 documents, durably. */
export const firstSync: Section = {
  name: 'first-sync',
  async run(): Promise<Found> {
    const server = await startServer({ documents })
    const Socket = WebSocket as unknown as typeof globalThis.WebSocket
    try {
      const bytes = await repeat(3, () => receiveBare(server.bareUrl, documents, false, Socket))
      const bare = await repeat(5, () => receiveBare(server.bareUrl, documents, true, Socket))
      const memory = await repeat(5, () => syncFresh(server, undefined))
      const sqlite = await repeat(5, () => inFolder(folder => syncFresh(server, folder)))
      const serverCpu = await cpuOf(server, () => inFolder(folder => syncFresh(server, folder)))
      const clientCpuMs = await cpuTimed(() => inFolder(folder => syncFresh(server, folder)))
      const bareParsedCpuMs = await cpuTimed(() => receiveBare(server.bareUrl, documents, true, Socket))
      const rxdb: number[] = []
      const rxdbMemoryCpuMs = await cpuTimed(async () => {
        rxdb.push(await firstSyncOfRxdb(server.pagesUrl, documents, getRxStorageMemory(), Socket))
      })
      const wireBytes = await inFolder(folder => countBytes(server, folder))
      const [sqliteMs, bareMs, rxdbMs] = [median(sqlite), median(bare), median(rxdb)]
      return {
        absolute: {
          documents,
          sqliteMs,
          memoryMs: median(memory),
          serverCpuMs: serverCpu,
          clientCpuMs,
          bareParsedCpuMs,
          rxdbMemoryCpuMs,
          bareParsedMs: bareMs,
          bareUnparsedMs: median(bytes),
          rxdbMemoryMs: rxdbMs,
          jsonBytes: server.jsonBytes,
          wireBytes,
          importMs: server.importMs,
        },
        ratios: {
          bareToSqlite: bareMs / sqliteMs,
          timesFasterThanRxdbInMemory: rxdbMs / sqliteMs,
          rxdbInMemoryToClientCpu: rxdbMemoryCpuMs / clientCpuMs,
          wireToJson: wireBytes / server.jsonBytes,
        },
      }
    } finally {
      server.stop()
    }
  },
}

/** Milliseconds until a client without anything has everything, from `init` to its last durable record. */
async function syncFresh(server: ServerProcess, folder: string | undefined): Promise<number> {
  const cloud = createCloud(folder === undefined ? {} : { folder })
  const took = await timed(async () => {
    cloud.init({ endpoint: server.url, env: server.env, subscribe: { tasks: true } })
    await cloud.ready()
    await cloud.whenSynced()
  })
  await cloud.close()
  return took
}

async function cpuOf(server: ServerProcess, work: () => Promise<unknown>): Promise<number> {
  const before = await server.cpuMs()
  await work()
  return (await server.cpuMs()) - before
}

async function countBytes(server: ServerProcess, folder: string): Promise<number> {
  const door = await countingDoor(server.url)
  const cloud = createCloud({ folder })
  cloud.init({ endpoint: door.url, env: server.env, subscribe: { tasks: true } })
  await cloud.ready()
  await cloud.whenSynced()
  await cloud.close()
  door.close()
  return door.bytes()
}
