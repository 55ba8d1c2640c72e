import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { parse } from 'acorn'
import { analyze } from 'eslint-scope'
import { beforeAll, expect, test } from 'vitest'
import type { AlipayCloud } from '../alipay/cloud.ts'
import type { MiniCloud } from '../cloud.ts'
import { MyPhone, WxPhone } from '../testing/index.ts'
import { apart } from './apart.ts'
import { type BuiltFile, build, entries } from './build.ts'
import { plainPrivate } from './plain-private.ts'

const builds: Record<string, readonly BuiltFile[]> = {}
let files: readonly BuiltFile[] = []
beforeAll(async () => {
  for (const entry of Object.values(entries))
    builds[entry] = await build(join(import.meta.dirname, '..', entry))
  files = builds['index.ts']!
}, 120_000)
const alipayFiles = () => builds['alipay/index.ts']!
const allFiles = () => Object.values(builds).flat()

const named = (name: string, among = files) => among.find(file => file.name === name)!.code
/** Of a first file, packed. */
const most = 70_000
const gzipBytes = (name: string, among = files) => gzipSync(named(name, among)).length

test('[MP-23] one file with all of the client, and beside it what is loaded later', () => {
  const beside = [
    ...['aggregate', 'crossing', 'declared-index', 'entered-rooms', 'explain', 'files', 'functions'],
    ...['held', 'indexes', 'live-texts', 'mend', 'poll-connection', 'reserve', 'seldom', 'sweep', 'text'],
    ...['upload', 'ways-in', 'words'],
    ...Object.keys(apart),
  ].map(name => `${name}.js`)
  expect(files.map(({ name }) => name).sort()).toEqual(['index.js', ...beside].sort())
  const required = (name: string) =>
    [...named(name).matchAll(/require\("\.\/([^"]+)"\)/g)].map(match => match[1]!)
  const reached = new Set(files.flatMap(({ name }) => required(name)))
  expect(beside.filter(name => !reached.has(name))).toEqual([])
  expect(named('index.js').includes('reduce takes')).toBe(false)
  expect(named('live-texts.js').includes('was never opened on this device')).toBe(true)
  console.log(`index.js ${named('index.js').length} characters, ${gzipBytes('index.js')} bytes gzip`)
})

test('[MP-23] it grows no further: the first file has at most 70,000 bytes, minified and packed', () => {
  expect(gzipBytes('index.js')).toBeLessThanOrEqual(most)
})

test("[MP-35] Alipay's build is made alike, in a file of its own of at most 70,000 bytes", () => {
  const names = (among: readonly BuiltFile[]) => among.map(({ name }) => name).sort()
  expect(names(alipayFiles())).toEqual(names(files))
  expect(named('index.js', alipayFiles()).includes('reduce takes')).toBe(false)
  const bytes = gzipBytes('index.js', alipayFiles())
  console.log(`alipay/index.js ${bytes} bytes gzip`)
  expect(bytes).toBeLessThanOrEqual(most)
})

test('[MP-24] the syntax is that of ES2018, regular expressions too', () => {
  for (const { name, code } of allFiles())
    expect(() => parse(code, { ecmaVersion: 2018, sourceType: 'script' }), name).not.toThrow()
})

test("[MP-24] no names but ECMAScript's, the host's, its timers and the module's", () => {
  for (const { name, code } of allFiles()) {
    const ast = parse(code, { ecmaVersion: 2018, sourceType: 'script', ranges: true })
    const { globalScope } = analyze(ast as never, { ecmaVersion: 2018, sourceType: 'script' })
    const free = new Set(globalScope!.through.map(({ identifier }) => identifier.name))
    // time zones of dates
    if (name === 'aggregate.js') free.delete('Intl')
    const foreign = [...free].filter(each => !allowed.has(String(each)))
    expect(foreign, name).toEqual([])
  }
})

const allowed = new Set(
  'Array ArrayBuffer Boolean Function isFinite escape unescape Date Error Infinity JSON Map Math NaN Number Object Promise RangeError Reflect RegExp Set String Symbol TypeError Uint8Array Uint32Array Int32Array Uint16Array DataView Float64Array BigInt WeakMap WeakSet decodeURIComponent encodeURIComponent isNaN parseFloat parseInt undefined wx my setTimeout clearTimeout exports module require'.split(
    ' ',
  ),
)

test('[MP-24] no code that makes code', () => {
  for (const { name, code } of allFiles()) {
    for (const form of [
      /\beval\s*\(/,
      /\bnew\s+Function\b|[^.\w$]Function\s*\(/,
      /\bimport\s*\(/,
      /\(\?<[=!]/,
    ])
      expect(form.test(code), `${form} in ${name}`).toBe(false)
  }
})

test('[MP-24] what the engines of older phones do not have is not used', () => {
  const names = ['at', 'findLast', 'findLastIndex', 'matchAll', 'hasOwn', 'allSettled', 'any']
  for (const among of [files, alipayFiles()])
    expect(names.filter(name => new RegExp(`\\.${name}\\(`).test(named('index.js', among)))).toEqual([])
})

/** By the object that has them: ES2020 and later. */
const newer: readonly (readonly [object: string, members: readonly string[]])[] = [
  ['Array.prototype', ['at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'toSpliced', 'with']],
  ['String.prototype', ['replaceAll', 'matchAll', 'at', 'isWellFormed', 'toWellFormed']],
  ['Uint8Array.prototype.__proto__', ['at', 'findLast', 'toSorted', 'with']],
  ['Object', ['hasOwn', 'groupBy']],
  ['Promise', ['any', 'allSettled', 'withResolvers']],
  [
    'globalThis',
    ['WeakRef', 'FinalizationRegistry', 'AggregateError', 'WebAssembly', 'console', 'SharedArrayBuffer'],
  ],
]

/** A context that has what a host has, and a build in it. */
function begun<Cloud>(
  among: readonly BuiltFile[],
  globals: object,
): { cloud: Cloud; context: object; loaded: ReadonlyMap<string, unknown> } {
  const context = createContext(Object.create(null), { codeGeneration: { strings: false, wasm: false } })
  for (const [object, members] of newer)
    for (const member of members) runInContext(`delete ${object}.${member}`, context)
  const modules = new Map<string, unknown>()
  const load = (name: string): unknown => {
    if (modules.has(name)) return modules.get(name)
    const module = { exports: {} }
    modules.set(name, module.exports)
    const wrapped = `(function (exports, module, require) {${named(name, among)}\n})`
    runInContext(wrapped, context, { filename: name })(module.exports, module, (path: string) =>
      load(path.replace('./', '')),
    )
    return module.exports
  }
  Object.assign(context, { ...globals, setTimeout, clearTimeout })
  return { cloud: (load('index.js') as { default: Cloud }).default, context, loaded: modules }
}

const launched = (phone: WxPhone) => begun<MiniCloud>(files, { wx: phone.wx })

test('[MP-25] the build lives a day where there is only the host: add, query, aggregate, watch, index, killed, and again', async () => {
  const phone = new WxPhone()
  const { cloud, context } = launched(phone)
  expect(runInContext('typeof process + typeof fetch + typeof TextDecoder + typeof crypto', context)).toBe(
    'undefined'.repeat(4),
  )
  cloud.init({ endpoint: 'http://127.0.0.1:9', login: 'none' })
  const db = cloud.database()
  const todos = db.collection('todos')
  const seen: string[] = []
  const watching = new Promise<void>(resolve => {
    todos.where({ done: false }).watch({
      onChange({ docs }) {
        seen.push(docs.map(({ title }) => title).join('+'))
        resolve()
      },
      onError: error => seen.push(String(error)),
    })
  })
  await watching
  await todos.add({ data: { _id: 'a', title: '牛奶', done: false, due: new Date(0), n: -0 } })
  await todos.add({ data: { _id: 'b', title: 'bread', done: false, list: [1, 2] } })
  await todos.doc('a').update({ data: { done: true, n: db.command.inc(2) } })
  await todos.doc('b').update({ data: { list: db.command.push([3]) } })
  await todos.createIndex({ keys: { title: 1 } })
  const { data } = await todos.where({ title: db.RegExp({ regexp: '^b', options: 'i' }) }).get()
  expect(JSON.parse(JSON.stringify(data))).toEqual([
    { _id: 'b', title: 'bread', done: false, list: [1, 2, 3] },
  ])
  const $ = db.command.aggregate
  const { list } = await todos
    .aggregate()
    .group({ _id: '$done', titles: $.push($.toUpper('$title')) })
    .sort({ _id: 1 })
    .end()
  expect(JSON.parse(JSON.stringify(list))).toEqual([
    { _id: false, titles: ['BREAD'] },
    { _id: true, titles: ['牛奶'] },
  ])
  const upload = await cloud.uploadFile({
    cloudPath: 'a.jpg',
    filePath: phone.take('a.jpg', Uint8Array.of(1, 2)),
  })
  expect(upload).toMatchObject({ pending: true })
  expect(seen).toEqual(['', '牛奶', '牛奶+bread', 'bread', 'bread'])
  phone.kill()

  phone.launch()
  const again = launched(phone).cloud
  again.init({ endpoint: 'http://127.0.0.1:9', login: 'none' })
  const { total } = await again.database().collection('todos').where({ done: true }).count()
  expect(total).toBe(1)
  expect(again.status()).toMatchObject({ pending: 4, uploads: 1 })
  phone.kill()
})

test('[MP-41] a text is edited where there is only the host, killed, and edited again', async () => {
  const phone = new WxPhone()
  const opened = () => {
    const { cloud } = launched(phone)
    cloud.init({ endpoint: 'http://127.0.0.1:9', login: 'none' })
    return cloud
  }
  const cloud = opened()
  const notes = cloud.database().collection('notes')
  await notes.add({ data: { _id: 'n', body: cloud.database().Text('云 and 🌧') } })
  const text = await notes.doc('n').text('body')
  text.ytext.insert(0, '茶, ')
  text.awareness.setLocalState({ name: 'Ann' })
  expect((await notes.doc('n').get()).data).toMatchObject({ body: '茶, 云 and 🌧' })
  await new Promise(resolve => setTimeout(resolve))
  phone.kill()

  phone.launch()
  const again = opened().database().collection('notes')
  const later = await again.doc('n').text('body')
  later.ytext.insert(later.ytext.length, '!')
  expect(String(later)).toBe('茶, 云 and 🌧!')
  expect((await again.doc('n').get()).data).toMatchObject({ body: '茶, 云 and 🌧!' })
  phone.kill()
})

test("[MP-35] Alipay's build lives a day where there is only my: add, query, watch, a file, killed, and again", async () => {
  const phone = new MyPhone()
  const opened = async () => {
    const { cloud } = begun<AlipayCloud>(alipayFiles(), { my: phone.my })
    await cloud.init({ endpoint: 'http://127.0.0.1:9', login: 'none' })
    return cloud
  }
  const cloud = await opened()
  const db = cloud.database()
  const todos = db.collection('todos')
  const seen: number[] = []
  const watching = new Promise<void>(resolve => {
    const onChange = ({ docs }: { docs: readonly object[] }) => {
      seen.push(docs.length)
      resolve()
    }
    todos.watch({ onChange, onError: () => seen.push(-1) })
  })
  await watching
  await todos.add({ data: { _id: 'a', title: '牛奶', n: 1 } })
  await todos.doc('a').update({ data: { n: db.command.inc(2) } })
  expect(JSON.parse(JSON.stringify(await todos.where({ n: db.command.gt(2) }).get()))).toEqual([
    { _id: 'a', title: '牛奶', n: 3 },
  ])
  const filePath = phone.take('a.jpg', Uint8Array.of(1, 2))
  expect(await cloud.uploadFile({ cloudPath: 'a.jpg', filePath })).toMatchObject({ pending: true })
  expect(
    await todos
      .doc('none')
      .get()
      .catch((thrown: unknown) => thrown),
  ).toMatchObject({ code: 'NOT_FOUND' })
  expect(seen).toEqual([0, 1, 1])
  phone.kill()

  const again = await opened()
  expect(await again.database().collection('todos').count()).toBe(1)
  expect(again.status()).toMatchObject({ pending: 2, uploads: 1 })
  phone.kill()
})

test('[MP-43] a day without a network needs the first file, and no feature that is beside it', async () => {
  const phone = new WxPhone()
  for (const title of ['milk', 'bread']) {
    const { cloud, loaded } = launched(phone)
    cloud.init({ endpoint: 'http://127.0.0.1:9', login: 'none' })
    const db = cloud.database()
    const todos = db.collection('todos')
    const seen: number[] = []
    const open = todos.where({ done: false }).orderBy('title', 'asc').limit(10)
    const watch = open.watch({ onChange: ({ docs }) => seen.push(docs.length), onError: () => seen.push(-1) })
    const { _id } = await todos.add({ data: { title, done: false, n: 1 } })
    await todos.doc(_id).update({ data: { n: db.command.inc(1), at: db.serverDate() } })
    await todos.where({ title, n: db.command.gt(1) }).get()
    await todos.where({ title }).count()
    await todos.doc(_id).set({ data: { title, done: true } })
    await todos.where({ done: true }).update({ data: { done: false } })
    await watch.close()
    expect(seen.slice(-1)).toEqual([title === 'milk' ? 1 : 2])
    // that nobody can be signed in is said, and not every day
    const quarrels = ['ways-in.js', 'poll-connection.js', 'words.js', 'seldom.js']
    const left = [...loaded.keys()].filter(name => !quarrels.includes(name))
    expect(left.sort()).toEqual(['index.js', 'reserve.js'])
    phone.kill()
    phone.launch()
  }
})

test("[MP-25] what is refused in the bare context is an error with the original's number", async () => {
  const { cloud } = launched(new WxPhone())
  const error = await cloud.callFunction({ name: 'x' }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ errCode: -1, code: 'NOT_INITIALIZED' })
})

test('[MP-26] private members are plain ones, with names of their own where a class extends another', () => {
  const plain = plainPrivate(
    'class A { #x = 1; get x() { return this.#x } } class B extends A { #x = 2; get y() { return this.#x } }',
  )
  expect(plain).toBe(
    'class A { _$x = 1; get x() { return this._$x } } class B extends A { _$x$1 = 2; get y() { return this._$x$1 } }',
  )
  expect(() => plainPrivate('class A { #x; static is(o) { return #x in o } }')).toThrow('no plain form')
})
