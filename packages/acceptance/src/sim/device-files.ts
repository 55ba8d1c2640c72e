import { Files, type OwnInstance, type Platform, UploadQueue, Uploads } from '@nearcloud/client/testing'
import type { Clock, RandomBytes } from '@nearcloud/protocol'
import type { Storage } from '@nearcloud/store'
import { MemoryMedium } from '@nearcloud/store/testing'
import type { createSync } from '@nearcloud/sync'
import type { DeviceOptions, Process } from './device.ts'

/** What a process has of its app's files. */
export interface ProcessFiles {
  readonly queue: UploadQueue
  readonly uploads: Uploads
  readonly files: Files
  /** Where the app can open them, by the address it was given. */
  readonly saved: ReadonlyMap<string, Uint8Array>
}

interface Parts {
  readonly queue: UploadQueue
  readonly sync: ReturnType<typeof createSync>
  readonly clock: Clock
  readonly random: RandomBytes
}

/** The files of a device that wait for the server: the client's own queue, and what empties it. */
export class DeviceFiles {
  readonly medium = new MemoryMedium()
  readonly #options: NonNullable<DeviceOptions['files']>

  constructor(options: NonNullable<DeviceOptions['files']>) {
    this.#options = options
  }

  open(storage: Storage): Promise<UploadQueue> {
    return UploadQueue.open(storage, 'strict')
  }

  /** As `openInstance` puts it together. */
  attend(process: Process, { queue, sync, clock, random }: Parts): ProcessFiles {
    const { exchanges, ledger } = this.#options
    const saved = new Map<string, Uint8Array>()
    const endpoint = 'http://sim'
    const request: Platform['request'] = asked => exchanges.request(process, asked)
    const uploads = new Uploads({
      ...{ queue, sync, clock, endpoint, request },
      settled: ({ sha256 }, error) => ledger.told(process, sha256, error),
      failed: () => undefined,
    })
    const instance = { queue, uploads, sync, setting: { env: 'sim', endpoint } } as unknown as OwnInstance
    const platform = {
      request,
      random,
      async saveTemporary(bytes: Uint8Array) {
        const address = `saved:${saved.size}`
        saved.set(address, bytes)
        return address
      },
    } as unknown as Platform
    return { queue, uploads, files: new Files(instance, platform), saved }
  }
}
