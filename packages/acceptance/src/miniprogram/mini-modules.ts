import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { posix, resolve } from 'node:path'
import { createContext, runInContext } from 'node:vm'

/** What apps, pages and components are defined by. */
export type Life = Readonly<Record<string, ((this: unknown, ...given: unknown[]) => unknown) | undefined>>

/** Runs a tool of an example, a path and its words, where the example is. Rejects with what it said when it fails. */
export async function runTool(
  folder: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const child = spawn(process.execPath, words, {
    cwd: folder,
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: Buffer[] = []
  child.stdout.on('data', part => said.push(part))
  child.stderr.on('data', part => said.push(part))
  const code = await new Promise(ended => child.on('close', ended))
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${Buffer.concat(said)}`)
}

/** As a host loads modules: by relative paths, each once, in a context that has `globals` and ECMAScript, and makes no code from text. */
export function moduleLoader(folder: string, globals: object): (path: string) => unknown {
  const context = createContext(Object.assign(Object.create(null), globals), {
    codeGeneration: { strings: false, wasm: false },
  })
  const modules = new Map<string, { exports: unknown }>()
  const load = (path: string): unknown => {
    const known = modules.get(path)
    if (known) return known.exports
    const module = { exports: {} }
    modules.set(path, module)
    const code = readFileSync(resolve(folder, path), 'utf8')
    const wrapped = `(function (exports, module, require) {${code}\n})`
    runInContext(wrapped, context, { filename: path })(module.exports, module, (wanted: string) =>
      load(posix.join(posix.dirname(path), wanted)),
    )
    return module.exports
  }
  return load
}

/** The host's object, on which a framework keeps things of its own, by these names; what `has` names is there for it. */
export function withPlaceFor<Host extends object>(
  names: readonly string[],
  host: Host,
  has: Readonly<Record<string, unknown>> = {},
): Host {
  const kept: Record<PropertyKey, unknown> = { ...has }
  const isOurs = (key: PropertyKey) => key in has || names.includes(String(key))
  return new Proxy(host, {
    get: (target, key) => (isOurs(key) ? kept[key] : Reflect.get(target, key)),
    set(_, key, value) {
      if (!isOurs(key)) return false
      kept[key] = value
      return true
    },
    // a framework may copy what is there
    ownKeys: target => [...Reflect.ownKeys(target), ...Object.keys(has)],
    getOwnPropertyDescriptor: (target, key) =>
      Reflect.getOwnPropertyDescriptor(key in has ? kept : target, key),
  })
}
