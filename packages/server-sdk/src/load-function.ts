import { readFileSync } from 'node:fs'
import Module, { createRequire, register } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { StartMessage } from './channel.ts'
import { closeDoors } from './close-doors.ts'
import { provided } from './provided.ts'

export type Main = (event: unknown, context: unknown) => unknown

/**
 * The `main` that a function's entry file exports, as CommonJS or as an ES module, with `wx-server-sdk` meaning this
 * package in everything it loads, even where a copy of the original is installed beside it; unless it asked for that copy.
 *
 * A function without a package.json is CommonJS, whatever the package.json of a folder above it says.
 */
export async function loadFunction(
  start: Pick<StartMessage, 'entry' | 'ownPackage' | 'code' | 'allow' | 'sdk'>,
): Promise<Main> {
  const source = start.code ?? readFileSync(start.entry, 'utf8')
  if (start.sdk !== 'official') {
    provideToCommonJs()
    // The hooks cost 50 ms of starting time, so only for those who can need them.
    if (start.code === undefined && /\bimport\b/.test(source)) provideToModules()
  }
  if (start.allow) closeDoors(start.allow)
  const exported = await load(start, source)
  const main = exported.main ?? exported.default?.main
  if (typeof main !== 'function') throw new Error(`${start.entry} exports no function "main"`)
  return main
}

interface Exported {
  readonly main?: Main
  readonly default?: { readonly main?: Main }
}

async function load(
  { entry, ownPackage, code }: Pick<StartMessage, 'entry' | 'ownPackage' | 'code'>,
  source: string,
) {
  if (code !== undefined) return compiled(entry, code)
  if (!ownPackage && entry.endsWith('.js') && !writtenAsModule(source)) {
    readAsCommonJs(dirname(entry))
    return createRequire(entry)(entry) as Exported
  }
  return (await importUrl(pathToFileURL(entry).href)) as Exported
}

/**
 * What V8 had compiled of this program and kept does not know any more how to import: what starts it then lends its own way, under
 * this name.
 */
declare const importModule: ((url: string) => Promise<unknown>) | undefined
const importUrl = typeof importModule === 'function' ? importModule : (url: string) => import(url)

/** A program that stands for a file, with that file's place. */
function compiled(entry: string, code: string): Exported {
  const module = new Module(entry)
  module.filename = entry
  module.paths = loader._nodeModulePaths(dirname(entry))
  ;(module as unknown as LoadedModule)._compile(code, entry)
  return module.exports as Exported
}

/** The parts of Node's CommonJS loader that have no public name. */
interface CommonJsLoader {
  _resolveFilename(request: string, ...rest: unknown[]): string
  _nodeModulePaths(folder: string): string[]
  _cache: Record<string, unknown>
  _extensions: Record<string, (module: LoadedModule, file: string) => void>
}

interface LoadedModule {
  _compile(source: string, file: string): void
}

const loader = Module as unknown as CommonJsLoader

function provideToCommonJs(): void {
  const files = new Map<string, string>()
  for (const [name, { url, exports }] of provided) {
    const file = fileURLToPath(url)
    files.set(name, file)
    const module = new Module(file)
    module.exports = exports
    module.loaded = true
    loader._cache[file] = module
  }
  const resolve = loader._resolveFilename
  loader._resolveFilename = function (request, ...rest) {
    return files.get(request) ?? resolve.call(this, request, ...rest)
  }
}

function provideToModules(): void {
  const urls = new Map([...provided].map(([name, { url }]) => [name, url]))
  const { registerHooks } = Module as unknown as { registerHooks?: RegisterHooks }
  if (registerHooks) {
    const resolve: SyncResolve = (specifier, context, next) => {
      const url = urls.get(specifier)
      return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true }
    }
    registerHooks({ resolve })
    return
  }
  register('./module-hooks.js', import.meta.url, { data: urls })
}

type SyncResolve = (
  specifier: string,
  context: unknown,
  next: (specifier: string, context: unknown) => unknown,
) => unknown
/** Since Node 22.15: without a thread. */
type RegisterHooks = (hooks: { resolve: SyncResolve }) => void

/** Files of the folder, but not of packages in it, are CommonJS. */
function readAsCommonJs(folder: string): void {
  const read = loader._extensions['.js']!
  loader._extensions['.js'] = (module, file) => {
    if (!file.startsWith(folder) || file.includes('node_modules')) return read(module, file)
    module._compile(readFileSync(file, 'utf8'), file)
  }
}

function writtenAsModule(source: string): boolean {
  return /^\s*(import\s*[\w*{'"]|export\s*(default|const|let|var|async|function|class|[*{]))/m.test(source)
}
