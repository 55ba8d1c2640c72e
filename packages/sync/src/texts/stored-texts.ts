import { CloudError, fromBase64, toBase64 } from '@nearcloud/protocol'
import { textsBegun } from '@nearcloud/query'
import type { Store, StoredText, TextPlace, TextStep } from '@nearcloud/store'
import type { TextRuntime } from './text-runtime.ts'
import { updatesOf } from './text-session.ts'

/** What of a text is here: as it begins in the outbox, or as the server has said it. */
export function textHere(store: Store, place: TextPlace): StoredText | undefined {
  return pendingBeginning(store, place) ?? store.texts.get(place)
}

/** A text that begins in the outbox. */
export function pendingBeginning(store: Store, place: TextPlace): StoredText | undefined {
  const { collection, id, path } = place
  const mutations = store.outbox.of(collection, id)
  for (let n = mutations.length - 1; n >= 0; n--)
    for (const write of [...mutations[n]!.writes].reverse()) {
      if (write.collection !== collection || write.id !== id) continue
      const begun = textsBegun(write).find(([at]) => at === path)
      if (begun) return { collection, id, path, text: mutations[n]!.nonce, began: begun[1], updates: [] }
    }
  return undefined
}

/** What is here of a text with an update: appended, or in one where there are many. */
export function stepOf(
  runtime: TextRuntime,
  place: TextPlace,
  { text, update, known }: { text: string; update: Uint8Array; known: StoredText | undefined },
): TextStep {
  if (known?.text !== text) return { ...place, put: { text, updates: [toBase64(update)] } }
  if (known.updates.length < longestTail) return { ...place, text, add: toBase64(update) }
  const whole = runtime.compact([...updatesOf(runtime, known), update])
  return { ...place, put: { text, updates: [toBase64(whole)] } }
}

/** Throws PROTOCOL_ERROR for what is no update. */
export function readUpdate(runtime: TextRuntime, text: string): Uint8Array {
  try {
    const update = fromBase64(text)!
    runtime.merge([update, update])
    return update
  } catch (cause) {
    throw new CloudError('PROTOCOL_ERROR', { errMsg: 'the server said what is no edit of a text', cause })
  }
}

/** Of what a stored text shows; undefined for what cannot be read. */
export function hashOf(runtime: TextRuntime, stored: StoredText): string | undefined {
  try {
    const copy = runtime.open(updatesOf(runtime, stored), 0)
    const { hash } = copy
    copy.close()
    return hash
  } catch {
    return undefined // what cannot be read is like nothing
  }
}

const longestTail = 50
