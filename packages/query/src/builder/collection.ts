import {
  CloudError,
  checkCollectionName,
  checkDocId,
  type DocId,
  type DocumentData,
  type Write,
} from '@nearcloud/protocol'
import { answer } from './callbacks.ts'
import { DocumentReference } from './document.ts'
import { QueryReference } from './query.ts'
import { type AddListResult, type AddResult, type CallbackStyle, writeResult } from './results.ts'
import { type Setting, styleOf } from './setting.ts'
import { fieldsFrom, refuseOwner } from './update-data.ts'

/** A collection: a question for all of it, and the place where documents are added. */
export class CollectionReference extends QueryReference {
  readonly name: string
  readonly #setting: Setting

  constructor(name: string, setting: Setting) {
    checkCollectionName(name)
    super(name, setting)
    this.name = name
    this.#setting = setting
  }

  /** Throws INVALID_PARAM unless `id` is text or a number. */
  doc(id: DocId): DocumentReference {
    checkDocId(id)
    return new DocumentReference(this.name, id, this.#setting)
  }

  /**
   * Adds a document, with `data._id` or a fresh one; on the server side also a list of them, all or none. Rejects with
   * DUPLICATE_ID when the id exists.
   */
  add(options: { data: object } & CallbackStyle<AddResult>): void
  add(options: { data: readonly object[] }): Promise<AddListResult>
  add(options: { data: object }): Promise<AddResult>
  add(options: { data: object | readonly object[] }): Promise<AddResult | AddListResult> | undefined {
    return answer<AddResult | AddListResult>('collection.add', options, styleOf(this.#setting), async () => {
      const data: unknown = options?.data
      const isList = Array.isArray(data) && this.#setting.options.side === 'server'
      const writes = isList ? data.map(each => this.#addition(each)) : [this.#addition(data)]
      if (writes.length === 0) throw new CloudError('INVALID_PARAM', { errMsg: 'data must not be empty' })
      const committed = await this.#setting.executor.commit({ writes })
      const ids = writes.map(({ id }) => id)
      const result = writeResult('collection.add', committed)
      return isList ? { _ids: ids, ...result } : { _id: ids[0]!, ...result }
    })
  }

  #addition(data: unknown): Write {
    const { options } = this.#setting
    const fields: { [key: string]: DocumentData[string] } = { ...fieldsFrom(data) }
    const id = fields._id === undefined ? options.newId() : fields._id
    checkDocId(id)
    delete fields._id
    if (options.side === 'client') refuseOwner(fields)
    return { op: 'add', collection: this.name, id, data: Object.freeze(fields) }
  }
}
