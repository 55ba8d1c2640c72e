import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MyPhone, type Phone, WxPhone } from '@nearcloud/miniprogram/testing'
import { createServer } from '@nearcloud/server'
import { liveOrdinaryDay, ordinaryRules } from './ordinary-day.ts'
import { begin, filesOf, type Hosts, home, recorded } from './recorded.ts'

/*
 * Writes the lists of what an ordinary day does not call, which the builds of the mini program put into a file of their own:
 *
 *   pnpm run seldom
 *
 * To be done again when a first file has grown.
 */

/** The names of what is called on a day, and of what is not; nothing of what is inside of that. */
async function ordinaryDay(entry: string, newPhone: () => Phone<object> & Hosts) {
  const files = await filesOf(entry)
  const origin = `file:///built/${entry}/`
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-seldom-'))
  writeFileSync(join(folder, 'rules.json'), JSON.stringify(ordinaryRules))
  const server = await createServer({ dataFolder: join(folder, 'data'), project: folder })
  const settings = [{}, { login: 'none' as const }, { subscribe: { notes: true, things: true } }]
  const functions = await recorded(files, origin, async () => {
    for (const setting of settings) {
      const phone = newPhone()
      await liveOrdinaryDay(() => begin(files, origin, phone), phone, server, setting)
    }
  })
  await server.stop()
  rmSync(folder, { recursive: true, force: true })

  const called = new Set<string>()
  const seldom = new Set<string>()
  let until = 0
  for (const { name, node, isCalled } of functions) {
    if (isCalled) called.add(name)
    else if (node.start >= until) {
      seldom.add(name)
      until = node.end
    }
  }
  for (const name of called) seldom.delete(name)
  console.log(`${entry}: ${called.size} functions are called, ${seldom.size} seldom`)
  return { entry, called, seldom }
}

/** By what they are in, and of the top level. */
function listed(names: ReadonlySet<string>): string {
  const byOwner = new Map<string, string[]>()
  for (const name of names) {
    const [owner, ...inner] = name.split('.') as [string, ...string[]]
    if (inner.length === 0) byOwner.set('', [...(byOwner.get('') ?? []), owner])
    else byOwner.set(owner, [...(byOwner.get(owner) ?? []), inner.join('.')])
  }
  const lines = [...byOwner]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([owner, members]) => `${JSON.stringify(owner)}: '${members.sort().join(' ')}',`)
  return `{\n${lines.join('\n')}\n}`
}

const days = [
  await ordinaryDay('index.ts', () => new WxPhone()),
  await ordinaryDay('alipay/index.ts', () => new MyPhone()),
]
const everywhere = new Set<string>()
for (const { seldom } of days)
  for (const name of seldom) if (!days.some(({ called }) => called.has(name))) everywhere.add(name)
const only = days.map(({ entry, seldom }) => {
  const names = new Set([...seldom].filter(name => !everywhere.has(name)))
  return `${JSON.stringify(entry)}: ${listed(names)},`
})
const file = join(home, 'src/building/seldom-called.ts')
writeFileSync(
  file,
  `/**
 * What of the client an ordinary day does not call, by what it is in, and what of the top level: written by \`pnpm run seldom\`. It says
 * where code is, never what it does: what is not named here, or under another name by now, is in the first file.
 */
export const seldomCalled: Readonly<Record<string, string>> = ${listed(everywhere)}

/** By the entry of the build, what is called on a day of the other host. */
export const seldomCalledBy: Readonly<Record<string, Readonly<Record<string, string>>>> = {
${only.join('\n')}
}
`,
)
process.exit() // a phone that was killed leaves the timers of its mini program behind
