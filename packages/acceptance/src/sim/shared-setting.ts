import { type Device as ClientDevice, readInitOptions, type Setting } from '@nearcloud/client/testing'
import type { Sync } from '@nearcloud/sync'

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

/** Names the documents of a user, who is known by a slot. */
export function storeNameOf(slot: string): string {
  return slot === '' ? setting.storeName : `${setting.storeName}.${slot}`
}

/** Whose documents are kept under this name, when there are any. */
export function slotOf(name: string): string | undefined {
  if (name === setting.storeName) return ''
  return new RegExp(`^${setting.storeName}\\.(u[0-9a-f]{12})$`).exec(name)?.[1]
}
