import { cpSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Value } from '@nearcloud/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { alice } from '../testing/scenario.ts'
import { findFunctionsFolder } from './function-folder.ts'
import { openFixtures, temporaryFolder } from './testing/open-fixtures.ts'

/** Functions of these files, by their paths in the folder of functions. */
function openFiles(
  files: Readonly<Record<string, string>>,
  options: Parameters<typeof openFixtures>[1] = {},
) {
  const folder = temporaryFolder(onTestFinished)
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  for (const [file, text] of Object.entries(files)) write(file, text)
  const opened = openFixtures(onTestFinished, { folder, ...options })
  const call = (data: Value = {}, name = 'f') => opened.functions.invoke({ name, data, actor: alice })
  return { ...opened, folder, write, call }
}

/** Answers its process's number when as many calls run at once as the event says. */
const gathers = `
const waiting = []
exports.main = ({ together }) => new Promise(resolve => {
  waiting.push(resolve)
  if (waiting.length >= together) for (const each of waiting.splice(0)) each(nonce)
})
const nonce = Math.random()`

test('[FN-19] more calls than one process has room for are shared among several, and no more than there may be', async () => {
  const config = { timeout: 20, instances: 2, concurrency: 3 }
  const { call } = openFiles({ 'f/index.js': gathers, 'f/config.json': JSON.stringify(config) })
  const results = await Promise.all(Array.from({ length: 6 }, () => call({ together: 3 })))
  const counts = new Map<Value, number>()
  for (const nonce of results) counts.set(nonce, (counts.get(nonce) ?? 0) + 1)
  expect([...counts.values()]).toEqual([3, 3])
})

test('[FN-19] as many calls run at once as its configuration says, also more than usual', async () => {
  const config = { timeout: 20, instances: 1, concurrency: 50 }
  const { call } = openFiles({ 'f/index.js': gathers, 'f/config.json': JSON.stringify(config) })
  const results = await Promise.all(Array.from({ length: 50 }, () => call({ together: 50 })))
  expect(new Set(results).size).toBe(1)
})

test('[FN-19] calls one after another stay in the first process', async () => {
  const { call } = openFiles({ 'f/index.js': gathers })
  const results = new Set<Value>()
  for (let i = 0; i < 5; i++) results.add(await call({ together: 1 }))
  expect(results.size).toBe(1)
})

test('[FN-19] with one call at a time the second waits for the first', async () => {
  const code = `
let running = 0
let most = 0
exports.main = async () => {
  most = Math.max(most, ++running)
  await new Promise(resolve => setTimeout(resolve, 20))
  running--
  return most
}`
  const config = JSON.stringify({ instances: 1, concurrency: 1 })
  const { call } = openFiles({ 'f/index.js': code, 'f/config.json': config })
  expect(await Promise.all([call(), call(), call()])).toEqual([1, 1, 1])
})

test.each([
  ['{"instances":0}', /"instances" must be a number from 1 to 64/],
  ['{"sdk":"theirs"}', /"sdk" must be "official" or "ours"/],
  ['{"sdk":"official","concurrency":2}', /"concurrency" must be 1$/],
  ['{"concurrency":1.5}', /"concurrency" must be a number from 1 to 1000/],
  ['{"allow":["everything"]}', /"allow" must be a list of "addons", "childProcesses", "workers"/],
])('[FN-15] %s keeps a server from starting', (config, words) => {
  expect(() => openFiles({ 'f/index.js': gathers, 'f/config.json': config })).toThrow(words)
})

/* Spelt so that they are not taken for what this file imports. */
const sdk = "'wx-server-sdk'"
const file = (name: string) => `'./${name}'`

const typed = `
import cloud from ${sdk}
import { double, type Doubled } from ${file('double')}

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

enum Kind { Number = 'number' }

interface Event { readonly number: number; readonly fails?: boolean }

export async function main(event: Event): Promise<Doubled & { kind: Kind; env: string | undefined }> {
  if (event.fails) throw new TypeError('it fails here')
  return { ...double(event.number), kind: Kind.Number, env: cloud.getWXContext().ENV }
}`
const typedFiles = {
  'f/index.ts': typed,
  'f/double.ts': `export interface Doubled { doubled: number }
export const double = (number: number): Doubled => ({ doubled: number * 2 })`,
}

test('[FN-20] a function in TypeScript runs, with its own files and enums', async () => {
  const { call } = openFiles(typedFiles)
  expect(await call({ number: 21 })).toEqual({ doubled: 42, kind: 'number', env: 'test' })
})

test('[FN-20] an error in it names the line that was written', async () => {
  const { call, line } = openFiles(typedFiles)
  await expect(call({ fails: true })).rejects.toThrow('it fails here')
  const at = typed.split('\n').findIndex(text => text.includes('it fails here')) + 1
  expect((await line(({ level }) => level === 'error')).message).toMatch(new RegExp(`index\\.ts:${at}:`))
})

test('[FN-20] TypeScript that cannot be read says where, and what is mended runs', async () => {
  const { call, write } = openFiles({ 'f/index.ts': 'export const main = (: number) => 1' })
  await expect(call()).rejects.toThrow(/index\.ts:1:21/)
  write('f/index.ts', 'export const main = (event: { n: number }): number => event.n')
  expect(await call({ n: 3 })).toBe(3)
})

test('[FN-20] packages of its own and CommonJS files are reached from TypeScript', async () => {
  const { call } = openFiles({
    'f/index.ts':
      "import three from 'three'\nimport four = require('./four.js')\nexport const main = () => [three, four, typeof __dirname, import.meta.url.slice(0, 8)]",
    'f/four.js': 'module.exports = 4',
    'f/node_modules/three/index.js': 'module.exports = 3',
    'f/node_modules/three/package.json': '{"name":"three","main":"index.js"}',
  })
  expect(await call()).toEqual([3, 4, 'string', 'file:///'])
})

test('[FN-21] while files are being written, the code that is there goes on; what is whole takes over', async () => {
  const { call, write, folder } = openFiles({ 'f/index.js': 'exports.main = () => "old"' })
  expect(await call()).toBe('old')
  write('f/.unfinished', '')
  write('f/index.js', 'exports.main = () => require("./part.js")')
  const calls = await Promise.all([call(), call()])
  expect(calls).toEqual(['old', 'old'])
  write('f/part.js', 'module.exports = "new"')
  rmSync(join(folder, 'f/.unfinished'))
  expect(await call()).toBe('new')
})

test('[FN-21] a call that comes while files are written one by one runs none of the halves', async () => {
  const half = 'exports.main = () => "half"'
  const { call, write } = openFiles({ 'f/index.js': 'exports.main = () => "old"' })
  expect(await call()).toBe('old')
  const results: Promise<Value>[] = []
  for (let part = 0; part < 8; part++) {
    write('f/index.js', `${half} // ${part}`)
    results.push(call())
    await new Promise(resolve => setTimeout(resolve, 30))
  }
  write('f/index.js', 'exports.main = () => "whole"')
  results.push(call())
  expect(await Promise.all(results)).toEqual(Array.from({ length: 9 }, () => 'whole'))
})

test('[FN-21] a finished folder that is moved into place runs at once', async () => {
  const { call, folder, write } = openFiles({ 'f/index.js': 'exports.main = () => "old"' })
  expect(await call()).toBe('old')
  write('.next/index.js', 'exports.main = () => "new"')
  const past = new Date(Date.now() - 60_000)
  utimesSync(join(folder, '.next/index.js'), past, past)
  rmSync(join(folder, 'f'), { recursive: true })
  cpSync(join(folder, '.next'), join(folder, 'f'), { recursive: true, preserveTimestamps: true })
  expect(await call()).toBe('new')
  expect(readFileSync(join(folder, 'f/index.js'), 'utf8')).toContain('new')
})

test('[FN-22] functions are found where the project says, and never outside it', () => {
  const project = temporaryFolder(onTestFinished)
  const say = (root: string) =>
    writeFileSync(join(project, 'project.config.json'), JSON.stringify({ cloudfunctionRoot: root }))
  for (const name of ['cloudfunctions', 'functions', 'cloud/functions'])
    mkdirSync(join(project, name), { recursive: true })
  expect(findFunctionsFolder(project)).toBe(join(project, 'cloudfunctions'))
  say('cloud/functions/')
  expect(findFunctionsFolder(project)).toBe(join(project, 'cloud/functions'))
  for (const outside of ['..', '../other', '', '.', 'nowhere']) {
    say(outside)
    expect(findFunctionsFolder(project)).toBe(join(project, 'cloudfunctions'))
  }
  rmSync(join(project, 'cloudfunctions'), { recursive: true })
  expect(findFunctionsFolder(project)).toBe(join(project, 'functions'))
})
