import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import { chromiumFlags, findChromium } from '../../chromium.ts'
import { inFolder, median, repeat } from '../measuring.ts'
import type {} from '../page/page.ts'
import { startServer } from '../processes.ts'
import type { Found, Section } from '../section.ts'

const documents = 50_000

/** Until a fresh page in Chromium has 50,000 documents in IndexedDB. */
export const firstSyncInBrowser: Section = {
  name: 'first-sync-browser',
  run: () => inFolder(measure),
}

async function measure(site: string): Promise<Found> {
  await buildPage(site)
  const server = await startServer({ documents, site })
  const browser = await chromium.launch({ executablePath: findChromium(), args: [...chromiumFlags] })
  try {
    const { env, url, bareUrl, pagesUrl } = server
    const bare = await repeat(3, () =>
      inPage(browser, url, page =>
        page.evaluate(([to, n]) => window.bench.bare(to, n), [bareUrl, documents] as const),
      ),
    )
    const ours = await repeat(3, () =>
      inPage(browser, url, page =>
        page.evaluate(([to, n]) => window.bench.firstSync(to, n), [env, documents] as const),
      ),
    )
    const rxdb = await repeat(1, () =>
      inPage(browser, url, page =>
        page.evaluate(([to, n]) => window.bench.rxdb(to, n), [pagesUrl, documents] as const),
      ),
    )
    const [indexedDbMs, bareMs, rxdbMs] = [median(ours), median(bare), median(rxdb)]
    return {
      absolute: { documents, indexedDbMs, bareParsedMs: bareMs, rxdbDexieMs: rxdbMs },
      ratios: { bareToIndexedDb: bareMs / indexedDbMs, timesFasterThanRxdbInDexie: rxdbMs / indexedDbMs },
    }
  } finally {
    await browser.close()
    server.stop()
  }
}

/** In a window of its own: nothing of an earlier one is there. */
async function inPage(browser: Browser, url: string, work: (page: Page) => Promise<number>): Promise<number> {
  const context = await browser.newContext()
  const page = await context.newPage()
  page.on('pageerror', error => console.error(error))
  await page.goto(url)
  await page.waitForFunction(() => window.bench !== undefined)
  const result = await work(page)
  await context.close()
  return result
}

/** With `/worker.js`, the worker of a page. */
export async function buildPage(site: string): Promise<void> {
  await build({
    stdin: {
      contents: "import '@nearcloud/browser/worker'",
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    outfile: join(site, 'worker.js'),
  })
  await build({
    entryPoints: [join(import.meta.dirname, '../page/page.js')],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    outfile: join(site, 'page.js'),
  })
  writeFileSync(
    join(site, 'index.html'),
    '<!doctype html><meta charset="utf-8"><title>bench</title><script type="module" src="/page.js"></script>',
  )
}
