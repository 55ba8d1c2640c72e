import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudError } from '@nearcloud/protocol'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, expect, test } from 'vitest'
import { engineSuite, oneChange } from '../testing/engine-suite.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { pruneTo } from '../testing/prune-to.ts'
import { emptyBatch, historyBytesOf } from './engine.ts'
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

test('[ENGINE-12] each opening has a name of its own, and knows those before it', async () => {
  const file = newFile()
  const first = new SqliteEngine({ file, random })
  expect(await first.lineage('a')).toEqual([{ epoch: first.epoch, start: 0 }])
  await first.commit('a', oneChange(1))
  await first.commit('a', oneChange(2))
  expect(await first.lineage('a')).toEqual([{ epoch: first.epoch, start: 0 }])
  await first.close()
  const second = new SqliteEngine({ file, random })
  expect(second.epoch).toMatch(/^[0-9a-f]{32}$/)
  expect(await second.head('a')).toBe(2)
  expect(await second.lineage('a')).toEqual([
    { epoch: first.epoch, start: 0 },
    { epoch: second.epoch, start: 2 },
  ])
  expect(await second.lineage('b')).toEqual([{ epoch: second.epoch, start: 0 }])
  await second.close()
})

test('[ENGINE-12] a file that was put back goes on under another name than the one it was taken from', async () => {
  const [file, copy] = [newFile(), newFile()]
  const first = new SqliteEngine({ file, random })
  await first.commit('a', oneChange(1))
  await first.close()
  copyFileSync(file, copy)
  const ahead = new SqliteEngine({ file, random })
  await ahead.commit('a', oneChange(2))
  await ahead.close()
  copyFileSync(copy, file)
  const behind = new SqliteEngine({ file, random })
  const names = (await behind.lineage('a')).map(({ epoch }) => epoch)
  expect(names).toEqual([first.epoch, behind.epoch])
  expect(names).not.toContain(ahead.epoch)
  await behind.close()
})

test('[HISTORY-4] space that is free is given back, and a log that is done with takes none', async () => {
  const file = newFile()
  const engine = new SqliteEngine({ file, random })
  const large = 'x'.repeat(200_000)
  for (let version = 1; version <= 60; version++)
    await engine.commit('a', oneChange(version, { before: { text: large }, after: { text: large } }))
  const size = () => statSync(file).size + statSync(`${file}-wal`).size
  while (await engine.tidy());
  const full = size()
  expect(full).toBeGreaterThan(24_000_000)
  await pruneTo(engine, 'a', { keep: 1 })
  let steps = 1
  while (await engine.tidy()) steps++
  expect(steps).toBeGreaterThan(5)
  expect(size()).toBeLessThan(13_000_000)
  expect(statSync(`${file}-wal`).size).toBe(0)
  expect((await engine.log('a', 59, 10))!.length).toBe(1)
  await engine.close()
})

test('[ENGINE-9] a thousand outcomes of a client take twenty bytes each, decided one by one or together', async () => {
  for (const together of [1, 100]) {
    const file = newFile()
    const engine = new SqliteEngine({ file, random })
    for (let id = 1; id <= 1_000; id += together)
      await engine.commit('bench', {
        ...emptyBatch(0),
        outcomes: Array.from({ length: together }, (_, n) => ({
          client: 'c0ffee00c0ffee00c0ffee00c0ffee00',
          nonce: (id + n).toString(16).padStart(12, '0'),
          outcome: { id: id + n, status: 'accepted', version: 1_000_000 + id + n },
        })),
      })
    expect((await engine.outcomes('bench', 'c0ffee00c0ffee00c0ffee00c0ffee00', 0)).length).toBe(1_000)
    await engine.close()
    const db = new DatabaseSync(file)
    const { bytes } = db.prepare('SELECT sum(octet_length(text)) AS bytes FROM outcomes').get() as {
      bytes: number
    }
    db.close()
    expect(bytes).toBeLessThan(together === 1 ? 24_000 : 17_000)
  }
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

const openingsOfFormat3 = `
  ALTER TABLE openings RENAME TO now;
  CREATE TABLE openings (env TEXT NOT NULL, epoch TEXT NOT NULL, start INTEGER NOT NULL, PRIMARY KEY (env, epoch)) STRICT;
  INSERT INTO openings SELECT * FROM now; DROP TABLE now;`
const outcomesOfFormat3 = `
  DROP TABLE outcomes;
  CREATE TABLE outcomes (
    env TEXT NOT NULL, client TEXT NOT NULL, id INTEGER NOT NULL, nonce TEXT NOT NULL, outcome TEXT NOT NULL,
    PRIMARY KEY (env, client, id)
  ) STRICT, WITHOUT ROWID;`

test('[ENGINE-22] what had a row each or an index is laid together, and nothing of it is lost', async () => {
  const file = newFile()
  for (let n = 0; n < 3; n++) {
    const earlier = new SqliteEngine({ file, random })
    if (n === 0) await earlier.writeState('a', 'k', 'v')
    await earlier.close()
  }
  const db = new DatabaseSync(file)
  db.exec(`${outcomesOfFormat3} ${openingsOfFormat3} UPDATE meta SET format = 3`)
  const openings = db
    .prepare('SELECT epoch FROM openings ORDER BY rowid')
    .all()
    .map(({ epoch }) => epoch)
  const put = db.prepare('INSERT INTO outcomes VALUES (?, ?, ?, ?, ?)')
  for (const env of ['a', 'b'])
    for (const client of ['c', 'd']) {
      for (let id = 30; id < 100; id++) put.run(env, client, id, `${env}${client}${id}`, String(id * 2))
      put.run(env, client, 100, 'with\x01\x01nul', '{"id":100,"status":"rejected","code":"X","reason":"no"}')
    }
  db.close()
  const engine = new SqliteEngine({ file, random })
  expect(openings.length).toBe(3)
  expect((await engine.lineage('a')).map(({ epoch }) => epoch)).toEqual([...openings, engine.epoch])
  for (const env of ['a', 'b'])
    for (const client of ['c', 'd']) {
      const rows = await engine.outcomes(env, client, 0)
      expect(rows.length).toBe(71)
      rows.slice(0, 70).forEach(({ nonce, outcome }, n) => {
        const id = 30 + n
        expect([nonce, outcome]).toEqual([
          `${env}${client}${id}`,
          { id, status: 'accepted', version: id * 2 },
        ])
      })
      expect(rows[70]).toEqual({
        client,
        nonce: 'with\0nul',
        outcome: { id: 100, status: 'rejected', code: 'X', reason: 'no' },
      })
    }
  await engine.close()
  const after = new DatabaseSync(file)
  expect(after.prepare("SELECT name FROM sqlite_schema WHERE name LIKE '%o%format%'").all()).toEqual([])
  after.close()
})

test('[ENGINE-22] a database of an older format is brought up to date in place', async () => {
  const file = newFile()
  const made = new SqliteEngine({ file, random })
  await made.writeState('a', 'k', 'v')
  await made.close()
  const db = new DatabaseSync(file)
  db.exec(`
    PRAGMA auto_vacuum = NONE; VACUUM;
    DROP TABLE index_rows; DROP TABLE openings; ${outcomesOfFormat3}
    ALTER TABLE environments DROP COLUMN document_bytes; ALTER TABLE environments DROP COLUMN history_bytes;
    ALTER TABLE clients DROP COLUMN last_seen; ALTER TABLE clients DROP COLUMN forgotten;
    INSERT INTO documents VALUES ('a', 'todos', 'x', 7, '{"_id":"x"}', '{}');
    INSERT INTO history VALUES ('a', 7, 0, 'todos', 'x', '{"_id":"x","n":1}', 'update', '{"kind":"admin"}', NULL, 5);
    INSERT INTO clients VALUES ('a', 'c', 'o', 1, 6);
    INSERT INTO outcomes VALUES ('a', 'c', 1, 'n', '{"id":1,"status":"accepted","version":7}');
    UPDATE environments SET head = 7; UPDATE meta SET format = 1, epoch = 'as it was'`)
  db.close()
  const engine = new SqliteEngine({ file, random })
  expect(await engine.lineage('a')).toEqual([
    { epoch: 'as it was', start: 0 },
    { epoch: engine.epoch, start: 7 },
  ])
  expect(await engine.bytes('a')).toEqual({ documents: 11, history: historyBytesOf(17) })
  expect(await engine.client('a', 'c')).toMatchObject({ lastSeen: 6, forgotten: 0 })
  expect((await engine.outcomes('a', 'c', 0))[0]!.outcome).toEqual({ id: 1, status: 'accepted', version: 7 })
  expect(await engine.readState('a', 'k')).toBe('v')
  expect(await engine.dropRows('a', 1, 10)).toBe(false)
  await engine.close()
  const after = new DatabaseSync(file)
  expect(after.prepare('SELECT format FROM meta').get()).toEqual({ format: 4 })
  expect(after.prepare('PRAGMA auto_vacuum').get()).toEqual({ auto_vacuum: 2 })
  after.close()
})
