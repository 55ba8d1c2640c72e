import { CloudError, checkCollectionName, checkDocId, type DocId } from '@nearcloud/protocol'
import type { IndexWish } from '../indexes/parse-index.ts'
import { answer } from './callbacks.ts'
import { DocumentReference } from './document.ts'
import { QueryReference } from './query.ts'
import {
  type AddListResult,
  type AddResult,
  type CallbackStyle,
  type IndexListResult,
  type IndexResult,
  writeResult,
} from './results.ts'
import { type Setting, styleOf } from './setting.ts'
import { type WaitOption, waitFrom } from './wait-option.ts'
import { addition } from './writes.ts'

/** A collection: a question for all of it, and the place where documents are added. */
export class CollectionReference<Missing = never> extends QueryReference {
  readonly name: string
  readonly #setting: Setting

  constructor(name: string, setting: Setting) {
    checkCollectionName(name)
    super(name, setting)
    this.name = name
    this.#setting = setting
  }

  /** The original's name for `name`. */
  get collectionName(): string {
    return this.name
  }

  /** Throws INVALID_PARAM unless `id` is text or a number. */
  doc(id: DocId): DocumentReference<Missing> {
    checkDocId(id)
    return new DocumentReference(this.name, id, this.#setting)
  }

  /**
   * Adds a document, with `data._id` or a fresh one; on the server side also a list of them, all or none. Rejects with
   * DUPLICATE_ID when the id exists.
   */
  add(options: { data: object } & WaitOption & CallbackStyle<AddResult>): void
  add(options: { data: readonly object[] } & WaitOption): Promise<AddListResult>
  add(options: { data: object } & WaitOption): Promise<AddResult>
  add(
    options: { data: object | readonly object[] } & WaitOption,
  ): Promise<AddResult | AddListResult> | undefined {
    return answer<AddResult | AddListResult>('collection.add', options, styleOf(this.#setting), async () => {
      const data: unknown = options?.data
      const { executor, options: database } = this.#setting
      const isList = Array.isArray(data) && database.side === 'server'
      const writes = (isList ? data : [data]).map(each => addition(this.name, each, database))
      if (writes.length === 0) throw new CloudError('INVALID_PARAM', { errMsg: 'data must not be empty' })
      const committed = await executor.commit({ writes, ...waitFrom(options) })
      const { ids } = committed // as they were decided: a write that is done once may have been before
      const result = writeResult('collection.add', committed)
      return isList ? { _ids: ids, ...result } : { _id: ids[0]!, ...result }
    })
  }

  /**
   * Makes an index: `{ keys: { path: 1 | -1 | '2dsphere' }, name?, unique?, expireAfterSeconds? }`. The same again is nothing; another
   * of that name is refused. Resolves when it can be used. On a client it is an index of the local store alone.
   */
  createIndex(options: CallbackStyle<IndexResult>): void
  createIndex(options: IndexWish): Promise<IndexResult>
  createIndex(options: object): Promise<IndexResult> | undefined {
    return answer('collection.createIndex', options, styleOf(this.#setting), async () => {
      const { indexFrom } = await import('../indexes/index.ts')
      const createIndex = indexFrom(options)
      await this.#setting.executor.commit({ createIndex, collection: this.name })
      return { name: createIndex.name, errMsg: 'collection.createIndex:ok' }
    })
  }

  /** Resolves also when there is none of that name. */
  dropIndex(name: string): Promise<IndexResult> {
    return answer<IndexResult>('collection.dropIndex', undefined, 'promise', async () => {
      if (typeof name !== 'string') throw new CloudError('INVALID_PARAM', { errMsg: 'an index has a name' })
      await this.#setting.executor.commit({ dropIndex: name, collection: this.name })
      return { name, errMsg: 'collection.dropIndex:ok' }
    })!
  }

  listIndexes(): Promise<IndexListResult> {
    return answer<IndexListResult>('collection.listIndexes', undefined, 'promise', async () => {
      const { indexes = [] } = await this.#setting.executor.run({ verb: 'indexes', collection: this.name })
      return { indexes, errMsg: 'collection.listIndexes:ok' }
    })!
  }
}
