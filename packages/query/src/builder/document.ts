import { CloudError, type DocId } from '@nearcloud/protocol'
import type { Fields, Query } from '../types.ts'
import { checkWrite } from '../update/check-write.ts'
import { answer } from './callbacks.ts'
import { checkedFields, type FieldWishes } from './query.ts'
import {
  type CallbackStyle,
  type DocumentResult,
  ownDocument,
  type RemoveResult,
  type SetResult,
  type UpdateResult,
  type WatchOptions,
  writeResult,
} from './results.ts'
import { type Setting, styleOf } from './setting.ts'
import { changesFrom, fieldsFrom, refuseOwner } from './update-data.ts'
import { watchQuery } from './watch.ts'

/** One document by its id, whether it exists or not. */
export class DocumentReference {
  readonly id: DocId
  readonly #collection: string
  readonly #setting: Setting
  readonly #fields: Fields | undefined

  constructor(collection: string, id: DocId, setting: Setting, fields?: Fields) {
    this.id = id
    this.#collection = collection
    this.#setting = setting
    this.#fields = fields
  }

  field(fields: FieldWishes): DocumentReference {
    const checked = checkedFields(fields, this.#setting)
    return new DocumentReference(this.#collection, this.id, this.#setting, checked)
  }

  /** Rejects with DOCUMENT_NOT_FOUND, unless `throwOnNotFound: false` asks for null. */
  get(options: CallbackStyle<DocumentResult>): void
  get(): Promise<DocumentResult>
  get(options?: object): Promise<DocumentResult> | undefined {
    return answer('document.get', options, styleOf(this.#setting), async () => {
      const { documents, fromCache } = await this.#setting.executor.run({
        verb: 'get',
        query: this.toQuery(),
      })
      const [document] = documents
      if (!document && this.#setting.options.throwOnNotFound !== false) throw this.#notFound()
      return {
        data: document ? ownDocument(document) : null,
        errMsg: 'document.get:ok',
        ...(fromCache && { fromCache: true as const }),
      }
    })
  }

  /** Merges `data` into the document; `updated: 0` when there is none. */
  update(options: { data: object } & CallbackStyle<UpdateResult>): void
  update(options: { data: object }): Promise<UpdateResult>
  update(options: { data: object }): Promise<UpdateResult> | undefined {
    return answer('document.update', options, styleOf(this.#setting), async () => {
      const { side } = this.#setting.options
      const write = { ...this.#name(), op: 'update' as const, changes: changesFrom(options?.data, side) }
      const committed = await this.#setting.executor.commit({ writes: [write] })
      return { stats: { updated: committed.updated }, ...writeResult('document.update', committed) }
    })
  }

  /** Replaces the document, or creates it. */
  set(options: { data: object } & CallbackStyle<SetResult>): void
  set(options: { data: object }): Promise<SetResult>
  set(options: { data: object }): Promise<SetResult> | undefined {
    return answer('document.set', options, styleOf(this.#setting), async () => {
      const data = fieldsFrom(options?.data)
      if (this.#setting.options.side === 'client') refuseOwner(data)
      const write = { ...this.#name(), op: 'set' as const, data }
      checkWrite(write)
      const committed = await this.#setting.executor.commit({ writes: [write] })
      const { updated, created } = committed
      return { _id: this.id, stats: { updated, created }, ...writeResult('document.set', committed) }
    })
  }

  /** `removed: 0` when there is none. */
  remove(options: CallbackStyle<RemoveResult>): void
  remove(): Promise<RemoveResult>
  remove(options?: object): Promise<RemoveResult> | undefined {
    return answer('document.remove', options, styleOf(this.#setting), async () => {
      const write = { ...this.#name(), op: 'remove' as const }
      const committed = await this.#setting.executor.commit({ writes: [write] })
      return { stats: { removed: committed.removed }, ...writeResult('document.remove', committed) }
    })
  }

  watch(options: WatchOptions): { close(): Promise<void> } {
    return watchQuery('document.watch', this.#setting, this.toQuery(), options)
  }

  /** The question for this document, as plain data. */
  toQuery(): Query {
    return Object.freeze({
      collection: this.#collection,
      where: ['field', '_id', ['eq', this.id]] as const,
      orderBy: [],
      skip: 0,
      ...(this.#fields && { fields: this.#fields }),
    })
  }

  #name(): { collection: string; id: DocId } {
    return { collection: this.#collection, id: this.id }
  }

  #notFound(): CloudError {
    const errMsg =
      this.#setting.options.side === 'client'
        ? `document.get:fail document.get:fail cannot find document with _id ${this.id}, please make sure that the document exists and you have the corresponding Read permission`
        : `document.get:fail document with _id ${this.id} does not exist`
    return new CloudError('DOCUMENT_NOT_FOUND', { errMsg, details: { id: this.id } })
  }
}
