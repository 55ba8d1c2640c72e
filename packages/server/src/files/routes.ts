import { type Clock, CloudError, limits, toCloudError } from '@nearcloud/protocol'
import type { Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { traceHeaders } from '../http/trace-headers.ts'
import type { Log } from '../log-line.ts'
import type { Blobs } from './blobs.ts'
import { nameOf } from './cloud-path.ts'
import type { FileRecord, FileRecords } from './file-record.ts'
import type { FilesHost } from './files-host.ts'
import { parseRange } from './range.ts'
import { bytesType, isShownType } from './shown-type.ts'
import type { SignedUrls } from './signed-url.ts'
import type { Uploads } from './upload.ts'

export interface FileRoutes {
  readonly blobs: Blobs
  readonly records: FileRecords
  readonly urls: SignedUrls
  readonly uploads: Uploads
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  readonly host?: FilesHost | undefined
  readonly counted: (direction: 'in' | 'out', bytes: number) => void
  /** The most one request may carry. */
  readonly partBytes: number
}

/**
 * `PUT /files/uploads/<ticket>?nonce` with `upload-offset`: 204 and the next `upload-offset`; 409 and the right one; 200
 * `{ fileID }` when the file is whole, or was with this nonce. `PUT /files/whole/<ticket>`: a file in one go, answered as the official SDKs want it: 200 and
 * nothing, or `<Error>`. `GET` and `HEAD /files/<id>/<blob>/<name>?expires&signature`: the bytes, or one
 * range of them; where files have a host of their own, other hosts send there. Errors are `{ code, errMsg }`.
 */
export function addFileRoutes(app: Hono, parts: FileRoutes): void {
  // no cookie counts here: the permission is in the URL, so any page may ask
  app.use(
    '/files/*',
    cors({
      origin: '*',
      allowMethods: ['GET', 'HEAD', 'PUT'],
      allowHeaders: [
        ...['upload-offset', 'authorization', 'content-type', 'range', 'if-range', 'if-none-match'],
        // what the official SDKs send with a file
        ...['signature', 'key', 'x-cos-security-token', 'x-cos-meta-fileid', 'x-sdk-version'],
        ...['x-tcb-source', 'x-client-timestamp', 'x-tcb-region'],
        ...traceHeaders,
      ],
      exposeHeaders: ['upload-offset', 'etag', 'content-range', 'accept-ranges', 'content-length'],
      maxAge: 86_400,
    }),
  )
  app.put('/files/uploads/:ticket', c => receivePart(c, parts))
  app.put('/files/whole/:ticket', c => receiveWhole(c, parts))
  app.get('/files/*', c => sendFile(c, parts))
}

async function receivePart(
  c: Context,
  { urls, uploads, clock, log, counted, partBytes }: FileRoutes,
): Promise<Response> {
  const ticket = urls.upload(c.req.param('ticket') ?? '', clock.now())
  if (!ticket) return refuse(c, 403, 'TOKEN_REFUSED', 'the upload has expired: ask for it again')
  const offset = c.req.header('upload-offset') ?? ''
  if (!offsetForm.test(offset))
    return refuse(c, 400, 'INVALID_PARAM', 'the header upload-offset says where the part begins')
  const nonces = c.req.queries('nonce') ?? []
  if (nonces.length > 1 || !nonces.every(nonce => nonceForm.test(nonce)))
    return refuse(c, 400, 'INVALID_PARAM', 'nonce is 32 hex digits in lower case, once')
  if (Number(c.req.header('content-length') ?? 0) > partBytes)
    return refuse(c, 413, 'UPLOAD_TOO_LARGE', `a part has at most ${partBytes} bytes`)
  try {
    const received = await uploads.receive(ticket, Number(offset), c.req.raw.body, nonces[0])
    const end = received.state === 'whole' ? ticket.size : received.offset
    if (received.state !== 'behind') counted('in', end - Number(offset))
    if (received.state === 'whole') return c.json({ fileID: received.fileID })
    return c.body(null, received.state === 'partial' ? 204 : 409, {
      'upload-offset': String(received.offset),
    })
  } catch (thrown) {
    const { status, code, errMsg } = refusalOf(thrown, log)
    return refuse(c, status, code, errMsg)
  }
}

async function receiveWhole(c: Context, { urls, uploads, clock, log }: FileRoutes): Promise<Response> {
  const ticket = urls.uploadWhole(c.req.param('ticket') ?? '', clock.now())
  if (!ticket) return xmlError(c, 403, 'SignatureDoesNotMatch', 'the upload has expired: ask for it again')
  if (c.req.header('content-encoding') !== undefined)
    return xmlError(c, 400, 'INVALID_PARAM', 'the bytes are sent as they are')
  if (Number(c.req.header('content-length') ?? 0) > limits.fileBytes)
    return xmlError(c, 413, 'UPLOAD_TOO_LARGE', `a file has at most ${limits.fileBytes} bytes`)
  try {
    await uploads.receiveWhole(ticket, c.req.raw.body)
    return c.body(null, 200)
  } catch (thrown) {
    const { status, code, errMsg } = refusalOf(thrown, log)
    return xmlError(c, status, code, errMsg)
  }
}

/** What the sender is told; what is the medium's or ours is told to the operator, and is something to try again. */
function refusalOf(
  thrown: unknown,
  log: Log,
): { status: RefusalStatus; code: CloudError['code']; errMsg: string } {
  const { code, errMsg, cause } = toCloudError(thrown)
  const status = thrown instanceof CloudError ? refusals.get(code) : undefined
  if (status !== undefined) return { status, code, errMsg }
  log({ level: 'error', event: 'files.upload', message: errMsg, facts: { code, cause: String(cause) } })
  const isFull = code === 'STORE_FULL'
  return {
    status: isFull ? 507 : 500,
    code: 'SYS_ERR',
    errMsg: isFull ? errMsg : 'the server could not store the file',
  }
}

function xmlError(c: Context, status: RefusalStatus, code: string, words: string): Response {
  const text = words.replace(/[<>&]/g, sign => `&#${sign.charCodeAt(0)};`)
  const xml = `<?xml version='1.0' encoding='utf-8' ?><Error><Code>${code}</Code><Message>${text}</Message><RequestId>-</RequestId><TraceId>-</TraceId></Error>`
  return c.body(xml, status, { 'content-type': 'application/xml' })
}

async function sendFile(c: Context, parts: FileRoutes): Promise<Response> {
  const { blobs, records, urls, clock, counted, host } = parts
  const { pathname, search } = placeOf(c.req.url)
  const asked = c.req.header('host')
  const isElsewhere = host !== undefined && !host.isAskedBy(asked)
  // an address that was given before, or to a client that knows of no other host
  if (isElsewhere && !host.isOwn(asked)) return c.redirect(`${host.origin}${pathname}${search}`, 307)
  const place = urls.read(pathname, search, clock.now())
  if (!place) return refuse(c, 403, 'STORAGE_SIGN_PARAM_INVALID', 'the address is not valid, or no longer')
  const record = await records.byId(place.id)
  if (record?.blob !== place.blob) return notThere(c)
  const etag = `"${record.sha256}"`
  const headers = headersOf(record, etag, !isElsewhere)
  if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers)
  const condition = c.req.header('if-range')
  const wanted = condition === undefined || condition === etag ? c.req.header('range') : undefined
  const range = wanted === undefined ? undefined : parseRange(wanted, record.size)
  if (range === null) return c.body(null, 416, { ...headers, 'content-range': `bytes */${record.size}` })
  const { start, end } = range ?? { start: 0, end: record.size - 1 }
  headers['content-length'] = String(end - start + 1)
  if (range) headers['content-range'] = `bytes ${start}-${end}/${record.size}`
  const status = range ? 206 : 200
  if (c.req.raw.method === 'HEAD') return c.body(null, status, headers)
  const bytes = await blobs.read(record.blob, start, end)
  if (!bytes) return notThere(c)
  counted('out', end - start + 1)
  return c.body(bytes, status, headers)
}

/** What keeps a file from being a page of ours: it is shown only if it is a picture, sound, film or PDF. */
function headersOf(record: FileRecord, etag: string, mayShow: boolean): Record<string, string> {
  const isShown = mayShow && isShownType(record.contentType)
  return {
    etag,
    'accept-ranges': 'bytes',
    'content-type': isShown ? record.contentType : bytesType,
    'content-disposition': `${isShown ? 'inline' : 'attachment'}; filename*=UTF-8''${headerName(record.path)}`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': 'sandbox',
    'cross-origin-resource-policy': 'cross-origin',
    'referrer-policy': 'no-referrer',
    'cache-control': 'private, max-age=3600',
  }
}

function headerName(path: string): string {
  return encodeURIComponent(nameOf(path)).replace(/['()*!]/g, sign => `%${sign.charCodeAt(0).toString(16)}`)
}

/** As it was sent: nothing is decoded before the signature is checked. */
function placeOf(url: string): { pathname: string; search: string } {
  const { pathname, search } = new URL(url)
  return { pathname, search }
}

function notThere(c: Context): Response {
  return refuse(c, 404, 'STORAGE_FILE_NONEXIST', 'the file is not there any more')
}

function refuse(c: Context, status: RefusalStatus, code: CloudError['code'], errMsg: string): Response {
  return c.json({ code, errMsg }, status)
}

type RefusalStatus = 400 | 403 | 404 | 413 | 422 | 429 | 500 | 507

const refusals = new Map<CloudError['code'], RefusalStatus>([
  ['INVALID_PARAM', 400],
  ['UPLOAD_TOO_LARGE', 413],
  ['STORAGE_EXCEED_AUTHORITY', 403],
  ['STORAGE_REQUEST_FAIL', 422],
  ['EXCEED_REQUEST_LIMIT', 429],
])
const nonceForm = /^[0-9a-f]{32}$/
const offsetForm = /^(?:0|[1-9][0-9]{0,14})$/
