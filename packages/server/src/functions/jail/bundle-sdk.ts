import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { anyFunction, startProgram } from './start-program.ts'

/**
 * Puts the program of functions' processes into `folder`, as few files, and what starts it with the compiled code that `keepCompiled`
 * made: it starts in a third of the time that its many modules take. What was in the folder is gone. Resolves with the file to start.
 */
export async function bundleSdk(workerFile: string, folder: string): Promise<string> {
  const home = dirname(workerFile)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { build } = await import('esbuild')
  const common = {
    absWorkingDir: home,
    outdir: folder,
    bundle: true,
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
  } as const
  const programs = build({
    ...common,
    entryPoints: [join(home, 'worker.js')],
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    define: { 'import.meta.url': 'programUrl' },
    banner: { js: "const programUrl = require('node:url').pathToFileURL(__filename).href;" },
    outExtension: { '.js': '.cjs' },
  })
  const threads = build({
    ...common,
    entryPoints: ['module-hooks.js', 'parent-watch.js'].map(name => join(home, name)),
    format: 'esm',
  })
  const packages = await build({
    ...common,
    entryPoints: ['index.js', 'cloudbase.js'].map(name => join(home, name)),
    format: 'esm',
    write: false,
    metafile: true,
  })
  for (const { entryPoint, exports } of Object.values(packages.metafile.outputs))
    if (entryPoint !== undefined) await writeFile(join(folder, entryPoint), moduleOf(exports))
  await Promise.all([programs, threads])
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n')
  await writeFile(join(folder, 'any.cjs'), anyFunction)
  await writeFile(join(folder, 'start.cjs'), startProgram)
  return join(folder, 'start.cjs')
}

/** The package for who imports it, which is the one that `require` gives: there is one in a process. */
function moduleOf(names: readonly string[]): string {
  const named = names.filter(name => name !== 'default')
  return `import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
const sdk = createRequire(import.meta.url)(fileURLToPath(import.meta.url))
export const { ${named.join(', ')} } = sdk
export default sdk
`
}
