import { CloudError } from '@nearcloud/protocol'
import type { RejectedMutation } from './store.ts'

/** The refused mutations, oldest first, by their nonces: a number may name two of them once a store was renumbered. */
export class RejectedList {
  #all: readonly RejectedMutation[]
  /** On their way out. */
  readonly #leaving = new Set<string>()

  constructor(all: readonly RejectedMutation[]) {
    this.#all = Object.freeze([...all])
  }

  get all(): readonly RejectedMutation[] {
    return this.#all
  }

  add(rejected: RejectedMutation): void {
    this.#all = Object.freeze([...this.#all, Object.freeze(rejected)])
  }

  remove(ids: readonly string[]): void {
    this.#all = Object.freeze(this.#all.filter(each => !ids.includes(each.mutation.nonce)))
  }

  /** Those that have to go for `coming` new ones to have room: the oldest, unless they are on their way out. */
  inTheWayOf(coming: number): readonly RejectedMutation[] {
    const staying = this.#all.filter(({ mutation }) => !this.#leaving.has(mutation.nonce))
    return coming === 0 ? [] : staying.slice(0, Math.max(0, staying.length + coming - mostRejected))
  }

  /** Throws INVALID_PARAM for what is not in the list, or leaves it already. */
  check(id: string): void {
    if (!this.#leaving.has(id) && this.#all.some(({ mutation }) => mutation.nonce === id)) return
    throw new CloudError('INVALID_PARAM', {
      errMsg: `there is no rejected write "${id}": it was tried again, discarded or dropped`,
    })
  }

  /** Nobody else can take it out until `left` is settled; when that rejects, it has stayed. */
  leaves(id: string, left: Promise<void>): void {
    this.#leaving.add(id)
    const settled = () => this.#leaving.delete(id)
    left.then(settled, settled)
  }
}

const mostRejected = 1_000
