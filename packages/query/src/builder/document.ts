import { CloudError, type DocId, type Write } from '@nearcloud/protocol'
import { checkPath } from '../paths.ts'
import { refuse } from '../refusals.ts'
import type { Committed, Fields, Query, TextHandle } from '../types.ts'
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
import { type WaitOption, waitFrom } from './wait-option.ts'
import { watchQuery } from './watch.ts'
import { type Place, removal, storing, update } from './writes.ts'

interface DataOptions extends WaitOption {
  readonly data: object
}

/** One document by its id, whether it exists or not. `Missing`: what is read of one that does not; null where that is no error. */
export class DocumentReference<Missing = never> {
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

  field(fields: FieldWishes): DocumentReference<Missing> {
    const checked = checkedFields(fields, this.#setting)
    return new DocumentReference(this.#collection, this.id, this.#setting, checked)
  }

  /** Rejects with DOCUMENT_NOT_FOUND, unless `throwOnNotFound: false` asks for null. */
  get(options: CallbackStyle<DocumentResult<Missing>>): void
  get(options?: object): Promise<DocumentResult<Missing>>
  get(options?: object): Promise<DocumentResult<Missing>> | undefined {
    return answer('document.get', options, styleOf(this.#setting), async () => {
      const { documents, fromCache } = await this.#setting.executor.run({
        verb: 'get',
        query: this.toQuery(),
      })
      const [document] = documents
      if (!document && this.#setting.options.throwOnNotFound !== false) throw this.#notFound()
      return {
        data: document ? ownDocument(document) : (null as Missing),
        errMsg: 'document.get:ok',
        ...(fromCache && { fromCache: true as const }),
      }
    })
  }

  /** Merges `data` into the document; `updated: 0` when there is none. */
  update(options: DataOptions & CallbackStyle<UpdateResult>): void
  update(options: DataOptions): Promise<UpdateResult>
  update(options: DataOptions): Promise<UpdateResult> | undefined {
    return answer('document.update', options, styleOf(this.#setting), async () => {
      const write = update(this.#place(), options?.data, this.#setting.options)
      const committed = await this.#commit(write, options)
      return { stats: { updated: committed.updated }, ...writeResult('document.update', committed) }
    })
  }

  /** Replaces the document, or creates it. */
  set(options: DataOptions & CallbackStyle<SetResult>): void
  set(options: DataOptions): Promise<SetResult>
  set(options: DataOptions): Promise<SetResult> | undefined {
    return answer('document.set', options, styleOf(this.#setting), async () => {
      const write = storing('set', this.#place(), options?.data, this.#setting.options)
      const committed = await this.#commit(write, options)
      const { updated, created } = committed
      return { _id: this.id, stats: { updated, created }, ...writeResult('document.set', committed) }
    })
  }

  /** `removed: 0` when there is none. */
  remove(options: WaitOption & CallbackStyle<RemoveResult>): void
  remove(options?: WaitOption): Promise<RemoveResult>
  remove(options?: WaitOption): Promise<RemoveResult> | undefined {
    return answer('document.remove', options, styleOf(this.#setting), async () => {
      const committed = await this.#commit(removal(this.#place()), options)
      return { stats: { removed: committed.removed }, ...writeResult('document.remove', committed) }
    })
  }

  watch(options: WatchOptions): { close(): Promise<void> } {
    return watchQuery('document.watch', this.#setting, this.toQuery(), options)
  }

  /**
   * The text that begins with `db.Text(…)` in a field, for an editor. Every edit is durable here at once and travels as any
   * write; edits made apart are merged by character. `close` it when the editor goes.
   *
   * Rejects with OFFLINE when this device never had it and there is no connection, DATABASE_REQUEST_FAILED when the field is
   * no text, DATABASE_PERMISSION_DENIED, and INVALID_PARAM where there are no texts: inside functions, and on a platform
   * without them.
   */
  async text(path: string): Promise<TextHandle> {
    checkPath(path)
    const { executor } = this.#setting
    if (!executor.text)
      throw refuse(
        'document.text: texts are edited on clients; here the field is read and written as a string',
      )
    return executor.text({ ...this.#place(), path })
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

  #commit(write: Write, options: WaitOption | undefined): Promise<Committed> {
    return this.#setting.executor.commit({ writes: [write], ...waitFrom(options) })
  }

  #place(): Place {
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
