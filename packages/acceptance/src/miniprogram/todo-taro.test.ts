import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'acorn'
import { analyze } from 'eslint-scope'
import { expect, test } from 'vitest'
import { openApp } from '../scenario/app.ts'
import { startServer } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'
import { testMyPhone, testPhone } from './mini-app.ts'
import { buildTaro, RunningTaro, taroExample } from './taro-runtime.ts'

const project = resolve(taroExample, '../todo-web')

for (const host of ['weapp', 'alipay'] as const)
  test(`[MP-39] the Taro example, built by Taro for ${host}: names only what hosts have, and a phone and another app share a list, apart, through a death, and together`, async () => {
    const server = await startServer({ rules: null, project, env: 'todo' })
    const folder = await buildTaro(host, server.url)
    expect(foreignIn(folder)).toEqual({})

    const other = await openApp(server, { follow: ['items', 'photos'] })
    const there = async (collection: string) =>
      (await other.database().collection(collection).orderBy('createdAt', 'asc').get()).data
    const phone = host === 'weapp' ? testPhone() : testMyPhone()
    const here = (mini: RunningTaro) => {
      const titles = mini.texts('title')
      return mini.classes('item').map((classes, at) => `${titles[at]} ${classes.includes('done')}`)
    }
    const agree = (mini: RunningTaro, ...wanted: string[]) =>
      until('both show the same', async () => {
        const items = (await there('items')).map(({ title, done }) => `${String(title)} ${String(done)}`)
        return items.join() === wanted.join() && here(mini).join() === wanted.join()
      })

    const first = new RunningTaro(phone, folder)
    await until('it is online', () => first.texts('state').join() === '已连接')
    first.type('new', '买牛奶')
    await agree(first, '买牛奶 false')

    // in a lift
    phone.goOffline()
    await until('it says so', () => first.texts('state').join() === '离线')
    first.tap('item')
    first.type('new', '带帐篷')
    first.tap('counter')
    phone.choose(phone.take('lake.png', Uint8Array.of(1, 2, 3)))
    first.tap('camera')
    await until(
      'all of it is on the page, and marked',
      () => first.texts('badge').length === 2 && first.texts('waiting').join() === '6 待同步',
    )
    await until('the photo too', () => {
      const [source, ...others] = first.sources('photo')
      return others.length === 0 && /^https?:\/\/usr\//.test(String(source))
    })
    expect(first.texts('count')).toEqual(['1'])
    expect((await there('items')).length).toBe(1)
    phone.kill()

    // begun again without a network: all is there
    phone.launch()
    const second = new RunningTaro(phone, folder)
    await until('it is all there', () => here(second).join() === '买牛奶 true,带帐篷 false')
    await until('and waits', () => second.texts('badge').length === 2)

    phone.goOnline()
    await agree(second, '买牛奶 true', '带帐篷 false')
    await until('nothing waits', () => [...second.texts('badge'), ...second.texts('waiting')].length === 0)
    await until('the photo is there', async () => (await there('photos')).length === 1)
    expect(phone.toasts).toEqual([])
    second.unload()
  }, 240_000)

/** By file: what it names that the host does not have, and how it makes code. */
function foreignIn(folder: string): Record<string, readonly string[]> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.js'),
  )
  const found = files.map(name => {
    const code = readFileSync(join(folder, name), 'utf8')
    const ast = parse(code, { ecmaVersion: 2018, sourceType: 'script', ranges: true })
    const { globalScope } = analyze(ast as never, { ecmaVersion: 2018, sourceType: 'script' })
    const free = new Set(globalScope!.through.map(({ identifier }) => String(identifier.name)))
    const allowed = new Set([...ofHosts, ...(name === 'taro.js' ? ofTaro : [])])
    const names = [...free].filter(each => !allowed.has(each))
    const forms = [/\beval\s*\(/, /\bnew\s+Function\b|[^.\w$]Function\s*\(/, /\bimport\s*\(/]
    return [name, [...names, ...forms.filter(form => form.test(code)).map(String)]] as const
  })
  expect(found.map(([name]) => name)).toContain('common.js')
  return Object.fromEntries(found.filter(([, foreign]) => foreign.length > 0))
}

const ofHosts =
  'Array ArrayBuffer Boolean Date Error Function Infinity Intl JSON Map Math NaN Number Object Promise RangeError Reflect RegExp Set String Symbol TypeError Uint8Array Uint32Array Int32Array Uint16Array DataView Float64Array BigInt WeakMap WeakSet decodeURIComponent encodeURIComponent escape isFinite isNaN parseFloat parseInt undefined unescape wx my App Page Component setTimeout clearTimeout exports module require'.split(
    ' ',
  )

/** What Taro's runtime and React look for, and do without. */
const ofTaro =
  'console getApp getCurrentPages requirePlugin navigator performance global tt setImmediate MessageChannel __REACT_DEVTOOLS_GLOBAL_HOOK__'.split(
    ' ',
  )
