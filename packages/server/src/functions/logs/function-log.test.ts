import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../testing/open-fixtures.ts'
import { FunctionLog, type FunctionLogEntry, logFolder } from './function-log.ts'
import { followFunctionLog, readFunctionLog } from './read-log.ts'

const entry = (n: number, more: Partial<FunctionLogEntry> = {}): FunctionLogEntry => ({
  time: new Date(n).toISOString(),
  level: 'info',
  function: 'f',
  message: `line ${n}`,
  ...more,
})

function openLog(options: { fileBytes?: number; files?: number } = {}) {
  const dataFolder = temporaryFolder(onTestFinished)
  const failures: Error[] = []
  const log = new FunctionLog(logFolder(dataFolder), error => failures.push(error), options)
  onTestFinished(() => log.close())
  return { log, dataFolder, failures, folder: logFolder(dataFolder) }
}

test('[TELL-1] entries are found in their order, the newest that are wanted', async () => {
  const { log, dataFolder } = openLog()
  for (let n = 0; n < 50; n++) log.write(entry(n, { function: n % 2 ? 'odd' : 'even' }))
  log.close()
  expect((await readFunctionLog(dataFolder, { function: 'odd' }, 2)).map(({ message }) => message)).toEqual([
    'line 47',
    'line 49',
  ])
  expect(await readFunctionLog(dataFolder, { since: 49 }, 100)).toHaveLength(1)
})

test('[TELL-2] files have a size and a number, and the oldest go', async () => {
  const { log, dataFolder, folder } = openLog({ fileBytes: 2_000, files: 3 })
  for (let n = 0; n < 200; n++) {
    log.write(entry(n))
    await new Promise(resolve => setImmediate(resolve))
  }
  log.close()
  expect(readdirSync(folder).sort()).toEqual(['functions.1.jsonl', 'functions.2.jsonl', 'functions.jsonl'])
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(2_000)
  const found = await readFunctionLog(dataFolder, {}, 1_000)
  expect(found.length).toBeGreaterThan(30)
  expect(found.map(({ message }) => message)).toEqual(
    Array.from({ length: found.length }, (_, at) => `line ${200 - found.length + at}`),
  )
})

test('[TELL-2] it is for its owner alone', () => {
  const { log, folder } = openLog()
  log.write(entry(1))
  log.close()
  expect(statSync(join(folder, 'functions.jsonl')).mode & 0o077).toBe(0)
})

test('[TELL-3] half a line, and what is none, are passed over', async () => {
  const { log, dataFolder, folder } = openLog()
  log.write(entry(1))
  log.close()
  const file = join(folder, 'functions.jsonl')
  writeFileSync(file, `nonsense\n{"a":1}\n${readFileSync(file, 'utf8')}{"time":"2020`)
  expect(await readFunctionLog(dataFolder, {}, 10)).toEqual([entry(1)])
})

test('[TELL-3] who follows hears every entry once, over a change of files', async () => {
  const { log, dataFolder } = openLog({ fileBytes: 500, files: 3 })
  log.write(entry(0))
  log.close()
  const heard: string[] = []
  const stop = followFunctionLog(dataFolder, {}, ({ message }) => heard.push(message), 5)
  onTestFinished(stop)
  log.write(entry(1))
  await expect.poll(() => heard).toEqual(['line 1'])
  for (let n = 2; n < 20; n++) {
    log.write(entry(n))
    await expect.poll(() => heard.at(-1)).toBe(`line ${n}`)
  }
  expect(heard).toEqual(Array.from({ length: 19 }, (_, n) => `line ${n + 1}`))
})

test('[TELL-4] a folder that is a file is told once', () => {
  const { dataFolder } = openLog()
  writeFileSync(logFolder(dataFolder), 'in the way')
  const failures: Error[] = []
  const log = new FunctionLog(logFolder(dataFolder), error => failures.push(error))
  for (let n = 0; n < 3; n++) {
    log.write(entry(n))
    log.close()
  }
  expect(failures).toHaveLength(1)
})
