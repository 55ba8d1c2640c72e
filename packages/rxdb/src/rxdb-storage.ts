import { CloudError, fromBase64, toBase64 } from '@nearcloud/protocol'
import type { Payload, Storage, StorageInfo, StorageOptions, StoredRecord } from '@nearcloud/store'
import {
  type BulkWriteRow,
  fillWithDefaultSettings,
  now,
  prepareQuery,
  type RxDocumentData,
  type RxJsonSchema,
  type RxStorage,
  type RxStorageInstance,
} from 'rxdb/plugins/core'
import { holdName } from './hold-name.ts'

export interface RxdbStorageOptions {
  /** Nothing of it survives the process, as of RxDB's memory storage. Default: it does. */
  readonly volatile?: boolean
  /** What RxDB's storage takes as `password`, where it encrypts. */
  readonly password?: string
}

/**
 * The storage contract on any RxDB storage: the collection `records` of the database `name`, one document a record. RxDB's
 * own database, collections and schemas have no part in it. RxDB writes no two documents together: records are written one
 * after the other.
 */
export class RxdbStorage implements Storage {
  readonly #name: string
  readonly #rxStorage: RxStorage<unknown, unknown>
  readonly #options: RxdbStorageOptions
  #instance: Instance | undefined
  #release: () => void = () => undefined
  #last = 0
  /** Numbers up to this one may have been given: after a restart they go on behind it. */
  #reserved = 0
  #head: RxDocumentData<Row> | undefined

  constructor(name: string, rxStorage: RxStorage<unknown, unknown>, options: RxdbStorageOptions = {}) {
    this.#name = name
    this.#rxStorage = rxStorage
    this.#options = options
  }

  async open(_options: StorageOptions): Promise<StorageInfo> {
    this.#release = await holdName(this.#rxStorage, this.#name)
    try {
      this.#instance = (await this.#rxStorage.createStorageInstance<Row>({
        databaseInstanceToken: `nearcloud-${this.#name}-${now()}`,
        databaseName: this.#name,
        collectionName: 'records',
        schema,
        options: {},
        multiInstance: false,
        devMode: false,
        ...(this.#options.password !== undefined && { password: this.#options.password }),
      })) as Instance
      const [head] = await this.#instance.findDocumentsById([idOf(0)], false)
      this.#head = head
      this.#reserved = Number(head?.text ?? 0)
      this.#last = this.#reserved
    } catch (cause) {
      await this.close().catch(() => undefined)
      throw failed(`the RxDB storage "${this.#rxStorage.name}" cannot be opened`, cause)
    }
    return { maxPayloadBytes: 16_777_216, volatile: this.#options.volatile ?? false }
  }

  async *read(after = 0): AsyncIterable<readonly StoredRecord[]> {
    for (let last = Math.max(0, after); ; ) {
      const selector = { id: { $gt: idOf(last) }, _deleted: { $eq: false } }
      const query = { selector, sort: [{ id: 'asc' }], skip: 0, limit: pageSize } as const
      const { documents } = await this.#attempt('read', instance =>
        instance.query(prepareQuery(schema, query as unknown as Parameters<typeof prepareQuery<Row>>[1])),
      )
      if (documents.length === 0) return
      last = Number(documents[documents.length - 1]!.id)
      yield documents.map(({ id, text, isText }) => ({
        sequence: Number(id),
        payload: isText ? text : fromBase64(text)!,
      }))
    }
  }

  async append(payloads: readonly Payload[]): Promise<readonly number[]> {
    const sequences: number[] = []
    await this.#reserve(this.#last + payloads.length)
    try {
      for (const payload of payloads) {
        const sequence = ++this.#last
        await this.#write([{ document: rowOf(sequence, payload) }])
        sequences.push(sequence)
      }
    } catch (thrown) {
      // nothing of it stays: what is left over when this fails too is as if a crash had left it
      await this.drop(sequences).catch(() => undefined)
      throw thrown
    }
    return sequences
  }

  async drop(sequences: readonly number[]): Promise<void> {
    const ids = sequences.map(idOf)
    const found =
      ids.length === 0 ? [] : await this.#attempt('read', each => each.findDocumentsById(ids, false))
    if (found.length === 0) return
    await this.#write(
      found.map(previous => ({ previous, document: { ...changed(previous), text: '', _deleted: true } })),
    )
    await this.#attempt('cleaned', instance => instance.cleanup(0))
  }

  async close({ destroy = false } = {}): Promise<void> {
    const instance = this.#instance
    this.#instance = undefined
    try {
      await (destroy ? instance?.remove() : instance?.close())
    } catch (cause) {
      throw failed('the local store cannot be closed', cause)
    } finally {
      this.#release()
      this.#release = () => undefined
    }
  }

  async #reserve(upTo: number): Promise<void> {
    if (upTo <= this.#reserved) return
    const text = String(upTo + 1_000)
    const document = this.#head ? { ...changed(this.#head), text } : { ...rowOf(0, text) }
    await this.#write([this.#head ? { previous: this.#head, document } : { document }])
    this.#head = document
    this.#reserved = Number(text)
  }

  async #write(rows: BulkWriteRow<Row>[]): Promise<void> {
    const { error } = await this.#attempt('written', instance => instance.bulkWrite(rows, 'nearcloud'))
    if (error.length > 0) throw failed('the local store cannot be written', error[0])
  }

  async #attempt<T>(what: string, act: (instance: Instance) => Promise<T>): Promise<T> {
    if (!this.#instance)
      throw new CloudError('CLOSED', { errMsg: `the local store "${this.#name}" is closed` })
    try {
      return await act(this.#instance)
    } catch (cause) {
      throw failed(`the local store cannot be ${what}`, cause)
    }
  }
}

interface Row {
  readonly id: string
  /** Of bytes: their base64. */
  readonly text: string
  readonly isText: boolean
}

type Instance = RxStorageInstance<Row, unknown, unknown>

const schema = fillWithDefaultSettings<Row>({
  version: 0,
  primaryKey: 'id',
  type: 'object',
  properties: {
    id: { type: 'string', maxLength: 16 },
    text: { type: 'string' },
    isText: { type: 'boolean' },
  },
  required: ['id', 'text', 'isText'],
}) as RxJsonSchema<RxDocumentData<Row>>

function rowOf(sequence: number, payload: Payload): RxDocumentData<Row> {
  const isText = typeof payload === 'string'
  return {
    id: idOf(sequence),
    text: isText ? payload : toBase64(payload),
    isText,
    _deleted: false,
    _attachments: {},
    _rev: '1-nearcloud',
    _meta: { lwt: now() },
  }
}

function changed(row: RxDocumentData<Row>): RxDocumentData<Row> {
  return { ...row, _rev: `${Number.parseInt(row._rev, 10) + 1}-nearcloud`, _meta: { lwt: now() } }
}

function idOf(sequence: number): string {
  return String(sequence).padStart(16, '0')
}

function failed(words: string, cause: unknown): CloudError {
  const isFull = /quota/i.test(String((cause as { name?: unknown } | null)?.name ?? cause))
  return new CloudError(isFull ? 'STORE_FULL' : 'STORE_FAILED', {
    errMsg: `${words}: ${cause instanceof Error ? cause.message : JSON.stringify(cause)}`,
    cause,
  })
}

const pageSize = 16
