import { type Document, patchBetween } from '@nearcloud/protocol'
import { keyOf } from '../commit/stage.ts'
import { patchItem } from './frames.ts'
import type { PendingChange } from './pending-changes.ts'

/** Items that say what one state of a document became, made once for all who hold that state. */
export class Patches {
  #itemByStates = new Map<string, string | undefined>()
  #characters = 0
  /** What was asked last: a change is told to one client after the other. */
  #last: { readonly of: States; readonly item: string | undefined } | undefined

  /** Undefined where the whole document is no longer. */
  itemOf(change: PendingChange): string | undefined {
    const { before, after } = change
    if (!before || !after) return undefined
    if (!this.#last || !isSame(this.#last.of, change)) {
      const { base, lastVersion } = change
      this.#last = { of: { before, after, base, lastVersion }, item: this.#find(change, before, after) }
    }
    return this.#last.item
  }

  #find(
    { collection, id, base, afterText, lastVersion }: PendingChange,
    before: Document,
    after: Document,
  ): string | undefined {
    if (base === undefined || afterText === null) return undefined
    const states = `${keyOf(collection, id)}/${base}/${lastVersion}`
    if (this.#itemByStates.has(states)) return this.#itemByStates.get(states)
    const patch = patchBetween(before, after)
    const item = patch && patchItem(collection, lastVersion, base, id, patch)
    const shorter = item !== undefined && item.length < afterText.length ? item : undefined
    this.#keep(states, shorter)
    return shorter
  }

  #keep(states: string, item: string | undefined): void {
    this.#characters += states.length + (item?.length ?? 0)
    if (this.#characters > mostCharacters) {
      this.#itemByStates = new Map()
      this.#characters = 0
    }
    this.#itemByStates.set(states, item)
  }
}

type States = Readonly<Pick<PendingChange, 'before' | 'base' | 'after' | 'lastVersion'>>

function isSame(one: States, other: States): boolean {
  return (
    one.before === other.before &&
    one.after === other.after &&
    one.base === other.base &&
    one.lastVersion === other.lastVersion
  )
}

const mostCharacters = 1_000_000
