import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { alice } from '../../testing/scenario.ts'
import { workerFile } from '../fork-worker.ts'
import { openFixtures, temporaryFolder } from '../testing/open-fixtures.ts'
import { bundleSdk } from './bundle-sdk.ts'
import { keepCompiled } from './keep-compiled.ts'

test('[FN-23] functions run the program that was put together for them, and packages in it are one', async () => {
  const runtimeFolder = join(temporaryFolder(onTestFinished), 'runtime')
  const { functions, lines } = openFixtures(onTestFinished, { runtimeFolder })
  await expect.poll(() => existsSync(join(runtimeFolder, 'start.cjs')), { timeout: 20_000 }).toBe(true)
  expect(await functions.invoke({ name: 'adds', data: { title: 'a' }, actor: alice })).toMatchObject({
    total: 1,
  })
  expect(await functions.invoke({ name: 'modules', data: { number: 21 }, actor: alice })).toEqual({
    doubled: 42,
    env: 'test',
  })
  expect(lines.filter(({ event }) => event === 'functions.slowStart')).toEqual([])
})

/** A line of a module, in pieces: nothing is imported here. */
const importing = (what: string, name: string) => ['import', what, 'from', `'${name}'`].join(' ')

/** Whether what a module imports by name is what `require` gives, for both packages. */
const compares = `
${importing('{ createRequire }', 'node:module')}
${importing('* as sdk', 'wx-server-sdk')}
${importing('* as cloudbase', '@cloudbase/node-sdk')}
const required = createRequire(import.meta.url)
export const main = async () => Object.fromEntries(
  [['wx-server-sdk', sdk], ['@cloudbase/node-sdk', cloudbase]].map(([name, { default: whole, ...named }]) => [
    name,
    [whole === required(name), ...Object.keys(named).filter(key => named[key] === undefined || named[key] !== whole[key])],
  ]),
)`

test('[FN-23] what a module imports of the SDK is what require gives, by every name', async () => {
  const home = temporaryFolder(onTestFinished)
  mkdirSync(join(home, 'functions/compares'), { recursive: true })
  writeFileSync(join(home, 'functions/compares/index.mjs'), compares)
  writeFileSync(join(home, 'functions/compares/package.json'), '{"type":"module","main":"index.mjs"}')
  const runtimeFolder = join(home, 'runtime')
  const { functions } = openFixtures(onTestFinished, { folder: join(home, 'functions'), runtimeFolder })
  await expect.poll(() => existsSync(join(runtimeFolder, 'start.cjs')), { timeout: 20_000 }).toBe(true)
  expect(await functions.invoke({ name: 'compares', data: {}, actor: alice })).toEqual({
    'wx-server-sdk': [true],
    '@cloudbase/node-sdk': [true],
  })
})

test('[FN-23] what was compiled is kept for each limit of the heap, and what is broken of it is passed over', async () => {
  const runtimeFolder = join(temporaryFolder(onTestFinished), 'runtime')
  const compiled = join(runtimeFolder, 'compiled-256')
  const { functions, lines } = openFixtures(onTestFinished, { runtimeFolder })
  await expect.poll(() => existsSync(join(runtimeFolder, 'start.cjs')), { timeout: 20_000 }).toBe(true)
  const result = (name: string) => functions.invoke({ name, data: {}, actor: alice })
  for (const name of ['whoami', 'counts']) await result(name)
  await expect.poll(() => existsSync(compiled), { timeout: 20_000 }).toBe(true)
  expect(existsSync(join(runtimeFolder, 'compiled-512'))).toBe(false)
  expect(await result('sums')).toMatchObject({ plan: expect.any(String) })
  expect(await functions.invoke({ name: 'modules', data: { number: 21 }, actor: alice })).toMatchObject({
    doubled: 42,
  })
  writeFileSync(compiled, 'something else')
  expect(await functions.invoke({ name: 'adds', data: { title: 'a' }, actor: alice })).toBeDefined()
  expect(lines.filter(({ event }) => event === 'functions.slowStart')).toEqual([])
})

test('[FN-23] code that cannot be compiled beforehand is told', async () => {
  const folder = join(temporaryFolder(onTestFinished), 'runtime')
  const file = await bundleSdk(workerFile(), folder)
  writeFileSync(join(folder, 'any.cjs'), 'throw new Error("no")')
  await expect(keepCompiled(file, 256)).rejects.toThrow('keeping compiled code ended with 1')
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
