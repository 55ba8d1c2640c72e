import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { run, started } from './testing/run-command.ts'

const files = {
  'rules.json': '{"functions":{"*":{"invoke":"auth != null"},"hidden":{"invoke":false}}}',
  'cloudfunctions/greet/index.js': `
const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async event => {
  console.log('hello', event.name)
  cloud.logger().warn({ seen: event.name })
  if (event.fails) throw new Error('it is said to fail')
  return { greeting: 'hello ' + event.name, openid: cloud.getWXContext().OPENID }
}`,
  'cloudfunctions/hidden/index.js': 'exports.main = () => 1',
}

function projectFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

test('call calls a function of the server that runs, as the operator or as a user', async () => {
  const folder = projectFolder()
  await started(folder, 'start')
  const asOperator = run(folder, 'call', 'greet', '--data', '{"name":"anna"}')
  expect(await asOperator.over).toBe(0)
  expect(JSON.parse(asOperator.out())).toEqual({ greeting: 'hello anna' })
  expect(asOperator.err()).toMatch(/^request [0-9a-f]{32}, \d+ ms$/)
  const openid = 'o'.repeat(28)
  const asUser = run(folder, 'call', 'greet', '--data', '{"name":"bob"}', '--as', openid)
  await asUser.over
  expect(JSON.parse(asUser.out())).toEqual({ greeting: 'hello bob', openid })
  const hidden = run(folder, 'call', 'hidden', '--as', openid)
  expect(await hidden.over).toBe(1)
  expect(hidden.err()).toContain('permission denied')
})

test('call says what a function threw, and ends with 1', async () => {
  const folder = projectFolder()
  await started(folder, 'start')
  const failed = run(folder, 'call', 'greet', '--data', '{"fails":true}')
  expect(await failed.over).toBe(1)
  expect(failed.err()).toContain('FUNCTIONS_EXECUTE_FAIL')
  expect(failed.err()).toContain('it is said to fail')
})

test.each([
  [['call'], /it is "nearcloud call NAME --data JSON"/],
  [['call', 'greet', '--data', '{'], /--data is JSON/],
  [['call', 'greet', '--dta', '{}'], /call has no option --dta/],
  [['call', 'greet'], /no server has kept its data|no server of .* answers/],
  [['logs', '--level', 'loud'], /--level is debug, info, warn or error/],
  [['logs', '--since', 'long ago'], /--since is 30s/],
  [['logs', '--limit', 'many'], /--limit is a number/],
  [['logs', '--folow'], /logs has no option --folow/],
  [['dev', '--inspekt', 'greet'], /dev has no option --inspekt/],
  [['dev', '--inspect-port', 'x'], /--inspect-port is a number/],
])('%j is refused in one sentence', async (argv, words) => {
  const command = run(projectFolder(), ...argv)
  expect(await command.over).toBe(1)
  expect(command.err()).toMatch(words)
  expect(command.err().split('\n')).toHaveLength(1)
})

test('logs tell what was said and how calls went, by function, call, level, text and time, while the server runs and after', async () => {
  const folder = projectFolder()
  const server = await started(folder, 'start')
  await run(folder, 'call', 'greet', '--data', '{"name":"anna"}').over
  await run(folder, 'call', 'greet', '--data', '{"fails":true}').over
  await run(folder, 'call', 'hidden').over
  await server.stop()
  const logs = async (...argv: string[]) => {
    const command = run(folder, 'logs', ...argv)
    expect(await command.over).toBe(0)
    return command.said
  }
  const all = await logs()
  expect(all[0]).toMatch(/^\d{4}-.*Z [0-9a-f]{8} greet hello anna$/)
  expect(all[1]).toMatch(/greet warn \{"seen":"anna"\}$/)
  expect(all[2]).toMatch(/greet returned \d+ ms, \d+ MB, wx_devtools$/)
  expect(await logs('hidden')).toHaveLength(1)
  expect(await logs('--level', 'error')).toHaveLength(2)
  expect(await logs('--search', 'hello')).toHaveLength(2)
  expect(await logs('--since', '1h', '--limit', '2')).toHaveLength(2)
  expect(await logs('--since', '2999-01-01')).toEqual([])
  const [entry] = (await logs('--json', '--limit', '1')).map(line => JSON.parse(line))
  expect(entry).toMatchObject({ function: 'hidden', message: 'returned', call: { source: 'wx_devtools' } })
  expect(await logs('--request', entry.requestId)).toHaveLength(1)
})

test('logs --follow goes on until it is stopped', async () => {
  const folder = projectFolder()
  await started(folder, 'start')
  const following = run(folder, 'logs', 'greet', '--follow')
  await run(folder, 'call', 'hidden').over
  await run(folder, 'call', 'greet', '--data', '{"name":"anna"}').over
  await expect.poll(() => following.out(), { timeout: 10_000 }).toMatch(/hello anna[\s\S]*returned/)
  expect(following.out()).not.toContain('hidden')
  expect(await following.stop()).toBe(0)
})

test('dev tells what functions say, and where a debugger comes in', async () => {
  const folder = projectFolder()
  const dev = await started(folder, 'dev', '--inspect', 'greet', '--inspect-port', '0')
  await expect
    .poll(() => dev.out(), { timeout: 10_000 })
    .toMatch(/"greet" waits for a debugger at ws:\/\/127/)
  await run(folder, 'call', 'greet', '--data', '{"name":"anna"}').over
  expect(dev.out()).toMatch(/\[greet [0-9a-f]{8}\] hello anna/)
})

test('dev --inspect of a function that is not there keeps it from starting', async () => {
  const command = run(projectFolder(), 'dev', '--inspect', 'nobody')
  expect(await command.over).toBe(1)
  expect(command.err()).toMatch(/there is no function "nobody"/)
})
