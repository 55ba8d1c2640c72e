import type { Buffer } from 'node:buffer'
import { promisify } from 'node:util'
import { type BrotliOptions, brotliCompress, constants, gzip, type ZlibOptions } from 'node:zlib'

export type Packing = 'br' | 'gzip'

/** Whether an `accept-encoding` header names this encoding, and not with a weight of nothing. */
export function accepts(header: string, encoding: Packing): boolean {
  return header.split(',').some(each => {
    const [name, ...parameters] = each.split(';').map(word => word.trim().toLowerCase())
    return name === encoding && !parameters.some(parameter => /^q=0(\.0*)?$/.test(parameter))
  })
}

/** Packs as much as more effort is worth its time. */
export function pack(content: string | Uint8Array, packing: Packing): Promise<Buffer> {
  if (packing === 'gzip') return gzipped(content, { level: 6 })
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 5,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  }
  return brotli(content, { params })
}

const brotli = promisify<string | Uint8Array, BrotliOptions, Buffer>(brotliCompress)
const gzipped = promisify<string | Uint8Array, ZlibOptions, Buffer>(gzip)
