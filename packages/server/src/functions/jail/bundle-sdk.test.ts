import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { alice } from '../../testing/scenario.ts'
import { openFixtures, temporaryFolder } from '../testing/open-fixtures.ts'

test('[FN-23] functions run the program that was put together for them, and packages in it are one', async () => {
  const runtimeFolder = join(temporaryFolder(onTestFinished), 'runtime')
  const { functions, lines } = openFixtures(onTestFinished, { runtimeFolder })
  await expect.poll(() => existsSync(join(runtimeFolder, 'package.json')), { timeout: 20_000 }).toBe(true)
  expect(await functions.invoke({ name: 'adds', data: { title: 'a' }, actor: alice })).toMatchObject({
    total: 1,
  })
  expect(await functions.invoke({ name: 'modules', data: { number: 21 }, actor: alice })).toEqual({
    doubled: 42,
    env: 'test',
  })
  expect(lines.filter(({ event }) => event === 'functions.slowStart')).toEqual([])
})

test('[FN-23] where it cannot be put, functions start as they were built, and the log says so', async () => {
  const runtimeFolder = join(temporaryFolder(onTestFinished), 'file/runtime')
  writeFileSync(join(runtimeFolder, '../../file'), 'in the way')
  const { functions, line } = openFixtures(onTestFinished, { runtimeFolder })
  expect(await line(({ event }) => event === 'functions.slowStart')).toMatchObject({ level: 'warn' })
  expect(await functions.invoke({ name: 'adds', data: { title: 'a' }, actor: alice })).toMatchObject({
    total: 1,
  })
})
