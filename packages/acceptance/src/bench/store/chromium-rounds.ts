import { readdirSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { chromiumFlags, findChromium } from '../../chromium.ts'
import { inFolder } from '../measuring.ts'
import type { Figures } from './engine.ts'
import type {} from './offer.ts'

export const engineNames = ['nearcloud', 'dexie', 'rxdb', 'raw', 'pouchdb', 'tinybase', 'tanstack'] as const
export type EngineName = (typeof engineNames)[number]

const files: Readonly<Record<EngineName, string>> = {
  nearcloud: 'ours',
  dexie: 'dexie',
  rxdb: 'rxdb',
  raw: 'raw',
  pouchdb: 'pouch',
  tinybase: 'tinybase',
  tanstack: 'tanstack',
}

/** The page of an engine, on an origin of its own. */
export interface Site {
  readonly engine: EngineName
  readonly url: string
  close(): void
}

export async function openSite(engine: EngineName): Promise<Site> {
  const bundle = await build({
    entryPoints: [join(import.meta.dirname, `engines/${files[engine]}.js`)],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    // what PouchDB wants of Node, from the package of that name
    alias: { events: join(import.meta.dirname, '../../../node_modules/events/events.js') },
    define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
    logLevel: 'error',
    write: false,
  })
  const script = bundle.outputFiles[0]!.text
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.writeHead(200, {
      'content-type': isScript ? 'text/javascript' : 'text/html',
      // a page on its own has a timer of 5 µs
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    })
    response.end(
      isScript
        ? script
        : '<!doctype html><meta charset="utf-8"><title>bench</title><script type="module" src="/page.js"></script>',
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { engine, url: `http://127.0.0.1:${portOf(server)}/`, close: () => void server.close() }
}

/** One round of one engine: a fresh profile; filled and used; then the browser is started again on it, twice. */
export function round(site: Site, documents: number, { memory = false } = {}): Promise<Figures> {
  return inFolder(async profile => {
    const used = await inPage(profile, site.url, page =>
      page.evaluate(n => window.storeBench.run(n), documents),
    )
    const diskBytes = bytesOf(join(profile, 'Default', 'IndexedDB'))
    const cold = await inPage(profile, site.url, page => page.evaluate(() => window.storeBench.cold()))
    const heap = memory
      ? await inPage(profile, site.url, page => page.evaluate(n => window.storeBench.memory(n), documents))
      : {}
    return { ...used, ...cold, ...heap, diskBytes }
  })
}

async function inPage<T>(profile: string, url: string, work: (page: Page) => Promise<T>): Promise<T> {
  const context = await launch(profile)
  try {
    const page = await context.newPage()
    page.on('pageerror', error => console.error(error))
    await page.goto(url)
    await page.waitForFunction(() => window.storeBench !== undefined)
    return await work(page)
  } finally {
    await context.close().catch(() => undefined) // it may have died of what it was asked
  }
}

function launch(profile: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    args: [...chromiumFlags, '--enable-precise-memory-info', '--js-flags=--expose-gc'],
  })
}

function bytesOf(folder: string): number {
  let total = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    total += entry.isDirectory() ? bytesOf(path) : statSync(path).size
  }
  return total
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
