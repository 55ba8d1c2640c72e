import { DocSet } from './doc-map.ts'
import { touchedBy } from './outbox.ts'
import { type Change, rebase } from './overlay.ts'
import type { Entry } from './records.ts'
import type { ShownTexts } from './shown-texts.ts'
import type { State } from './state.ts'

/**
 * Applies entries of a log that another one writes. What was made here and is not among them yet comes behind them, as it will
 * in the log.
 */
export function hear(state: State, entries: readonly Entry[], shown: ShownTexts): readonly Change[] {
  const { collections, outbox } = state
  const { openid } = state.checkpoint
  const waiting = outbox.takeUndurable()
  const concerned = touchedBy(waiting)
  const heard = new Set<string>()
  for (const entry of entries) {
    if (entry.kind === 'step') concerned.addAll(state.applyStep(entry.step))
    else {
      if (entry.amends !== undefined && outbox.last) concerned.addAll(touchedBy([outbox.last]))
      state.replay(entry)
      heard.add(entry.mutation.nonce)
      concerned.addAll(touchedBy([entry.mutation]))
    }
  }
  let next = state.checkpoint.nextMutation
  for (const mutation of waiting)
    if (!heard.has(mutation.nonce)) outbox.append(Object.freeze({ ...mutation, id: next++ }))
  state.dirty = new DocSet() // nothing is folded here
  if (state.checkpoint.openid !== openid) concerned.addAll(outbox.touched())
  return rebase(collections, outbox, concerned, state.checkpoint.openid, shown)
}
