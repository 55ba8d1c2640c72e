import { randomBytes } from 'node:crypto'
import {
  type Clock,
  CloudError,
  contentTypeOf,
  type FilesAsk,
  limits,
  type Millis,
  type RandomBytes,
  type Value,
} from '@nearcloud/protocol'
import type { Hono } from 'hono'
import type { Actor } from '../actor.ts'
import type { Tokens } from '../auth/tokens.ts'
import type { Environment } from '../commit/environment.ts'
import { type Log, silentLog } from '../log-line.ts'
import { checkFiles } from './check-files.ts'
import { checkCloudPath, fileIDOf, pathOfFileID } from './cloud-path.ts'
import { Copies, type FileCopy } from './copies.ts'
import { type Disk, nodeDisk } from './disk.ts'
import { DiskBlobs } from './disk-blobs.ts'
import { type FileRecord, FileRecords } from './file-record.ts'
import type { FilesHost } from './files-host.ts'
import { MadeUploads } from './made-uploads.ts'
import type { OpenPaths } from './open-paths.ts'
import { addFileRoutes } from './routes.ts'
import { SignedUrls, type Ticket } from './signed-url.ts'
import { Turns } from './turns.ts'
import { checkIsSomebody, mostPartBytes, Uploads, wholeMs } from './upload.ts'
import { type FileQuota, Usage } from './usage.ts'

/** The files of an environment: asked for over any door, their bytes over HTTP. */
export interface Files {
  /**
   * upload: `{ fileID, uploadUrl, offset, partBytes }`; the bytes from `offset` on go to `uploadUrl` (relative to the
   * server) in parts of at most `partBytes`; `offset` equal to the size: it is whole already.
   * urls: `{ fileList: [{ fileID, tempFileURL, maxAge, status, errMsg }] }`, each with `origin` where it is not relative to the server; delete: `{ fileList: [{ fileID, status,
   * errMsg }] }`, in the order asked. A file that is missing and one that may not be read answer alike: -503003.
   *
   * `hasPlainUrls`: addresses that are the same when they are encoded once more, as some clients do.
   *
   * Throws INVALID_PARAM, UPLOAD_TOO_LARGE, STORAGE_EXCEED_AUTHORITY.
   */
  ask(actor: Actor, ask: FilesAsk, hasPlainUrls?: boolean): Promise<Value>
  /**
   * Leave to send a file in one go, its size and digest untold: where to, relative to the server. Throws as `ask`. Whether the rules
   * let it in is said when it comes.
   */
  wholeUpload(actor: Actor, path: string): { readonly fileID: string; readonly uploadUrl: string }
  /**
   * Makes a file of the bytes of another, as its reader and as who uploads it; gives its fileID. Paths, or fileIDs. Throws INVALID_PARAM,
   * STORAGE_FILE_NONEXIST where there is none to be read, STORAGE_REQUEST_FAIL where there is one already that is not to be overwritten, and as
   * an upload does.
   */
  copy(actor: Actor, copy: FileCopy): Promise<string>
  /** All files, a page at a time, in no order that says anything; `after` of a page asks for the next, and the last has none. */
  page(after?: string): Promise<{ readonly files: readonly FileFacts[]; readonly after?: string }>
  /** `PUT /files/uploads/…`, `PUT /files/whole/…` and `GET /files/…`, for any origin: their URLs carry the permission. */
  routes(app: Hono): void
  close(): Promise<void>
}

/** A file as its operator sees it. */
export interface FileFacts {
  readonly fileID: string
  readonly path: string
  readonly size: number
  readonly contentType: string
  readonly sha256: string
  /** Milliseconds since 1970. */
  readonly updated: number
  /** Who uploaded it; absent for the server's own. */
  readonly openid?: string
}

export interface FilesOptions {
  /** Made when it is missing. */
  readonly folder: string
  readonly environment: Pick<Environment, 'env' | 'engine' | 'judge' | 'commit' | 'onCommit'>
  readonly tokens: Pick<Tokens, 'seal' | 'isSealed'>
  readonly clock: Clock
  readonly env: string
  /** What everybody may read. */
  readonly openPaths?: Pick<OpenPaths, 'has'>
  readonly quota?: FileQuota
  /** Where files are fetched, if not where everything else is. */
  readonly host?: FilesHost | undefined
  readonly random?: RandomBytes
  readonly log?: Log
  /** Where the folder is. */
  readonly disk?: Disk
  /** The most one request may carry. */
  readonly partBytes?: number
  /** How long a ticket counts, and what it brought is kept; and how often what is left over is looked for. */
  readonly leftoverMs?: Millis
  readonly sweepEveryMs?: Millis
  /** Hears of bytes that came in or went out. */
  readonly counted?: (direction: 'in' | 'out', bytes: number) => void
}

export async function openFiles(options: FilesOptions): Promise<Files> {
  const { folder, environment, tokens, clock, env, openPaths, log = silentLog } = options
  const { counted = () => undefined, host, disk = nodeDisk } = options
  const { partBytes = mostPartBytes, leftoverMs = dayMs, sweepEveryMs = hourMs } = options
  const blobs = await DiskBlobs.open(
    folder,
    clock,
    options.random ?? (size => new Uint8Array(randomBytes(size))),
    disk,
  )
  const records = new FileRecords(environment)
  const urls = new SignedUrls(tokens, env)
  const paths = new Turns()
  const { judge } = environment
  const usage = new Usage(options.quota)
  const stopCounting = environment.onCommit(changes => usage.committed(changes))
  if (usage.isLimited) for await (const record of records.all()) usage.count(record)
  usage.found(await blobs.unfinished())
  const made = new MadeUploads(environment, clock)
  const uploads = new Uploads({ blobs, records, made, judge, clock, env, paths, usage, partBytes })
  const copies = new Copies({ blobs, uploads, judge, clock, env, readable, remove })
  let stopSweeping = () => {}
  let isStopped = false
  let sweeps = 0
  let sweeping: Promise<void> = Promise.resolve()

  /** Removes what aborted uploads and stopped servers left behind. */
  async function sweep(): Promise<void> {
    try {
      const removed = await blobs.sweep(clock.now() - leftoverMs, keys => records.named(keys))
      usage.found(await blobs.unfinished())
      if (removed > 0)
        log({ level: 'info', event: 'files.swept', message: `${removed} leftovers of uploads were removed` })
      if (sweeps % sweepsBetweenChecks === 0) {
        await made.sweep()
        await checkFiles({ records, blobs, env, log, isStopped: () => isStopped })
      }
      sweeps++ // one that failed is made up for the next time
    } catch (thrown) {
      log({
        level: 'error',
        event: 'files.sweep',
        message: `leftovers could not be removed: ${String(thrown)}`,
      })
    }
  }

  function sweepAgainLater(): void {
    sweeping = sweep()
    stopSweeping = clock.after(sweepEveryMs, sweepAgainLater)
  }
  sweepAgainLater()

  return {
    async ask(actor, ask, hasPlainUrls = false) {
      switch (ask.verb) {
        case 'upload':
          return upload(actor, ask)
        case 'urls':
          checkList(ask.files)
          return { fileList: await inTurn(ask.files, file => urlOf(actor, file, hasPlainUrls)) }
        case 'delete':
          checkList(ask.files)
          return { fileList: await inTurn(ask.files, fileID => remove(actor, fileID)) }
      }
    },
    wholeUpload(actor, path) {
      checkCloudPath(path)
      checkIsSomebody(actor)
      const ticket = {
        openid: actor.kind === 'user' ? actor.openid : null,
        path,
        contentType: contentTypeOf(path) ?? 'application/octet-stream',
        expires: clock.now() + wholeMs,
      }
      return { fileID: fileIDOf(env, path), uploadUrl: urls.toUploadWhole(ticket) }
    },
    copy: (actor, wanted) => copies.copy(actor, wanted),
    async page(after) {
      const page = await records.page(after)
      const last = page.at(-1)?._id
      return { files: page.map(factsOf), ...(last !== undefined && { after: last }) }
    },
    routes: app =>
      addFileRoutes(app, { blobs, records, urls, uploads, clock, log, counted, host, partBytes }),
    async close() {
      isStopped = true
      stopSweeping()
      stopCounting()
      await uploads.close()
      await copies.settled()
      await paths.settled()
      await sweeping
    },
  }

  function factsOf({ path, size, contentType, sha256, updated, _openid: openid }: FileRecord): FileFacts {
    const facts = { fileID: fileIDOf(env, path), path, size, contentType, sha256, updated: updated.getTime() }
    return { ...facts, ...(openid !== undefined && { openid }) }
  }

  async function upload(actor: Actor, ask: Extract<FilesAsk, { verb: 'upload' }>): Promise<Value> {
    const { path, size, sha256 } = ask
    checkCloudPath(path)
    if (size > limits.fileBytes)
      throw new CloudError('UPLOAD_TOO_LARGE', {
        errMsg: `uploadFile:fail a file has at most ${limits.fileBytes} bytes, this one has ${size}`,
      })
    if (!digestForm.test(sha256))
      throw new CloudError('INVALID_PARAM', { errMsg: 'uploadFile:fail sha256 is 64 lower-case hex digits' })
    checkIsSomebody(actor)
    const ticket: Ticket = {
      openid: actor.kind === 'user' ? actor.openid : null,
      path,
      size,
      sha256,
      contentType: typeForm.test(ask.contentType)
        ? ask.contentType.toLowerCase()
        : 'application/octet-stream',
      expires: clock.now() + leftoverMs,
    }
    const offset = await uploads.begin(ticket)
    return { fileID: fileIDOf(env, path), uploadUrl: urls.toUpload(ticket), offset, partBytes }
  }

  async function urlOf(
    actor: Actor,
    {
      fileID,
      maxAge: askedAge = defaultAgeS,
    }: { readonly fileID: string; readonly maxAge?: number | undefined },
    isPlain: boolean,
  ): Promise<Value> {
    const maxAge = Math.min(Math.max(1, askedAge), maxAgeS)
    const record = await readable(actor, fileID)
    if (!record) return { ...missing(fileID), tempFileURL: '', maxAge }
    const tempFileURL = urls.toRead(record, clock.now() + maxAge * 1000, isPlain)
    return { fileID, tempFileURL, ...(host && { origin: host.origin }), maxAge, status: 0, errMsg: 'ok' }
  }

  /** `blob`: only while its bytes are still these. */
  async function remove(actor: Actor, fileID: string, blob?: string): Promise<Value> {
    const path = pathOfFileID(env, fileID)
    if (path === undefined) return missing(fileID)
    return paths.take(path, async (): Promise<Value> => {
      const record = await records.byPath(path)
      if (!record || (blob !== undefined && record.blob !== blob)) return missing(fileID)
      const file = { path, openid: record._openid ?? null }
      if (!judge.judgeFile(actor, 'write', file).allowed)
        return judge.judgeFile(actor, 'read', file).allowed
          ? { fileID, status: -503002, errMsg: 'the rules refuse to let this user delete the file' }
          : missing(fileID)
      await records.remove(path)
      await blobs.delete(record.blob)
      return { fileID, status: 0, errMsg: 'ok' }
    })
  }

  async function readable(actor: Actor, fileID: string): Promise<FileRecord | null> {
    const path = pathOfFileID(env, fileID)
    const record = path === undefined ? null : await records.byPath(path)
    if (!record) return null
    const judgement = judge.judgeFile(actor, 'read', { path: record.path, openid: record._openid ?? null })
    return judgement.allowed || openPaths?.has(record.path) ? record : null
  }
}

function missing(fileID: string): { fileID: string; status: number; errMsg: string } {
  return { fileID, status: -503003, errMsg: 'storage file not exists' }
}

function checkList(list: readonly unknown[]): void {
  if (list.length > 0 && list.length <= limits.fileListItems) return
  throw new CloudError('INVALID_PARAM', {
    errMsg: `fileList must name 1 to ${limits.fileListItems} files, this one names ${list.length}`,
  })
}

async function inTurn<T>(list: readonly T[], work: (item: T) => Promise<Value>): Promise<readonly Value[]> {
  const results: Value[] = []
  for (const item of list) results.push(await work(item))
  return results
}

const digestForm = /^[0-9a-f]{64}$/
const typeForm = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/i
const defaultAgeS = 7_200
const maxAgeS = 7 * 24 * 3_600
const hourMs = 3_600_000
const dayMs = 24 * hourMs
const sweepsBetweenChecks = 24
