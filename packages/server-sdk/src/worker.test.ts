import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { Call, FromWorker, ToWorker } from './channel.ts'

/* These run the compiled worker: build first. */
const worker = fileURLToPath(new URL('../dist/worker.js', import.meta.url))
const call: Call = { id: 'call-1', source: 'wx_client', openid: 'alice', timeLimitMs: 3_000, memoryMb: 256 }

/** The files of a function, by name; answers its folder. */
function folderWith(
  files: Readonly<Record<string, string>>,
  above: Readonly<Record<string, string>> = {},
): string {
  const root = mkdtempSync(join(tmpdir(), 'nearcloud-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const folder = join(root, 'greet')
  for (const [name, text] of Object.entries({ ...above, ...prefixed('greet/', files) })) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return folder
}

function prefixed(prefix: string, files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [prefix + name, text]))
}

interface Started {
  readonly child: ChildProcess
  send(message: ToWorker): void
  /** The first message like that, past or to come. */
  heard(isIt: (message: FromWorker) => boolean): Promise<FromWorker>
  /** What `main` makes of an event. */
  invoke(event?: string): Promise<FromWorker>
}

function start(folder: string, entry = 'index.js', ownPackage = false): Started {
  const child = fork(worker, [], { cwd: folder, env: {}, execArgv: ['--no-warnings'], silent: true })
  onTestFinished(() => void child.kill('SIGKILL'))
  const messages: FromWorker[] = []
  const waiting = new Set<() => void>()
  child.on('message', (message: FromWorker) => {
    messages.push(message)
    for (const look of waiting) look()
  })
  const started: Started = {
    child,
    send: message => void child.send(message),
    heard: isIt =>
      new Promise(resolve => {
        const look = () => {
          const found = messages.find(isIt)
          if (!found) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
    async invoke(event = '{}') {
      started.send({ type: 'invoke', call, event })
      return started.heard(({ type }) => type === 'returned' || type === 'threw')
    },
  }
  const names = { name: 'greet', env: 'test', appId: 'test' }
  started.send({ type: 'start', ...names, entry: join(folder, entry), ownPackage })
  return started
}

async function resultOf(started: Started, event?: string): Promise<unknown> {
  await started.heard(({ type }) => type === 'ready')
  const message = await started.invoke(event)
  return message.type === 'returned' ? JSON.parse(message.text) : message
}

const typeModule = '{"type":"module"}'

test.each([
  ['CommonJS', 'index.js', { 'index.js': 'exports.main = () => "here"' }, {}],
  [
    'CommonJS under a folder of ES modules',
    'index.js',
    { 'index.js': 'exports.main = () => require("./words")', 'words.js': 'module.exports = "here"' },
    { 'package.json': typeModule },
  ],
  ['an ES module by its name', 'index.mjs', { 'index.mjs': 'export const main = () => "here"' }, {}],
  [
    'an ES module by its package',
    'index.js',
    { 'package.json': typeModule, 'index.js': 'export const main = () => "here"' },
    {},
  ],
  ['a default export', 'index.mjs', { 'index.mjs': 'export default { main: () => "here" }' }, {}],
  [
    'an ES module by how it is written',
    'index.js',
    { 'index.js': 'export async function main() { return "here" }' },
    {},
  ],
  [
    'a module that imports the SDK, by how it is written',
    'index.js',
    { 'index.js': 'import cloud from "wx-server-sdk"\nexport const main = () => cloud.version && "here"' },
    { 'package.json': typeModule },
  ],
  [
    'CommonJS that imports the SDK when it runs',
    'index.js',
    { 'index.js': 'exports.main = async () => (await import("wx-server-sdk")).default.version && "here"' },
    {},
  ],
])('[SDK-1] it loads %s', async (_, entry, files: Record<string, string>, above) => {
  const folder = folderWith(files, above)
  expect(await resultOf(start(folder, entry, 'package.json' in files))).toBe('here')
})

test.each([
  ['no main', 'exports.other = 1', /exports no function "main"/],
  ['a syntax error', 'exports.main = (', /Unexpected end of input/],
  ['an exception', 'throw new Error("not today")', /not today/],
])('[SDK-1] code with %s is told to be unloadable, and why', async (_, code, words) => {
  const message = await start(folderWith({ 'index.js': code })).heard(({ type }) => type === 'unloadable')
  expect(message).toMatchObject({ type: 'unloadable', error: { message: expect.stringMatching(words) } })
})

test.each([
  ['nothing', 'undefined', null],
  ['a date', 'new Date(0)', '1970-01-01T00:00:00.000Z'],
  ['an object with a class', 'new (class Point { x = 1 })()', { x: 1 }],
  ['no number', 'NaN', null],
  ['a function', '() => 1', null],
  ['a key with a dot', '{ "a.b": 1 }', { 'a.b': 1 }],
  ['a key with a $', '{ $set: 1 }', { $set: 1 }],
])('[SDK-2] %s comes back as JSON makes it', async (_, expression, result) => {
  const folder = folderWith({ 'index.js': `exports.main = () => (${expression})` })
  expect(await resultOf(start(folder))).toEqual(result)
})

test.each([
  ['a cycle', 'const a = {}; a.a = a; return a', /circular structure/],
  ['a BigInt', 'return 1n', /BigInt/],
  [
    'what reads as a date',
    'return { a: { $date: 1 } }',
    /result\.a\.\$date: an object whose only key is "\$date"/,
  ],
  ['more than 1 MB', 'return "x".repeat(2e6)', /larger than 1 MB/],
])('[SDK-2] %s cannot come back, and the error says so', async (_, body, words) => {
  const folder = folderWith({ 'index.js': `exports.main = () => { ${body} }` })
  expect(await resultOf(start(folder))).toMatchObject({ error: { message: expect.stringMatching(words) } })
})

test('[SDK-3] an event has its typed values, and keys with dots', async () => {
  const code =
    'exports.main = e => [e.at.getTime(), e.where.latitude, e.fields["a.b"], Buffer.from(e.bytes).toString()]'
  const event = {
    at: { $date: 5 },
    where: { type: 'Point', coordinates: [1, 2] },
    fields: { 'a.b': 3 },
    bytes: { $binary: 'aGk=' },
  }
  expect(await resultOf(start(folderWith({ 'index.js': code })), JSON.stringify(event))).toEqual([
    5,
    2,
    3,
    'hi',
  ])
})

test('[SDK-4] each way to speak to console has its level, and one message for one call', async () => {
  const code = `exports.main = () => {
    console.group('g'); console.log('a', { b: 1 }); console.groupEnd()
    console.debug('c'); console.warn('d\\ne'); console.error(new Error('f').message); console.assert(false, 'h')
  }`
  const started = start(folderWith({ 'index.js': code }))
  const logs: unknown[] = []
  started.child.on('message', (message: FromWorker) => {
    if (message.type === 'log') logs.push([message.level, message.text, message.call])
  })
  await resultOf(started)
  expect(logs).toEqual([
    ['info', 'g', 'call-1'],
    ['info', '  a { b: 1 }', 'call-1'],
    ['debug', 'c', 'call-1'],
    ['warn', 'd\ne', 'call-1'],
    ['error', 'f', 'call-1'],
    ['error', 'Assertion failed: h', 'call-1'],
  ])
})

test('[SDK-5] asking outside an invocation is refused at once', async () => {
  const code = `const cloud = require('wx-server-sdk')
    cloud.init()
    const early = cloud.database().collection('a').get().catch(error => error.code)
    exports.main = () => early`
  expect(await resultOf(start(folderWith({ 'index.js': code })))).toBe('ABORTED')
})

test('[SDK-5] a question goes out in the name of its invocation, and its error comes back', async () => {
  const code = `const cloud = require('wx-server-sdk')
    cloud.init()
    exports.main = () => cloud.database().collection('todos').doc('1').get().catch(({ code, errCode }) => ({ code, errCode }))`
  const started = start(folderWith({ 'index.js': code }))
  await started.heard(({ type }) => type === 'ready')
  void started.invoke()
  const asked = await started.heard(({ type }) => type === 'ask')
  expect(asked).toMatchObject({ verb: 'get', call: 'call-1' })
  expect(JSON.parse((asked as { text: string }).text)).toMatchObject({ collection: 'todos' })
  const error = { code: 'DATABASE_PERMISSION_DENIED', errMsg: 'no' } as const
  started.send({ type: 'answer', ask: (asked as { ask: number }).ask, error })
  const returned = await started.heard(({ type }) => type === 'returned')
  expect(JSON.parse((returned as { text: string }).text)).toEqual({
    code: 'DATABASE_PERMISSION_DENIED',
    errCode: -502003,
  })
})

test('[SDK-6] before init the cloud is not there', async () => {
  const code = `const cloud = require('wx-server-sdk')
    exports.main = () => cloud.database()`
  const message = await resultOf(start(folderWith({ 'index.js': code })))
  expect(message).toMatchObject({ error: { message: expect.stringContaining('please call init first') } })
})

test('[SDK-6] init with another environment says so in the log, and goes on', async () => {
  const code = `require('wx-server-sdk').init({ env: 'prod-1a2b' })
    exports.main = () => 'here'`
  const started = start(folderWith({ 'index.js': code }))
  expect(await started.heard(({ type }) => type === 'log')).toMatchObject({
    level: 'warn',
    text: 'init names the environment "prod-1a2b"; this server has "test"',
  })
  expect(await resultOf(started)).toBe('here')
})

test('[SDK-7] the process ends with its server, even from within an endless loop', async () => {
  const folder = folderWith({ 'index.js': 'exports.main = () => { for (;;); }' })
  const server = join(folder, 'server.mjs')
  const message = { type: 'start', name: 'greet', entry: join(folder, 'index.js'), ownPackage: false }
  writeFileSync(
    server,
    `import { fork } from 'node:child_process'
    const child = fork(${JSON.stringify(worker)}, [], { env: {}, execArgv: [], detached: true })
    child.send(${JSON.stringify({ ...message, env: 'test', appId: 'test' })})
    child.on('message', ({ type }) => {
      if (type !== 'ready') return
      child.send(${JSON.stringify({ type: 'invoke', call, event: '{}' })}, () => process.send(child.pid))
    })`,
  )
  const parent = fork(server, [], { execArgv: [] })
  const pid = await new Promise<number>(resolve => parent.once('message', pid => resolve(pid as number)))
  onTestFinished(() => {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  })
  expect(isAlive(pid)).toBe(true)
  parent.kill('SIGKILL')
  await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false)
})

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
