/*
 * The server lets other work of its process run with `setImmediate`. While a world turns, that is one more lane: the
 * world says when a turn ends. Its own waiting uses the real thing, which comes after every promise has settled.
 */
const real = globalThis.setImmediate

/** Resolves when all promises that wait for nothing but each other have settled. */
export function settled(): Promise<void> {
  return new Promise(resolve => real(resolve))
}

/** From now on `take` gets what asks for a turn. Returns the way to give the real thing back. */
export function takeTurns(take: (task: () => void) => void): () => void {
  globalThis.setImmediate = ((task: (...all: unknown[]) => void, ...all: unknown[]) =>
    take(() => task(...all))) as typeof setImmediate
  return () => {
    globalThis.setImmediate = real
  }
}
