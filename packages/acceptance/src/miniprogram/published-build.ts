import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { compileFunction } from 'node:vm'
import type * as MiniProgram from '@nearcloud/miniprogram'

const folder = resolve(import.meta.dirname, '../../../miniprogram/dist/miniprogram')

/** The published build, begun anew, with the names a host gives it. `loaded`: its files in the order they were required. */
export function publishedBuild(wx: object): {
  readonly exports: typeof MiniProgram
  readonly loaded: readonly string[]
} {
  const codes = new Map(
    readdirSync(folder).map(name => [name, readFileSync(join(folder, name), 'utf8')] as const),
  )
  const modules = new Map<string, { exports: object }>()
  const loaded: string[] = []
  const load = (name: string): object => {
    const known = modules.get(name)
    if (known) return known.exports
    const module = { exports: {} }
    modules.set(name, module)
    loaded.push(name)
    const run = compileFunction(codes.get(name)!, ['exports', 'module', 'require', 'wx'], {
      filename: join(folder, name),
    })
    run(module.exports, module, (path: string) => load(path.replace('./', '')), wx)
    return module.exports
  }
  return { exports: load('index.js') as typeof MiniProgram, loaded }
}
