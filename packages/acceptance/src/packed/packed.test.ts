import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isOurs, type Packed, packAll } from './pack.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../../../..')
let folder: string
let all: readonly Packed[]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nearcloud-packed-'))
  all = await packAll(folder)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('[PACK-1] an archive has its licence, its README, its rules where it has some, and all that its exports and commands name', () => {
  expect(all.length).toBeGreaterThan(10)
  for (const { home, manifest, files } of all) {
    const named = [
      ...Object.values(manifest.exports).flatMap(ways => Object.values(ways)),
      ...Object.values(manifest.bin ?? {}),
    ].map(path => path.replace('./', ''))
    const rules = existsSync(join(home, 'SPEC.md')) ? ['SPEC.md'] : []
    for (const name of [...named, ...rules, 'LICENSE', 'README.md'])
      expect(files, `${manifest.name} has ${name}`).toContain(name)
  }
})

test('[PACK-2] no archive has tests, leavings of the compiler, or a path of the machine that made it', () => {
  for (const { installed, manifest, files } of all)
    for (const file of files) {
      const where = `${manifest.name}: ${file}`
      expect(file, where).not.toMatch(/\.test\.(ts|js)|tsbuildinfo|\.tests\//)
      if (/\.(js|json|map|d\.ts)$/.test(file))
        expect(readFileSync(join(installed, file), 'utf8'), where).not.toContain(root)
    }
})

test('[PACK-3] each depends on the others as they are now, and on nothing that only the workspace knows', () => {
  const versions = new Map(all.map(({ manifest }) => [manifest.name, manifest.version]))
  for (const { manifest } of all)
    for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      expect(range, `${manifest.name} depends on ${name}`).not.toMatch(/workspace:|catalog:|file:|link:/)
      if (isOurs(name)) expect(range).toBe(versions.get(name))
    }
})

test('[PACK-4] installed elsewhere, with what each declares and nothing else, a server and two devices agree', async () => {
  writeFileSync(
    join(folder, 'app.js'),
    `import { createCloud } from '@nearcloud/node'
import { createServer } from '@nearcloud/server'

const server = await createServer({ dataFolder: './data', project: './project' })
const [phone, laptop] = ['phone', 'laptop'].map(folder => createCloud({ folder }))
for (const cloud of [phone, laptop]) cloud.init({ endpoint: server.url, subscribe: { todos: true } })
await phone.database().collection('todos').add({ data: { title: 'tea' } })
await phone.whenSynced()
await laptop.whenSynced()
const { data } = await laptop.database().collection('todos').get()
const { result } = await phone.callFunction({ name: 'hello', data: {} })
console.log(data[0].title, result)
for (const cloud of [phone, laptop]) await cloud.close()
await server.stop()
`,
  )
  mkdirSync(join(folder, 'project/cloudfunctions/hello'), { recursive: true })
  const rules = {
    database: { todos: { read: true, write: true } },
    functions: { '*': { invoke: true } },
  }
  writeFileSync(join(folder, 'project/rules.json'), JSON.stringify(rules))
  writeFileSync(
    join(folder, 'project/cloudfunctions/hello/index.js'),
    `const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async () => (await cloud.database().collection('todos').count()).total
`,
  )
  expect((await run(process.execPath, ['app.js'], { cwd: folder })).stdout).toBe('tea 1\n')
})

test('[PACK-5] the command runs from there', async () => {
  const main = join(folder, 'node_modules/nearcloud/dist/main.js')
  await run(process.execPath, [main, 'init', 'made'], { cwd: folder })
  const { stdout } = await run(process.execPath, [main, 'rules', 'check', '--project', 'made'], {
    cwd: folder,
  })
  expect(stdout).toContain('todos')
})

test('[PACK-6] a strict TypeScript program finds the types of every entry, and a page those of its own without any of Node', async () => {
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true })
  symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
  const entries = all.flatMap(({ manifest: { name, exports } }) =>
    Object.keys(exports)
      .filter(entry => entry !== './testing') // of vitest, for those who write another storage or host
      .map(entry => join(name, entry)),
  )
  const ofPages = entries.filter(entry => /\/(browser|client|miniprogram|query|store|text)\b/.test(entry))
  const wrong = "import cloud from '@nearcloud/browser'\ncloud.database().collection(1)"
  expect(await complaints(entries, 'node')).toBe('')
  expect(await complaints(ofPages, '')).toBe('')
  expect(await complaints([], '', wrong)).toMatch(/^app\.ts\(2,29\): error TS2345/)
}, 120_000)

/** What the compiler says of a program that imports all of these and has these lines. */
async function complaints(entries: readonly string[], types: string, lines = ''): Promise<string> {
  const imports = entries.map((entry, at) => `export * as entry${at} from '${entry}'\n`)
  writeFileSync(join(folder, 'app.ts'), imports.join('') + lines)
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const libraries = 'esnext,dom,dom.iterable'
  const words = ['--noEmit', '--strict', '--module', 'nodenext', '--lib', libraries, '--types', types]
  const { stdout } = await run(process.execPath, [compiler, ...words, 'app.ts'], { cwd: folder }).catch(
    (failed: { stdout: string }) => failed,
  )
  return stdout
}
