import { CloudError, errorFromData, toCloudError, type Value } from '@nearcloud/protocol'
import type { HoldingSync } from '@nearcloud/sync'
import type { HttpRequest, HttpResponse } from './platform.ts'
import { Sha256 } from './sha256.ts'
import type { QueuedUpload } from './upload-queue.ts'

export interface UploadTools {
  readonly sync: Pick<HoldingSync, 'files' | 'access' | 'refuse'>
  /** The server's address, without a slash at the end. */
  readonly endpoint: string
  request(request: HttpRequest): Promise<HttpResponse>
  /** Is it still wanted? Asked before each part. */
  isWanted(): boolean
  /** Whether a file is named in the text of a write. */
  isNamed(fileID: string, json: string): boolean
  /** Is another upload of the same file in the queue? */
  comesAgain(): boolean
  sent(bytes: number): void
  headers(header: Readonly<Record<string, string>>): void
}

/**
 * Brings one file to the server. Resolves with no error when the server has it whole; with an error when it was refused for
 * good, and the writes that name it with it; undefined: another time, or not wanted any more.
 */
export async function bring(
  file: QueuedUpload,
  tools: UploadTools,
): Promise<{ readonly error: CloudError | undefined } | undefined> {
  try {
    await upload(file, tools).catch((error: CloudError) => {
      // what the server held of it was spoilt, by a power loss perhaps: once more, from the beginning
      if (error.code !== 'STORAGE_REQUEST_FAIL') throw error
      return upload(file, tools)
    })
    return { error: undefined }
  } catch (thrown) {
    const error = toCloudError(thrown)
    if (!lasting.has(error.code) || !tools.isWanted() || !(await isTold(file, error, tools))) return undefined
    return { error }
  }
}

/** The writes that name a refused file are rejected with it, unless it is to come once more. False: not yet. */
async function isTold({ fileID }: QueuedUpload, error: CloudError, tools: UploadTools): Promise<boolean> {
  const { comesAgain, isNamed } = tools
  if (comesAgain()) return true
  const { code, errMsg, details } = error
  const refusal = new CloudError(code, { errMsg, details: { ...details, fileID } })
  return tools.sync
    .refuse(text => isNamed(fileID, text), refusal)
    .then(
      () => true,
      () => false,
    )
}

/** A ticket, then parts from where the server stands. Resolves when the server has it whole. */
async function upload(file: QueuedUpload, tools: UploadTools): Promise<void> {
  const ticket = readTicket(
    await tools.sync.files({
      verb: 'upload',
      path: file.path,
      size: file.bytes.length,
      sha256: file.sha256 ?? digestOf(file.bytes),
      contentType: file.contentType,
    }),
  )
  let offset = ticket.offset
  for (let misses = 0; misses < mostMisses; ) {
    if (!tools.isWanted()) throw new CloudError('ABORTED', { errMsg: 'the upload was aborted' })
    const part = file.bytes.subarray(offset, offset + ticket.partBytes)
    const response = await tools.request({
      method: 'PUT',
      // older servers pass it over
      url: `${tools.endpoint}${ticket.uploadUrl}${file.nonce === undefined ? '' : `?nonce=${file.nonce}`}`,
      headers: { 'upload-offset': String(offset), authorization: `Bearer ${tools.sync.access ?? ''}` },
      body: part,
      timeoutMs: partLimitMs,
      onSent: bytes => tools.sent(offset + bytes),
    })
    tools.headers(response.headers)
    if (response.status === 200) {
      tools.sent(file.bytes.length)
      return
    }
    const next = Number(response.headers['upload-offset'])
    if ((response.status !== 204 && response.status !== 409) || !Number.isSafeInteger(next))
      throw errorOf(response)
    if (response.status === 409) misses++
    offset = next
    tools.sent(offset)
  }
  throw new CloudError('STORAGE_REQUEST_FAIL', {
    errMsg: 'the server and this client disagree about the parts',
  })
}

export function digestOf(bytes: Uint8Array): string {
  return new Sha256().update(bytes).hex()
}

function readTicket(value: Value): { uploadUrl: string; offset: number; partBytes: number } {
  const { uploadUrl, offset, partBytes } = (value ?? {}) as { [key: string]: Value }
  if (
    typeof uploadUrl === 'string' &&
    uploadUrl.startsWith('/') &&
    isCount(offset) &&
    isCount(partBytes) &&
    partBytes > 0
  )
    return { uploadUrl, offset, partBytes }
  throw new CloudError('PROTOCOL_ERROR', { errMsg: 'the server gave no usable upload ticket' })
}

function isCount(value: Value | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** The error in an answer of the server; OFFLINE when it is somebody else's (a captive portal, a proxy). */
function errorOf(response: HttpResponse): CloudError {
  try {
    let text = ''
    for (const byte of response.body.subarray(0, 10_000)) text += String.fromCharCode(byte)
    const { code, errMsg } = JSON.parse(text) as { code?: unknown; errMsg?: unknown }
    if (typeof code === 'string' && typeof errMsg === 'string') return errorFromData({ code, errMsg })
  } catch {
    // not ours
  }
  return new CloudError('OFFLINE', { errMsg: `the upload was answered with HTTP ${response.status}` })
}

/** Everything else is worth another try later: neither the file nor whose it is has to change for it to go through. */
const lasting: ReadonlySet<string> = new Set([
  'STORAGE_EXCEED_AUTHORITY',
  'STORAGE_REQUEST_FAIL',
  'UPLOAD_TOO_LARGE',
  'INVALID_PARAM',
  'INVALID_ENV',
])
const mostMisses = 10
const partLimitMs = 120_000
