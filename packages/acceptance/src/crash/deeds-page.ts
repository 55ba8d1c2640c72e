import { browserPlatform, DexieStorage } from '@nearcloud/browser'
import { type Cloud, createCloud } from '@nearcloud/client'
import { openStore } from '@nearcloud/store'
import { clientDeeds, firstDocuments } from './client-deeds.ts'
import { type Documents, documentsOf } from './deed-documents.ts'
import { type Fault, FaultyCalls } from './faulty-storage.ts'

/** What a client came to whose medium failed or stopped. */
export interface LifeInPage {
  readonly isAcknowledged: boolean
  /** The call of the fault came. */
  readonly isFired: boolean
}

/** A client in a page, over IndexedDB, that does one deed. Nobody answers it. `place` is in front of the names of its databases. */
const page = {
  /** Makes a client that has the first documents as a server says them. */
  async prepare(place: string): Promise<void> {
    const { cloud, names } = openClient(place)
    await cloud.ready()
    await cloud.close()
    for (const name of names) {
      if (!(await isStore(name))) continue
      const store = await openStore({ storage: new DexieStorage(name), random })
      const puts = Object.entries(firstDocuments).map(([key, data], n) => {
        const [collection, _id] = key.split('/') as [string, string]
        return { collection, version: n + 1, document: Object.freeze({ _id, ...data }) as never }
      })
      await store.confirm({ puts, checkpoint: { version: puts.length } })
      await store.close()
    }
  },

  /** Another such client. */
  async copy(from: string, to: string): Promise<void> {
    for (const { name = '' } of await indexedDB.databases()) {
      if (!name.startsWith(`${from}.`)) continue
      const payloads = await payloadsOf(name)
      const copied = new DexieStorage(to + name.slice(from.length))
      await copied.open({ durability: 'relaxed' })
      await copied.append(payloads)
      await copied.close()
    }
  },

  async live(place: string, deedName: string, fault: Fault): Promise<LifeInPage> {
    let isAcknowledged = false
    let isFired = false
    const stopped = new Promise<void>(resolve => {
      const { cloud } = openClient(place, fault, () => {
        isFired = true
        if (fault.how.startsWith('stop')) setTimeout(resolve, afterStopMs)
      })
      const deed = clientDeeds.find(({ name }) => name === deedName)!
      const life = async () => {
        await cloud.ready()
        await deed.run(cloud)
        isAcknowledged = true
      }
      life()
        .catch(() => undefined) // it was not acknowledged
        .then(() => cloud.close())
        .catch(() => undefined)
        .then(resolve)
    })
    await stopped
    return { isAcknowledged, isFired }
  },

  async look(place: string): Promise<{ readonly shown: Documents; readonly pending: number }> {
    const { cloud } = openClient(place)
    await cloud.ready()
    const shown = await documentsOf(cloud)
    const { pending } = cloud.status()
    await cloud.close({ destroy: true })
    return { shown, pending }
  },
}

function openClient(
  place: string,
  fault?: Fault,
  fired: () => void = () => undefined,
): { readonly cloud: Cloud; readonly names: ReadonlySet<string> } {
  const names = new Set<string>()
  const calls = new FaultyCalls(fault, fired)
  const cloud = createCloud(
    browserPlatform(name => {
      names.add(`${place}.${name}`)
      return calls.around(new DexieStorage(`${place}.${name}`))
    }),
  )
  cloud.init({ endpoint: 'http://127.0.0.1:9', subscribe: { todos: true, lists: true } })
  cloud.goOffline()
  return { cloud, names }
}

async function payloadsOf(name: string): Promise<(string | Uint8Array)[]> {
  const storage = new DexieStorage(name, { access: 'read' })
  await storage.open({ durability: 'relaxed' })
  const payloads: (string | Uint8Array)[] = []
  for await (const records of storage.read()) payloads.push(...records.map(({ payload }) => payload))
  await storage.close()
  return payloads
}

/** The one with the documents; others hold files on their way, and who uses the device. */
async function isStore(name: string): Promise<boolean> {
  return (await payloadsOf(name)).some(
    payload => typeof payload === 'string' && payload.includes('"checkpoint":'),
  )
}

const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))
/** What goes on without the call that stopped may still be acknowledged. */
const afterStopMs = 20

declare global {
  interface Window {
    deedsPage: typeof page
  }
}

window.deedsPage = page
