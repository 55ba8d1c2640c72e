import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type ServerOptions } from '@nearcloud/server'
import { expect, onTestFinished, test } from 'vitest'
import { runNearcloud } from './run.ts'

const password = 'correct horse'

function project(settings: object = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-users-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'nearcloud.json'), JSON.stringify(settings))
  return folder
}

async function startServer(folder: string, options: Partial<ServerOptions> = {}) {
  const server = await createServer({ dataFolder: join(folder, '.nearcloud'), project: folder, ...options })
  onTestFinished(() => server.stop())
  return server
}

/** The command, and the lines that are typed or piped for a secret. */
async function users(cwd: string, argv: readonly string[], typed: readonly string[] = [], isTyped = false) {
  const [said, complained, lines]: [string[], string[], string[]] = [[], [], [...typed]]
  const code = await runNearcloud(['users', ...argv], {
    cwd,
    hasColours: false,
    isTyped,
    variable: () => undefined,
    secret: async () => lines.shift() ?? '',
    out: text => said.push(text),
    err: text => complained.push(text),
    onStopAsked: () => () => undefined,
  })
  return { code, out: said.join('\n'), err: complained.join('\n') }
}

const signIn = async (url: string, username: string, password: string) =>
  (
    await fetch(`${url}/auth/password/sign-in`, {
      method: 'POST',
      body: JSON.stringify({ username, password }),
    })
  ).status

test.each(['a server that runs', 'no server'])(
  '[OPERATOR-1] with %s accounts are made, listed, changed and deleted',
  async how => {
    const folder = project({ env: 'shop' })
    let server = await startServer(folder, { env: 'shop' })
    const isRunning = how === 'a server that runs'
    if (!isRunning) await server.stop()
    expect(await users(folder, ['add', 'Anna'], [password])).toEqual({
      code: 0,
      out: 'pw:anna signs in as "anna".',
      err: '',
    })
    const taken = { code: 1, out: '', err: 'nearcloud: this name is taken.' }
    expect(await users(folder, ['add', 'anna'], [password])).toEqual(taken)
    expect((await users(folder, ['add', 'bert'], [password])).code).toBe(0)
    const lines = (await users(folder, ['list'])).out.split('\n').map(line => line.split('\t'))
    expect(lines).toEqual([
      ['pw:anna', 'has not signed in', expect.stringMatching(/^20.*Z$/)],
      ['pw:bert', 'has not signed in', expect.stringMatching(/^20.*Z$/)],
    ])
    expect((await users(folder, ['password', 'ANNA'], ['battery staple'])).code).toBe(0)
    expect((await users(folder, ['delete', 'pw:bert'])).out).toMatch(/^pw:bert is deleted/)
    if (!isRunning) server = await startServer(folder, { env: 'shop' })
    expect(await signIn(server.url, 'anna', password)).toBe(401)
    expect(await signIn(server.url, 'anna', 'battery staple')).toBe(200)
    expect((await server.users.list()).map(({ uid }) => uid)).toEqual(['pw:anna'])
  },
)

test.each(['a server that runs', 'no server'])(
  '[SIGNIN-19] with %s roles are given, told and taken',
  async how => {
    const folder = project()
    const server = await startServer(folder)
    await server.users.add('anna', password)
    if (how === 'no server') await server.stop()
    expect(await users(folder, ['roles', 'pw:anna'])).toEqual({
      code: 0,
      out: '',
      err: 'pw:anna has no role.',
    })
    expect(await users(folder, ['grant', 'pw:anna', 'editor', 'admin'])).toEqual({
      code: 0,
      out: 'pw:anna has admin, editor from now on.',
      err: '',
    })
    expect((await users(folder, ['roles', 'pw:anna'])).out).toBe('admin\neditor')
    expect((await users(folder, ['list'])).out).toMatch(/^pw:anna\thas not signed in\t\S+\tadmin editor$/)
    expect((await users(folder, ['revoke', 'pw:anna', 'admin', 'editor'])).out).toMatch(/has no role/)
    for (const [argv, words] of [
      [['grant', 'pw:anna'], 'it is "nearcloud users grant UID ROLE …"'],
      [['grant'], 'it is "nearcloud users grant UID ROLE …"'],
      [['roles'], 'it is "nearcloud users roles UID"'],
      [['roles', 'pw:anna', 'x'], 'it is "nearcloud users roles UID"'],
      [['grant', 'anna', 'editor'], 'has "pw:anna"'],
      [['revoke', 'pw:nobody', 'editor'], 'nobody has the uid "pw:nobody"'],
      [['grant', 'pw:anna', 'x'.repeat(65)], 'roles are a list of at most 16 texts'],
    ] as const) {
      const { code, err } = await users(folder, argv)
      expect([code, err], argv.join(' ')).toEqual([1, expect.stringContaining(words)])
    }
  },
)

test('what cannot be is one sentence, and changes nothing', async () => {
  const folder = project()
  const nowhere = await users(folder, ['list'])
  expect(nowhere).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^nearcloud: there is no data in .*start the server once/),
  })
  const server = await startServer(folder)
  await server.users.add('anna', password)
  const refusals: readonly (readonly [readonly string[], readonly string[], RegExp])[] = [
    [['add'], [], /it is "nearcloud users add NAME"/],
    [['add', 'a', 'b'], [], /it is "nearcloud users add NAME"/],
    [['list', 'anna'], [], /it is "nearcloud users list"/],
    [['list', '--all'], [], /users list has no option --all/],
    [['list', '--store'], [], /--store needs a value/],
    [['remove', 'anna'], [], /Unknown command remove/],
    [['add', 'bert'], [], /no password was given/],
    [['add', 'bert'], ['short'], /at least 8 characters/],
    [['add', 'Bär'], [password], /a username has 3 to 29 characters/],
    [['password', 'bert'], [password], /nobody signs in as "bert"/],
    [['delete', 'anna'], [], /the one who signs in by that name has "pw:anna"/],
    [['sign-out', 'bert'], [], /nobody has the uid "bert"; "nearcloud users list"/],
    [['list', '--project', 'nowhere'], [], /there is no project folder/],
  ]
  for (const [argv, typed, words] of refusals) {
    const { code, out, err } = await users(folder, argv, typed)
    expect([code, out], argv.join(' ')).toEqual([1, ''])
    expect(err).toMatch(words)
    expect(err.split('\n')).toHaveLength(1)
  }
  const typed = await users(folder, ['add', 'bert'], [password, 'correct house'], true)
  expect(typed).toMatchObject({ code: 1, err: expect.stringContaining('not the same') })
  expect((await server.users.list()).map(({ uid }) => uid)).toEqual(['pw:anna'])
  expect((await users(folder, ['add', 'bert'], [password, password], true)).code).toBe(0)
})

test('[OPERATOR-3] the project of another environment does not reach into this one', async () => {
  const folder = project({ env: 'other' })
  const server = await startServer(folder)
  expect(await users(folder, ['add', 'anna'], [password])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^nearcloud: no server of .* answers/),
  })
  expect(await server.users.list()).toEqual([])
})

test('users --help says what there is, and each of them what it takes', async () => {
  for (const argv of [[], ['--help']]) {
    const { code, out } = await users('/', argv)
    expect(code).toBe(0)
    for (const verb of ['add', 'password', 'list', 'delete', 'sign-out']) expect(out).toContain(verb)
  }
  const { out } = await users('/', ['delete', '--help'])
  expect(out).toMatch(/nearcloud users delete/)
  expect(out).toMatch(/documents and files stay/)
  expect(out).toContain('--store')
})
