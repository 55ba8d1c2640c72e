import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import type { Change, Mutant } from './mutant.ts'

/** The simulator's program with everything in it, as one module; with a mutant's bug planted. No file is touched. */
export async function bundle(mutant?: Mutant): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../src/sim/main.ts', import.meta.url))],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['source'],
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'silent',
    plugins: [leaveOut, ...(mutant ? [plant(mutant)] : [])],
  })
  return outputFiles[0]!.text
}

/** What sockets and SQLite need is not part of a simulated world. */
const leaveOut: Plugin = {
  name: 'leave out',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(@photostructure\/|@hono\/|ws$|vitest)/ }, ({ path }) => ({
      path,
      namespace: 'left-out',
    }))
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'module.exports = {}' }))
  },
}

export function plant({ name, changes }: Mutant): Plugin {
  return {
    name: 'plant',
    setup({ onLoad, onEnd }) {
      const missing = new Set(changes.map(({ file }) => file))
      onLoad({ filter: /\/packages\/[^/]+\/src\/.*\.ts$/ }, async ({ path }) => {
        const file = path.slice(path.lastIndexOf('/packages/') + '/packages/'.length)
        if (!missing.delete(file)) return undefined
        let contents = await readFile(path, 'utf8')
        for (const change of changes) if (change.file === file) contents = replaced(contents, change, name)
        return { contents, loader: 'ts' }
      })
      onEnd(() => {
        if (missing.size > 0) throw new Error(`mutant "${name}": not part of the program: ${[...missing]}`)
      })
    },
  }
}

/** Throws when `from` is not there exactly once: then the code has moved on, and its mutant has to follow. */
export function replaced(text: string, { file, from, to }: Change, name: string): string {
  const found = text.split(from).length - 1
  if (found === 1) return text.replace(from, () => to)
  throw new Error(
    `mutant "${name}": packages/${file} has ${found === 0 ? 'no place' : `${found} places`} for: ${from}`,
  )
}
