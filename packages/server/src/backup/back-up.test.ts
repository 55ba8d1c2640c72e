import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createServer, type NearcloudServer } from '../create-server.ts'
import { OpenJudge } from '../testing/open-judge.ts'
import { backUp, restoreBackup } from './back-up.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-backup-'))
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function start(dataFolder: string): Promise<NearcloudServer> {
  const server = await createServer({ dataFolder, judge: new OpenJudge() })
  closers.push(() => server.stop())
  return server
}

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing was refused',
    (thrown: { code: string; message: string }) => `${thrown.code}: ${thrown.message}`,
  )
const todos = (server: NearcloudServer) => server.database().collection('todos')
const idsIn = async (server: NearcloudServer) =>
  (await todos(server).limit(1_000).get()).data.map(({ _id }) => _id).sort()

test('[RESTORE-6] a backup taken while it is written to is the state of one moment', async () => {
  const root = newFolder()
  const server = await start(join(root, 'data'))
  let isOver = false
  let written = 0
  const writing = (async () => {
    // each commit writes two documents: a state between two commits has as many of either
    while (!isOver) {
      const id = `n${++written}`
      await server.executorFor({ kind: 'admin' }).commit({
        writes: [
          { op: 'add', collection: 'todos', id, data: { text: 'x'.repeat(20_000) } },
          { op: 'add', collection: 'notes', id, data: {} },
        ],
      })
    }
  })()
  while (written < 50) await new Promise(resolve => setImmediate(resolve))
  const told: string[] = []
  const facts = await server.backup(join(root, 'backup'), ({ part, done, total }) => {
    told.push(part)
    expect(done).toBeLessThanOrEqual(total)
  })
  const atLeast = written
  isOver = true
  await writing
  expect(facts.databaseBytes).toBeGreaterThan(1_000_000)
  expect(told).toContain('database')
  const restored = join(root, 'restored')
  await restoreBackup({ from: join(root, 'backup'), dataFolder: restored })
  const other = await start(restored)
  const ids = await idsIn(other)
  expect(ids.length).toBeGreaterThanOrEqual(50)
  expect(ids.length).toBeLessThanOrEqual(atLeast)
  expect(
    (await other.database().collection('notes').limit(1_000).get()).data.map(({ _id }) => _id).sort(),
  ).toEqual(ids)
  expect(ids).toEqual(ids.map((_, n) => `n${n + 1}`).sort())
})

test('[RESTORE-6] keys and files come with it, for their owner alone', async () => {
  const root = newFolder()
  const data = join(root, 'data')
  const server = await start(data)
  await todos(server).add({ data: { _id: 'a' } })
  await server.stop()
  mkdirSync(join(data, 'files', 'blobs', 'ab'), { recursive: true })
  writeFileSync(join(data, 'files', 'blobs', 'ab', 'abcd'), 'bytes')
  const facts = await backUp({ dataFolder: data, to: join(root, 'backup') })
  expect(facts.files).toBe(1)
  await restoreBackup({ from: join(root, 'backup'), dataFolder: join(root, 'restored') })
  for (const folder of ['backup', 'restored']) {
    expect(readFileSync(join(root, folder, 'files', 'blobs', 'ab', 'abcd'), 'utf8')).toBe('bytes')
    for (const name of ['keys.json', 'admin-key'])
      expect(readFileSync(join(root, folder, name))).toEqual(readFileSync(join(data, name)))
    expect(statSync(join(root, folder)).mode & 0o077).toBe(0)
    for (const file of ['keys.json', 'admin-key', 'nearcloud.db'])
      expect(statSync(join(root, folder, file)).mode & 0o077).toBe(0)
  }
  expect(await idsIn(await start(join(root, 'restored')))).toEqual(['a'])
})

test('[RESTORE-7] nothing is overwritten that was not asked for, and then it is kept aside', async () => {
  const root = newFolder()
  const [data, backup] = [join(root, 'data'), join(root, 'backup')]
  const server = await start(data)
  await todos(server).add({ data: { _id: 'a' } })
  await server.backup(backup)
  await todos(server).add({ data: { _id: 'b' } })
  expect(await refusal(restoreBackup({ from: backup, dataFolder: data, isReplacing: true }))).toContain(
    'in use',
  )
  await server.stop()
  expect(await refusal(restoreBackup({ from: backup, dataFolder: data }))).toContain('holds data already')
  expect(await refusal(backUp({ dataFolder: data, to: backup }))).toContain('is not empty')
  expect(await refusal(backUp({ dataFolder: data, to: join(data, 'inside') }))).toContain('inside it')
  expect(await refusal(backUp({ dataFolder: join(root, 'nowhere'), to: join(root, 'x') }))).toContain(
    'no data',
  )
  const { replaced } = await restoreBackup({ from: backup, dataFolder: data, isReplacing: true })
  expect(await idsIn(await start(data))).toEqual(['a'])
  const aside = join(root, 'aside')
  mkdirSync(aside)
  for (const name of readdirSync(replaced!).filter(name => name.startsWith('nearcloud.db')))
    copyFileSync(join(replaced!, name), join(aside, name))
  expect(await idsIn(await start(aside))).toEqual(['a', 'b'])
})

test('[RESTORE-8] what is no whole backup is refused, and a restore that was cut off opens no server', async () => {
  const root = newFolder()
  const [data, backup] = [join(root, 'data'), join(root, 'backup')]
  const server = await start(data)
  await todos(server).add({ data: { _id: 'a' } })
  await server.backup(backup)
  await server.stop()
  rmSync(join(backup, 'backup.json'))
  const target = join(root, 'restored')
  for (const label of [undefined, 'not json', '{"format":2}', 'null']) {
    if (label !== undefined) writeFileSync(join(backup, 'backup.json'), label)
    expect(await refusal(restoreBackup({ from: backup, dataFolder: target }))).toContain('no whole backup')
  }
  expect(existsSync(join(target, 'nearcloud.db'))).toBe(false)
  writeFileSync(join(backup, 'backup.json'), '{"format":1,"databaseBytes":1,"files":0}')
  const good = readFileSync(join(backup, 'nearcloud.db'))
  writeFileSync(join(backup, 'nearcloud.db'), good.subarray(0, 5_000))
  expect(await refusal(restoreBackup({ from: backup, dataFolder: target }))).toContain('damaged')
  writeFileSync(join(backup, 'nearcloud.db'), good)
  mkdirSync(target, { recursive: true })
  writeFileSync(join(target, 'restoring'), backup)
  expect(await refusal(createServer({ dataFolder: target }))).toContain('restore it once more')
  await restoreBackup({ from: backup, dataFolder: target })
  expect(await idsIn(await start(target))).toEqual(['a'])
})
