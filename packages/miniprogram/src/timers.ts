import type { Clock } from '@nearcloud/protocol'

/** The only bare names the client uses in a mini program: every host has them. */
declare function setTimeout(task: () => void, delayMs: number): number
declare function clearTimeout(timer: number): void

export const hostClock: Clock = {
  now: () => Date.now(),
  after(delayMs, task) {
    // longer than a timer can count is as good as never
    const timer = setTimeout(task, Math.min(delayMs, 0x7fffffff))
    return () => clearTimeout(timer)
  },
}
