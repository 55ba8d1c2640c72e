import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { compileFunction } from 'node:vm'
import { gzipSync } from 'node:zlib'
import type { MiniCloud } from '@nearcloud/miniprogram'
import { WxPhone } from '@nearcloud/miniprogram/testing'
import { createServer } from '@nearcloud/server'
import { build } from 'esbuild'

/*
 * What a mini program pays: the published build on the double of `wx`, with a real server in the same process.
 *
 *   node packages/acceptance/dist/bench/miniprogram.js [--json]
 */
const features: readonly (readonly [string, RegExp])[] = [
  ['regular expressions', /query\/src\/regex/],
  ['places', /query\/src\/geo/],
  ['updates and merging', /query\/src\/(update|merge)/],
  ['the builder', /query\/src\/builder/],
  ['queries', /query\/src/],
  ['texts', /sync\/src\/texts/],
  ['sync', /sync\/src/],
  ['the local store', /packages\/store\/src/],
  ['users', /client\/src\/identity/],
  ['files and the cloud object', /client\/src/],
  ['the host, its storage, pages', /miniprogram\/src/],
  ['valibot', /valibot/],
]

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const packages = resolve(import.meta.dirname, '../../..')
const built = join(packages, 'miniprogram/dist/miniprogram')
const found: Record<string, number> = {}
const tell = (name: string, value: number) => {
  found[name] = value
  console.log(
    `  ${name.padEnd(44)} ${Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString('en') : value.toFixed(2)}`,
  )
}
const codes = new Map(readdirSync(built).map(name => [name, readFileSync(join(built, name), 'utf8')]))

console.log('size, bytes')
for (const [name, code] of codes) {
  tell(`${name} minified`, Buffer.byteLength(code))
  tell(`${name} minified and gzip`, gzipSync(code).length)
}
for (const [feature, bytes] of await sizes()) tell(`of the client, minified: ${feature}`, bytes)

console.log('milliseconds')
const folder = mkdtempSync(join(tmpdir(), 'nearcloud-bench-mini-'))
const rules = { database: { things: { read: true, write: true }, notes: { read: true, write: true } } }
writeFileSync(join(folder, 'rules.json'), JSON.stringify(rules))
const server = await createServer({ dataFolder: join(folder, 'data'), project: folder })
const things = server.database().collection('things')
for (let at = 0; at < count(); at += 500)
  await things.add({
    data: Array.from({ length: 500 }, (_, i) => ({
      _id: `t${at + i}`,
      title: `thing ${at + i}`,
      kind: (at + i) % 100,
      text: 'x'.repeat(150),
    })),
  })

const phone = new WxPhone()
const setting = { endpoint: server.url, env: server.env, login: 'none', subscribe: { things: true } } as const
const evaluated = performance.now()
let cloud = launched(phone)
tell('the script is evaluated', performance.now() - evaluated)
let began = performance.now()
cloud.init(setting)
await cloud.ready()
tell('an empty store is open', performance.now() - began)
began = performance.now()
let slices = blocking()
await cloud.whenSynced()
tell('10,000 documents have come and are kept', performance.now() - began)
tell('  the longest the page was held up', slices())
tell('  bytes received', phone.network.bytesReceived)
tell('  bytes in the files of the phone', bytesOn(phone))

phone.kill()
phone.goOffline()
phone.launch()
cloud = launched(phone)
began = performance.now()
slices = blocking()
cloud.init(setting)
let cpu = process.cpuUsage()
await cloud.ready()
tell('begun again offline, the store is open', performance.now() - began)
tell('  of the processor', (process.cpuUsage(cpu).user + process.cpuUsage(cpu).system) / 1_000)
cpu = process.cpuUsage()
const first = await cloud.database().collection('things').where({ kind: 7 }).limit(20).get()
tell('begun again offline, first query over 10,000', performance.now() - began)
tell('  the longest the page was held up', slices())
tell(
  '  of the processor, after it was open',
  (process.cpuUsage(cpu).user + process.cpuUsage(cpu).system) / 1_000,
)
if (first.data.length !== 20) throw new Error('the first query found something else')

const query = await times(200, i =>
  cloud
    .database()
    .collection('things')
    .where({ kind: i % 100 })
    .get(),
)
tell('a query over 10,000, median', query.median)
tell('a query over 10,000, 99 %', query.high)
const before = bytesOn(phone)
const write = await times(200, i =>
  cloud
    .database()
    .collection('notes')
    .add({ data: { _id: `n${i}`, title: 'a note', done: false } }),
)
tell('a durable write, median', write.median)
tell('a durable write, 99 %', write.high)
tell('  bytes in the files for each', (bytesOn(phone) - before) / 200)

phone.kill()
phone.goOnline()
phone.launch()
cloud = launched(phone)
cloud.init(setting)
await cloud.ready()
began = performance.now()
await cloud.whenSynced()
tell('200 writes and the comparison of 10,000 done', performance.now() - began)
tell('  bytes sent', phone.network.bytesSent)
tell('  bytes received', phone.network.bytesReceived)
phone.kill()
await server.stop()
rmSync(folder, { recursive: true, force: true })
if (options.json) console.log(JSON.stringify({ absolute: found }))
process.exit() // a phone that was killed leaves the timers of its mini program behind

function count(): number {
  return 10_000
}

/** The published build, with the names a host gives it. */
function launched(on: WxPhone): MiniCloud {
  const modules = new Map<string, { exports: object }>()
  const load = (name: string): object => {
    const known = modules.get(name)
    if (known) return known.exports
    const module = { exports: {} }
    modules.set(name, module)
    const run = compileFunction(codes.get(name)!, ['exports', 'module', 'require', 'wx'], { filename: name })
    run(module.exports, module, (path: string) => load(path.replace('./', '')), on.wx)
    return module.exports
  }
  return (load('index.js') as { default: MiniCloud }).default
}

/** Minified bytes by feature, as one file has them. */
async function sizes(): Promise<[string, number][]> {
  const { metafile } = await build({
    entryPoints: [join(packages, 'miniprogram/src/index.ts')],
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    outdir: 'out',
    target: 'es2022',
    conditions: ['source'],
    mainFields: ['module', 'main'],
    platform: 'neutral',
    write: false,
    metafile: true,
  })
  const by = new Map<string, number>()
  const eager = new Set<string>()
  const visit = (path: string) => {
    if (eager.has(path)) return
    eager.add(path)
    for (const each of metafile!.outputs[path]!.imports)
      if (each.kind === 'import-statement' && !each.external) visit(each.path)
  }
  visit(Object.keys(metafile!.outputs).find(path => path.endsWith('index.js'))!)
  for (const path of eager)
    for (const [file, { bytesInOutput }] of Object.entries(metafile!.outputs[path]!.inputs)) {
      const feature = features.find(([, form]) => form.test(file))?.[0] ?? 'protocol and others'
      by.set(feature, (by.get(feature) ?? 0) + bytesInOutput)
    }
  return [...by].sort((a, b) => b[1] - a[1])
}

async function times(rounds: number, work: (round: number) => Promise<unknown>) {
  const all: number[] = []
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    await work(round)
    all.push(performance.now() - start)
  }
  all.sort((a, b) => a - b)
  return { median: all[rounds >> 1]!, high: all[Math.floor(rounds * 0.99)]! }
}

/** The longest time in which nothing else could happen, until it is asked for. */
function blocking(): () => number {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  return () => {
    delay.disable()
    return delay.max / 1e6
  }
}

function bytesOn({ disk }: WxPhone): number {
  return [...disk.files.values()].reduce((sum, bytes) => sum + bytes.length, 0)
}
