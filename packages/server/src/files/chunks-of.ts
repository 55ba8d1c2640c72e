import type { Clock } from '@nearcloud/protocol'

/** The bytes until they end (`ended` is called then), break off, are silent for `silenceMs`, take longer than `partMs`, or the server stops. */
export async function* chunksOf(
  bytes: ReadableStream<Uint8Array>,
  {
    clock,
    stopped,
    ended,
  }: { readonly clock: Clock; readonly stopped: AbortSignal; readonly ended?: (() => void) | undefined },
): AsyncIterable<Uint8Array> {
  const reader = bytes.getReader()
  let isCut = false
  const cut = () => {
    isCut = true
    reader.cancel().catch(() => undefined)
  }
  const cancelWhole = clock.after(partMs, cut)
  stopped.addEventListener('abort', cut)
  try {
    while (!stopped.aborted) {
      const cancelSilence = clock.after(silenceMs, cut)
      const { done, value } = await reader.read().finally(cancelSilence)
      if (done) {
        if (!isCut) ended?.()
        return
      }
      yield value
    }
  } catch {
    // what came counts; the client sees that its request failed
  } finally {
    cancelWhole()
    stopped.removeEventListener('abort', cut)
    cut()
  }
}

const silenceMs = 10_000
const partMs = 120_000
