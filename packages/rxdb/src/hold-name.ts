import { CloudError } from '@nearcloud/protocol'

const heldByStorage = new WeakMap<object, Set<string>>()

/**
 * RxDB storages let anybody open anything: the name is held in this process, and where the host has Web Locks against other
 * tabs. Throws STORE_IN_USE; the answer gives it back.
 */
export async function holdName(storage: object, name: string): Promise<() => void> {
  const held = heldByStorage.get(storage) ?? new Set()
  heldByStorage.set(storage, held)
  if (held.has(name)) throw inUse(name)
  held.add(name)
  const { locks } = (globalThis.navigator ?? {}) as Partial<Navigator>
  const unlock = locks && (await lockIn(locks, `nearcloud:rxdb:${name}`))
  if (unlock === null) {
    held.delete(name)
    throw inUse(name)
  }
  return () => {
    held.delete(name)
    unlock?.()
  }
}

/** The way to give it back; null when another tab has it. */
function lockIn(locks: LockManager, name: string): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    const request = locks.request(name, { ifAvailable: true }, lock => {
      if (lock) return new Promise<void>(release => resolve(release))
      resolve(null)
      return undefined
    })
    request.catch(reject)
  })
}

function inUse(name: string): CloudError {
  return new CloudError('STORE_IN_USE', {
    errMsg: `the local store "${name}" is open already, here or in another tab`,
  })
}
