import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { replaced } from '../mutants/bundle.ts'

/**
 * The `nearcloud` command with a database that syncs less than it has to, in a folder: what the harness must find. Runs no
 * functions.
 */
export async function buildWeakServer(folder: string, synchronous: 'NORMAL' | 'OFF'): Promise<string> {
  const packages = resolve(import.meta.dirname, '../../..')
  const weakened = join(packages, 'server/src/engine/sqlite-database.ts')
  const toNative = createRequire(join(packages, 'server/package.json'))
  const main = join(folder, 'dist/main.js')
  mkdirSync(join(folder, 'dist'))
  copyFileSync(join(packages, 'cli/package.json'), join(folder, 'package.json'))
  await build({
    entryPoints: [join(packages, 'cli/src/main.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['source'],
    outfile: main,
    // what is CommonJS asks for parts of Node
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'\nconst require = requireFrom(import.meta.url)",
    },
    plugins: [
      {
        name: 'weaken',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^@photostructure\/sqlite$/ }, ({ path }) => ({
            path: toNative.resolve(path),
            external: true,
          }))
          onLoad({ filter: /sqlite-database\.ts$/ }, ({ path }) => {
            if (path !== weakened) return undefined
            let contents = readFileSync(path, 'utf8')
            for (const change of changesFor(synchronous)) contents = replaced(contents, change, 'weak server')
            return { contents, loader: 'ts' }
          })
        },
      },
    ],
  })
  return main
}

function changesFor(synchronous: string) {
  const file = 'server/src/engine/sqlite-database.ts'
  return [
    { file, from: 'PRAGMA synchronous = FULL', to: `PRAGMA synchronous = ${synchronous}` },
    { file, from: `pragma(db, 'synchronous') === 2`, to: 'true' },
  ]
}
