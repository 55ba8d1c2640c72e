import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudError } from '@nearcloud/protocol'
import { DatabaseSync } from '@photostructure/sqlite'
import { expect, onTestFinished, test } from 'vitest'
import type { LogLine } from '../log-line.ts'
import { checkWhileServing } from './check-while-serving.ts'
import { SqliteEngine } from './sqlite-engine.ts'

const random = (size: number) => new Uint8Array(randomBytes(size))

test('[ENGINE-26] a large database is not read through when it is opened; found damaged later it stores nothing more, and is not opened again', async () => {
  const file = await stored()
  const whole = readFileSync(file)
  const damaged = Buffer.from(whole)
  damaged.fill(0xff, damaged.length - 40_960, damaged.length - 20_480)
  writeFileSync(file, damaged)
  const engine = open(file)
  await engine.writeState('a', 'early', 'it is not known yet')
  const lines: LogLine[] = []
  await checkWhileServing({ engine, log: line => lines.push(line) }).done
  expect(lines.map(({ level, event }) => [level, event])).toEqual([['error', 'database.damaged']])
  expect(await refusalOf(engine.writeState('a', 'late', 'never'))).toMatchObject({
    code: 'STORE_FAILED',
    errMsg: expect.stringContaining('is damaged'),
  })
  expect(await engine.readState('a', 'early')).toBe('it is not known yet')

  expect(() => open(file)).toThrow(
    expect.objectContaining({
      code: 'SERVER_CONFIGURATION',
      errMsg: expect.stringContaining('restore a backup'),
    }),
  )
  const restored = join(file, '../restored.db')
  writeFileSync(restored, whole)
  copyFileSync(`${file}.doubt`, `${restored}.doubt`)
  expect(open(restored).isChecked).toBe(true)
  expect(open(restored).isChecked).toBe(false)
})

test('[ENGINE-26] one that is whole stays as it is, whatever is written while it is read', async () => {
  const file = await stored()
  const engine = open(file)
  const lines: LogLine[] = []
  const { done } = checkWhileServing({ engine, log: line => lines.push(line) })
  let isOver = false
  void done.then(() => {
    isOver = true
  })
  for (let n = 0; !isOver; n++) {
    await engine.writeState('a', `k${n % 100}`, `${n}`.repeat(100))
    await engine.tidy()
    await new Promise(resolve => setImmediate(resolve))
  }
  expect(lines).toEqual([])
  expect(engine.failure).toBeUndefined()
  expect(existsSync(`${file}.doubt`)).toBe(false)
})

test('[ENGINE-26] a check that is stopped says nothing; one that cannot look is a warning', async () => {
  const file = await stored()
  const engine = open(file)
  const lines: LogLine[] = []
  const log = (line: LogLine) => lines.push(line)
  await checkWhileServing({ engine, log }).stop()
  expect(lines).toEqual([])
  const gone = { file: join(file, 'nowhere'), isChecked: false, fail: () => expect.unreachable() }
  await checkWhileServing({ engine: gone, log }).done
  expect(lines.map(({ level, event }) => [level, event])).toEqual([['warn', 'database.unchecked']])
  expect(engine.failure).toBeUndefined()
})

test('[HISTORY-4] while somebody reads the log stays; later it begins from nothing', async () => {
  const file = await stored(5_000)
  const engine = open(file)
  const reader = new DatabaseSync(file, { readOnly: true })
  onTestFinished(() => reader.close())
  const logBytes = () => statSync(`${file}-wal`).size
  reader.exec('BEGIN; SELECT count(*) FROM state')
  await engine.writeState('a', 'k', 'it is in the log')
  expect(await engine.tidy()).toBe(false)
  expect(logBytes()).toBeGreaterThan(0)
  reader.exec('COMMIT')
  await engine.tidy()
  expect(logBytes()).toBe(0)
})

function open(file: string): SqliteEngine {
  const engine = new SqliteEngine({ file, random, mostCheckedBytes: 0 })
  onTestFinished(() => engine.close())
  return engine
}

/** A database with so many kilobytes and something in it. */
async function stored(kilobytes = 100): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-check-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'nearcloud.db')
  const engine = new SqliteEngine({ file, random })
  for (let n = 0; n < 50; n++) await engine.writeState('a', `k${n}`, 'x'.repeat(kilobytes * 20))
  await engine.close()
  return file
}

async function refusalOf(promise: Promise<unknown>): Promise<CloudError> {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(CloudError)
  return thrown as CloudError
}
