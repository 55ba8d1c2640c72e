import { type Clock, CloudError } from '@nearcloud/protocol'
import type { Actor } from '../actor.ts'
import type { Judge } from '../rules/judge.ts'
import type { Blobs } from './blobs.ts'
import { checkCloudPath, fileIDOf, pathOfFileID } from './cloud-path.ts'
import type { FileRecord } from './file-record.ts'
import { Turns } from './turns.ts'
import { checkIsSomebody, partsAtOnce, type Uploads, wholeMs } from './upload.ts'

/** Paths, or fileIDs. */
export interface FileCopy {
  readonly from: string
  readonly to: string
  /** A file that is there is replaced. */
  readonly overwrites: boolean
  /** The first one goes afterwards. */
  readonly removes: boolean
}

interface Parts {
  readonly blobs: Pick<Blobs, 'read'>
  readonly uploads: Pick<Uploads, 'receiveWhole'>
  readonly judge: Judge
  readonly clock: Clock
  readonly env: string
  /** Null where there is none that this actor may read. */
  readable(actor: Actor, fileID: string): Promise<FileRecord | null>
  /** Only while its bytes are still those of `blob`. */
  remove(actor: Actor, fileID: string, blob: string): Promise<unknown>
}

/** Copies of files: reading one and uploading the other. A user's go one after the other, as they cost the user nothing. */
export class Copies {
  readonly #parts: Parts
  readonly #turns = new Turns()
  /** How many of a user's are not done. */
  readonly #waiting = new Map<string, number>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async copy(actor: Actor, wanted: FileCopy): Promise<string> {
    if (actor.kind !== 'user') return this.#copy(actor, wanted)
    const { openid } = actor
    const waiting = this.#waiting.get(openid) ?? 0
    if (waiting >= partsAtOnce)
      throw new CloudError('EXCEED_REQUEST_LIMIT', {
        errMsg: `a user has at most ${partsAtOnce} files copied at once`,
      })
    this.#waiting.set(openid, waiting + 1)
    try {
      return await this.#turns.take(openid, () => this.#copy(actor, wanted))
    } finally {
      const left = this.#waiting.get(openid)! - 1
      if (left > 0) this.#waiting.set(openid, left)
      else this.#waiting.delete(openid)
    }
  }

  settled(): Promise<void> {
    return this.#turns.settled()
  }

  async #copy(actor: Actor, { from, to, overwrites, removes }: FileCopy): Promise<string> {
    const { env, blobs, uploads, judge, clock, readable, remove } = this.#parts
    const [source, path] = [from, to].map(each =>
      each.startsWith('cloud://') ? pathOfFileID(env, each) : each,
    )
    if (path === undefined)
      throw new CloudError('INVALID_PARAM', { errMsg: 'a copy is made in this environment' })
    checkCloudPath(path)
    checkIsSomebody(actor)
    if (source === path) throw new CloudError('INVALID_PARAM', { errMsg: 'a file is not copied onto itself' })
    const fileID = source === undefined ? from : fileIDOf(env, source)
    const record = await readable(actor, fileID)
    const file = record && { path: record.path, openid: record._openid ?? null }
    if (file && removes && !judge.judgeFile(actor, 'write', file).allowed)
      throw new CloudError('STORAGE_EXCEED_AUTHORITY', {
        errMsg: 'the rules refuse to let this user delete the file',
      })
    const bytes = record && (await blobs.read(record.blob, 0, Math.max(0, record.size - 1)))
    if (!bytes) throw new CloudError('STORAGE_FILE_NONEXIST', { errMsg: 'storage file not exists' })
    const ticket = {
      openid: actor.kind === 'user' ? actor.openid : null,
      path,
      contentType: record.toldType ?? record.contentType,
      expires: clock.now() + wholeMs,
    }
    try {
      const copied = await uploads.receiveWhole(ticket, bytes, { isNew: !overwrites })
      if (removes) await remove(actor, fileID, record.blob)
      return copied
    } finally {
      // one that was refused before it was read
      if (!bytes.locked) await bytes.cancel()
    }
  }
}
