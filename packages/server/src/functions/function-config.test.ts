import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { alice } from '../testing/scenario.ts'
import { readFunctionConfig } from './function-config.ts'
import { openFixtures, temporaryFolder } from './testing/open-fixtures.ts'

function configFile(text?: string): string {
  const folder = temporaryFolder(onTestFinished)
  mkdirSync(join(folder, 'greet'))
  writeFileSync(join(folder, 'greet/index.js'), 'exports.main = () => process.env')
  const file = join(folder, 'greet/config.json')
  if (text !== undefined) writeFileSync(file, text)
  return file
}

test('without a file the limits are the platform’s: 3 seconds and 256 MB', () => {
  expect(readFunctionConfig(configFile())).toEqual({
    timeLimitMs: 3_000,
    memoryMb: 256,
    variables: {},
    offline: false,
    triggers: [],
  })
})

test('what belongs to others is passed over', () => {
  const file = configFile(
    '{"permissions":{"openapi":["subscribeMessage.send"]},"timeout":60,"memorySize":512}',
  )
  expect(readFunctionConfig(file)).toMatchObject({ timeLimitMs: 60_000, memoryMb: 512 })
})

test.each([
  ['{', /config\.json: is not JSON/],
  ['[]', /config\.json: must hold an object/],
  ['{"timeout":61}', /config\.json: "timeout" must be seconds, more than 0 and at most 60$/],
  ['{"timeout":"3"}', /"timeout" must be seconds/],
  ['{"timeout":0}', /"timeout" must be seconds/],
  ['{"memorySize":1}', /"memorySize" must be megabytes, 32 to 3072$/],
  ['{"envVariables":{"A":1}}', /"envVariables.A" must be a text$/],
  ['{"envVariables":{"NODE_OPTIONS":"--inspect"}}', /"envVariables.NODE_OPTIONS" cannot begin with NODE_$/],
  ['{"offline":"yes"}', /"offline" must be true or false$/],
  ['{"triggers":{}}', /"triggers" must be a list$/],
])('%s is refused in one sentence', (text, words) => {
  expect(() => readFunctionConfig(configFile(text))).toThrow(words)
})

test('[FN-3] the process has the declared variables and no others', async () => {
  const file = configFile('{"envVariables":{"STAGE":"test"}}')
  const { functions } = openFixtures(onTestFinished, { folder: join(file, '../..') })
  expect(await functions.invoke({ name: 'greet', data: {}, actor: alice })).toEqual({ STAGE: 'test' })
})

test('[FN-15] a server does not start over a broken config.json, and a running one says so in its log', async () => {
  const file = configFile()
  const { functions, lines } = openFixtures(onTestFinished, { folder: join(file, '../..') })
  writeFileSync(file, '{')
  await expect(functions.invoke({ name: 'greet', data: {}, actor: alice })).rejects.toThrow(
    'its config.json cannot be used: the log of the server says why',
  )
  expect(lines.filter(({ level }) => level === 'error')).toMatchObject([{ event: 'function.config' }])
  expect(() => openFixtures(onTestFinished, { folder: join(file, '../..') })).toThrow(
    /config\.json: is not JSON/,
  )
  writeFileSync(file, '{}')
  expect(await functions.invoke({ name: 'greet', data: {}, actor: alice })).toEqual({})
})
