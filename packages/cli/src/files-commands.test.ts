import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { projectFolder } from './testing/project-folder.ts'
import { run, started } from './testing/run-command.ts'

async function done(folder: string, ...argv: readonly string[]): Promise<string> {
  const command = run(folder, ...argv)
  expect(await command.over, command.err()).toBe(0)
  return command.out().split('\n').at(-1)!
}

test('[OPS-30] a folder of files goes into the cloud and comes out of another as it was; once more is nothing new', async () => {
  const folder = projectFolder({
    'old/photos/猫 1.txt': 'a cat',
    'old/photos/2026/empty.bin': '',
    'old/readme.txt': 'hello',
    'old/.DS_Store': 'of the machine',
  })
  const large = Buffer.alloc(9_000_000, 'nearcloud ')
  writeFileSync(join(folder, 'old/photos/large.bin'), large)
  symlinkSync('/etc/passwd', join(folder, 'old/link.txt'))
  const server = await started(folder, 'start')
  const first = run(folder, 'files', 'put', 'old')
  expect(await first.over, first.err()).toBe(0)
  expect(first.said).toEqual(
    expect.arrayContaining([
      'sent 100 %',
      'Passed over, as links and hidden files are: .DS_Store, link.txt',
      '4 files put.',
    ]),
  )
  expect(await done(folder, 'files', 'put', 'old')).toBe('1 file put, 3 there already.')
  expect(await done(folder, 'files', 'put', 'old/photos/2026', '--to', 'years/2026/')).toBe('1 file put.')

  expect(await done(folder, 'files', 'get', 'new')).toMatch(/^5 files written to .*\/new\.$/)
  expect(readdirSync(join(folder, 'new'), { recursive: true }).sort()).toEqual(
    [
      'photos',
      'photos/2026',
      'photos/2026/empty.bin',
      'photos/large.bin',
      'photos/猫 1.txt',
      'readme.txt',
      'years',
      'years/2026',
      'years/2026/empty.bin',
    ].sort(),
  )
  expect(readFileSync(join(folder, 'new/photos/large.bin')).equals(large)).toBe(true)
  expect(await done(folder, 'files', 'get', 'new')).toMatch(/^0 files written to .*, 5 there already\.$/)
  expect(await done(folder, 'files', 'get', 'some', '--from', 'years')).toMatch(/^1 file written/)
  await server.stop()
})

test('[OPS-31] what is there already with other bytes stays, on this machine; what the server refuses is said, and the rest goes on', async () => {
  const folder = projectFolder({ 'old/a.txt': 'a', 'old/b.txt': 'b', 'new/a.txt': 'mine' })
  mkdirSync(join(folder, 'odd'))
  writeFileSync(join(folder, 'odd/ok.txt'), 'fine')
  writeFileSync(join(folder, 'odd/\u0007bell.txt'), 'no')
  const server = await started(folder, 'start')
  await done(folder, 'files', 'put', 'old')
  const kept = run(folder, 'files', 'get', 'new')
  expect(await kept.over).toBe(1)
  expect(kept.err()).toBe('a.txt: something else is there')
  expect(kept.out()).toMatch(/1 file written to .*, 1 refused\.$/)
  expect(readFileSync(join(folder, 'new/a.txt'), 'utf8')).toBe('mine')
  expect(readdirSync(join(folder, 'new'))).toEqual(['a.txt', 'b.txt'])

  // what else is there stays too, and a link leads nowhere
  writeFileSync(join(folder, 'new/b.txt.part'), 'mine')
  mkdirSync(join(folder, 'elsewhere'))
  symlinkSync(join(folder, 'elsewhere'), join(folder, 'new/linked'))
  rmSync(join(folder, 'new/b.txt'))
  await done(folder, 'files', 'put', 'old', '--to', 'linked')
  const careful = run(folder, 'files', 'get', 'new')
  expect(await careful.over).toBe(1)
  expect(careful.err().split('\n').sort()).toEqual([
    'a.txt: something else is there',
    'linked/a.txt: a link leads out of the folder there',
    'linked/b.txt: a link leads out of the folder there',
  ])
  expect(readFileSync(join(folder, 'new/b.txt'), 'utf8')).toBe('b')
  expect(readFileSync(join(folder, 'new/b.txt.part'), 'utf8')).toBe('mine')
  expect(readdirSync(join(folder, 'elsewhere'))).toEqual([])

  const odd = run(folder, 'files', 'put', 'odd')
  expect(await odd.over).toBe(1)
  expect(odd.err()).toMatch(/bell\.txt: .*control character/)
  expect(odd.out()).toContain('1 file put, 1 refused.')
  await server.stop()
})

test.each([
  [['files', 'put'], /it is "nearcloud files put FOLDER"/],
  [['files', 'put', 'nothing'], /there is no folder .*nothing/],
  [['files', 'put', 'old', '--to', '/'], /--to is a path in the cloud/],
  [['files', 'put', 'old', '--into', 'x'], /files put has no option --into/],
  [['files', 'put', 'old'], /no server has kept its data in/],
  [['files', 'get', 'new'], /no server has kept its data in/],
])('%j is refused in one sentence', async (argv, sentence) => {
  const folder = projectFolder({ 'old/a.txt': 'a' })
  const command = run(folder, ...argv)
  expect(await command.over).toBe(1)
  expect(command.err()).toMatch(/^nearcloud: [^\n]+$/)
  expect(command.err()).toMatch(sentence)
  expect(existsSync(join(folder, 'new'))).toBe(false)
})

test('[OPS-32] file ids of another cloud in documents become this server’s, wherever they are; other texts stay', async () => {
  const old = 'cloud://prod-1a.7072-prod-1a-125/'
  const document = {
    _id: 'a',
    photo: `${old}photos/a.png`,
    more: [{ of: `${old}b c.png` }],
    text: `see ${old}x`,
    cloud: 'cloud://other/x',
  }
  const folder = projectFolder({ 'todos.json': JSON.stringify(document) })
  const server = await started(folder, 'start')
  await done(folder, 'import', 'todos', 'todos.json', '--file-ids', old)
  await done(folder, 'export', 'todos', 'out.json')
  const own = 'cloud://default.nearcloud/'
  expect(JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8'))).toEqual({
    ...document,
    photo: `${own}photos/a.png`,
    more: [{ of: `${own}b c.png` }],
  })
  for (const wrong of ['cloud://prod', 'https://x/', 'cloud:///']) {
    const command = run(folder, 'import', 'todos', 'todos.json', '--file-ids', wrong)
    expect(await command.over).toBe(1)
    expect(command.err()).toMatch(/--file-ids is what all file ids began with/)
  }
  await server.stop()
})
