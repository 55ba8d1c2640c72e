import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

/**
 * A folder with the test page, to be hosted by a server: `window.app` is `page/page.ts` over `@nearcloud/browser`, and `/worker.js` its
 * worker. `isSplit`: what the page loads apart is in files of its own, as most apps are built; otherwise each script is whole.
 */
export async function buildSite(folder: string, { isSplit = false } = {}): Promise<void> {
  const entryPoints = { page: '../page/page.ts', worker: '../page/worker.ts' }
  for (const [name, path] of Object.entries(entryPoints))
    await build({
      entryPoints: [join(import.meta.dirname, path)],
      bundle: true,
      format: 'esm',
      platform: 'browser',
      conditions: ['source'],
      splitting: isSplit,
      entryNames: name,
      outdir: folder,
    })
  writeFileSync(
    join(folder, 'index.html'),
    '<!doctype html><meta charset="utf-8"><title>nearcloud</title><script type="module" src="/page.js"></script>',
  )
}
