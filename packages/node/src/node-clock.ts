import { randomBytes } from 'node:crypto'
import type { Clock, RandomBytes } from '@nearcloud/protocol'

/** The host's clock. Its timers keep the process alive, as an open socket does, until the cloud is closed. */
export const nodeClock: Clock = {
  now: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs)
    return () => clearTimeout(timer)
  },
}

export const nodeRandom: RandomBytes = size => new Uint8Array(randomBytes(size))
