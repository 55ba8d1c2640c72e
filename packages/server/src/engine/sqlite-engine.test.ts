import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudError } from '@nearcloud/protocol'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, expect, test } from 'vitest'
import { engineSuite } from '../testing/engine-suite.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { openDatabase } from './sqlite-database.ts'
import { SqliteEngine } from './sqlite-engine.ts'

const folder = mkdtempSync(join(tmpdir(), 'nearcloud-engine-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newFile = () => join(folder, `${files++}.db`)
const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))

engineSuite('SqliteEngine', async () => new SqliteEngine({ file: newFile(), random }))
engineSuite('MemoryEngine', async () => new MemoryEngine())

function refusal(open: () => unknown): CloudError {
  try {
    open()
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(CloudError)
    return thrown as CloudError
  }
  throw new Error('it opened')
}

test('[ENGINE-12] the epoch and the head are the same after reopening', async () => {
  const file = newFile()
  const first = new SqliteEngine({ file, random })
  await first.writeState('a', 'k', 'v')
  const { epoch } = first
  await first.close()
  const second = new SqliteEngine({ file, random })
  expect(second.epoch).toBe(epoch)
  expect(epoch).toMatch(/^[0-9a-f]{32}$/)
  expect(await second.readState('a', 'k')).toBe('v')
  await second.close()
})

test('[ENGINE-13] every open syncs each commit to the disk, whatever the file was created with', async () => {
  const file = newFile()
  const made = new DatabaseSync(file)
  made.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE t (x)')
  made.close()
  const { db } = openDatabase(file, random)
  expect(db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 })
  expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
  db.close()
})

test('[ENGINE-14] a database of a newer format is refused, and not touched', async () => {
  const file = newFile()
  await new SqliteEngine({ file, random }).close()
  const db = new DatabaseSync(file)
  db.exec('UPDATE meta SET format = 99')
  db.close()
  expect(refusal(() => new SqliteEngine({ file, random })).errMsg).toContain('newer nearcloud')
})

test('[ENGINE-15] a damaged or foreign file is refused', async () => {
  const foreign = newFile()
  writeFileSync(foreign, 'this is a letter, not a database. '.repeat(100))
  expect(refusal(() => new SqliteEngine({ file: foreign, random })).errMsg).toContain('damaged')
  const file = newFile()
  const engine = new SqliteEngine({ file, random })
  for (let n = 0; n < 50; n++) await engine.writeState('a', `k${n}`, 'x'.repeat(2000))
  await engine.close()
  const bytes = readFileSync(file)
  bytes.fill(0xff, 8192, 20480)
  writeFileSync(file, bytes)
  expect(refusal(() => new SqliteEngine({ file, random })).code).toBe('SERVER_CONFIGURATION')
})

test('[ENGINE-22] a database of an older format is brought up to date in place', async () => {
  const file = newFile()
  const made = new SqliteEngine({ file, random })
  await made.writeState('a', 'k', 'v')
  await made.close()
  const db = new DatabaseSync(file)
  db.exec('DROP TABLE index_rows; UPDATE meta SET format = 1')
  db.close()
  const engine = new SqliteEngine({ file, random })
  expect(engine.epoch).toBe(made.epoch)
  expect(await engine.readState('a', 'k')).toBe('v')
  expect(await engine.dropRows('a', 1, 10)).toBe(false)
  await engine.close()
  const after = new DatabaseSync(file)
  expect(after.prepare('SELECT format FROM meta').get()).toEqual({ format: 2 })
  after.close()
})
