import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { CloudError, type Value } from '@nearcloud/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { alice } from '../../testing/scenario.ts'
import { openFixtures, temporaryFolder } from '../testing/open-fixtures.ts'
import { type Isolation, namespaceTools } from './isolation.ts'
import { viewOf } from './view.ts'

/** What this machine has: namespaces are not to be had everywhere. */
const isolations: readonly Isolation[] = namespaceTools() ? ['namespaces', 'permissions'] : ['permissions']

/** Not ours to declare: it is the functions that import it. */
const sdk = "'wx-server-sdk'"

/** Functions by name, as code, with what their `config.json` says; beside them the server's secrets. */
function openJailed(isolation: Isolation, codes: Readonly<Record<string, string>>, config: object = {}) {
  const project = join(temporaryFolder(onTestFinished), 'app')
  const secret = join(project, '.nearcloud')
  const files: Record<string, string> = {
    '.nearcloud/keys.json': 'the key',
    '.env': 'PASSWORD=sesame',
    'rules.json': '{}',
    'functions/other/index.js': 'the code of another',
    'functions/still/index.js': 'exports.main = () => "still here"',
  }
  for (const [name, code] of Object.entries(codes)) {
    files[`functions/${name}/index.js`] = code
    files[`functions/${name}/config.json`] = JSON.stringify({ timeout: 2, memorySize: 64, ...config })
  }
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, file)), { recursive: true })
    writeFileSync(join(project, file), text)
  }
  symlinkSync(secret, join(project, 'functions/f/way-out'))
  const folder = join(project, 'functions')
  return { ...openFixtures(onTestFinished, { folder, secret: [secret, project], isolation }), project }
}

type Opened = ReturnType<typeof openJailed>

async function failureOf({ functions }: Opened): Promise<CloudError> {
  const thrown = await functions.invoke({ name: 'f', data: {}, actor: alice }).then(
    result => expect.fail(`it answered ${JSON.stringify(result)}`),
    (error: unknown) => error,
  )
  if (thrown instanceof CloudError) return thrown
  throw thrown
}

const probe = `
const fs = require('fs')
exports.main = ({ tries }) => Object.fromEntries(Object.entries(tries).map(([name, code]) => {
  try {
    return [name, String(new Function('require', 'fs', 'return ' + code)(require, fs)).slice(0, 200)]
  } catch (error) {
    return [name, { code: error.code ?? error.message }]
  }
}))`

const refused = { code: expect.stringMatching(/^(ENOENT|ERR_ACCESS_DENIED|EACCES|EROFS|ESRCH|EPERM)$/) }

test.each(isolations)('[JAIL-1] a function reaches its own files and no others (%s)', async isolation => {
  const opened = openJailed(isolation, { f: probe })
  const { functions, project } = opened
  const read = (path: string) => `fs.readFileSync(${JSON.stringify(path)})`
  const tries = {
    own: read(join(project, 'functions/f/config.json')),
    temporary:
      "(fs.writeFileSync(require('os').tmpdir() + '/a', 'kept'), fs.readFileSync(require('os').tmpdir() + '/a'))",
    keys: read(join(project, '.nearcloud/keys.json')),
    env: read(join(project, '.env')),
    rules: read(join(project, 'rules.json')),
    other: read(join(project, 'functions/other/index.js')),
    above: read('../other/index.js'),
    // what the operator put there is followed where only Node looks
    ...(isolation === 'namespaces' && { link: read(join(project, 'functions/f/way-out/keys.json')) }),
    ownLink: `(fs.symlinkSync(${JSON.stringify(join(project, '.env'))}, require('os').tmpdir() + '/b'), fs.readFileSync(require('os').tmpdir() + '/b'))`,
    signal: 'process.kill(process.ppid, 0)',
    group: 'process.kill(-1, 0)',
    list: `fs.readdirSync(${JSON.stringify(join(project, '.nearcloud'))}).join() || (() => { throw { code: 'ENOENT' } })()`,
    parent: read(`/proc/${process.pid}/environ`),
    parentByLink: "fs.readFileSync('/proc/' + process.ppid + '/environ')",
    descriptors: "fs.readdirSync('/proc/' + process.ppid + '/fd')",
    passwords: read('/etc/shadow'),
    required: `require(${JSON.stringify(join(project, 'functions/other/index.js'))})`,
    write: "fs.writeFileSync('index.js', 'mine')",
    thread: "new (require('worker_threads').Worker)('1', { eval: true, execArgv: [] })",
    program: "require('child_process').execFileSync('/bin/cat', ['/etc/hostname'])",
  }
  const result = (await functions.invoke({ name: 'f', data: { tries }, actor: alice })) as Record<
    string,
    Value
  >
  const { own, temporary, required, ...others } = result
  expect([own, temporary]).toEqual(['{"timeout":2,"memorySize":64}', 'kept'])
  expect((required as { code: string }).code).toMatch(/MODULE_NOT_FOUND|ERR_ACCESS_DENIED/)
  for (const [name, said] of Object.entries(others)) expect({ [name]: said }).toEqual({ [name]: refused })
  expect(readFileSync(join(project, 'functions/f/index.js'), 'utf8')).toBe(probe)
})

test.each(isolations)('[JAIL-1] an ES module may not start threads either (%s)', async isolation => {
  const code = `import { Worker } from 'node:worker_threads'
import cloud from ${sdk}
import module from 'node:module'
const tries = [() => new Worker('1', { eval: true, execArgv: [] }), () => module.register('data:,1')]
export const main = () => [typeof cloud.init, ...tries.map(attempt => {
  try { return String(attempt()) } catch (error) { return error.code }
})]`
  const { functions } = openJailed(isolation, { f: code })
  expect(await functions.invoke({ name: 'f', data: {}, actor: alice })).toEqual([
    'function',
    'ERR_ACCESS_DENIED',
    'ERR_ACCESS_DENIED',
  ])
})

test.each(isolations)('[JAIL-2] what config.json allows, and no more (%s)', async isolation => {
  const allow = ['childProcesses', 'workers']
  const { functions, project } = openJailed(isolation, { f: probe }, { allow })
  const cat = (path: string) =>
    `require('child_process').execFileSync('cat', [${JSON.stringify(path)}], { stdio: 'pipe' })`
  const tries = {
    program: "require('child_process').execFileSync('/bin/echo', ['hello'])",
    thread: "typeof new (require('worker_threads').Worker)('1', { eval: true })",
    keys: cat(join(project, '.nearcloud/keys.json')),
    other: cat(join(project, 'functions/other/index.js')),
  }
  const said = (await functions.invoke({ name: 'f', data: { tries }, actor: alice })) as Record<string, Value>
  expect(said).toMatchObject({ program: 'hello\n', thread: 'object' })
  // a program is held by the system alone
  if (isolation === 'namespaces')
    for (const name of ['keys', 'other'])
      expect(said[name]).toMatchObject({ code: expect.stringContaining('') })
})

test.each(isolations)('[JAIL-3] it knows no variables of the server (%s)', async isolation => {
  process.env.NEARCLOUD_TEST_SECRET = 'sesame'
  onTestFinished(() => void delete process.env.NEARCLOUD_TEST_SECRET)
  const { functions } = openJailed(isolation, { f: 'exports.main = () => Object.keys(process.env)' })
  const names = await functions.invoke({ name: 'f', data: {}, actor: alice })
  expect(names).toEqual(
    isolation === 'namespaces' ? [] : expect.not.arrayContaining(['NEARCLOUD_TEST_SECRET']),
  )
})

test('[JAIL-4] what it is held by is said at the start', () => {
  for (const isolation of isolations) {
    const { lines } = openJailed(isolation, { f: probe })
    const [line] = lines.filter(({ event }) => event === 'functions.isolation')
    expect(line?.message).toContain(
      isolation === 'namespaces' ? 'namespaces of the operating system' : 'of Node only',
    )
  }
})

test.each(isolations)(
  '[JAIL-1] packages are reached where they are linked to, and where a folder above has them (%s)',
  async isolation => {
    const { functions, project } = openJailed(isolation, {
      f: "exports.main = () => [require('linked'), require('@scope/linked'), require('above'), require('beside')]",
    })
    const shelf = join(temporaryFolder(onTestFinished), 'store/node_modules')
    const put = (folder: string, code: string) => {
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'index.js'), `module.exports = ${code}`)
    }
    put(join(shelf, 'linked'), "require('needed')")
    put(join(shelf, 'needed'), '1')
    put(join(shelf, '@scope/linked'), '2')
    put(join(dirname(project), 'node_modules/above'), '3')
    put(join(project, 'node_modules/beside'), '4')
    const own = join(project, 'functions/f/node_modules')
    mkdirSync(join(own, '@scope'), { recursive: true })
    symlinkSync(join(shelf, 'linked'), join(own, 'linked'))
    symlinkSync(join(shelf, '@scope/linked'), join(own, '@scope/linked'))
    expect(await functions.invoke({ name: 'f', data: {}, actor: alice })).toEqual([1, 2, 3, 4])
  },
)

/** Code that harms, what its call ends with, and what it may do. */
const bombs: readonly [string, string, RegExp, object?][] = [
  ['an endless loop', 'exports.main = () => { for (;;); }', /timed out after 2 seconds/],
  [
    'a loop in a microtask',
    'exports.main = async () => { for (;;) await null }',
    /timed out after 2 seconds/,
  ],
  ['an endless promise', 'exports.main = () => new Promise(() => {})', /timed out after 2 seconds/],
  ['an exit', 'exports.main = () => process.exit(3)', /3 code exit unexpected/],
  ['an abort', 'exports.main = () => process.abort()', /ended by SIG|code exit unexpected/],
  [
    'a signal to itself',
    "exports.main = () => (process.kill(process.pid, 'SIGKILL'), new Promise(() => {}))",
    /ended by SIGKILL|timed out/,
  ],
  [
    'a signal to its parent',
    "exports.main = () => { process.kill(process.ppid, 'SIGTERM'); return new Promise(() => {}) }",
    /restricted/,
  ],
  [
    'a rejection nobody caught',
    'exports.main = () => { Promise.reject(new Error("lost")); return new Promise(() => {}) }',
    /lost/,
  ],
  [
    'a bomb of the heap',
    'const kept = []; exports.main = () => { for (;;) kept.push({ a: Math.random() }) }',
    /out of memory/,
    { timeout: 20 },
  ],
  [
    'a bomb of Buffers',
    'const kept = []; exports.main = async () => { for (;;) { kept.push(Buffer.alloc(16e6, 1)); await new Promise(setImmediate) } }',
    /out of memory|timed out/,
    { timeout: 20 },
  ],
  [
    'a bomb of texts',
    "exports.main = () => { let a = 'a'; for (;;) a += a }",
    /Invalid string length|out of memory/,
  ],
  ['a giant result', "exports.main = () => 'a'.repeat(2e6)", /larger than 1 MB/],
  ['a result that never ends', 'exports.main = () => { const a = {}; a.a = a; return a }', /circular/],
  [
    'a deep result',
    'exports.main = () => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a }',
    /call stack|deep/i,
    { timeout: 20 },
  ],
  [
    'a flood of log lines',
    "exports.main = () => { for (;;) console.log('a'.repeat(1000)) }",
    /timed out|out of memory/,
  ],
  [
    'a program that eats memory',
    "exports.main = () => { require('child_process').spawn(process.execPath, ['-e', 'const a=[];setInterval(() => a.push(Buffer.alloc(3e7, 1)), 10)']); return new Promise(() => {}) }",
    /out of memory/,
    { timeout: 20, allow: ['childProcesses'] },
  ],
  [
    'a fork bomb',
    "exports.main = () => { const { spawn } = require('child_process'); for (let i = 0; i < 80; i++) spawn('/bin/sh', ['-c', 'sleep 30; sleep 30']); return new Promise(() => {}) }",
    /too many processes/,
    { timeout: 20, allow: ['childProcesses'] },
  ],
]

test.each(bombs.flatMap(bomb => isolations.map(isolation => [bomb[0], isolation, bomb] as const)))(
  '[JAIL-5] %s ends with an error of the call, and other functions go on (%s)',
  async (_, isolation, [, code, words, config]) => {
    const opened = openJailed(isolation, { f: code }, config)
    const failure = failureOf(opened)
    const still = () => opened.functions.invoke({ name: 'still', data: {}, actor: alice })
    expect(await still()).toBe('still here')
    expect((await failure).errMsg).toMatch(words)
    expect(await still()).toBe('still here')
  },
  30_000,
)

test('[JAIL-5] a loop while the code is loaded ends with an error of the call', async () => {
  const opened = openJailed(isolations[0]!, { f: 'for (;;);' })
  expect((await failureOf(opened)).errMsg).toMatch(/did not finish loading in time/)
}, 30_000)

test.each(isolations)('[JAIL-6] the network is open to it (%s)', async isolation => {
  const server = createServer((_, response) => response.end('hello'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const code = `exports.main = async () => (await fetch('http://127.0.0.1:${port}')).text()`
  const { functions } = openJailed(isolation, { f: code })
  expect(await functions.invoke({ name: 'f', data: {}, actor: alice })).toBe('hello')
})

test('a view hides whole folders, and keeps what lies in them and is needed', () => {
  const hidden = ['/', '/home/a', '/home/a/app', '/tmp', '/srv/data']
  const kept = ['/home/a/app/functions/f', '/usr/lib/node', '/tmp/sdk', '/tmp/sdk/deeper', '/srv/database']
  expect(viewOf(hidden, kept)).toEqual({
    hidden: ['/home/a', '/tmp', '/srv/data'],
    kept: ['/home/a/app/functions/f', '/tmp/sdk'],
  })
})
