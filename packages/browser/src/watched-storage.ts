import { CloudError } from '@nearcloud/protocol'
import { orMemory, type Storage, WatchedStorage } from '@nearcloud/store'
import { browserClock } from './browser-platform.ts'

/**
 * A storage of a browser that may forget to answer, or that may not be had at all. One that was taken over is not opened a second
 * time behind the back of whoever may have it by then: its tab leads no more, and whoever does opens it anew.
 */
export function watchedStorage(
  make: () => Storage,
  access: 'own' | 'takeOver' | 'read' | undefined,
): Storage {
  let isMade = false
  const once = () => {
    if (isMade && access === 'takeOver')
      throw new CloudError('STORE_IN_USE', { errMsg: 'the local store is to be opened anew' })
    isMade = true
    return make()
  }
  return orMemory(new WatchedStorage(once, { clock: browserClock }))
}
