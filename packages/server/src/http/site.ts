import { realpath, stat } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { CloudError } from '@nearcloud/protocol'
import type { Context, Hono } from 'hono'
import { PackedFiles } from './packed-files.ts'
import { type SiteFile, sendSiteFile } from './site-file.ts'

export interface SiteOptions {
  /** Of every answer of the site, as `content-security-policy`. */
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Serves a folder at `/`: files with their types, `index.html` for a folder and for every other address without an
 * extension that a person opens (the app routes those itself); packed as the browser takes it, whole or a range. Nothing outside
 * the folder, nothing hidden but `/.well-known/`.
 *
 * Throws SERVER_CONFIGURATION for headers that cannot be.
 */
export function addSite(app: Hono, folder: string, { headers = {} }: SiteOptions = {}): void {
  const packed = new PackedFiles()
  const always = { ...safeHeaders, ...checked(headers) }
  app.get('*', async c => {
    const root = await realpath(folder).catch(() => undefined)
    const file = root && (await findFile(root, c.req.path, wantsPage(c)))
    return file
      ? sendSiteFile(c, file, packed, always)
      : c.text('not found', 404, { ...always, 'cache-control': 'no-cache' })
  })
}

async function findFile(root: string, urlPath: string, isPage: boolean): Promise<SiteFile | undefined> {
  let path: string
  try {
    path = decodeURIComponent(urlPath)
  } catch {
    return undefined
  }
  const segments = path.split('/').filter(segment => segment !== '')
  const isHidden = (segment: string, at: number) =>
    segment.startsWith('.') && !(at === 0 && segment === '.well-known')
  if (segments.some((segment, at) => isHidden(segment, at) || /[\\\0]/.test(segment))) return undefined
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
      ? { path: real, size, mtimeMs, tag: `${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}` }
      : undefined
  } catch {
    return undefined
  }
}

function wantsPage(c: Context): boolean {
  return (c.req.header('accept') ?? '').includes('text/html')
}

function checked(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  try {
    return Object.fromEntries(new Headers(headers))
  } catch (cause) {
    throw new CloudError('SERVER_CONFIGURATION', {
      errMsg: `siteHeaders: one of them is no header of HTTP (${(cause as Error).message})`,
    })
  }
}

const safeHeaders = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  // no page of others shows this one in a frame
  'x-frame-options': 'SAMEORIGIN',
}
