import { resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openApp } from './scenario/app.ts'
import { cliProcess } from './scenario/cli-process.ts'
import { testFolder } from './scenario/folder.ts'

const example = resolve(import.meta.dirname, '../../../examples/cloudfunctions')

test('`nearcloud dev` serves the functions of the example to an app', async () => {
  const command = cliProcess(example, testFolder('data'), 'dev')
  onTestFinished(() => command.kill())
  const app = await openApp({ url: await command.start(), env: 'functions' })
  const call = async (name: string, data: object) => (await app.callFunction({ name, data })).result
  expect(await call('getUserInfo', { nickname: 'anna' })).toMatchObject({
    isNew: true,
    data: { nickname: 'anna' },
  })
  expect(await call('welcome', { nickname: 'anna' })).toEqual({ text: 'Welcome back, anna', points: 0 })
  await expect(call('batchAdd', { products: [] })).rejects.toMatchObject({ errCode: expect.any(Number) })
})
