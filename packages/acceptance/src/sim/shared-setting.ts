import { type Device as ClientDevice, readInitOptions, type Setting } from '@nearcloud/client/testing'
import type { Sync } from '@nearcloud/sync'
import type { Process } from './device.ts'
import type { ProcessFiles } from './device-files.ts'

const cache = { maxDocuments: 1, maxAgeMs: 1_000, everyMs: 200 }

/** What the app of a shared device asks for. */
export const setting: Setting = {
  ...readInitOptions(
    { endpoint: 'http://sim', env: 'sim', store: 'app', transport: 'websocket', snapshots: 'socket' },
    undefined,
  ),
  cache,
}

/** What is asked of a user's engine is asked as an app asks it: it ends when the user is not the active one any more. */
export function seated(sync: Sync, seat: ClientDevice['seat']): Sync {
  const asked: Partial<Sync> = {
    executor: seat.executor as Sync['executor'],
    subscribe: (query, options) => seat.executor.follow(query, options),
    call: (name, data) => seat.within('other', () => sync.call(name, data)),
    retry: (nonce, writes, wait) => seat.within('write', () => sync.retry(nonce, writes, wait)),
    whenSynced: () => seat.within('other', () => sync.whenSynced()),
  }
  return Object.assign(Object.create(sync) as Sync, asked)
}

/** So it is with files. */
export function seatedFiles(seat: ClientDevice['seat']): ProcessFiles['files'] {
  return {
    upload: (...given) => seat.within('write', ({ files }) => files.upload(...given)),
    download: (...given) => seat.within('other', ({ files }) => files.download(...given)),
    delete: asked => seat.within('other', ({ files }) => files.delete(asked)),
  }
}

/** And with calls that wait. */
export function seatedCalls(seat: ClientDevice['seat']): Process['calls'] {
  return { bring: call => seat.within('other', ({ instance }) => instance.queuedCalls.bring(call)) }
}

/** Names the documents of a user, who is known by a slot. */
export function storeNameOf(slot: string): string {
  return slot === '' ? setting.storeName : `${setting.storeName}.${slot}`
}

/** Names their files and calls that wait. */
export function queueNameOf(slot: string): string {
  return `${storeNameOf(slot)}.files`
}

/** Whose documents, or files and calls, are kept under this name, when there are any. */
export function placeOf(name: string): { readonly slot: string; readonly isQueue: boolean } | undefined {
  const found = new RegExp(`^${setting.storeName}(?:\\.(u[0-9a-f]{12}))?(\\.files)?$`).exec(name)
  return found ? { slot: found[1] ?? '', isQueue: found[2] !== undefined } : undefined
}
