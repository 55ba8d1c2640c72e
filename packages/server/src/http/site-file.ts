import { createReadStream } from 'node:fs'
import { extname } from 'node:path'
import { Readable } from 'node:stream'
import type { Context } from 'hono'
import { parseRange } from '../files/range.ts'
import { accepts } from './accepts.ts'
import type { PackedFiles } from './packed-files.ts'

export interface SiteFile {
  /** Absolute, links followed. */
  readonly path: string
  readonly size: number
  readonly mtimeMs: number
  /** Another one when the file is another. */
  readonly tag: string
}

/** A file as it is asked for: packed, a range of it, or nothing when the browser has it. */
export async function sendSiteFile(
  c: Context,
  file: SiteFile,
  packed: PackedFiles,
  always: Readonly<Record<string, string>>,
): Promise<Response> {
  const extension = extname(file.path).toLowerCase()
  const range = c.req.header('range')
  const accepted = c.req.header('accept-encoding') ?? ''
  // a range is of the file as it is
  const packing =
    packable.has(extension) && range === undefined
      ? (['br', 'gzip'] as const).find(each => accepts(accepted, each))
      : undefined
  const content = packing && (await packed.of(file, packing))
  const etag = `"${file.tag}${content ? `-${packing}` : ''}"`
  const headers: Record<string, string> = {
    'content-type': contentTypes[extension] ?? 'application/octet-stream',
    // built files carry a hash in their name; a page is asked for again
    'cache-control': hashed.test(file.path) ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag,
    'accept-ranges': 'bytes',
    ...(packable.has(extension) && { vary: 'accept-encoding' }),
    ...always,
  }
  if (isNamed(c.req.header('if-none-match'), etag)) return c.body(null, 304, headers)
  const isHead = c.req.method === 'HEAD'
  if (content) {
    headers['content-encoding'] = packing!
    headers['content-length'] = String('bytes' in content ? content.bytes.length : content.size)
    if (isHead) return c.body(null, 200, headers)
    const body = 'bytes' in content ? (content.bytes as Uint8Array<ArrayBuffer>) : streamOf(content.path)
    return c.body(body, 200, headers)
  }
  const condition = c.req.header('if-range')
  const asked =
    range === undefined || (condition !== undefined && condition !== etag)
      ? undefined
      : parseRange(range, file.size)
  if (asked === null) return c.body(null, 416, { ...headers, 'content-range': `bytes */${file.size}` })
  const { start, end } = asked ?? { start: 0, end: file.size - 1 }
  headers['content-length'] = String(end - start + 1)
  if (asked) headers['content-range'] = `bytes ${start}-${end}/${file.size}`
  const status = asked ? 206 : 200
  if (isHead || file.size === 0) return c.body(null, status, headers)
  return c.body(streamOf(file.path, start, end), status, headers)
}

function streamOf(path: string, start = 0, end = Number.POSITIVE_INFINITY): ReadableStream {
  return Readable.toWeb(createReadStream(path, { start, end })) as ReadableStream
}

/** Whether a list of tags has this one; a proxy may have called it weak. */
function isNamed(list: string | undefined, etag: string): boolean {
  return list?.split(',').some(each => each.trim().replace(/^W\//, '') === etag) ?? false
}

/** A hash has a digit and a letter, as eight signs or as many hexadecimal ones: `app-settings.js` has none. */
const hashed =
  /[.-](?=[^.]*\d)(?=[^.]*[A-Za-z])(?:[A-Za-z0-9]{8}|[0-9a-f]{10,64})\.(?:js|mjs|css|woff2?|png|svg|jpe?g|webp|avif|wasm)$/
const packable = new Set([
  '.html',
  '.js',
  '.mjs',
  '.css',
  '.json',
  '.map',
  '.webmanifest',
  '.txt',
  '.xml',
  '.svg',
  '.ico',
  '.ttf',
  '.wasm',
])
const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.xml': 'application/xml; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.ico': 'image/x-icon',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.wasm': 'application/wasm',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.pdf': 'application/pdf',
}
