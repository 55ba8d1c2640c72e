import { randomBytes } from 'node:crypto'
import type { Clock, RandomBytes } from '@nearcloud/protocol'

/** The machine's clock. Its timers do not keep a process alive: the open port does. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, task) {
    // longer than a timer can count is as good as never
    const timer = setTimeout(task, Math.min(delayMs, 2 ** 31 - 1)).unref()
    return () => clearTimeout(timer)
  },
}

export const systemRandom: RandomBytes = size => new Uint8Array(randomBytes(size))
