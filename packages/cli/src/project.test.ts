import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { readProject } from './project.ts'

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function projectWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nearcloud-project-'))
  folders.push(folder)
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  return folder
}

test('an empty folder is a project that opens at /', async () => {
  const folder = await projectWith({})
  expect(readProject(folder)).toEqual({ folder, open: ['/'], hasRules: false, functions: [] })
})

test('a project says its name, environment, site and pages; rules and functions are found', async () => {
  const folder = await projectWith({
    'nearcloud.json': JSON.stringify({ name: 'A list', env: 'todo', site: 'dist', open: ['/?a', '/?b'] }),
    'rules.json': '{}',
    'cloudfunctions/two/index.js': '',
    'cloudfunctions/one/index.js': '',
    'cloudfunctions/notes/todo.txt': '',
    'functions/three/index.js': '',
    'cloudfunctions/README.md': '',
  })
  expect(readProject(folder)).toEqual({
    folder,
    name: 'A list',
    env: 'todo',
    site: join(folder, 'dist'),
    open: ['/?a', '/?b'],
    hasRules: true,
    functions: ['one', 'two'],
  })
})

test('[FILE-26] a project says how much there may be of files, in megabytes', async () => {
  const folder = await projectWith({ 'nearcloud.json': '{"files":{"megabytes":20,"megabytesPerUser":0.5}}' })
  expect(readProject(folder).files).toEqual({ environmentBytes: 20_000_000, userBytes: 500_000 })
})

test.each([
  ['{', /nearcloud\.json is not JSON/],
  ['[]', /must hold an object/],
  ['null', /must hold an object/],
  ['{"sites":"dist"}', /unknown setting "sites"/],
  ['{"constructor":"dist"}', /unknown setting "constructor"/],
  ['{"site":7}', /"site" in .* must be a folder/],
  ['{"open":[]}', /"open" in .* must be a list of paths/],
  ['{"open":["http://elsewhere"]}', /"open" in .* must be a list of paths/],
  ['{"issuers":{}}', /"issuers" in .* must be a list of objects/],
  ['{"issuers":[{"name":"a","secret":"x"}]}', /"issuers" in .* must be/],
  ['{"passwords":true}', /"passwords" in .* must be an object with "signUp"/],
  ['{"passwords":{"signUp":"yes"}}', /"passwords" in .* must be/],
  ['{"passwords":{"signup":true}}', /"passwords" in .* must be/],
  ['{"siteHeaders":{"x":1}}', /"siteHeaders" in .* must be an object/],
  ['{"trustedProxies":"10.0.0.0/8"}', /"trustedProxies" in .* must be a list/],
  ['{"rates":{"address":60}}', /"rates" in .* must be an object/],
  ['{"rates":{"users":{"perMinute":60}}}', /"rates" in .* must be an object/],
  ['{"rates":{"functions":{"send":{"perMinute":"60"}}}}', /"rates" in .* must be an object/],
  ['{"files":{"bytes":1}}', /"files" in .* must be an object of positive numbers, any of "megabytes"/],
  ['{"files":{"megabytes":0}}', /"files" in .* must be an object of positive numbers/],
  ['{"name":""}', /"name" in .* must be a text/],
])('a nearcloud.json of %s is refused in one sentence', async (content, sentence) => {
  const folder = await projectWith({ 'nearcloud.json': content })
  expect(() => readProject(folder)).toThrow(sentence)
})

test('a folder that is not there is refused', () => {
  expect(() => readProject('/no/such/folder')).toThrow('there is no project folder /no/such/folder.')
})
