import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { projectFolder } from './testing/project-folder.ts'
import { run, started } from './testing/run-command.ts'

const file = `{"_id":"a","n":1,"at":{"$date":"2018-08-31T17:30:00.882Z"},"where":{"type":"Point","coordinates":[113.3,23.1]}}
{"n":2,"text":"no id"}
{"n":2,"text":"no id"}
`

async function done(folder: string, ...argv: readonly string[]): Promise<string> {
  const command = run(folder, ...argv)
  expect(await command.over, command.err()).toBe(0)
  return command.out().split('\n').at(-1)!
}

test('[OPS-17] a file is imported into a server that runs or into its folder; once more is nothing new, and what was cut off goes on', async () => {
  const folder = projectFolder({ 'todos.json': file, 'first.json': file.split('\n').slice(0, 2).join('\n') })
  const server = await started(folder, 'start')
  expect(await done(folder, 'import', 'todos', 'first.json')).toBe('Imported into todos: 2 new.')
  expect(await done(folder, 'import', 'todos', 'todos.json')).toBe(
    'Imported into todos: 1 new, 2 there already.',
  )
  await server.stop()
  expect(await done(folder, 'import', 'todos', 'todos.json')).toBe(
    'Imported into todos: 0 new, 3 there already.',
  )
  expect(await done(folder, 'export', 'todos', 'out.json')).toMatch(/^Exported 3 documents of todos to /)
  const lines = readFileSync(`${folder}/out.json`, 'utf8').trim().split('\n')
  expect(lines.at(-1)).toBe(file.split('\n')[0])
  expect(lines.slice(0, 2).map(line => (JSON.parse(line) as { n: number }).n)).toEqual([2, 2])
})

test('[OPS-17] what is there already stays or is replaced, as is asked', async () => {
  const folder = projectFolder({ 'one.json': '{"_id":"a","n":1}', 'two.csv': '_id,n\na,2\nb,3\n' })
  const server = await started(folder, 'start')
  await done(folder, 'import', 'todos', 'one.json')
  expect(await done(folder, 'import', 'todos', 'two.csv')).toBe(
    'Imported into todos: 1 new, 1 left as they were ("--mode upsert" replaces them).',
  )
  expect(await done(folder, 'import', 'todos', 'two.csv', '--mode', 'upsert')).toBe(
    'Imported into todos: 0 new, 1 replaced, 1 there already.',
  )
  await done(folder, 'export', 'todos', 'out.csv')
  expect(readFileSync(`${folder}/out.csv`, 'utf8')).toBe('_id,n\na,2\nb,3\n')
  writeFileSync(`${folder}/dates.csv`, '_id,at\nx,2018-08-31T17:30:00.882Z\n')
  expect(await done(folder, 'import', 'days', 'dates.csv', '--dates', 'at')).toBe(
    'Imported into days: 1 new.',
  )
  await done(folder, 'export', 'days', 'days.json')
  expect(readFileSync(`${folder}/days.json`, 'utf8')).toBe(
    '{"_id":"x","at":{"$date":"2018-08-31T17:30:00.882Z"}}\n',
  )
  await done(folder, 'export', 'todos', 'n.csv', '--fields', 'n,none')
  expect(readFileSync(`${folder}/n.csv`, 'utf8')).toBe('n,none\n2,\n3,\n')
  await server.stop()
})

test('[OPS-16] of a file with one bad line nothing is imported; what the database refuses is said with its line, and the rest goes on', async () => {
  const folder = projectFolder({
    'bad.json': '{"_id":"a"}\n{"_id":"b","at":{"$date":"x"}}\n',
    'refused.json': `{"_id":"a"}\n{"_id":["x"]}\n{"_id":"${'x'.repeat(600)}"}\n{"_id":"b","x":"${'y'.repeat(1_100_000)}"}\n{"_id":"c"}\n`,
  })
  writeFileSync(`${folder}/latin.json`, Buffer.from('{"a":"\xe9"}', 'latin1'))
  const server = await started(folder, 'start')
  for (const [name, words] of [
    [
      'bad.json',
      /^nearcloud: bad\.json, line 2: "at" is of a type that is not known: .*\. Nothing was imported\.$/,
    ],
    ['latin.json', /^nearcloud: latin\.json, behind byte 0: the file is not in UTF-8\. Nothing/],
  ] as const) {
    const bad = run(folder, 'import', 'todos', name)
    expect(await bad.over).toBe(1)
    expect(bad.err()).toMatch(words)
  }
  expect(await done(folder, 'export', 'todos', 'empty.json')).toMatch(/^Exported 0 documents/)
  const refused = run(folder, 'import', 'todos', 'refused.json')
  expect(await refused.over).toBe(1)
  expect(refused.out()).toContain('Imported into todos: 2 new, 3 refused.')
  expect(
    refused
      .err()
      .split('\n')
      .map(line => line.slice(0, 7)),
  ).toEqual(['line 2:', 'line 3:', 'line 4:'])
  await server.stop()
})

test('[OPS-17] an export appears whole, or not at all, and overwrites nothing that it was not told to', async () => {
  const folder = projectFolder({ 'one.json': '{"_id":"a"}', 'there.json': 'mine' })
  const server = await started(folder, 'start')
  await done(folder, 'import', 'todos', 'one.json')
  const refused = run(folder, 'export', 'todos', 'there.json')
  expect(await refused.over).toBe(1)
  expect(refused.err()).toMatch(/there\.json is there already; "--overwrite" replaces it\.$/)
  expect(readFileSync(`${folder}/there.json`, 'utf8')).toBe('mine')
  await done(folder, 'export', 'todos', 'there.json', '--overwrite')
  expect(readFileSync(`${folder}/there.json`, 'utf8')).toBe('{"_id":"a"}\n')
  const nowhere = run(folder, 'export', 'todos', 'nowhere/x.json')
  expect(await nowhere.over).toBe(1)
  expect(nowhere.err()).toMatch(/^nearcloud: .*cannot be written/)
  await server.stop()
  expect(readdirSync(folder).filter(name => name.includes('.part'))).toEqual([])
})

test.each([
  [['import', 'todos'], /it is "nearcloud import COLLECTION FILE"/],
  [['import', 'todos', 'nothing.json'], /there is no file .*nothing\.json/],
  [['import', 'todos', 'one.json', '--mode', 'merge'], /--mode is insert or upsert/],
  [['import', 'todos', 'one.json', '--format', 'xml'], /--format is json or csv/],
  [['import', 'todos', 'one.json', '--dates', 'at'], /--dates are of CSV/],
  [['import', 'todos', 'one.json'], /there is no data in/],
  [['export', 'todos', 'x.json', '--fields', 'a'], /--fields are of CSV/],
  [['export', '_users', 'x.json'], /there is no data in/],
])('%j is refused in one sentence', async (argv, sentence) => {
  const folder = projectFolder({ 'one.json': '{}' })
  const command = run(folder, ...argv)
  expect(await command.over).toBe(1)
  expect(command.err()).toMatch(/^nearcloud: [^\n]+$/)
  expect(command.err()).toMatch(sentence)
  expect(existsSync(`${folder}/x.json`)).toBe(false)
})

test('[OPS-17] collections of the server’s own are neither read nor written', async () => {
  const folder = projectFolder({ 'one.json': '{}' })
  const server = await started(folder, 'start')
  for (const argv of [
    ['import', '_users', 'one.json'],
    ['export', '_users', 'x.json'],
  ]) {
    const command = run(folder, ...argv)
    expect(await command.over).toBe(1)
    expect(command.err()).toMatch(/^nearcloud: "_users" is no collection of an app\.$/)
  }
  await server.stop()
})
