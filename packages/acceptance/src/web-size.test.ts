import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

/** What a page loads that has no more than this in it, and what it may load later. */
async function built(page: string) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: page, resolveDir: import.meta.dirname, sourcefile: 'page.js' },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    outdir: '/out',
    conditions: ['source'],
    legalComments: 'none',
    metafile: true,
    write: false,
  })
  const outputs = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [`/${path.split('/').pop()}`, output]),
  )
  const code = new Map(outputFiles.map(({ path, text }) => [`/${path.split('/').pop()}`, text]))
  const first = new Set<string>()
  const visit = (name: string) => {
    if (first.has(name)) return
    first.add(name)
    for (const { kind, path } of outputs.get(name)!.imports)
      if (kind === 'import-statement') visit(`/${path.split('/').pop()}`)
  }
  visit('/stdin.js')
  const modules = [...first].flatMap(name => Object.keys(outputs.get(name)!.inputs))
  const bytes = [...first].reduce((sum, name) => sum + gzipSync(code.get(name)!).length, 0)
  return { bytes, modules }
}

test('[APART-1] a page begins with at most 141,100 bytes, and loads the rest when it is needed', async () => {
  const { bytes, modules } = await built(`import cloud from '@nearcloud/browser'; cloud.init()`)
  console.log(`a page's first load: ${bytes} bytes gzip`)
  expect(bytes).toBeLessThanOrEqual(141_100)
  const apart =
    /comlink|yjs|sealed-storage|worker\/in-worker|live-texts|poll-connection|\/ways-in|query\/src\/aggregate|client\/src\/(upload|files|functions|cloud-path)\.ts|declared-index|guest-engine|create-guest-sync|store\/src\/mirror|polling|text-stream|protocol\/src\/long-frame|long-messages|sync\/src\/(sweep|mend)|entered-rooms|memory-storage/
  expect(modules.filter(path => apart.test(path))).toEqual([])
})
