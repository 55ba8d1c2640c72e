import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { compileFunction } from 'node:vm'
import { gzipSync } from 'node:zlib'
import type { MiniCloud } from '@nearcloud/miniprogram'
import { WxPhone } from '@nearcloud/miniprogram/testing'
import { build } from 'esbuild'
import { commandValues } from '../command.ts'
import { startServer } from './processes.ts'

/*
 * What a mini program pays: the published build on the double of `wx`, with a real server in a process of its own.
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

const options = commandValues({
  name: 'pnpm bench:miniprogram',
  about: 'What a mini program pays: sizes, and times on the double of `wx` with a real server.',
  options: { json: [false, 'the last line is one object of JSON'] },
})
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
const turns = measuredTurns()
const rules = { tasks: { read: true, write: true }, notes: { read: true, write: true } }
const server = await startServer({ documents: 10_000, rules })
const phone = new WxPhone()
const setting = { endpoint: server.url, env: server.env, login: 'none', subscribe: { tasks: true } } as const
const evaluated = performance.now()
let cloud = launched(phone)
tell('the script is evaluated', performance.now() - evaluated)

let opened = await heldUp(async () => {
  cloud.init(setting)
  await cloud.ready()
})
tell('an empty store is open', opened.ms)
tell('  the longest the page was held up', opened.longest)
const came = await heldUp(() => cloud.whenSynced())
tell('10,000 documents have come and are kept', came.ms)
tell('  of the processor', came.ofProcessor)
tell('  the longest the page was held up', came.longest)
tell('  bytes received', phone.network.bytesReceived)
tell('  bytes sent', phone.network.bytesSent)
tell('  bytes in the files of the phone', bytesOn(phone))

phone.kill()
phone.goOffline()
phone.launch()
cloud = launched(phone)
const began = performance.now()
opened = await heldUp(async () => {
  cloud.init(setting)
  await cloud.ready()
})
tell('begun again offline, the store is open', opened.ms)
tell('  of the processor', opened.ofProcessor)
tell('  the longest the page was held up', opened.longest)
const first = await heldUp(async () => {
  const { data } = await tasks().where({ owner: 'person-7' }).limit(20).get()
  if (data.length !== 20) throw new Error('the first query found something else')
})
tell('begun again offline, first query over 10,000', performance.now() - began)
tell('  of the processor', opened.ofProcessor + first.ofProcessor)
tell('  the longest the page was held up', first.longest)

const query = await times(
  200,
  async i =>
    void (await tasks()
      .where({ owner: `person-${i % 50}` })
      .get()),
)
tell('a query over 10,000, median', query.median)
tell('a query over 10,000, 99 %', query.high)

const changes: (() => void)[] = []
const watched = await heldUp(
  () =>
    new Promise<unknown>((resolve, reject) => {
      tasks().watch({
        onChange: () => (changes.shift() ?? resolve)(undefined as never),
        onError: reject,
      })
    }),
)
tell('a watch of all 10,000 has its first snapshot', watched.ms)
tell('  the longest the page was held up', watched.longest)
const changed = await heldUp(() =>
  tasks()
    .doc('task-000007')
    .update({ data: { done: true } }),
)
tell('one of them is changed', changed.ms)
tell('  the longest the page was held up', changed.longest)
phone.kill()
phone.launch()
cloud = launched(phone)
cloud.init(setting)
await cloud.ready()

const before = bytesOn(phone)
const write = await times(200, i => add(i))
tell('a durable write, median', write.median)
tell('a durable write, 99 %', write.high)
tell('  bytes in the files for each', (bytesOn(phone) - before) / 200)
const folded = await heldUp(async () => {
  for (let i = 200; i < 1_400; i++) await add(i)
})
tell('1,200 more, and the fold of the log they cause', folded.ms)
tell('  the longest the page was held up', folded.longest)

phone.kill()
phone.goOnline()
phone.launch()
cloud = launched(phone)
cloud.init(setting)
await cloud.ready()
const sent = phone.network.bytesSent
const received = phone.network.bytesReceived
const synced = await heldUp(() => cloud.whenSynced())
tell('1,401 writes sent, and their effects here', synced.ms)
tell('  the longest the page was held up', synced.longest)
tell('  bytes sent', phone.network.bytesSent - sent)
tell('  bytes received', phone.network.bytesReceived - received)
phone.kill()
server.stop()
if (options.json) console.log(JSON.stringify({ absolute: found }))
process.exit() // a phone that was killed leaves the timers of its mini program behind

function tasks() {
  return cloud.database().collection('tasks')
}

function add(n: number) {
  return cloud
    .database()
    .collection('notes')
    .add({ data: { _id: `n${n}`, title: 'a note', done: false } })
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

/** How long work takes, and the longest turn of the thread meanwhile, in its own time: what the host could not have interrupted. */
async function heldUp(work: () => Promise<unknown>) {
  await new Promise(resolve => setImmediate(resolve))
  turns.longest = 0
  const start = performance.now()
  const cpu = threadMs()
  await work()
  const ms = performance.now() - start
  const ofProcessor = threadMs() - cpu
  await new Promise(resolve => setImmediate(resolve))
  return { ms, ofProcessor, longest: turns.longest }
}

/** A turn is a callback of a host, and the promises it settles: it lasts until the next one begins. */
function measuredTurns() {
  const measured = { longest: 0 }
  let last = threadMs()
  const asTurn = (call: (...given: unknown[]) => void) => {
    return (...given: unknown[]) => {
      const now = threadMs()
      measured.longest = Math.max(measured.longest, now - last)
      last = now
      call(...given)
    }
  }
  for (const name of ['setImmediate', 'setTimeout'] as const) {
    const original = globalThis[name] as (call: (...given: unknown[]) => void, ...more: unknown[]) => unknown
    Object.assign(globalThis, {
      [name]: (call: () => void, ...more: unknown[]) => original(asTurn(call), ...more),
    })
  }
  return measured
}

/** Of the processor, where the system says it of a thread: others that are at work do not count. */
function threadMs(): number {
  try {
    return Number.parseInt(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8'), 10) / 1e6
  } catch {
    return performance.now()
  }
}

function bytesOn({ disk }: WxPhone): number {
  return [...disk.files.values()].reduce((sum, bytes) => sum + bytes.length, 0)
}
