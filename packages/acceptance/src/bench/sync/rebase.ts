import type { Document, DocumentData } from '@nearcloud/protocol'
import { openStore } from '@nearcloud/store'
import { MemoryStorage } from '@nearcloud/store/testing'
import { benchDocument, benchId } from '../documents.ts'
import { cpuTimed, median } from '../measuring.ts'
import type { Found, Section } from '../section.ts'

const pending = 10_000
const rounds = 7

/** What it costs that mutations are pending: a change message that touches all their documents, with them and without, by processor time. */
export const rebase: Section = {
  name: 'rebase',
  async run(): Promise<Found> {
    await measure(1_000) // so that the steps without pending mutations are not slow for being the first
    const many = await measure(1_000)
    const few = await measure(200)
    return {
      absolute: {
        pending,
        rebaseMs: many.rebaseMs,
        rebaseUsPerMutation: (many.rebaseMs * 1_000) / pending,
        rebaseOf200DocumentsMs: few.rebaseMs,
        stepWithoutPendingMs: many.bareMs,
      },
    }
  },
}

async function measure(documents: number): Promise<{ rebaseMs: number; bareMs: number }> {
  const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))
  const store = await openStore({ storage: new MemoryStorage(), random })
  let version = 0
  const step = () => {
    version++
    return store.confirm({
      puts: Array.from({ length: documents }, (_, n) => ({
        collection: 'tasks',
        version,
        document: Object.freeze({ ...benchDocument(n), title: `Title ${version}` }) as unknown as Document,
      })),
    })
  }
  await step()
  const bare: number[] = []
  for (let round = 0; round < rounds; round++) bare.push(await cpuTimed(step))
  const durable: Promise<void>[] = []
  for (let n = 0; n < pending; n++) {
    const changes = [
      ['priority', 'set', n],
      ['count', 'inc', 1],
    ] as const
    const write = { op: 'update', collection: 'tasks', id: benchId(n % documents), changes } as const
    durable.push(store.commit([n % 2 ? write : { ...write, changes: [changes[1]] }], { time: n }).durable)
  }
  await Promise.all(durable)
  const laden: number[] = []
  for (let round = 0; round < rounds; round++) laden.push(await cpuTimed(step))
  const there = store.get('tasks', benchId(1)) as DocumentData
  if (there.count !== pending / documents) throw new Error('a pending mutation is not laid over')
  await store.close()
  return { rebaseMs: median(laden) - median(bare), bareMs: median(bare) }
}
