import { createHash } from 'node:crypto'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A file below a folder. */
export interface Found {
  /** Where it is on this machine. */
  readonly file: string
  /** Its path below the folder, with `/`. */
  readonly path: string
  readonly size: number
}

/**
 * The files below a folder, by their paths. Links are not followed, and what begins with a dot is of the machine: both are told as
 * `passed`.
 */
export async function filesIn(
  folder: string,
): Promise<{ found: readonly Found[]; passed: readonly string[] }> {
  const found: Found[] = []
  const passed: string[] = []
  const look = async (below: string): Promise<void> => {
    const entries = await readdir(join(folder, below), { withFileTypes: true })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      const file = join(folder, path)
      if (entry.name.startsWith('.') || !(entry.isDirectory() || entry.isFile())) passed.push(path)
      else if (entry.isDirectory()) await look(path)
      else found.push({ file, path, size: (await stat(file)).size })
    }
  }
  await look('')
  return { found, passed }
}

/** A file that is read twice: for its digest, and to be sent. It has to be the same both times, or the server refuses it. */
export async function withFile<T>(file: string, work: (opened: OpenFile) => Promise<T>): Promise<T> {
  const handle = await open(file)
  try {
    return await work(new OpenFile(handle))
  } finally {
    await handle.close()
  }
}

export class OpenFile {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** 64 hex digits. */
  async sha256(): Promise<string> {
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(1_048_576)
    for (let at = 0; ; ) {
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  }

  async read(from: number, to: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(to - from)
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await this.#handle.read(bytes, filled, bytes.length - filled, from + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  }
}
