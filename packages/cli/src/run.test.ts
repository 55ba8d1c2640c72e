import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Host } from './host.ts'
import { runNearcloud } from './run.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function folderWith(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nearcloud-cli-'))
  cleanups.push(() => rm(folder, { recursive: true, force: true }))
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  return folder
}

/** The command as someone at a terminal has it. */
function run(cwd: string, ...argv: readonly string[]) {
  return runIn({}, cwd, ...argv)
}

function runIn(variables: Readonly<Record<string, string>>, cwd: string, ...argv: readonly string[]) {
  const said: string[] = []
  const complained: string[] = []
  const stops = new Set<() => void>()
  let heard = () => {}
  const host: Host = {
    cwd,
    hasColours: false,
    variable: name => variables[name],
    isTyped: false,
    secret: async () => '',
    out(text) {
      said.push(text)
      heard()
    },
    err(text) {
      complained.push(text)
    },
    onStopAsked(listener) {
      stops.add(listener)
      return () => stops.delete(listener)
    },
  }
  const first = new Promise<void>(resolve => {
    heard = resolve
  })
  const over = runNearcloud(argv, host)
  return {
    over,
    /** Resolves when something was said, or it ended without a word. */
    spoke: Promise.race([first, over]),
    out: () => said.join('\n'),
    err: () => complained.join('\n'),
    askToStop() {
      for (const listener of stops) listener()
    },
  }
}

/** Started, and stopped after the test at the latest. */
async function started(cwd: string, ...argv: readonly string[]) {
  const command = run(cwd, 'start', ...argv)
  await command.spoke
  expect(command.err()).toBe('')
  cleanups.push(async () => {
    command.askToStop()
    await command.over
  })
  const url = /server +(http:\/\/\S+)/.exec(command.out())?.[1] ?? ''
  return { ...command, url }
}

async function refused(cwd: string, ...argv: readonly string[]): Promise<string> {
  const command = run(cwd, ...argv)
  expect(await command.over).toBe(1)
  expect(command.out()).toBe('')
  expect(command.err().split('\n')).toHaveLength(1)
  expect(command.err()).toMatch(/^nearcloud: /)
  return command.err()
}

test('--version says the version', async () => {
  const command = run('/', '--version')
  expect(await command.over).toBe(0)
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  expect(command.out()).toBe(version)
})

test('without words, and with --help, it says what it can do', async () => {
  for (const words of [[], ['--help'], ['-h']]) {
    const command = run('/', ...words)
    expect(await command.over).toBe(0)
    expect(command.out()).toMatch(/start\s+Runs the server/)
  }
})

test('start --help lists the options with their defaults', async () => {
  const command = run('/', 'start', '--help')
  expect(await command.over).toBe(0)
  for (const option of ['--project', '--data', '--port', '--host', '--site', '--origins'])
    expect(command.out()).toContain(option)
  expect(command.out()).toContain('.nearcloud')
})

test.each([
  [['halt'], /Unknown command halt/],
  [['start', '--prot', '80'], /no option --prot/],
  [['start', '--port', '80x'], /--port is a number from 0 to 65535, not "80x"/],
  [['start', '--port', '65536'], /--port is a number/],
  [['start', '--data'], /--data needs a value/],
  [
    ['start', '--origins', 'app.example'],
    /--origins are origins as in https:\/\/app.example.*not "app.example"/,
  ],
  [['start', 'examples/todo-web'], /did you mean "--project examples\/todo-web"/],
  [['start', '--project', 'nowhere'], /no project folder .*nowhere/],
])('%j is refused in one sentence', async (argv, sentence) => {
  expect(await refused(await folderWith(), ...argv)).toMatch(sentence)
})

test('with --origins pages of others are not let in', async () => {
  const command = await started(await folderWith({}), '--origins', 'https://app.example, https://b.example')
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(command.out())![0]
  const from = async (origin: string) =>
    (await fetch(`${url}/sync/poll`, { method: 'POST', body: 'open 1\n', headers: { origin } })).status
  expect([await from('https://b.example'), await from('https://evil.example')]).toEqual([200, 403])
})

test('it says what runs, where the data is, what was found and what to open; and stops when asked', async () => {
  const folder = await folderWith({
    'nearcloud.json': JSON.stringify({
      name: 'A list',
      env: 'todo',
      site: 'web',
      open: ['/?window=1', '/?window=2'],
    }),
    'rules.json': '{}',
    'cloudfunctions/hello/index.js': 'exports.main = () => 1',
    'web/index.html': '<p>the page</p>',
  })
  const command = await started(folder)
  expect(command.out()).toContain('is running: A list')
  expect(command.out()).toMatch(/env +todo/)
  expect(command.out()).toContain(join(folder, '.nearcloud'))
  expect(command.out()).toMatch(/functions +hello/)
  expect(command.out()).toContain(`${command.url}/?window=1`)
  expect(command.out()).toContain(`${command.url}/?window=2`)
  expect(await (await fetch(`${command.url}/?window=1`)).text()).toContain('the page')

  command.askToStop()
  expect(await command.over).toBe(0)
  expect(command.out()).toMatch(/Stopped\. Everything is in the data folder\./)
  await expect(fetch(command.url)).rejects.toThrow()
})

test('asked twice, it does not wait', async () => {
  const command = await started(await folderWith())
  command.askToStop()
  command.askToStop()
  expect(await command.over).toBe(130)
})

test('started again, it has the same address', async () => {
  const folder = await folderWith()
  const first = await started(folder)
  first.askToStop()
  await first.over
  expect((await started(folder)).url).toBe(first.url)
})

test('a port in use is one sentence', async () => {
  const taken = createTcpServer()
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => new Promise(resolve => taken.close(resolve)))
  const { port } = taken.address() as { port: number }
  expect(await refused(await folderWith(), 'start', '--port', String(port))).toContain(String(port))
})

test('a data folder that cannot be written is one sentence', async () => {
  const folder = await folderWith({ file: '' })
  expect(await refused(folder, 'start', '--data', 'file/data')).toContain(join(folder, 'file/data'))
})

test('a data folder that another server has open is one sentence', async () => {
  const folder = await folderWith()
  await started(folder)
  expect(await refused(folder, 'start')).toContain('.nearcloud')
})

test('rules that do not read are one sentence', async () => {
  const folder = await folderWith({ 'rules.json': '{"database":{"items":{"read":"doc.a ="}}}' })
  expect(await refused(folder, 'start')).toContain('rules.json')
})

test('a site that was not built is one sentence', async () => {
  const folder = await folderWith({ 'nearcloud.json': '{"site":"dist"}' })
  expect(await refused(folder, 'start')).toMatch(/site folder .*dist does not exist; build the app first/)
})

test('[RESTORE-9] a project is backed up and restored from the command line, with its progress', async () => {
  const folder = await folderWith({
    'nearcloud.json': '{"history":{"days":3,"megabytes":5,"clientDays":100}}',
  })
  const server = run(folder, 'start')
  await server.spoke
  const backup = run(folder, 'backup', '.nearcloud', 'copies/monday')
  expect([await backup.over, backup.err()]).toEqual([0, ''])
  expect(backup.out()).toMatch(/database 100 %\n.*Backed up: \d.* MB of documents and history, 0 files\./s)
  const busy = run(folder, 'restore', 'copies/monday', '.nearcloud', '--replace')
  expect([await busy.over, busy.out()]).toEqual([1, ''])
  expect(busy.err()).toMatch(/^nearcloud: the data folder .* is in use/)
  server.askToStop()
  await server.over
  const held = run(folder, 'restore', 'copies/monday', '.nearcloud')
  expect(await held.over).toBe(1)
  expect(held.err()).toContain('holds data already')
  const restore = run(folder, 'restore', 'copies/monday', '.nearcloud', '--replace')
  expect([await restore.over, restore.err()]).toEqual([0, ''])
  expect(restore.out()).toMatch(/replaced-1\.\nRestored:/)
  const again = run(folder, 'start')
  await again.spoke
  again.askToStop()
  expect(await again.over).toBe(0)
})

test('[RESTORE-9] help and mistakes of backup and restore are sentences', async () => {
  const folder = await folderWith()
  for (const command of ['backup', 'restore']) {
    const help = run(folder, command, '--help')
    expect(await help.over).toBe(0)
    expect(help.out()).toContain(`nearcloud ${command}`)
    expect(help.out()).toContain('folder')
    const none = run(folder, command, 'one')
    expect(await none.over).toBe(1)
    expect(none.err()).toMatch(new RegExp(`^nearcloud: it is "nearcloud ${command} F[A-Z]+ [A-Z]+"`))
    const odd = run(folder, command, 'one', 'two', '--repalce')
    expect(await odd.over).toBe(1)
    expect(odd.err()).toContain('has no option --repalce')
  }
})

test('[HISTORY-6] a project that says something odd of its history hears what it may say', async () => {
  for (const [history, words] of [
    ['{"weeks":1}', 'an object of positive numbers, any of "days", "megabytes" and "clientDays"'],
    ['{"days":"7"}', 'an object of positive numbers'],
    ['7', 'an object of positive numbers'],
    ['{"days":100,"clientDays":120}', 'at least four times maxAgeMs'],
  ] as const) {
    const folder = await folderWith({ 'nearcloud.json': `{"history":${history}}` })
    const start = run(folder, 'start')
    expect(await start.over).toBe(1)
    expect(start.err()).toContain(words)
  }
})

test('[WXLOGIN-5] a project that names its mini program wants its secret, and starts with it', async () => {
  const folder = await folderWith({ 'nearcloud.json': '{"wechat":{"appId":"wx1"}}' })
  const without = run(folder, 'start')
  expect(await without.over).toBe(1)
  expect(without.err()).toContain('WECHAT_APP_SECRET')
  const command = runIn({ WECHAT_APP_SECRET: 'secret' }, folder, 'start')
  await command.spoke
  cleanups.push(async () => {
    command.askToStop()
    await command.over
  })
  const url = /server +(http:\/\/\S+)/.exec(command.out())?.[1] ?? ''
  const answer = await fetch(`${url}/auth/wechat`, { method: 'POST', body: '{}' })
  expect(answer.status).toBe(400)
  expect(command.out()).not.toContain('secret')
})

test('[ALILOGIN-4] a project that names its mini program of Alipay wants its key, and starts with it', async () => {
  const folder = await folderWith({ 'nearcloud.json': '{"alipay":{"appId":"2021"}}' })
  const without = run(folder, 'start')
  expect(await without.over).toBe(1)
  expect(without.err()).toContain('ALIPAY_PRIVATE_KEY')
  const wrong = runIn({ ALIPAY_PRIVATE_KEY: 'secret' }, folder, 'start')
  expect(await wrong.over).toBe(1)
  expect(wrong.err()).toContain('"privateKey" is no RSA key')
  expect(wrong.err()).not.toContain('secret')
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')
  const command = runIn({ ALIPAY_PRIVATE_KEY: key }, folder, 'start')
  await command.spoke
  cleanups.push(async () => {
    command.askToStop()
    await command.over
  })
  const url = /server +(http:\/\/\S+)/.exec(command.out())?.[1] ?? ''
  expect((await fetch(`${url}/auth/alipay`, { method: 'POST', body: '{}' })).status).toBe(400)
})

test('[WXLOGIN-5] what a project says of its mini program besides the appId is refused', async () => {
  for (const wechat of ['{"appId":"wx1","secret":"s"}', '{"appId":7}', '"wx1"', '{}']) {
    const folder = await folderWith({ 'nearcloud.json': `{"wechat":${wechat}}` })
    const start = run(folder, 'start')
    expect(await start.over).toBe(1)
    expect(start.err()).toContain('"wechat"')
  }
})

test('[SITE-8] nearcloud.json has headers for the site', async () => {
  const settings = { site: 'dist', siteHeaders: { 'content-security-policy': "default-src 'self'" } }
  const { url } = await started(
    await folderWith({ 'nearcloud.json': JSON.stringify(settings), 'dist/index.html': '<h1>home</h1>' }),
  )
  expect((await fetch(url)).headers.get('content-security-policy')).toBe("default-src 'self'")
})

test('[RATE-4] [PROXY-3] nearcloud.json says how often one may ask, and which proxies are trusted', async () => {
  const settings = { rates: { address: { perMinute: 1, burst: 1 } }, trustedProxies: ['127.0.0.1'] }
  const { url } = await started(await folderWith({ 'nearcloud.json': JSON.stringify(settings) }))
  const ask = async (address: string) => {
    const headers = { 'x-forwarded-for': address, 'content-type': 'application/json' }
    return (await fetch(`${url}/cloud/v1/auth/anonymous`, { method: 'POST', headers, body: '{}' })).status
  }
  expect([await ask('192.0.2.1'), await ask('192.0.2.1'), await ask('192.0.2.2')]).toEqual([200, 429, 200])
})

test('[PASSWORD-6] strangers make accounts where nearcloud.json says so, and nowhere else', async () => {
  const body = JSON.stringify({ username: 'anna', password: 'correct horse' })
  const statuses: number[] = []
  for (const settings of ['{}', '{"passwords":{"signUp":true}}']) {
    const { url } = await started(await folderWith({ 'nearcloud.json': settings }))
    statuses.push((await fetch(`${url}/auth/password/sign-up`, { method: 'POST', body })).status)
  }
  expect(statuses).toEqual([403, 200])
})
