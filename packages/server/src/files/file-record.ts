import { createHash } from 'node:crypto'
import { CloudError, decodeTrusted, type Write } from '@nearcloud/protocol'
import type { Environment } from '../commit/environment.ts'
import type { StateChanges } from './made-uploads.ts'

/** What is known of a file. Its bytes are the blob's. */
export type FileData = {
  readonly path: string
  readonly size: number
  readonly contentType: string
  /** What its uploader called it, where its bytes say otherwise. */
  readonly toldType?: string
  readonly sha256: string
  readonly blob: string
  readonly updated: Date
  /** Who uploaded it; absent for the server's own. */
  readonly _openid?: string
}

export const filesCollection = '_files'

/** A document of the server's own collection `_files`; its id is a digest, since paths may be longer than an id. */
export type FileRecord = FileData & { readonly _id: string }

/** The records of an environment's files, read from the engine and written through the one commit pipeline. */
export class FileRecords {
  readonly #environment: Pick<Environment, 'env' | 'engine' | 'commit'>

  constructor(environment: Pick<Environment, 'env' | 'engine' | 'commit'>) {
    this.#environment = environment
  }

  byPath(path: string): Promise<FileRecord | null> {
    return this.byId(idOfPath(path))
  }

  async byId(id: string): Promise<FileRecord | null> {
    const { engine, env } = this.#environment
    const [row] = await engine.get(env, filesCollection, [id])
    return row ? (decodeTrusted(row.text) as FileRecord) : null
  }

  /** `state` changes in the same transaction. */
  async put(data: FileData, state: StateChanges = []): Promise<void> {
    const id = idOfPath(data.path)
    // not a set: that would leave the file to whoever uploaded its path first
    await this.#commit(
      [
        { op: 'remove', collection: filesCollection, id },
        { op: 'add', collection: filesCollection, id, data },
      ],
      state,
    )
  }

  async remove(path: string): Promise<void> {
    await this.#commit([{ op: 'remove', collection: filesCollection, id: idOfPath(path) }])
  }

  async *all(): AsyncIterable<FileRecord> {
    const { engine, env } = this.#environment
    for await (const rows of engine.scan(env, { collection: filesCollection }))
      for (const row of rows) yield decodeTrusted(row.text) as FileRecord
  }
  /** Some of them, behind the record of that id; empty at the end. */
  async page(after: string | undefined): Promise<readonly FileRecord[]> {
    const { engine, env } = this.#environment
    const plan = { collection: filesCollection, pageSize: pageFiles, ...(after !== undefined && { after }) }
    for await (const rows of engine.scan(env, plan))
      return rows.map(({ text }) => decodeTrusted(text) as FileRecord)
    return []
  }

  /** Which of these blobs a record names. */
  async named(keys: readonly string[]): Promise<ReadonlySet<string>> {
    const asked = new Set(keys)
    const named = new Set<string>()
    for await (const { blob } of this.all()) if (asked.has(blob)) named.add(blob)
    return named
  }

  async #commit(writes: readonly Write[], state: StateChanges = []): Promise<void> {
    const { outcome } = await this.#environment.commit({ actor: { kind: 'admin' }, writes, state })
    if (outcome.status === 'accepted') return
    throw new CloudError('STORAGE_REQUEST_FAIL', {
      errMsg: `the file could not be recorded: ${outcome.reason}`,
    })
  }
}

function idOfPath(path: string): string {
  return createHash('sha256').update(path, 'utf8').digest('hex')
}

const pageFiles = 500
