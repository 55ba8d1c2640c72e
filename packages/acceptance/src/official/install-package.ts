import { cpSync, existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/**
 * Puts a package of this one's, with all that it needs, into the `node_modules` of a folder, as `npm install` would: files, no links.
 * What no program reads (types, maps of sources) is left out.
 */
export function installPackage(name: string, folder: string): void {
  install(name, [resolve(import.meta.dirname, '../../node_modules')], folder, folder)
}

function install(name: string, places: readonly string[], root: string, asker: string): void {
  const from = places.map(place => join(place, name)).find(place => existsSync(join(place, 'package.json')))
  if (from === undefined) throw new Error(`${name} is not installed here`)
  const source = realpathSync(from)
  const { version, dependencies = {} } = factsOf(source)
  const shared = join(root, 'node_modules', name)
  if (existsSync(shared) && factsOf(shared).version === version) return
  const target = existsSync(shared) ? join(asker, 'node_modules', name) : shared
  if (existsSync(target)) return
  cpSync(source, target, { recursive: true, filter: path => !/\/node_modules$|\.d\.ts$|\.map$/.test(path) })
  // what it needs lies beside it
  const shelf = name.split('/').reduce(dirname, source)
  for (const each of Object.keys(dependencies))
    if (!each.startsWith('@types/')) install(each, [shelf], root, target)
}

function factsOf(folder: string): { version: string; dependencies?: Readonly<Record<string, string>> } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}
