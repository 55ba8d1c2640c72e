import type { Clock } from '@nearcloud/protocol'

/**
 * The pauses of long work: the host has its turn when the work has had the thread for a slice, by the clock; before that it goes on
 * at once.
 */
export function slices(clock: Clock): () => Promise<void> {
  let since = Number.NEGATIVE_INFINITY
  return async () => {
    if (clock.now() - since < sliceMs) return
    await new Promise<void>(resolve => void clock.after(0, resolve))
    since = clock.now()
  }
}

/** With the step that ends it, it stays below 8. */
export const sliceMs = 4
