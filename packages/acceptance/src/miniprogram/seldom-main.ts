import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runInThisContext } from 'node:vm'
import type { MiniCloud } from '@nearcloud/miniprogram'
import { WxPhone } from '@nearcloud/miniprogram/testing'
import { createServer } from '@nearcloud/server'
import { liveOrdinaryDay, ordinaryRules } from './ordinary-day.ts'

/*
 * Writes the list of what an ordinary day does not call, which the build of the mini program puts into a file of its own:
 *
 *   pnpm run seldom
 *
 * To be done again when the first file has grown.
 */
const home = resolve(import.meta.dirname, '../../../miniprogram')
const building = join(home, 'dist/building')
interface Movable {
  readonly name: string
  readonly node: { readonly end: number }
}
const { bundled } = (await import(join(building, 'build.js'))) as {
  bundled(entry: string): Promise<{ readonly name: string; readonly code: string }[]>
}
const { movable } = (await import(join(building, 'seldom.js'))) as {
  movable(code: string): readonly Movable[]
}
const codes = new Map((await bundled(join(home, 'src/index.ts'))).map(({ name, code }) => [name, code]))
const head = '(function (exports, module, require, wx) {'
const origin = 'file:///built/'

function launched({ wx }: WxPhone): MiniCloud {
  const modules = new Map<string, { exports: object }>()
  const load = (name: string): object => {
    const known = modules.get(name)
    if (known) return known.exports
    const module = { exports: {} }
    modules.set(name, module)
    const run = runInThisContext(`${head}${codes.get(name)}\n})`, { filename: origin + name })
    run(module.exports, module, (path: string) => load(path.replace('./', '')), wx)
    return module.exports
  }
  return (load('index.js') as { default: MiniCloud }).default
}

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
const folder = mkdtempSync(join(tmpdir(), 'nearcloud-seldom-'))
writeFileSync(join(folder, 'rules.json'), JSON.stringify(ordinaryRules))
const server = await createServer({ dataFolder: join(folder, 'data'), project: folder })
for (const setting of [{}, { login: 'none' as const }, { subscribe: { notes: true, things: true } }]) {
  const phone = new WxPhone()
  await liveOrdinaryDay(() => launched(phone), phone, server, setting)
}
const { result } = await session.post('Profiler.takePreciseCoverage')
await server.stop()
rmSync(folder, { recursive: true, force: true })

/** By where they end. */
const called = new Set<number>()
for (const { url, functions } of result)
  if (url === `${origin}index.js`)
    for (const { ranges } of functions)
      if (ranges[0]!.count > 0) called.add(ranges[0]!.endOffset - head.length)
const all = movable(codes.get('index.js')!)
const byClass = new Map<string, string[]>()
for (const { name, node } of all) {
  if (called.has(node.end)) continue
  const [first, member] = name.split('.') as [string, string | undefined]
  const [owner, own] = member === undefined ? ['', first] : [first, member]
  byClass.set(owner, [...(byClass.get(owner) ?? []), own])
}
const lines = [...byClass]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([owner, names]) => `  ${owner || "''"}: '${names.sort().join(' ')}',`)
writeFileSync(
  join(home, 'src/building/seldom-called.ts'),
  `/**
 * What of the client an ordinary day does not call, by class, and functions of none: written by \`pnpm run seldom\`. It says where code
 * is, never what it does: what is not named here, or under another name by now, is in the first file.
 */
export const seldomCalled: Readonly<Record<string, string>> = {
${lines.join('\n')}
}
`,
)
console.log(`${all.length} functions, of which ${[...byClass.values()].flat().length} are seldom called`)
process.exit() // a phone that was killed leaves the timers of its mini program behind
