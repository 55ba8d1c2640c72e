import { Files, type OwnInstance, type Platform, type UploadQueue, Uploads } from '@nearcloud/client/testing'
import type { Clock, RandomBytes } from '@nearcloud/protocol'
import type { createSync } from '@nearcloud/sync'
import type { Process } from './device.ts'
import type { Exchanges } from './exchanges.ts'
import type { Ledger } from './ledger.ts'

/** What a process has of its app's files. */
export interface ProcessFiles {
  readonly queue: UploadQueue
  readonly uploads: Pick<Uploads, 'abort'>
  readonly files: Pick<Files, 'upload' | 'download' | 'delete'>
  /** Where the app can open them, by the address it was given. */
  readonly saved: ReadonlyMap<string, Uint8Array>
}

interface Parts {
  readonly queue: UploadQueue
  readonly sync: ReturnType<typeof createSync>
  readonly clock: Clock
  readonly random: RandomBytes
  readonly exchanges: Exchanges
  readonly ledger: Ledger
}

/** The files of a process that wait for the server, and what brings them there: as `openInstance` puts it together. */
export function attendFiles(
  process: Process,
  { queue, sync, clock, random, exchanges, ledger }: Parts,
): ProcessFiles {
  const endpoint = 'http://sim'
  const request: Platform['request'] = asked => exchanges.request(process, asked)
  const uploads = new Uploads({
    ...{ queue, sync, clock, endpoint, request },
    settled: ({ sha256 }, error) => ledger.told(process, sha256, error),
    failed: () => undefined,
  })
  const instance = { queue, uploads, sync, setting: { env: 'sim', endpoint } } as unknown as OwnInstance
  const saved = new Map<string, Uint8Array>()
  const platform = { request, random, saveTemporary: savedIn(saved) } as unknown as Platform
  return { queue, uploads, files: new Files(instance, platform), saved }
}

/** Where the app finds what it was given. */
export function savedIn(saved: Map<string, Uint8Array>): Platform['saveTemporary'] {
  return async bytes => {
    const address = `saved:${saved.size}`
    saved.set(address, bytes)
    return address
  }
}
