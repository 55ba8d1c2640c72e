/**
 * The pauses of long work: the host has its turn (`next`) when the work has had the thread for a slice, by its clock (`now`, in
 * milliseconds); before that it goes on at once.
 */
export function slices(now: () => number, next: () => Promise<void>): () => Promise<void> {
  let since = Number.NEGATIVE_INFINITY
  return async () => {
    if (now() - since < sliceMs) return
    await next()
    since = now()
  }
}

/** With the step that ends it, it stays below 8. */
const sliceMs = 3
