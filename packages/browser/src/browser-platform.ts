import { type Access, type HostStorage, type Platform, requestByFetch, slices } from '@nearcloud/client'
import { type Clock, CloudError, type RandomBytes } from '@nearcloud/protocol'
import type { Storage } from '@nearcloud/store'
import { nextTask } from './next-task.ts'
import { WebSocketTransport } from './web-socket-transport.ts'

export const browserClock: Clock = {
  now: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs)
    return () => clearTimeout(timer)
  },
}

export const browserRandom: RandomBytes = size => crypto.getRandomValues(new Uint8Array(size))

/** What a browser gives the client. `storage` makes the storage with a name. */
export function browserPlatform(storage: (name: string, access?: Access) => Storage): Platform {
  return {
    name: 'browser',
    ...(location.origin.startsWith('http') && { defaultEndpoint: location.origin }),
    clock: browserClock,
    random: browserRandom,
    storage,
    transport: url => new WebSocketTransport(url),
    text: async () => (await import('@nearcloud/text/client')).textRuntime,
    request: requestByFetch<AbortSignal>(
      (url, init) => fetch(url, init),
      ms => AbortSignal.timeout(ms),
    ),
    pause: slices(() => performance.now(), nextTask),
    storageState,
    persistStorage: async () => (await navigator.storage?.persist?.()) ?? false,
    decodeText: bytes => utf8.decode(bytes),
    readFile: readAnyFile,
    async saveTemporary(bytes, { contentType }) {
      return URL.createObjectURL(new Blob([bytes as BlobPart], { type: contentType }))
    },
    onConnectivity(listener) {
      const online = () => listener('online')
      const offline = () => listener('offline')
      const page = globalThis.document as Document | undefined // a worker has none
      const shown = () => page?.visibilityState === 'visible' && listener('online')
      addEventListener('online', online)
      addEventListener('offline', offline)
      page?.addEventListener('visibilitychange', shown)
      return () => {
        removeEventListener('online', online)
        removeEventListener('offline', offline)
        page?.removeEventListener('visibilitychange', shown)
      }
    },
  }
}

async function storageState(): Promise<HostStorage> {
  const { storage } = navigator as Partial<Navigator>
  const [estimate, persisted] = await Promise.all([storage?.estimate?.(), storage?.persisted?.()])
  return {
    ...(persisted !== undefined && { persisted }),
    ...(estimate?.usage !== undefined && { usageBytes: estimate.usage }),
    ...(estimate?.quota !== undefined && { quotaBytes: estimate.quota }),
  }
}

/** A File or Blob, bytes, or an address the page can fetch (a blob: or data: URL). */
async function readAnyFile(file: unknown): Promise<{ bytes: Uint8Array; contentType?: string }> {
  if (file instanceof Uint8Array) return { bytes: file }
  if (file instanceof ArrayBuffer) return { bytes: new Uint8Array(file) }
  if (file instanceof Blob) return readBlob(file)
  if (typeof file !== 'string' || !/^(blob|data):/.test(file))
    throw new CloudError('INVALID_PARAM', {
      errMsg: 'uploadFile:fail filePath is a File, a Blob, or a blob: or data: address of this page',
    })
  try {
    return await readBlob(await (await fetch(file)).blob())
  } catch (cause) {
    throw new CloudError('INVALID_PARAM', { errMsg: 'uploadFile:fail the address cannot be read', cause })
  }
}

async function readBlob(blob: Blob): Promise<{ bytes: Uint8Array; contentType?: string }> {
  return { bytes: new Uint8Array(await blob.arrayBuffer()), ...(blob.type && { contentType: blob.type }) }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
