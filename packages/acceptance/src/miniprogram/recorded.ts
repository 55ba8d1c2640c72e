import { Session } from 'node:inspector/promises'
import { join, resolve } from 'node:path'
import { runInThisContext } from 'node:vm'
import type { MiniCloud } from '@nearcloud/miniprogram'

/** The package whose builds these are. */
export const home = resolve(import.meta.dirname, '../../../miniprogram')

/** A function of a bundle that can be in another file, or what is thrown. */
export interface Movable {
  readonly name: string
  readonly node: { readonly start: number; readonly end: number }
}

/** What the package's build is made with, which it does not publish. */
interface Building {
  bundled(entry: string): Promise<{ readonly name: string; readonly code: string }[]>
  scriptOf(code: string): object
  movableFunctions(script: object): readonly Movable[]
  seldomApart(code: string, isSeldom: (name: string) => boolean): { code: string; seldom: string }
}
const parts = ['build', 'movable', 'seldom'].map(name => import(join(home, `dist/building/${name}.js`)))
export const building = Object.assign({}, ...(await Promise.all(parts))) as Building

/** What a host puts into a mini program. */
export interface Hosts {
  readonly wx?: object
  readonly my?: object
}
export type Files = ReadonlyMap<string, string>

/** The files of a build before it is made small, `index.js` in one piece. */
export async function filesOf(entry: string): Promise<Files> {
  return new Map((await building.bundled(join(home, 'src', entry))).map(({ name, code }) => [name, code]))
}

const head = '(function (exports, module, require, wx, my) {'

/** Begins a mini program with these files. `origin`: what they are called to whoever records. */
export function begin(files: Files, origin: string, { wx, my }: Hosts): MiniCloud {
  const modules = new Map<string, { exports: object }>()
  const load = (name: string): object => {
    const known = modules.get(name)
    if (known) return known.exports
    const module = { exports: {} }
    modules.set(name, module)
    const run = runInThisContext(`${head}${files.get(name)}\n})`, { filename: origin + name })
    run(module.exports, module, (path: string) => load(path.replace('./', '')), wx, my)
    return module.exports
  }
  return (load('index.js') as { default: MiniCloud }).default
}

/** The functions of `index.js` that can be elsewhere, and which of them `live` calls. */
export async function recorded(
  files: Files,
  origin: string,
  live: () => unknown,
): Promise<readonly (Movable & { readonly isCalled: boolean })[]> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  await live()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  session.disconnect()
  /** By where they end. */
  const called = new Set<number>()
  for (const { url, functions } of result)
    if (url === `${origin}index.js`)
      for (const { ranges } of functions)
        if (ranges[0]!.count > 0) called.add(ranges[0]!.endOffset - head.length)
  return building
    .movableFunctions(building.scriptOf(files.get('index.js')!))
    .map(each => ({ ...each, isCalled: called.has(each.node.end) }))
}
