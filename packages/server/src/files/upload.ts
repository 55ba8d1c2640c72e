import { createHash, randomBytes } from 'node:crypto'
import { type Clock, CloudError, limits } from '@nearcloud/protocol'
import type { Actor } from '../actor.ts'
import type { Judge } from '../rules/judge.ts'
import type { Blobs } from './blobs.ts'
import { chunksOf } from './chunks-of.ts'
import { fileIDOf } from './cloud-path.ts'
import type { FileRecord, FileRecords } from './file-record.ts'
import type { MadeUploads } from './made-uploads.ts'
import { checkedType, headBytes } from './shown-type.ts'
import type { Ticket, WholeTicket } from './signed-url.ts'
import { Turns } from './turns.ts'
import type { Usage } from './usage.ts'

/** What became of a part. `behind`: it was not the next one; `offset` is where the next one begins. */
export type Received =
  | { readonly state: 'partial' | 'behind'; readonly offset: number }
  | { readonly state: 'whole'; readonly fileID: string }

/** What is uploaded, and the nonce that says which upload it is, where one is said. */
interface NamedUpload {
  readonly ticket: Ticket
  readonly nonce: string | undefined
}

/**
 * Files on their way in. An upload is named by who, where and what: asking again for the same goes on where it was left.
 *
 * Nothing is visible before it is whole, checked, durable, and allowed once more by the rules as they are then; the last
 * upload that becomes whole wins its path. One that says a nonce takes effect once.
 */
export class Uploads {
  readonly #blobs: Blobs
  readonly #records: FileRecords
  readonly #made: MadeUploads
  readonly #judge: Judge
  readonly #clock: Clock
  readonly #env: string
  readonly #usage: Usage
  readonly #partBytes: number
  /** One writer of a path at a time. */
  readonly #paths: Turns
  /** One writer of an upload at a time. */
  readonly #uploads = new Turns()
  readonly #openByUser = new Map<string, number>()
  readonly #stopped = new AbortController()

  constructor(parts: {
    blobs: Blobs
    records: FileRecords
    made: MadeUploads
    judge: Judge
    clock: Clock
    env: string
    paths: Turns
    usage: Usage
    partBytes: number
  }) {
    this.#blobs = parts.blobs
    this.#records = parts.records
    this.#made = parts.made
    this.#judge = parts.judge
    this.#clock = parts.clock
    this.#env = parts.env
    this.#paths = parts.paths
    this.#usage = parts.usage
    this.#partBytes = parts.partBytes
  }

  /**
   * Where the bytes go on. All of them: the file is whole. Throws STORAGE_EXCEED_AUTHORITY when the rules refuse it, and as the quota
   * does. What was whole before is not refused here: it may be the same upload once more, which its nonce says with the first part.
   */
  async begin(ticket: Ticket): Promise<number> {
    const name = nameOfUpload(ticket)
    return this.#uploads.take(name, async () => {
      try {
        checkMayWrite(this.#judge, ticket, await this.#records.byPath(ticket.path))
        if (await this.#isThere(ticket)) return ticket.size
        await this.#checkQuota(ticket, name)
        const offset = await this.#blobs.received(name)
        if (offset > 0) await this.#arrived(ticket, name, offset)
        // all of it came, and then the server was stopped: whatever part comes now makes it a file, and says whose nonce it was
        return offset < ticket.size ? offset : Math.max(0, offset - 1)
      } catch (refused) {
        if (await this.#made.has(ticket.openid, whatOf(ticket))) return 0
        throw refused
      }
    })
  }

  /**
   * Takes a part that begins at `offset`. Parts of one upload wait for each other; one that is silent for `silenceMs`,
   * as on a connection that is dead, or not here after `partMs`, is cut off, and what came of it counts. Throws UPLOAD_TOO_LARGE for more than `partBytes` or more than was told, and
   * STORAGE_REQUEST_FAIL when the whole is not what was told: the upload then begins anew. EXCEED_REQUEST_LIMIT for more than
   * `partsAtOnce` of a user, waiting ones included.
   *
   * With a `nonce` that has made its file already it is whole, and nothing changes; INVALID_PARAM when that was another upload.
   */
  async receive(
    ticket: Ticket,
    offset: number,
    bytes: ReadableStream<Uint8Array> | null,
    nonce?: string,
  ): Promise<Received> {
    const { openid } = ticket
    const open = (openid !== null && this.#openByUser.get(openid)) || 0
    if (open >= partsAtOnce) {
      await bytes?.cancel()
      throw new CloudError('EXCEED_REQUEST_LIMIT', {
        errMsg: `uploadFile:fail a user may send ${partsAtOnce} parts at once`,
      })
    }
    if (openid === null) return this.#receive({ ticket, nonce }, offset, bytes)
    this.#openByUser.set(openid, open + 1)
    return this.#receive({ ticket, nonce }, offset, bytes).finally(() => {
      const left = this.#openByUser.get(openid)! - 1
      if (left > 0) this.#openByUser.set(openid, left)
      else this.#openByUser.delete(openid)
    })
  }

  #receive(upload: NamedUpload, offset: number, bytes: ReadableStream<Uint8Array> | null): Promise<Received> {
    return this.#uploads.take(nameOfUpload(upload.ticket), async () => {
      try {
        return await this.#takePart(upload, offset, bytes)
      } finally {
        // one that nobody read
        if (bytes && !bytes.locked) await bytes.cancel()
      }
    })
  }

  async #takePart(
    upload: NamedUpload,
    offset: number,
    bytes: ReadableStream<Uint8Array> | null,
  ): Promise<Received> {
    const { ticket, nonce } = upload
    const name = nameOfUpload(ticket)
    const whole = { state: 'whole', fileID: fileIDOf(this.#env, ticket.path) } as const
    if (await this.#isMade(upload)) return whole
    let received = await this.#blobs.received(name)
    if (received === 0) {
      checkMayWrite(this.#judge, ticket, await this.#records.byPath(ticket.path))
      if (await this.#isThere(ticket)) {
        if (nonce !== undefined) await this.#made.remember(ticket.openid, nonce, whatOf(ticket))
        return whole
      }
    }
    const isAllHere = received > 0 && received === ticket.size
    if (offset !== received && !isAllHere) return { state: 'behind', offset: received }
    await this.#checkQuota(ticket, name).catch(async (refused: unknown) => {
      await this.#blobs.discard(name)
      this.#usage.ended(name)
      throw refused
    })
    if (bytes && !isAllHere) {
      const most = Math.min(ticket.size, offset + this.#partBytes)
      received = await this.#blobs.append(name, this.#chunksOf(bytes), most).catch((refused: unknown) => {
        this.#usage.ended(name)
        throw refused
      })
      await this.#arrived(ticket, name, received)
    }
    if (received < ticket.size) return { state: 'partial', offset: received }
    if (await this.#finish(upload)) return whole
    // what a loss of power spoilt is sent again
    if (isAllHere) return { state: 'behind', offset: 0 }
    throw new CloudError('STORAGE_REQUEST_FAIL', {
      errMsg: 'uploadFile:fail the bytes that came are not those that were told: upload the file again',
      details: { reason: 'digest' },
    })
  }

  /**
   * Takes a file of which nobody told the size or the digest, in one go; the fileID when it is there. Nothing is kept of one that
   * breaks off (STORAGE_REQUEST_FAIL), nor of one that `isNew` where there is a file. Throws UPLOAD_TOO_LARGE, and STORAGE_EXCEED_AUTHORITY as the rules are before and after.
   */
  async receiveWhole(
    ticket: WholeTicket,
    bytes: ReadableStream<Uint8Array> | null,
    { isNew = false }: { readonly isNew?: boolean } = {},
  ): Promise<string> {
    checkMayWrite(this.#judge, ticket, await this.#records.byPath(ticket.path))
    const name = randomBytes(32).toString('hex')
    return this.#uploads.take(name, async () => {
      const hash = createHash('sha256')
      let isWhole = false
      const chunks = this.#chunksOf(bytes ?? new Blob([]).stream(), () => {
        isWhole = true
      })
      const size = await this.#blobs.append(name, hashed(chunks, hash), limits.fileBytes)
      if (!isWhole) {
        await this.#blobs.discard(name)
        throw new CloudError('STORAGE_REQUEST_FAIL', {
          errMsg: 'uploadFile:fail not all of it came: upload the file again',
        })
      }
      await this.#arrived({ ...ticket, size }, name, size)
      const sha256 = hash.digest('hex')
      const blob = await this.#blobs.finish(name, { size, sha256 })
      if (blob === null) {
        this.#usage.ended(name)
        throw new CloudError('STORAGE_REQUEST_FAIL', { errMsg: 'uploadFile:fail it could not be read back' })
      }
      await this.#publish({ ...ticket, size, sha256 }, name, blob, { isNew })
      return fileIDOf(this.#env, ticket.path)
    })
  }

  /** Cuts off what is coming in; what came of it is kept. */
  async close(): Promise<void> {
    this.#stopped.abort()
    await this.#uploads.settled()
  }

  /** False, and begun anew, when the bytes are not those that were told. */
  async #finish({ ticket, nonce }: NamedUpload): Promise<boolean> {
    const { size, sha256 } = ticket
    const name = nameOfUpload(ticket)
    const blob = await this.#blobs.finish(name, { size, sha256 })
    if (blob === null) {
      this.#usage.ended(name)
      return false
    }
    await this.#publish(ticket, name, blob, { nonce })
    return true
  }

  /** Makes a blob the file at its path. */
  #publish(
    ticket: Ticket,
    name: string,
    blob: string,
    { isNew = false, nonce }: { readonly isNew?: boolean; readonly nonce?: string | undefined },
  ): Promise<void> {
    const { openid, path, size, sha256, contentType } = ticket
    return this.#paths.take(path, async () => {
      try {
        // bytes that were lost came again, and somebody changed the path meanwhile
        if (await this.#isMade({ ticket, nonce })) {
          await this.#blobs.delete(blob)
          this.#usage.ended(name)
          return
        }
        const old = await this.#records.byPath(path)
        checkMayWrite(this.#judge, ticket, old)
        if (isNew && old)
          throw new CloudError('STORAGE_REQUEST_FAIL', { errMsg: `there is a file at ${path} already` })
        const updated = new Date(this.#clock.now())
        const owner = openid === null ? {} : { _openid: openid }
        const checked = checkedType(contentType, await this.#headOf(blob))
        const told = checked === contentType ? {} : { toldType: contentType }
        const made = nonce === undefined ? [] : await this.#made.remembering(openid, nonce, whatOf(ticket))
        await this.#records.put(
          { ...owner, ...told, path, size, contentType: checked, sha256, blob, updated },
          made,
        )
        this.#usage.ended(name)
        if (old) await this.#blobs.delete(old.blob)
      } catch (thrown) {
        // a commit whose answer was lost may have happened: then the record needs its blob
        const now = await this.#records.byPath(path)
        if (now?.blob !== blob) await this.#blobs.delete(blob)
        this.#usage.ended(name)
        throw thrown
      }
    })
  }

  async #headOf(blob: string): Promise<Uint8Array> {
    const bytes = await this.#blobs.read(blob, 0, headBytes - 1)
    return new Uint8Array(await new Response(bytes).arrayBuffer())
  }

  /** So many bytes are here, and count from now on: what others sent in the meantime may leave no place for the whole. */
  async #arrived(file: WholeTicket & { readonly size: number }, name: string, bytes: number): Promise<void> {
    const old = this.#usage.isLimited ? await this.#records.byPath(file.path) : null
    this.#usage.arrived(name, file.openid, bytes)
    try {
      this.#usage.check(name, file, old)
    } catch (refused) {
      await this.#blobs.discard(name)
      this.#usage.ended(name)
      throw refused
    }
  }

  async #checkQuota(file: WholeTicket & { readonly size: number }, name: string): Promise<void> {
    this.#usage.check(name, file, await this.#records.byPath(file.path))
  }

  /** Has this nonce made its file? Bytes that are lost since may come again, as long as the file is this one. */
  async #isMade({ ticket, nonce }: NamedUpload): Promise<boolean> {
    if (nonce === undefined) return false
    const made = await this.#made.byNonce(ticket.openid, nonce)
    if (made === undefined) return false
    if (made !== whatOf(ticket))
      throw new CloudError('INVALID_PARAM', {
        errMsg: `uploadFile:fail the nonce is another upload's: each has one of its own (${ticket.path})`,
        details: { path: ticket.path, reason: 'nonce' },
      })
    const record = await this.#recordOf(ticket)
    return !record || (await this.#blobs.sizeOf(record.blob)) === ticket.size
  }

  /** Is the file exactly this already, bytes and all? */
  async #isThere(ticket: Ticket): Promise<boolean> {
    const record = await this.#recordOf(ticket)
    return record !== undefined && (await this.#blobs.sizeOf(record.blob)) === ticket.size
  }

  /** The record of the file, if it is what the ticket says. */
  async #recordOf({ openid, path, size, sha256, contentType }: Ticket): Promise<FileRecord | undefined> {
    const record = await this.#records.byPath(path)
    if (!record || record.sha256 !== sha256 || record.size !== size) return undefined
    const told = record.toldType ?? record.contentType
    return told === contentType && (record._openid ?? null) === openid ? record : undefined
  }

  #chunksOf(bytes: ReadableStream<Uint8Array>, ended?: () => void): AsyncIterable<Uint8Array> {
    return chunksOf(bytes, { clock: this.#clock, stopped: this.#stopped.signal, ended })
  }
}

async function* hashed(bytes: AsyncIterable<Uint8Array>, hash: { update(bytes: Uint8Array): unknown }) {
  for await (const chunk of bytes) {
    hash.update(chunk)
    yield chunk
  }
}

/** Throws STORAGE_EXCEED_AUTHORITY unless the ticket's holder may make or replace the file. */
function checkMayWrite(judge: Judge, { openid, path }: WholeTicket, old: FileRecord | null): void {
  // the server's own actor may do everything; who makes a file is its creator already
  const actor: Actor = openid === null ? { kind: 'admin' } : { kind: 'user', openid }
  const judgement = judge.judgeFile(actor, 'write', { path, openid: old ? (old._openid ?? null) : openid })
  if (judgement.allowed) return
  throw new CloudError('STORAGE_EXCEED_AUTHORITY', {
    errMsg: `uploadFile:fail ${judgement.reason} (${path})`,
    details: { path, rule: judgement.rule },
  })
}

export function checkIsSomebody(actor: Actor): void {
  if (actor.kind !== 'stranger') return
  throw new CloudError('STORAGE_EXCEED_AUTHORITY', { errMsg: 'uploadFile:fail sign in first' })
}

function nameOfUpload({ openid, path, size, sha256 }: Ticket): string {
  return digestOf([openid, path, size, sha256])
}

/** As `nameOfUpload`, whoever it is. */
function whatOf({ path, size, sha256 }: Ticket): string {
  return digestOf([path, size, sha256])
}

function digestOf(parts: readonly (string | number | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts), 'utf8').digest('hex')
}

/** The most one request may carry, if nobody says otherwise. */
export const mostPartBytes = 4 * 1_048_576
export const partsAtOnce = 16
/** A ticket for a file in one go is asked for right before it is sent. */
export const wholeMs = 15 * 60_000
