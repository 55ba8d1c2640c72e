import { assert } from '@nearcloud/protocol'

/** What a field is made of: one compact state and the updates since, oldest first; and up to where they are durable. */
export class FieldHistory {
  #base: Uint8Array | undefined
  #updates: Uint8Array[]
  /** How many came before those that are still single. */
  #before = 0
  #kept: number

  constructor(base: Uint8Array | undefined, updates: readonly Uint8Array[]) {
    this.#base = base
    this.#updates = [...updates]
    this.#kept = updates.length
  }

  /** Updates that were ever added. */
  get count(): number {
    return this.#before + this.#updates.length
  }

  get isSettled(): boolean {
    return this.#kept === this.count
  }

  /** Everything, in an order in which each stands on those before it. */
  get all(): readonly Uint8Array[] {
    return this.#base === undefined ? [...this.#updates] : [this.#base, ...this.#updates]
  }

  add(update: Uint8Array): void {
    this.#updates.push(update)
  }

  /** Takes out what was added since there were `count`. */
  takeSince(count: number): readonly Uint8Array[] {
    assert(count >= this.#kept, 'what was kept stays')
    return this.#updates.splice(count - this.#before)
  }

  /** Everything is durable. Many single updates become part of one `state`. */
  keep(state: () => Uint8Array): void {
    this.#kept = this.count
    const most = 64 + (this.#base?.length ?? 0) / 256
    if (this.#updates.length < most) return
    this.#base = state()
    this.#before = this.#kept
    this.#updates = []
  }
}
