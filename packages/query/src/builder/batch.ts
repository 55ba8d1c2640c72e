import { checkCollectionName, checkDocId, type DocId, limits, type Write } from '@nearcloud/protocol'
import { refuse } from '../refusals.ts'
import { answer } from './callbacks.ts'
import { type CallbackStyle, type WriteResult, writeResult } from './results.ts'
import { type Setting, styleOf } from './setting.ts'
import { type WaitOption, waitFrom } from './wait-option.ts'
import { addition, type Place, removal, storing, update } from './writes.ts'

/** Of a batch: the documents in the order they were named, and how many were made, changed and removed. */
export interface BatchResult extends WriteResult {
  readonly _ids: readonly DocId[]
  readonly stats: { readonly created: number; readonly updated: number; readonly removed: number }
}

/**
 * Writes of several documents and collections that are decided together: all of them or none, seen by every watch at
 * once. They are collected, in order, until `commit`; what is wrong with one throws where it is said.
 */
export class Batch {
  readonly #setting: Setting
  readonly #writes: Write[] = []
  #isCommitted = false

  constructor(setting: Setting) {
    this.#setting = setting
  }

  /** How many writes it has. */
  get size(): number {
    return this.#writes.length
  }

  collection(name: string): BatchCollection {
    this.#checkOpen()
    checkCollectionName(name)
    return {
      add: given => {
        const write = addition(name, given?.data, this.#setting.options)
        this.#collect(write)
        return write.id
      },
      doc: id => {
        checkDocId(id)
        return this.#document({ collection: name, id })
      },
    }
  }

  /** Once. Rejects with INVALID_PARAM when nothing was collected, and as any write; the batch is over then, too. */
  commit(options: WaitOption & CallbackStyle<BatchResult>): void
  commit(options?: WaitOption): Promise<BatchResult>
  commit(options?: WaitOption): Promise<BatchResult> | undefined {
    return answer<BatchResult>('batch.commit', options, styleOf(this.#setting), async () => {
      const wait = waitFrom(options)
      this.#checkOpen()
      if (this.#writes.length === 0) throw refuse('the batch is empty: add, set, update or remove something')
      this.#isCommitted = true
      const committed = await this.#setting.executor.commit({ writes: this.#writes, ...wait })
      const { created, updated, removed } = committed
      const _ids = this.#writes.map(({ id }) => id)
      return { _ids, stats: { created, updated, removed }, ...writeResult('batch.commit', committed) }
    })
  }

  #document(place: Place): BatchDocument {
    return {
      set: given => this.#collect(storing('set', place, given?.data, this.#setting.options)),
      update: given => this.#collect(update(place, given?.data, this.#setting.options)),
      remove: () => this.#collect(removal(place)),
    }
  }

  #collect(write: Write): void {
    this.#checkOpen()
    if (this.#writes.length === limits.batchWrites)
      throw refuse(`a batch has at most ${limits.batchWrites} writes`)
    this.#writes.push(write)
  }

  #checkOpen(): void {
    if (this.#isCommitted) throw refuse('this batch was committed: make another one with db.batch()')
  }
}

/** A collection in a batch: nothing can be read here. */
export interface BatchCollection {
  /** A document with `data._id` or a fresh id, which is the answer. */
  add(options: { readonly data: object }): DocId
  doc(id: DocId): BatchDocument
}

/** As of a document, but collected. */
export interface BatchDocument {
  set(options: { readonly data: object }): void
  update(options: { readonly data: object }): void
  remove(): void
}

/** Collects what `work` says, and commits it when `work` is done; when it throws or rejects, nothing was written. */
export async function batchOf(
  setting: Setting,
  work: (batch: Batch) => unknown,
  options: WaitOption | undefined,
): Promise<BatchResult> {
  if (typeof work !== 'function') throw refuse('db.batch takes nothing, or a function')
  const batch = new Batch(setting)
  await work(batch)
  return batch.commit(options)
}
