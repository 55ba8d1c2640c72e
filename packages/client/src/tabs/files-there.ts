import {
  type DeletedFile,
  Files,
  nonceOf,
  readUpload,
  type TempFileURL,
  type UploadFileOptions,
  type UploadFileResult,
} from '../files.ts'
import type { Instance, OwnInstance } from '../instance.ts'
import type { Platform } from '../platform.ts'
import type { Transfer, UploadProgress } from '../transfer-task.ts'
import type { Wish } from './messages.ts'

interface There {
  ask(wish: (id: number) => Wish): Promise<unknown>
  begun(id: number, transfer: Transfer<UploadProgress>): void
  ended(id: number): void
  abort(upload: number): void
}

/** Files, where another tab has the queue. */
export class FilesThere extends Files {
  readonly #there: There
  readonly #platform: Platform

  constructor(platform: Platform, instance: Instance, there: There) {
    // what waits is not here: it is asked for
    const none = { find: () => undefined }
    super({ ...instance, sync: instance.sync, queue: none } as unknown as OwnInstance, platform)
    this.#there = there
    this.#platform = platform
  }

  override async upload(
    options: UploadFileOptions,
    transfer: Transfer<UploadProgress>,
  ): Promise<UploadFileResult> {
    const { bytes, contentType } = await readUpload(this.#platform, options)
    const { cloudPath } = options
    const nonce = nonceOf(transfer, this.#platform)
    let upload = 0
    const asked = this.#there.ask(id => {
      upload = id
      return { type: 'upload', id, options: { cloudPath, fileContent: bytes, contentType }, nonce }
    })
    this.#there.begun(upload, transfer)
    transfer.whenAborted(() => this.#there.abort(upload))
    try {
      return (await asked) as UploadFileResult
    } finally {
      this.#there.ended(upload)
    }
  }

  override async urls(asked: readonly { fileID: string; maxAge?: number }[]): Promise<TempFileURL[]> {
    return (await this.#there.ask(id => ({ type: 'urls', id, asked }))) as TempFileURL[]
  }

  override async delete(asked: readonly string[]): Promise<DeletedFile[]> {
    return (await this.#there.ask(id => ({ type: 'delete', id, asked }))) as DeletedFile[]
  }
}
