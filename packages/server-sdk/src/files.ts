import { Readable } from 'node:stream'
import { CloudError, contentTypeOf, decodeTrusted, type FilesAsk, limits } from '@nearcloud/protocol'
import type { FilesResult } from './channel.ts'
import { failureOf } from './failure-of.ts'
import { hashing } from './hashing.ts'
import { readWhole } from './read-whole.ts'
import { ask } from './runtime.ts'

/** One file of a list: `status` 0 when it went well, else the original's number of what went wrong. */
export interface FileStatus {
  fileID: string
  status: number
  errMsg: string
}

export interface TempFile extends FileStatus {
  /** Absolute; empty where there is no such file. */
  tempFileURL: string
  /** Seconds it can be used. */
  maxAge: number
}

/** Stores the bytes under a path, whole or not at all; what was there is replaced. */
export async function uploadFile(options: {
  cloudPath: string
  fileContent: Uint8Array | Readable
}): Promise<{ fileID: string; statusCode: number; errMsg: string }> {
  const bytes = await bytesOf(options?.fileContent)
  const { cloudPath: path } = options
  const sha256 = hashing().createHash('sha256').update(bytes).digest('hex')
  const wanted = {
    verb: 'upload',
    path,
    size: bytes.length,
    sha256,
    contentType: contentTypeOf(path) ?? 'application/octet-stream',
  } as const
  const { answer: ticket, addressOf } = await askFiles<Ticket>(wanted)
  const done = { fileID: ticket.fileID, statusCode: 200, errMsg: 'uploadFile:ok' }
  if (bytes.length > 0 && ticket.offset === bytes.length) return done
  for (let offset = ticket.offset; ; ) {
    const response = await fetch(addressOf(ticket.uploadUrl), {
      method: 'PUT',
      headers: { 'upload-offset': String(offset) },
      body: bytes.subarray(offset, offset + ticket.partBytes),
    })
    if (response.status !== 200 && response.status !== 204 && response.status !== 409)
      throw await failureOf('uploadFile', response)
    await response.body?.cancel()
    if (response.status === 200) return done
    offset = nextOffset(response)
  }
}

/**
 * The bytes of a file, in memory: what a call reads at once is at most the function's memory. Rejects with STORAGE_FILE_NONEXIST when
 * there is none, and with STORAGE_REQUEST_FAIL when it does not fit (`details.size` and `details.limit` in bytes) or was cut short.
 */
export async function downloadFile(options: {
  fileID: string
}): Promise<{ fileContent: Buffer; statusCode: number; errMsg: string }> {
  const { fileList } = await getTempFileURL({ fileList: [options?.fileID] })
  const [file] = fileList
  if (file?.status !== 0)
    throw new CloudError('STORAGE_FILE_NONEXIST', {
      errMsg: `downloadFile:fail ${file?.errMsg}: ${options.fileID}`,
    })
  return { fileContent: await readWhole(file.tempFileURL), statusCode: 200, errMsg: 'downloadFile:ok' }
}

/** Addresses that let anyone read the files for a while, in the order asked; at most 50. */
export async function getTempFileURL(options: {
  fileList: readonly (string | { fileID: string; maxAge?: number })[]
}): Promise<{ fileList: TempFile[]; errMsg: string }> {
  const files = checkList('getTempFileURL', options?.fileList).map(file =>
    typeof file === 'string' ? { fileID: file } : file,
  )
  const { answer, addressOf } = await askFiles<FileList<TempFile>>({ verb: 'urls', files })
  const fileList = answer.fileList.map(file => ({
    ...file,
    tempFileURL: file.tempFileURL === '' ? '' : addressOf(file.tempFileURL),
  }))
  return { fileList, errMsg: 'getTempFileURL:ok' }
}

/** Removes files; at most 50. */
export async function deleteFile(options: {
  fileList: readonly string[]
}): Promise<{ fileList: FileStatus[]; errMsg: string }> {
  const files = checkList('deleteFile', options?.fileList)
  const { answer } = await askFiles<FileList<FileStatus>>({ verb: 'delete', files: [...files] })
  return { fileList: answer.fileList.map(file => ({ ...file })), errMsg: 'deleteFile:ok' }
}

interface FileList<T> {
  readonly fileList: readonly T[]
}

interface Ticket {
  readonly fileID: string
  /** Relative to the server. */
  readonly uploadUrl: string
  /** Bytes it has already. */
  readonly offset: number
  readonly partBytes: number
}

async function askFiles<T>(wanted: FilesAsk): Promise<{ answer: T; addressOf(url: string): string }> {
  const frame = JSON.stringify({ type: 'files', id: 1, ask: wanted })
  const { text, server } = (await ask('files', frame)) as FilesResult
  return { answer: decodeTrusted(text) as T, addressOf: url => new URL(url, server).href }
}

async function bytesOf(content: unknown): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return content
  if (!(content instanceof Readable))
    throw new CloudError('INVALID_PARAM', {
      errMsg: 'uploadFile:fail fileContent must be a Buffer or a ReadStream',
    })
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of content) {
    chunks.push(Buffer.from(chunk))
    size += chunks.at(-1)!.length
    if (size > limits.fileBytes)
      throw new CloudError('UPLOAD_TOO_LARGE', {
        errMsg: `uploadFile:fail a file has at most ${limits.fileBytes} bytes`,
      })
  }
  return Buffer.concat(chunks)
}

function checkList<T>(api: string, list: readonly T[]): readonly T[] {
  if (Array.isArray(list) && list.length > 0 && list.every(isFile)) return list
  throw new CloudError('INVALID_PARAM', {
    errMsg: `${api}:fail fileList必须是非空的数组, and its elements file IDs`,
  })
}

function isFile(file: unknown): boolean {
  return typeof file === 'string' || typeof (file as { fileID?: unknown } | null)?.fileID === 'string'
}

function nextOffset(response: Response): number {
  const offset = Number(response.headers.get('upload-offset') ?? Number.NaN)
  if (Number.isSafeInteger(offset)) return offset
  throw new CloudError('STORAGE_REQUEST_FAIL', {
    errMsg: 'uploadFile:fail the server did not say how to go on',
  })
}
