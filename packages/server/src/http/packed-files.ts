import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Packing, pack } from './accepts.ts'
import type { SiteFile } from './site-file.ts'

/** A packed file: one that lies beside the other, or bytes that were packed here. */
export type Packed = { readonly path: string; readonly size: number } | { readonly bytes: Uint8Array }

/** Files of a site as browsers take them; those that were packed here are kept, the longest unused go first. */
export class PackedFiles {
  readonly #mostBytes: number
  readonly #kept = new Map<string, Uint8Array>()
  readonly #underWay = new Map<string, Promise<Uint8Array | undefined>>()
  #bytes = 0

  constructor(mostBytes = 33_554_432) {
    this.#mostBytes = mostBytes
  }

  /** Undefined: it is to be sent as it is. */
  async of(file: SiteFile, packing: Packing): Promise<Packed | undefined> {
    const beside = await besideOf(file, packing)
    if (beside) return beside
    if (file.size < leastBytes || file.size > mostPackedBytes) return undefined
    const key = `${packing} ${file.tag} ${file.path}`
    const bytes = this.#use(key) ?? (await this.#packed(key, file, packing))
    return bytes && bytes.length < file.size ? { bytes } : undefined
  }

  #use(key: string): Uint8Array | undefined {
    const bytes = this.#kept.get(key)
    if (!bytes) return undefined
    this.#kept.delete(key)
    this.#kept.set(key, bytes)
    return bytes
  }

  /** However many ask at once, it is packed once. */
  #packed(key: string, file: SiteFile, packing: Packing): Promise<Uint8Array | undefined> {
    const running = this.#underWay.get(key)
    if (running) return running
    if (this.#underWay.size >= mostUnderWay) return Promise.resolve(undefined)
    const work = readFile(file.path)
      .then(bytes => (bytes.length === file.size ? pack(bytes, packing) : undefined))
      .then(
        bytes => {
          if (bytes) this.#keep(key, bytes)
          return bytes
        },
        () => undefined,
      )
      .finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, work)
    return work
  }

  #keep(key: string, bytes: Uint8Array): void {
    this.#kept.set(key, bytes)
    this.#bytes += bytes.length
    for (const [oldest, { length }] of this.#kept) {
      if (this.#bytes <= this.#mostBytes) return
      this.#kept.delete(oldest)
      this.#bytes -= length
    }
  }
}

/** `app.js.br` beside `app.js`, in the same folder when links are followed, and not older. */
async function besideOf({ path, mtimeMs }: SiteFile, packing: Packing): Promise<Packed | undefined> {
  try {
    const beside = await realpath(`${path}.${packing === 'br' ? 'br' : 'gz'}`)
    if (dirname(beside) !== dirname(path)) return undefined
    const found = await stat(beside)
    return found.isFile() && found.mtimeMs >= mtimeMs ? { path: beside, size: found.size } : undefined
  } catch {
    return undefined
  }
}

const leastBytes = 1_000
const mostPackedBytes = 8_388_608
const mostUnderWay = 8
