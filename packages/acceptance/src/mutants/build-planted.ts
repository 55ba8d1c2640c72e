import { copyFileSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { plant } from './bundle.ts'
import type { Mutant } from './mutant.ts'

/**
 * A program of the house as one file in a folder, with a bug planted, or as it is: a real server with its database. `entry` is below `packages/`. Runs no
 * functions.
 */
export async function buildPlanted(
  folder: string,
  { entry, mutant }: { entry: string; mutant?: Mutant },
): Promise<string> {
  const packages = resolve(import.meta.dirname, '../../..')
  const toNative = createRequire(join(packages, 'server/package.json'))
  const main = join(folder, 'dist/main.js')
  mkdirSync(join(folder, 'dist'), { recursive: true })
  copyFileSync(join(packages, 'cli/package.json'), join(folder, 'package.json'))
  await build({
    entryPoints: [join(packages, entry)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['source'],
    outfile: main,
    logLevel: 'silent',
    // what is CommonJS asks for parts of Node
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'\nconst require = requireFrom(import.meta.url)",
    },
    plugins: [
      {
        name: 'native',
        setup({ onResolve }) {
          onResolve({ filter: /^@photostructure\/sqlite$/ }, ({ path }) => ({
            path: toNative.resolve(path),
            external: true,
          }))
        },
      },
      ...(mutant ? [plant(mutant)] : []),
    ],
  })
  return main
}
