import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createTcpServer } from 'node:net'
import { dirname, join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../functions/testing/open-fixtures.ts'
import { startProject } from '../functions/testing/start-project.ts'
import { examine, type Finding } from './doctor.ts'

const good = {
  'rules.json': '{"database":{"todos":{"read":true}}}',
  'cloudfunctions/hello/index.js': 'exports.main = () => 1',
}

/** A project whose server ran, and wrote, and was stopped. */
async function stopped(files: Readonly<Record<string, string>> = good) {
  const { server, project } = await startProject(onTestFinished, files)
  await server
    .database()
    .collection('todos')
    .add({ data: { a: 1 } })
  await server.stop()
  const look = async (part: { port?: number; isDeep?: boolean; now?: () => number } = {}) =>
    worst(await examine({ dataFolder: server.dataFolder, project, ...part }))
  return { project, dataFolder: server.dataFolder, look }
}

/** What is not well. */
const worst = (findings: readonly Finding[]) =>
  findings
    .filter(({ level }) => level !== 'ok')
    .map(({ level, about, words }) => `${level} ${about}: ${words}`)

test('[OPS-12] where all is well the doctor says so of each thing, before the first start, while a server runs, and after it', async () => {
  const fresh = temporaryFolder(onTestFinished)
  const before = await examine({ dataFolder: join(fresh, 'data'), project: fresh })
  expect(worst(before)).toEqual([expect.stringMatching(/^warn rules: there is no rules\.json/)])
  expect(before.map(({ about }) => about)).toEqual([
    ...['node', 'sqlite', 'data folder', 'disk', 'keys', 'database', 'clock', 'port', 'rules', 'functions'],
  ])
  const { server, project } = await startProject(onTestFinished, good)
  const meanwhile = await examine({ dataFolder: server.dataFolder, project })
  expect(worst(meanwhile)).toEqual([])
  expect(meanwhile.find(({ about }) => about === 'port')!.words).toContain(server.url)
  await server.stop()
  expect(worst(await examine({ dataFolder: server.dataFolder, project }))).toEqual([])
})

test('[OPS-12] rules and functions that do not read are named, with the place', async () => {
  const { project, look } = await stopped()
  writeFileSync(join(project, 'rules.json'), '{"database":{"todos":{"read":"doc.x ==="}}}')
  writeFileSync(join(project, 'cloudfunctions/hello/index.js'), 'exports.main = () => {\n  return (\n')
  expect(await look()).toEqual([
    expect.stringMatching(/^bad rules: .*todos/),
    expect.stringMatching(/^bad functions: hello\/index\.js is no code: .*\(line \d\)$/),
  ])
  writeFileSync(join(project, 'rules.json'), good['rules.json'])
  writeFileSync(join(project, 'cloudfunctions/hello/index.js'), 'exports.main = 1')
  writeFileSync(join(project, 'cloudfunctions/hello/config.json'), '{"timeout":"x"}')
  expect(await look()).toEqual([expect.stringMatching(/^bad functions: .*config\.json.*timeout/)])
})

test('[OPS-12] a database that is damaged, of a newer version, or without its keys is named, with what to do', async () => {
  const { dataFolder, look } = await stopped()
  const file = join(dataFolder, 'nearcloud.db')
  const whole = readFileSync(file)
  const keys = readFileSync(join(dataFolder, 'keys.json'))
  rmSync(join(dataFolder, 'keys.json'))
  expect(await look()).toEqual([
    expect.stringMatching(/^bad keys: keys\.json is missing beside a database: bring it back/),
  ])
  writeFileSync(join(dataFolder, 'keys.json'), keys, { mode: 0o644 })
  expect(await look()).toEqual([expect.stringMatching(/^bad keys: .*chmod 600/)])
  chmodSync(join(dataFolder, 'keys.json'), 0o600)

  const db = new DatabaseSync(file)
  db.exec('UPDATE meta SET format = 999')
  db.close()
  expect(await look()).toEqual([
    expect.stringMatching(/^bad database: a newer nearcloud wrote it \(format 999/),
  ])
  for (const harm of [Buffer.from('this is no database, and was never one'), whole.fill(0x55, 4_200)]) {
    writeFileSync(file, harm)
    expect((await look()).filter(each => each.includes('database'))).toContainEqual(
      expect.stringMatching(/^bad database: .*restore the last backup/),
    )
  }
})

test('[OPS-12] a deep look reads every document', async () => {
  const { dataFolder, look } = await stopped()
  expect(await look({ isDeep: true })).toEqual([])
  const db = new DatabaseSync(join(dataFolder, 'nearcloud.db'))
  db.exec("UPDATE documents SET doc = doc || ' '")
  db.close()
  expect(await look()).toEqual([])
  expect(await look({ isDeep: true })).toEqual([
    expect.stringMatching(/^bad database: the document todos\/\w+ does not read/),
  ])
  const again = new DatabaseSync(join(dataFolder, 'nearcloud.db'))
  again.exec(
    'UPDATE documents SET doc = trim(doc); UPDATE environments SET document_bytes = document_bytes + 1',
  )
  again.close()
  expect(await look({ isDeep: true })).toEqual([expect.stringMatching(/^bad database: the sizes it keeps/)])
})

test('[OPS-12] a clock behind what was written, a port that is taken and a restore that was cut off are named', async () => {
  const { dataFolder, look } = await stopped()
  expect(await look({ now: () => Date.UTC(2025, 5, 1) })).toEqual([
    expect.stringMatching(/^bad clock: the last commit was made at .*set the clock/),
  ])
  expect(await look({ now: () => 0 })).toEqual([expect.stringMatching(/^bad clock: it says 1970/)])
  const other = createTcpServer().listen(0, '127.0.0.1')
  onTestFinished(() => void other.close())
  await new Promise(resolve => other.once('listening', resolve))
  const { port } = other.address() as { port: number }
  expect(await look({ port })).toEqual([expect.stringMatching(/^bad port: something else listens at/)])
  writeFileSync(join(dataFolder, 'restoring'), 'x')
  expect(await look()).toEqual([expect.stringMatching(/^bad data folder: a restore into .* was cut off/)])
  rmSync(join(dataFolder, 'restoring'))
  chmodSync(dataFolder, 0o755)
  expect(await look()).toEqual([expect.stringMatching(/^warn data folder: others .* chmod 700/)])
})

test('[OPS-12] looking changes nothing', async () => {
  const folder = temporaryFolder(onTestFinished)
  mkdirSync(join(folder, 'project'))
  await examine({ dataFolder: join(folder, 'data'), project: join(folder, 'project') })
  expect(await examine({ dataFolder: join(folder, 'data'), project: join(folder, 'project') })).toHaveLength(
    10,
  )
  expect(dirname(join(folder, 'data'))).toBe(folder)
  const { existsSync } = await import('node:fs')
  expect(existsSync(join(folder, 'data'))).toBe(false)
})
