import { CloudError } from '@nearcloud/protocol'
import type { Change } from '../commit/change.ts'
import { type FileData, type FileRecord, filesCollection } from './file-record.ts'

/** How many bytes of files there may be; absent: as many as the disk takes. */
export interface FileQuota {
  /** Of the environment: of all users, and of functions. */
  readonly environmentBytes?: number
  /** Of each user, what they uploaded. What functions upload counts for nobody. */
  readonly userBytes?: number
}

/** What somebody wants to upload. */
interface Wish {
  readonly openid: string | null
  readonly size: number
}

/**
 * How many bytes there are of files, whole and on their way. It follows the commits, so it is right whoever changes a record;
 * of what is on its way the bytes count that came: what is only told takes nothing from others.
 */
export class Usage {
  readonly #quota: FileQuota
  #whole = 0
  readonly #wholeByUser = new Map<string, number>()
  /** By upload; nobody knows whose one from before a restart is until it goes on. */
  readonly #arriving = new Map<string, { bytes: number; openid: string | null }>()

  /** Throws SERVER_CONFIGURATION for a quota that is no number of bytes. */
  constructor(quota: FileQuota = {}) {
    for (const [name, bytes] of Object.entries(quota))
      if (!['environmentBytes', 'userBytes'].includes(name) || !Number.isSafeInteger(bytes) || bytes < 1)
        throw new CloudError('SERVER_CONFIGURATION', {
          errMsg: `the quota of files: ${name} is ${JSON.stringify(bytes)}; there are environmentBytes and userBytes, whole numbers of at least 1`,
        })
    this.#quota = quota
  }

  /** Is there anything to count for? */
  get isLimited(): boolean {
    return this.#quota.environmentBytes !== undefined || this.#quota.userBytes !== undefined
  }

  count(file: FileData): void {
    this.#add(file, 1)
  }

  committed(changes: readonly Change[]): void {
    for (const { collection, before, after } of changes) {
      if (collection !== filesCollection) continue
      if (before) this.#add(before as FileRecord, -1)
      if (after) this.#add(after as FileRecord, 1)
    }
  }

  /** What is on its way, by upload; the rest is no more. */
  found(bytesByUpload: ReadonlyMap<string, number>): void {
    for (const upload of this.#arriving.keys()) if (!bytesByUpload.has(upload)) this.#arriving.delete(upload)
    for (const [upload, bytes] of bytesByUpload)
      this.#arriving.set(upload, { bytes, openid: this.#arriving.get(upload)?.openid ?? null })
  }

  arrived(upload: string, openid: string | null, bytes: number): void {
    this.#arriving.set(upload, { bytes, openid })
  }

  /** It is a file, or discarded. */
  ended(upload: string): void {
    this.#arriving.delete(upload)
  }

  /**
   * Throws UPLOAD_TOO_LARGE when the user would have more than theirs with it, and STORE_FULL when all would have more than
   * there is for them. `old` is the file it is to replace.
   */
  check(upload: string, { openid, size }: Wish, old: FileRecord | null): void {
    if (!this.isLimited) return
    const { environmentBytes, userBytes } = this.#quota
    const others = [...this.#arriving].flatMap(([name, each]) => (name === upload ? [] : each))
    if (userBytes !== undefined && openid !== null) {
      const whole = (this.#wholeByUser.get(openid) ?? 0) - (old?._openid === openid ? old.size : 0)
      if (whole + sum(others.filter(each => each.openid === openid)) + size > userBytes)
        throw new CloudError('UPLOAD_TOO_LARGE', {
          errMsg: `uploadFile:fail the files of a user have at most ${userBytes} bytes together; delete some first`,
          details: { reason: 'quota', quotaBytes: userBytes },
        })
    }
    if (environmentBytes !== undefined)
      if (this.#whole - (old?.size ?? 0) + sum(others) + size > environmentBytes)
        throw new CloudError('STORE_FULL', {
          errMsg: 'the server has no space left for files',
          details: { reason: 'quota', quotaBytes: environmentBytes },
        })
  }

  #add({ size, _openid }: FileData, sign: 1 | -1): void {
    this.#whole += sign * size
    if (_openid === undefined) return
    const bytes = (this.#wholeByUser.get(_openid) ?? 0) + sign * size
    if (bytes > 0) this.#wholeByUser.set(_openid, bytes)
    else this.#wholeByUser.delete(_openid)
  }
}

function sum(uploads: readonly { readonly bytes: number }[]): number {
  return uploads.reduce((bytes, each) => bytes + each.bytes, 0)
}
