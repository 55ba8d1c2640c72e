import { copyValue, type DocId, type Value } from '@nearcloud/protocol'
import type { DocChange, Snapshot } from '@nearcloud/query'
import type { LiveQuery } from './live-query.ts'
import type { Change } from './overlay.ts'

/** A watch of a host that wants its turn every few milliseconds. */
export interface WatchInPieces {
  pause(): Promise<void>
  /** Nobody closed it meanwhile. */
  isWanted(): boolean
  /** Does not throw. */
  tell(snapshot: Snapshot): void
}

/** The first result of a watch, made in pieces; what changes meanwhile is in it. */
export class FirstInPieces {
  readonly #live: LiveQuery
  /** Changed since the documents were looked for. */
  readonly #changed = new Set<DocId>()

  constructor(live: LiveQuery) {
    this.#live = live
  }

  heard(changes: readonly Change[]): undefined {
    for (const { id } of changes) this.#changed.add(id)
    this.#live.hear(changes)
  }

  /** Undefined when nobody wants it any more. */
  async make({ pause, isWanted }: Pick<WatchInPieces, 'pause' | 'isWanted'>): Promise<Snapshot | undefined> {
    const found = this.#live.begin()
    for (let at = 0; at < found.length; at += addedAtOnce) {
      await pause()
      if (!isWanted()) return undefined
      const next = found.slice(at, at + addedAtOnce)
      this.#live.add(this.#changed.size === 0 ? next : next.filter(({ _id }) => !this.#changed.has(_id)))
    }
    await pause()
    return isWanted() ? this.#live.first() : undefined
  }
}

/** Snapshots on their way to an observer that gets copies of its own, made in pieces, in their order. */
export class CopiesInPieces {
  readonly #watch: WatchInPieces
  #waiting: Snapshot[] = []
  #isCopying = false

  constructor(watch: WatchInPieces) {
    this.#watch = watch
  }

  get isBusy(): boolean {
    return this.#isCopying
  }

  deliver(snapshot: Snapshot): void {
    this.#waiting.push(snapshot)
    if (!this.#isCopying) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isCopying = true
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const docs = await this.#copied(next.docs)
      const docChanges = await this.#copied(next.docChanges as readonly (DocChange & Value)[])
      this.#waiting.shift()
      if (!this.#watch.isWanted()) this.#waiting = []
      else this.#watch.tell({ ...next, docs, docChanges, isOwn: true })
    }
    this.#isCopying = false
  }

  async #copied<T extends Value>(values: readonly T[]): Promise<readonly T[]> {
    const copies: T[] = []
    for (const value of values) {
      // where more comes than can be told there is no time for pauses
      if (copies.length % copiedAtOnce === 0 && this.#waiting.length <= mostWaiting) await this.#watch.pause()
      if (!this.#watch.isWanted()) break
      copies.push(copyValue(value))
    }
    return copies
  }
}

const addedAtOnce = 500
const copiedAtOnce = 100
const mostWaiting = 8
