import { patchBetween } from '@nearcloud/protocol'
import { keyOf } from '../commit/stage.ts'
import { patchItem } from './frames.ts'
import type { PendingChange } from './pending-changes.ts'

/** Items that say what one state of a document became, made once for all who hold that state. */
export class Patches {
  #itemByStates = new Map<string, string | undefined>()
  #characters = 0

  /** Undefined where the whole document is no longer. */
  itemOf({ collection, id, before, base, after, afterText, lastVersion }: PendingChange): string | undefined {
    if (!before || !after || base === undefined || afterText === null) return undefined
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

const mostCharacters = 1_000_000
