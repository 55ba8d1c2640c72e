import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { Readable } from 'node:stream'
import type { Context, Hono } from 'hono'

/**
 * Serves a folder at `/`: files with their types, `index.html` for a folder and for every other address without an
 * extension that a person opens (the app routes those itself). Nothing outside the folder, nothing hidden.
 */
export function addSite(app: Hono, folder: string): void {
  app.get('*', async c => {
    const root = await realpath(folder).catch(() => undefined)
    const file = root && (await findFile(root, c.req.path, wantsPage(c)))
    return file ? send(c, file) : c.text('not found', 404, { 'x-content-type-options': 'nosniff' })
  })
}

interface SiteFile {
  readonly path: string
  readonly size: number
  readonly tag: string
}

async function findFile(root: string, urlPath: string, isPage: boolean): Promise<SiteFile | undefined> {
  let path: string
  try {
    path = decodeURIComponent(urlPath)
  } catch {
    return undefined
  }
  const segments = path.split('/').filter(segment => segment !== '')
  if (segments.some(segment => segment.startsWith('.') || /[\\\0]/.test(segment))) return undefined
  const wanted = join(root, ...segments)
  const found = (await look(root, wanted)) ?? (await look(root, join(wanted, 'index.html')))
  if (found || !isPage || extname(path) !== '') return found
  return look(root, join(root, 'index.html'))
}

/** A file under the root, links followed. */
async function look(root: string, path: string): Promise<SiteFile | undefined> {
  try {
    const real = await realpath(path)
    if (!real.startsWith(root + sep)) return undefined
    const { size, mtimeMs, isFile } = await stat(real).then(s => ({ ...s, isFile: s.isFile() }))
    return isFile
      ? { path: real, size, tag: `"${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}"` }
      : undefined
  } catch {
    return undefined
  }
}

function send(c: Context, file: SiteFile): Response {
  const headers = {
    'content-type': contentTypes[extname(file.path).toLowerCase()] ?? 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    // built files carry a hash in their name; a page is asked for again
    'cache-control': hashed.test(file.path) ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag: file.tag,
  }
  if (c.req.header('if-none-match') === file.tag) return c.body(null, 304, headers)
  const sized = { ...headers, 'content-length': String(file.size) }
  if (c.req.method === 'HEAD') return c.body(null, 200, sized)
  return c.body(Readable.toWeb(createReadStream(file.path)) as ReadableStream, 200, sized)
}

function wantsPage(c: Context): boolean {
  return (c.req.header('accept') ?? '').includes('text/html')
}

const hashed = /[.-][A-Za-z0-9_-]{8,}\.(?:js|css|woff2?|png|svg|jpg|webp)$/
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
