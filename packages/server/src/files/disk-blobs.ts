import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { assert, type Clock, CloudError, type RandomBytes } from '@nearcloud/protocol'
import type { Blobs } from './blobs.ts'
import { type Disk, nodeDisk, type OpenFile } from './disk.ts'

/** Where a blob is, in the folder of files. */
export function blobFile(folder: string, key: string): string {
  return join(folder, 'blobs', key.slice(0, 2), key)
}

/**
 * Blobs as files of a folder: `uploads/<upload>` while they come, `blobs/<2 digits>/<key>` when they are whole. Keys are
 * random; nothing a user says becomes part of a path.
 */
export class DiskBlobs implements Blobs {
  readonly #folder: string
  readonly #clock: Pick<Clock, 'now'>
  readonly #random: RandomBytes
  readonly #disk: Disk
  readonly #syncedShelves = new Set<string>()

  private constructor(folder: string, clock: Pick<Clock, 'now'>, random: RandomBytes, disk: Disk) {
    this.#folder = folder
    this.#clock = clock
    this.#random = random
    this.#disk = disk
  }

  /** Makes the folders that are missing. Throws SERVER_CONFIGURATION when it cannot. */
  static async open(
    folder: string,
    clock: Pick<Clock, 'now'>,
    random: RandomBytes,
    disk = nodeDisk,
  ): Promise<DiskBlobs> {
    try {
      await disk.mkdir(join(folder, 'uploads'), { recursive: true, mode: 0o700 })
      await disk.mkdir(join(folder, 'blobs'), { recursive: true, mode: 0o700 })
      await disk.syncFolder(folder)
      await disk.syncFolder(join(folder, '..'))
    } catch (cause) {
      throw new CloudError('SERVER_CONFIGURATION', {
        errMsg: `the folder ${folder} for files cannot be made: ${(cause as Error).message}`,
        cause,
      })
    }
    return new DiskBlobs(folder, clock, random, disk)
  }

  async received(upload: string): Promise<number> {
    return (await this.#sizeOf(this.#uploadPath(upload))) ?? 0
  }

  async append(upload: string, bytes: AsyncIterable<Uint8Array>, most: number): Promise<number> {
    const path = this.#uploadPath(upload)
    const file = await this.#disk.open(path, 'a', 0o600)
    let refused: CloudError | undefined
    let size = (await file.stat()).size
    try {
      for await (const chunk of bytes) {
        if (size + chunk.length > most) {
          refused = new CloudError('UPLOAD_TOO_LARGE', {
            errMsg: `more than the ${most} bytes that were told`,
          })
          break
        }
        refused = await writeAll(file, chunk)
        if (refused) break
        size += chunk.length
      }
    } finally {
      await this.#touch(file)
      await file.close()
    }
    if (!refused) return size
    await this.#disk.rm(path, { force: true })
    throw refused
  }

  async finish(upload: string, expected: { size: number; sha256: string }): Promise<string | null> {
    const path = this.#uploadPath(upload)
    const file = await this.#disk.open(path, 'a+', 0o600) // an empty file is never appended to
    try {
      const { size } = await file.stat()
      if (size !== expected.size || (await digestOf(file)) !== expected.sha256) {
        await this.#disk.rm(path, { force: true })
        return null
      }
      await this.#touch(file)
      await file.sync()
    } finally {
      await file.close()
    }
    const key = Buffer.from(this.#random(32)).toString('hex')
    const home = this.#blobPath(key)
    const shelf = join(home, '..')
    await this.#disk.mkdir(shelf, { recursive: true, mode: 0o700 })
    await this.#disk.rename(path, home)
    await this.#disk.syncFolder(shelf)
    // one that was there may have been made a moment ago, or by a process that died before it was synced
    if (!this.#syncedShelves.has(shelf)) await this.#disk.syncFolder(join(shelf, '..'))
    this.#syncedShelves.add(shelf)
    return key
  }

  discard(upload: string): Promise<void> {
    return this.#disk.rm(this.#uploadPath(upload), { force: true })
  }

  async unfinished(): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>()
    for (const upload of await this.#disk.readdir(join(this.#folder, 'uploads')))
      if (nameForm.test(upload)) found.set(upload, await this.received(upload))
    return found
  }

  sizeOf(key: string): Promise<number | undefined> {
    return this.#sizeOf(this.#blobPath(key))
  }

  async read(key: string, start: number, end: number): Promise<ReadableStream<Uint8Array> | null> {
    let file: OpenFile
    try {
      file = await this.#disk.open(this.#blobPath(key), 'r')
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw cause
    }
    if (end < start) {
      await file.close()
      return new ReadableStream({ start: controller => controller.close() })
    }
    // the stream owns the file, and closes it at its end and when nobody reads on
    return Readable.toWeb(file.createReadStream({ start, end })) as ReadableStream<Uint8Array>
  }

  delete(key: string): Promise<void> {
    return this.#disk.rm(this.#blobPath(key), { force: true })
  }

  async sweep(
    before: number,
    isNamed: (keys: readonly string[]) => Promise<ReadonlySet<string>>,
  ): Promise<number> {
    const uploads = await this.#oldFiles(join(this.#folder, 'uploads'), before)
    for (const upload of uploads) await this.#disk.rm(join(this.#folder, 'uploads', upload), { force: true })
    let removed = uploads.length
    const removeUnnamed = async (shelfByKey: Map<string, string>) => {
      const named = shelfByKey.size === 0 ? new Set<string>() : await isNamed([...shelfByKey.keys()])
      for (const [key, shelf] of shelfByKey) {
        if (named.has(key)) continue
        await this.#disk.rm(join(this.#folder, 'blobs', shelf, key), { force: true })
        removed++
      }
      shelfByKey.clear()
    }
    const shelfByKey = new Map<string, string>()
    for (const shelf of await this.#disk.readdir(join(this.#folder, 'blobs'))) {
      for (const key of await this.#oldFiles(join(this.#folder, 'blobs', shelf), before))
        shelfByKey.set(key, shelf)
      // asking looks at every record there is
      if (shelfByKey.size >= manyKeys) await removeUnnamed(shelfByKey)
    }
    await removeUnnamed(shelfByKey)
    return removed
  }

  /** The server's clock says when a file was touched, so that ages are told by one clock. */
  async #touch(file: OpenFile): Promise<void> {
    const now = this.#clock.now() / 1000
    await file.utimes(now, now).catch(() => undefined) // only the sweep would come at another time
  }

  async #sizeOf(path: string): Promise<number | undefined> {
    try {
      return (await this.#disk.stat(path)).size
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw cause
    }
  }

  /** Names in a folder of files last touched before a moment; what is not ours is left alone. */
  async #oldFiles(folder: string, before: number): Promise<string[]> {
    const old: string[] = []
    for (const name of await this.#disk.readdir(folder)) {
      if (!nameForm.test(name)) continue
      const found = await this.#disk.stat(join(folder, name)).catch(() => undefined)
      if (found?.isFile() && found.mtimeMs < before) old.push(name)
    }
    return old
  }

  #uploadPath(upload: string): string {
    assert(nameForm.test(upload), 'uploads are named by 64 hex digits')
    return join(this.#folder, 'uploads', upload)
  }

  #blobPath(key: string): string {
    assert(nameForm.test(key), 'blobs are named by 64 hex digits')
    return blobFile(this.#folder, key)
  }
}

/** The refusal when the medium did not take all of it. */
async function writeAll(file: OpenFile, chunk: Uint8Array): Promise<CloudError | undefined> {
  try {
    for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten
    return undefined
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const isFull = code === 'ENOSPC' || code === 'EDQUOT'
    return new CloudError(isFull ? 'STORE_FULL' : 'STORE_FAILED', {
      errMsg: isFull ? 'the server has no space left for files' : 'the server could not store the file',
      cause,
    })
  }
}

async function digestOf(file: OpenFile): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.alloc(1 << 18)
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}

const nameForm = /^[0-9a-f]{64}$/
const manyKeys = 50_000
