import { Buffer } from 'node:buffer'
import type { Millis } from '@nearcloud/protocol'
import type { Tokens } from '../auth/tokens.ts'
import { nameOf } from './cloud-path.ts'
import type { FileRecord } from './file-record.ts'

/**
 * What may be uploaded with a ticket, by whom, until when. `openid` is null for the server's own (functions, admin).
 * The ticket is in the URL; whoever has it may upload exactly this.
 */
export interface Ticket extends WholeTicket {
  readonly size: number
  readonly sha256: string
}

/** As `Ticket`, for a file that comes in one go and of which nothing more is known before. */
export interface WholeTicket {
  readonly openid: string | null
  readonly path: string
  readonly contentType: string
  readonly expires: Millis
}

/** URLs that carry their own permission: a mark of this server over all they say, for one environment and purpose. */
export class SignedUrls {
  readonly #tokens: Pick<Tokens, 'seal' | 'isSealed'>
  readonly #env: string

  constructor(tokens: Pick<Tokens, 'seal' | 'isSealed'>, env: string) {
    this.#tokens = tokens
    this.#env = env
  }

  /**
   * Where one version of a file can be read until `expires`, relative to the server. It ends in the file's name; a `plain` one is the
   * same text whoever encodes it once more.
   */
  toRead(record: FileRecord, expires: Millis, isPlain = false): string {
    const name = nameOf(record.path)
    const shown = isPlain ? name.replace(/[^\w.-]/g, '_') : encodeURIComponent(name)
    const path = `/files/${record._id}/${record.blob}/${shown}`
    const until = Math.floor(expires / 1000)
    return `${path}?expires=${until}&signature=${this.#tokens.seal(this.#readText(path, String(until)))}`
  }

  /** The file and blob a URL lets read now; undefined when it is not, in every letter, one that `toRead` gave. */
  read(path: string, search: string, now: Millis): { id: string; blob: string } | undefined {
    const place = readForm.exec(path)
    const proof = proofForm.exec(search)
    if (!place || !proof) return undefined
    const [, expires, signature] = proof
    if (!this.#tokens.isSealed(this.#readText(path, expires!), signature!)) return undefined
    if (Number(expires) * 1000 <= now) return undefined
    return { id: place[1]!, blob: place[2]! }
  }

  /** Where the bytes of a file go, relative to the server. */
  toUpload(ticket: Ticket): string {
    const { openid, path, size, sha256, contentType, expires } = ticket
    const body = Buffer.from(JSON.stringify([openid, path, size, sha256, contentType, expires])).toString(
      'base64url',
    )
    return `/files/uploads/${body}.${this.#tokens.seal(this.#uploadText(body))}`
  }

  /** The ticket in the last part of an upload URL; undefined when `toUpload` did not give it or its time is over. */
  upload(text: string, now: Millis): Ticket | undefined {
    const parts = ticketForm.exec(text)
    if (!parts || !this.#tokens.isSealed(this.#uploadText(parts[1]!), parts[2]!)) return undefined
    const [openid, path, size, sha256, contentType, expires] = JSON.parse(
      Buffer.from(parts[1]!, 'base64url').toString('utf8'),
    ) as [string | null, string, number, string, string, number]
    return expires <= now ? undefined : { openid, path, size, sha256, contentType, expires }
  }

  /** Where a file goes in one go, relative to the server. */
  toUploadWhole({ openid, path, contentType, expires }: WholeTicket): string {
    const body = Buffer.from(JSON.stringify([openid, path, contentType, expires])).toString('base64url')
    return `/files/whole/${body}.${this.#tokens.seal(this.#wholeText(body))}`
  }

  /** As `upload`, of `toUploadWhole`. */
  uploadWhole(text: string, now: Millis): WholeTicket | undefined {
    const parts = ticketForm.exec(text)
    if (!parts || !this.#tokens.isSealed(this.#wholeText(parts[1]!), parts[2]!)) return undefined
    const [openid, path, contentType, expires] = JSON.parse(
      Buffer.from(parts[1]!, 'base64url').toString('utf8'),
    ) as [string | null, string, string, number]
    return expires <= now ? undefined : { openid, path, contentType, expires }
  }

  #wholeText(body: string): string {
    return `whole\n${this.#env}\n${body}`
  }

  #readText(path: string, expires: string): string {
    return `read\n${this.#env}\n${path}\n${expires}`
  }

  #uploadText(body: string): string {
    return `upload\n${this.#env}\n${body}`
  }
}

const readForm = /^\/files\/([0-9a-f]{64})\/([0-9a-f]{64})\/[^/]+$/
const proofForm = /^\?expires=([1-9][0-9]{0,11})&signature=([0-9a-f]{12}\.[A-Za-z0-9_-]{43})$/
const ticketForm = /^([A-Za-z0-9_-]{1,4096})\.([0-9a-f]{12}\.[A-Za-z0-9_-]{43})$/
