import { type Cloud, requestByFetch } from '@nearcloud/client'
import { CloudError, toCloudError } from '@nearcloud/protocol'
import type { Storage } from '@nearcloud/store'
import { errorToData } from '@nearcloud/sync'
import * as Comlink from 'comlink'
import { DexieStorage } from '../dexie-storage.ts'
import { EncryptedStorage } from '../encrypted-storage.ts'
import { watchedStorage } from '../watched-storage.ts'
import { WebSocketTransport } from '../web-socket-transport.ts'
import type { StorageWish, Told, WorkerHouse, WorkerListener } from './house.ts'

/*
 * What a page's worker is made of: `import '@nearcloud/browser/worker'` is all that is in it. IndexedDB, encryption, WebSockets and
 * HTTP are here, and what they take of a thread.
 */

const storages = new Map<string, Storage>()
const clouds = new Map<string, Cloud>()
const connections = new Map<string, ReturnType<WebSocketTransport['connect']>>()
const request = requestByFetch<AbortSignal>(
  (url, init) => fetch(url, init),
  ms => AbortSignal.timeout(ms),
)

const house: WorkerHouse = {
  answer: () => true,
  openStorage: (id, wish, options) =>
    told(async () => {
      const storage = storageOf(wish)
      const info = await storage.open(options)
      storages.set(id, storage)
      return info
    }),
  readStorage: (id, after) =>
    told(async () => {
      for await (const page of use(id).read(after)) return page
      return []
    }),
  append: (id, payloads, options) => told(() => use(id).append(payloads, options)),
  drop: (id, sequences) => told(() => use(id).drop(sequences)),
  closeStorage: (id, options) =>
    told(async () => {
      const storage = storages.get(id)
      storages.delete(id)
      await storage?.close(options)
    }),
  connect(id, url, listener) {
    connections.set(
      id,
      new WebSocketTransport(url).connect({
        opened: () => listener.opened(),
        received: frame => listener.received(frame),
        closed(reason) {
          connections.delete(id)
          void Promise.resolve(listener.closed(reason)).then(() =>
            (listener as Comlink.Remote<WorkerListener>)[Comlink.releaseProxy]?.(),
          )
        },
      }),
    )
  },
  send(id, frame) {
    const connection = connections.get(id)
    connection?.send(frame)
    return connection?.bufferedBytes ?? 0
  },
  disconnect: id => connections.get(id)?.close(),
  open: (id, options, key) =>
    told(async () => {
      const { createCloud } = await import('../create-cloud.ts')
      const cloud = createCloud({ ...(key && { key }) })
      clouds.set(id, cloud)
      cloud.init(options)
    }),
  close: id =>
    told(async () => {
      const cloud = clouds.get(id)
      clouds.delete(id)
      await cloud?.close()
    }),
  async request(asked, sent) {
    const answer = await told(() =>
      request({ ...asked, ...(sent && { onSent: (bytes: number) => void sent(bytes) }) }),
    )
    return 'error' in answer ? answer : Comlink.transfer(answer, [answer.result.body.buffer])
  },
}

function storageOf({ name, access, key }: StorageWish): Storage {
  const make = () => new DexieStorage(`nearcloud.${name}`, { ...(access && { access }) })
  const storage = watchedStorage(make, access)
  const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))
  return key === undefined ? storage : new EncryptedStorage(storage, { key, name, random })
}

function use(id: string): Storage {
  const storage = storages.get(id)
  if (storage) return storage
  throw new CloudError('CLOSED', { errMsg: 'the local store is closed' })
}

async function told<Result>(work: () => Promise<Result>): Promise<Told<Result>> {
  try {
    return { result: await work() }
  } catch (thrown) {
    return { error: errorToData(toCloudError(thrown)) }
  }
}

Comlink.expose(house)
