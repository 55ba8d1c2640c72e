import type { Platform } from '@nearcloud/client'
import { connectLater } from '@nearcloud/sync'
import type { StorageKey } from '../encrypted-storage.ts'
import { LaterStorage } from '../later-storage.ts'
import type { Engine } from './in-worker.ts'

/** As `inWorker`, fetched when it is needed: most pages have no worker. */
export function inWorkerLater(
  worker: Worker,
  key: StorageKey | undefined,
): Pick<Platform, 'storage' | 'transport' | 'request'> {
  let there: ReturnType<typeof bring> | undefined
  const bring = async () => (await import('./in-worker.ts')).inWorker(worker, key)
  const platform = () => {
    there ??= bring().catch((thrown: unknown) => {
      there = undefined // perhaps the next time
      throw thrown
    })
    return there
  }
  return {
    storage: (name, access) => new LaterStorage(async () => (await platform()).storage(name, access)),
    transport: url => ({
      connect: listener => connectLater(async () => (await platform()).transport(url), listener),
    }),
    request: async request => (await platform()).request(request),
  }
}

/** As `engineIn`, fetched with its first beginning. */
export function engineInLater(worker: Worker, key: StorageKey | undefined): Engine {
  let engine: Promise<Engine | undefined> | undefined
  return {
    begin(options) {
      engine ??= import('./in-worker.ts').then(
        ({ engineIn }) => engineIn(worker, key),
        () => undefined, // as a worker that does not come
      )
      void engine.then(there => there?.begin(options))
    },
    async end() {
      await (await engine)?.end()
    },
  }
}
