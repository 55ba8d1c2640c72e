import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const packages = join(import.meta.dirname, '../..')
const index = join(packages, 'query/dist/index.js')

/** Minified and gzipped bytes of this package: what a client loads, all there is, and what is loaded apart. */
export async function bundleSizes() {
  return {
    client: await bytesOf(`export { ${clientImports().join(', ')} } from '${index}'`),
    everything: await bytesOf(`export * from '${index}'`),
    aggregation: await bytesOfChunk('aggregate'),
    indexes: await bytesOfChunk('indexes'),
  }
}

/** What the built packages of a client import of this one. */
function clientImports() {
  const names = new Set()
  for (const folder of ['store', 'sync', 'client', 'browser'])
    for (const file of scriptsIn(join(packages, folder, 'dist')))
      for (const [, list] of readFileSync(file, 'utf8').matchAll(/\{([^}]*)\} from '@nearcloud\/query'/g))
        for (const name of list.split(',')) if (name.trim() !== '') names.add(name.trim())
  return [...names].sort()
}

function scriptsIn(folder) {
  return readdirSync(folder, { recursive: true })
    .filter(path => path.endsWith('.js') && !path.endsWith('.test.js') && !path.startsWith('testing'))
    .map(path => join(folder, path))
}

async function bytesOf(source) {
  const { outputFiles } = await bundle(
    { external: ['@nearcloud/protocol', './aggregate/index.js', '../indexes/index.js'] },
    source,
  )
  return gzipSync(outputFiles[0].contents, { level: 9 }).length
}

/** What comes on top when the core is there already. */
async function bytesOfChunk(folder) {
  const { outputFiles, metafile } = await bundle(
    { external: ['@nearcloud/protocol'], splitting: true, outdir: '/out', metafile: true },
    `export * from '${index}'`,
  )
  const chunk = join(packages, 'query/dist', folder, 'index.js')
  const isChunk = ([, { entryPoint }]) => entryPoint !== undefined && chunk.endsWith(entryPoint)
  const lazy = Object.entries(metafile.outputs).find(isChunk)
  const file = outputFiles.find(({ path }) => path.endsWith(lazy[0].split('/').pop()))
  return gzipSync(file.contents, { level: 9 }).length
}

function bundle(options, contents) {
  return build({
    stdin: { contents, resolveDir: packages },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    ...options,
  })
}
