import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@nearcloud/store'
import { storageSuite, words } from '@nearcloud/store/testing'
import { afterEach, expect, test } from 'vitest'
import { SqliteStorage } from './sqlite-storage.ts'

const folders: string[] = []

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-storage-'))
  folders.push(folder)
  return folder
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

storageSuite('SqliteStorage', { test, expect }, () => {
  const path = join(newFolder(), 'app', 'store.db')
  return { storage: () => new SqliteStorage(path) }
})

test('the lock of an open store keeps another process out', async () => {
  const path = join(newFolder(), 'store.db')
  const storage = new SqliteStorage(path)
  await storage.open({ durability: 'relaxed' })
  const sqlite = createRequire(import.meta.url).resolve('@photostructure/sqlite')
  const program = `const { DatabaseSync } = require(${JSON.stringify(sqlite)})
    try { new DatabaseSync(${JSON.stringify(`${path}.lock`)}).exec('BEGIN EXCLUSIVE') } catch (e) { console.log(e.errcode) }`
  const { stdout } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' })
  expect(stdout.trim()).toBe('5')
  await storage.close()
})

test('a store held by another process is STORE_IN_USE, and free when that process was killed', async () => {
  const path = join(newFolder(), 'store.db')
  const sqlite = createRequire(import.meta.url).resolve('@photostructure/sqlite')
  const program = `const { DatabaseSync } = require(${JSON.stringify(sqlite)})
    const lock = new DatabaseSync(${JSON.stringify(`${path}.lock`)})
    lock.exec('BEGIN EXCLUSIVE')
    process.stdout.write('held')
    setInterval(() => lock.isOpen, 1000)`
  const holder = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(holder.stdout, 'data')
    await expect(new SqliteStorage(path).open({ durability: 'relaxed' })).rejects.toMatchObject({
      code: 'STORE_IN_USE',
      message: expect.stringContaining(path),
    })
  } finally {
    holder.kill('SIGKILL')
    await once(holder, 'exit')
  }
  const storage = new SqliteStorage(path)
  await storage.open({ durability: 'relaxed' })
  await storage.close()
})

test.each([
  ['strict', 2],
  ['relaxed', 1],
] as const)('%s durability is set again when a file is opened again', async (durability, synchronous) => {
  const path = join(newFolder(), 'store.db')
  for (let round = 0; round < 2; round++) {
    const storage = new SqliteStorage(path)
    await storage.open({ durability })
    expect(storage.synchronous).toBe(synchronous)
    await storage.close()
  }
})

test('a folder that cannot be made is named in the error', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'file'), '')
  const open = new SqliteStorage(join(folder, 'file', 'below', 'store.db')).open({ durability: 'relaxed' })
  await expect(open).rejects.toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringContaining(join(folder, 'file', 'below')),
  })
})

test('a path that is a folder, or a file of another kind, is STORE_FAILED', async () => {
  const folder = newFolder()
  mkdirSync(join(folder, 'store.db'))
  writeFileSync(join(folder, 'text.db'), 'this is no database, and long enough to be looked at. '.repeat(50))
  for (const name of ['store.db', 'text.db'])
    await expect(new SqliteStorage(join(folder, name)).open({ durability: 'relaxed' })).rejects.toMatchObject(
      { code: 'STORE_FAILED' },
    )
})

test('a full file is STORE_FULL, nothing of the append is kept, and smaller ones go on', async () => {
  const storage = new SqliteStorage(join(newFolder(), 'store.db'), { maxPages: 20 })
  await storage.open({ durability: 'relaxed' })
  await storage.append(['small'])
  await expect(storage.append(['first', 'x'.repeat(200_000)])).rejects.toMatchObject({ code: 'STORE_FULL' })
  await storage.append(['small again'])
  const payloads: unknown[] = []
  for await (const page of storage.read()) payloads.push(...page.map(record => record.payload))
  expect(payloads).toEqual(['small', 'small again'])
  await storage.close()
})

test('after a destroying close no file is left', async () => {
  const folder = newFolder()
  const storage = new SqliteStorage(join(folder, 'store.db'))
  await storage.open({ durability: 'strict' })
  await storage.append(['x'])
  await storage.close({ destroy: true })
  expect(readdirSync(folder)).toEqual([])
})

test('a store on SQLite comes back with its documents and its outbox', async () => {
  const path = join(newFolder(), 'store.db')
  const open = () =>
    openStore({ storage: new SqliteStorage(path), random: randomBytes, durability: 'strict' })
  const { add, put, update, query } = words('todos')
  const store = await open()
  await store.confirm({ puts: [put(1, { _id: 'a', n: 1 })], checkpoint: { version: 1 } })
  await Promise.all(Array.from({ length: 50 }, (_, i) => store.commit([add(i, {})], { time: i }).durable))
  await store.commit([update('a', ['n', 'inc', 1])], { time: 50 }).durable
  await store.compact()
  await store.close()
  const again = await open()
  expect(again.run({ verb: 'count', query: query() }).total).toBe(51)
  expect([again.get('todos', 'a'), again.outbox.size, again.volatile]).toEqual([
    { _id: 'a', n: 2 },
    51,
    false,
  ])
  await again.close()
})
