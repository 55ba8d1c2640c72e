import type { Platform } from '@nearcloud/client'
import { connectLater } from '@nearcloud/sync'
import type { StorageKey } from '../encrypted-storage.ts'
import { LaterStorage } from '../later-storage.ts'
import { onceOrAgain } from '../once-or-again.ts'
import type { Engine } from './in-worker.ts'

/** As `hire`, fetched when it is needed: most pages have no worker. */
export function hireLater(
  worker: Worker,
  key: StorageKey | undefined,
): Pick<Platform, 'storage' | 'transport' | 'request'> & { readonly engine: Engine } {
  const failed = new Promise<Event>(resolve => worker.addEventListener('error', resolve))
  const hiring = onceOrAgain(async () => (await import('./in-worker.ts')).hire(worker, key, failed))
  let begun: Promise<Awaited<ReturnType<typeof hiring>> | undefined> | undefined
  return {
    storage: (name, access) => new LaterStorage(async () => (await hiring()).storage(name, access)),
    transport: url => ({
      connect: listener => connectLater(async () => (await hiring()).transport(url), listener),
    }),
    request: async request => (await hiring()).request(request),
    engine: {
      begin(options) {
        begun = hiring().catch(() => undefined) // the page goes on without a worker that does not come
        void begun.then(there => there?.engine.begin(options))
      },
      end: async () => (await begun)?.engine.end(),
    },
  }
}
