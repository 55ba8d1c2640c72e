import { CloudError } from '@nearcloud/protocol'

/**
 * Takes a Web Lock for as long as this page lives, or until the answer is called. Throws STORE_IN_USE when another tab has
 * it. Where the host has no Web Locks nothing is locked.
 */
export async function holdLock(name: string): Promise<() => void> {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks
  if (!locks) return () => undefined
  return new Promise((resolve, reject) => {
    const hold = (lock: Lock | null): Promise<void> | undefined => {
      if (lock) return new Promise(release => resolve(release))
      reject(
        new CloudError('STORE_IN_USE', {
          errMsg: `the local store is open in another tab (the lock ${name} is held)`,
        }),
      )
      return undefined
    }
    locks.request(name, { ifAvailable: true }, hold).catch(reject)
  })
}

/** Takes a Web Lock from whoever has it. `lost` is called when it is taken from this one. The answer gives it back. */
export async function takeLock(name: string, lost: () => void): Promise<() => void> {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks
  if (!locks) return () => undefined
  return new Promise(resolve => {
    const hold = (): Promise<void> => new Promise(release => resolve(release))
    locks.request(name, { steal: true }, hold).catch(lost)
  })
}
