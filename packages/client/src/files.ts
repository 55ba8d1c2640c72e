import { CloudError, contentTypeOf, errorNumbers, limits, toHex, type Value } from '@nearcloud/protocol'
import { checkCloudPath, fileIdOf } from './cloud-path.ts'
import type { Instance, OwnInstance } from './instance.ts'
import type { Platform } from './platform.ts'
import type { DownloadProgress, Transfer, UploadProgress } from './transfer-task.ts'
import type { QueuedUpload } from './upload-queue.ts'

export interface UploadFileOptions {
  /** Where it is to be stored: `images/a.jpg`. */
  readonly cloudPath: string
  /** A path, a File or Blob: what the host can read. */
  readonly filePath?: unknown
  /** The bytes themselves, instead. */
  readonly fileContent?: Uint8Array
  readonly contentType?: string
}

export interface UploadFileResult {
  readonly fileID: string
  readonly statusCode: number
  readonly errMsg: string
  /** Durable in the upload queue; the server does not have it yet. */
  readonly pending?: true
}

export interface TempFileURL {
  readonly fileID: string
  /** '' when the file cannot be had. */
  readonly tempFileURL: string
  readonly maxAge: number
  /** 0, or the number of an error. */
  readonly status: number
  readonly errMsg: string
}

export type DeletedFile = Pick<TempFileURL, 'fileID' | 'status' | 'errMsg'>

/** What is done with files. */
export type FileWork = Pick<Files, 'upload' | 'download' | 'urls' | 'delete'>

/** The files of the app, by id: those on the server, and those still on their way there. */
export class Files {
  readonly #instance: OwnInstance
  readonly #platform: Platform
  readonly #localUrlByUpload = new Map<QueuedUpload, Promise<string>>()

  constructor(instance: OwnInstance, platform: Platform) {
    this.#instance = instance
    this.#platform = platform
  }

  /**
   * Resolves when the server has the whole file; without a network as soon as it is durable here (`pending: true`), and
   * it is uploaded later. Rejects with what the server says of it, STORE_FULL, UPLOAD_TOO_LARGE, ABORTED.
   */
  async upload(options: UploadFileOptions, transfer: Transfer<UploadProgress>): Promise<UploadFileResult> {
    const { queue, uploads, setting } = this.#instance
    const { bytes, contentType } = await readUpload(this.#platform, options)
    const fileID = fileIdOf(setting.env, options.cloudPath)
    // loaded apart; where it cannot be had without a network, the bytes are looked at when they are sent
    const loaded = await import('./upload.ts').catch(() => undefined)
    const sha256 = loaded?.digestOf(bytes)
    const nonce = nonceOf(transfer, this.#platform)
    const intent = { fileID, path: options.cloudPath, contentType, ...(sha256 && { sha256 }), nonce }
    // one that was queued for a tab that leads no more is the same
    const queued = queue.uploads.find(each => each.nonce === nonce)
    const file: QueuedUpload = queued ?? { ...intent, bytes }
    if (!queued) await queue.add(file)
    transfer.whenAborted(() => void uploads.abort(file, aborted('uploadFile')))
    return new Promise((resolve, reject) => {
      const done = (statusCode: number, pending: boolean) =>
        resolve({ fileID, statusCode, errMsg: 'uploadFile:ok', ...(pending && { pending: true as const }) })
      uploads.watch(file, {
        sent: sent =>
          transfer.progressed({
            progress: percent(sent, bytes.length),
            totalBytesSent: sent,
            totalBytesExpectedToSend: bytes.length,
          }),
        headers: header => transfer.headersCame(header),
        settled: error => (error ? reject(error) : done(200, false)),
        waits: () => done(202, true),
      })
      uploads.wake()
    })
  }

  async download(
    fileID: string,
    transfer: Transfer<DownloadProgress>,
  ): Promise<{ tempFilePath: string; statusCode: number }> {
    const [item] = await this.urls([{ fileID }])
    if (item?.status !== 0)
      throw new CloudError('STORAGE_FILE_NONEXIST', {
        errMsg: 'storage file not exists (or the rules hide it)',
        details: { fileID },
      })
    const waiting = this.#instance.queue.find(fileID)
    if (waiting) return { tempFilePath: await this.#localUrl(waiting), statusCode: 200 }
    const response = await this.#platform.request({
      method: 'GET',
      url: item.tempFileURL,
      timeoutMs: downloadLimitMs,
    })
    if (response.status !== 200)
      throw new CloudError('STORAGE_REQUEST_FAIL', {
        errMsg: `the download was answered with HTTP ${response.status}`,
      })
    if (transfer.isAborted) throw aborted('downloadFile')
    transfer.headersCame(response.headers)
    const size = response.body.length
    transfer.progressed({ progress: 100, totalBytesWritten: size, totalBytesExpectedToWrite: size })
    const tempFilePath = await this.#platform.saveTemporary(response.body, {
      name: fileID.slice(fileID.lastIndexOf('/') + 1),
      contentType: response.headers['content-type'] ?? 'application/octet-stream',
    })
    return { tempFilePath, statusCode: 200 }
  }

  /** In the order asked. Rejects with OFFLINE only when none of the files is here. */
  async urls(asked: readonly { fileID: string; maxAge?: number }[]): Promise<TempFileURL[]> {
    const here = await this.#here(asked.map(({ fileID }) => fileID))
    const there = await this.#askServer(
      here,
      asked.filter(({ fileID }) => !here.has(fileID)),
      files => ({ verb: 'urls', files }),
    )
    return asked.map(({ fileID }) => {
      const local = here.get(fileID)
      if (local !== undefined) return { fileID, tempFileURL: local, maxAge: 0, status: 0, errMsg: 'ok' }
      const item = there?.get(fileID)
      const url = item?.tempFileURL
      return {
        ...told(fileID, there, item),
        tempFileURL:
          typeof url === 'string' && url !== ''
            ? (item?.origin ?? this.#instance.setting.endpoint) + url
            : '',
        maxAge: typeof item?.maxAge === 'number' ? item.maxAge : 0,
      }
    })
  }

  /** In the order asked. A file that is still on its way is taken out of the queue. */
  async delete(asked: readonly string[]): Promise<DeletedFile[]> {
    const { queue, uploads } = this.#instance
    const here = new Map<string, string>()
    // not those that are given meanwhile
    for (const waiting of queue.uploads.filter(({ fileID }) => asked.includes(fileID))) {
      here.set(waiting.fileID, '')
      await uploads.abort(
        waiting,
        new CloudError('ABORTED', { errMsg: 'the file was deleted before it was uploaded' }),
      )
    }
    const there = await this.#askServer(here, [...asked], files => ({ verb: 'delete', files }))
    return asked.map(fileID => {
      const answer = told(fileID, there, there?.get(fileID))
      return here.has(fileID) ? { fileID, status: 0, errMsg: 'ok' } : answer
    })
  }

  /** Addresses of the files that are still in the queue. */
  async #here(asked: readonly string[]): Promise<Map<string, string>> {
    const here = new Map<string, string>()
    for (const fileID of asked) {
      const waiting = this.#instance.queue.find(fileID)
      if (waiting) here.set(fileID, await this.#localUrl(waiting))
    }
    return here
  }

  #localUrl(file: QueuedUpload): Promise<string> {
    let url = this.#localUrlByUpload.get(file)
    if (!url) {
      url = this.#platform.saveTemporary(file.bytes, {
        name: file.path.slice(file.path.lastIndexOf('/') + 1),
        contentType: file.contentType,
      })
      this.#localUrlByUpload.set(file, url)
    }
    return url
  }

  /** The server's items by file id; undefined when it could not be asked and something is here all the same. */
  async #askServer<Asked>(
    here: ReadonlyMap<string, string>,
    asked: Asked[],
    question: (asked: Asked[]) => Parameters<Instance['sync']['files']>[0],
  ): Promise<Map<string, Item> | undefined> {
    if (asked.length === 0) return new Map()
    try {
      const { fileList } = (await this.#instance.sync.files(question(asked))) as { fileList: readonly Item[] }
      return new Map(fileList.map(item => [String(item.fileID), item]))
    } catch (thrown) {
      if (here.size > 0 && thrown instanceof CloudError && thrown.code === 'OFFLINE') return undefined
      throw thrown
    }
  }
}

/** Made when it is first asked for. */
export function nonceOf(transfer: Transfer<UploadProgress>, { random }: Pick<Platform, 'random'>): string {
  transfer.nonce ??= toHex(random(16))
  return transfer.nonce
}

/** What is to be uploaded. Rejects with INVALID_PARAM, UPLOAD_TOO_LARGE. */
export async function readUpload(
  platform: Platform,
  options: UploadFileOptions,
): Promise<{ bytes: Uint8Array; contentType: string }> {
  checkCloudPath(options?.cloudPath)
  if (options.fileContent !== undefined && !(options.fileContent instanceof Uint8Array))
    throw new CloudError('INVALID_PARAM', { errMsg: 'fileContent is bytes (a Uint8Array)' })
  const { bytes, contentType }: { bytes: Uint8Array; contentType?: string } = options.fileContent
    ? { bytes: new Uint8Array(options.fileContent) } // a copy, which `slice` of a Node buffer is not
    : await platform.readFile(options.filePath)
  if (bytes.length > limits.fileBytes)
    throw new CloudError('UPLOAD_TOO_LARGE', {
      errMsg: `a file has at most ${limits.fileBytes} bytes, this one has ${bytes.length}`,
    })
  return {
    bytes,
    contentType:
      options.contentType ?? contentType ?? contentTypeOf(options.cloudPath) ?? 'application/octet-stream',
  }
}

type Item = { readonly [key: string]: Value }

function told(
  fileID: string,
  there: ReadonlyMap<string, Item> | undefined,
  item: Item | undefined,
): DeletedFile {
  if (!there) return { fileID, status: errorNumbers.OFFLINE, errMsg: 'there is no connection to the server' }
  if (!item) return { fileID, status: errorNumbers.STORAGE_FILE_NONEXIST, errMsg: 'storage file not exists' }
  return { fileID, status: Number(item.status), errMsg: String(item.errMsg) }
}

/** Checks a `fileList` argument, in the original's words. Throws INVALID_PARAM. */
export function checkFileList(list: unknown): { fileID: string; maxAge?: number }[] {
  if (!Array.isArray(list) || list.length === 0) throw refuse('fileList必须是非空的数组')
  if (list.length > limits.fileListItems) throw refuse(`fileList has at most ${limits.fileListItems} items`)
  return list.map((item: unknown) => {
    if (typeof item === 'string') return { fileID: item }
    const { fileID, maxAge } = (item ?? {}) as { fileID?: unknown; maxAge?: unknown }
    if (typeof item !== 'object' || item === null) throw refuse('fileList的元素如果不是对象，必须是字符串')
    if (
      typeof fileID !== 'string' ||
      (maxAge !== undefined && !(Number.isSafeInteger(maxAge) && Number(maxAge) > 0))
    )
      throw refuse('fileList的元素如果是对象，必须是包含fileID和maxAge的对象')
    return { fileID, ...(maxAge !== undefined && { maxAge: Number(maxAge) }) }
  })
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 100 : Math.floor((part / whole) * 100)
}

function aborted(api: string): CloudError {
  return new CloudError('ABORTED', { errMsg: `${api}:fail abort` })
}

function refuse(words: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: words })
}

const downloadLimitMs = 120_000
