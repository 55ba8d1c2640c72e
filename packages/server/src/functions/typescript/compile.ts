import { dirname } from 'node:path'
import type { FunctionFolder } from '../function-folder.ts'

export function isTypeScript(file: string): boolean {
  return /\.[cm]?ts$/.test(file)
}

/**
 * The code of a function written in TypeScript, as one CommonJS program with a source map; undefined for one that Node runs as
 * it is. Packages stay where they are. Types are not checked. Rejects with an Error that says what cannot be read.
 */
export async function compile({ entry }: Pick<FunctionFolder, 'entry'>): Promise<string | undefined> {
  if (!isTypeScript(entry)) return undefined
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [entry],
    absWorkingDir: dirname(entry),
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    packages: 'external',
    supported: { 'dynamic-import': false },
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'silent',
    // a bundle has no address of its own
    define: { 'import.meta.url': 'nearcloudFunctionUrl' },
    banner: { js: "const nearcloudFunctionUrl = require('node:url').pathToFileURL(__filename).href;" },
  })
  return outputFiles[0]!.text
}
