import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createServer, type ServerOptions } from '../create-server.ts'
import type { LogLine } from '../log-line.ts'
import { OpenJudge } from '../testing/open-judge.ts'

const openid = `o${'W'.repeat(27)}`
const secret = 'top-secret-of-the-app'

/** WeChat's door, with an answer for each code. */
async function wechat(answerFor: (code: string) => unknown) {
  const asked: URLSearchParams[] = []
  const server = createHttpServer((request: IncomingMessage, response) => {
    const url = new URL(request.url ?? '', 'http://x')
    asked.push(url.searchParams)
    const answer =
      url.pathname === '/sns/jscode2session' ? answerFor(url.searchParams.get('js_code') ?? '') : {}
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

async function start(options: Partial<ServerOptions>) {
  const dataFolder = mkdtempSync(join(tmpdir(), 'nearcloud-wechat-'))
  const lines: LogLine[] = []
  const server = await createServer({
    dataFolder,
    judge: new OpenJudge(),
    log: line => lines.push(line),
    ...options,
  })
  onTestFinished(async () => {
    await server.stop()
    rmSync(dataFolder, { recursive: true, force: true })
  })
  const login = async (body: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${server.url}/auth/wechat`, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await answer.text()
    return { status: answer.status, text, json: text.startsWith('{') ? JSON.parse(text) : undefined }
  }
  return { server, lines, login }
}

test('[WXLOGIN-1] a code becomes a ticket for the user whom WeChat names', async () => {
  const { baseUrl, asked } = await wechat(() => ({ openid, session_key: 'k' }))
  const { server, login } = await start({ wechat: { appId: 'wx1', secret, baseUrl } })
  const { status, json } = await login({ code: '0a1B-_' })
  expect([status, Object.keys(json)]).toEqual([200, ['ticket']])
  expect(Object.fromEntries(asked[0]!)).toEqual({
    appid: 'wx1',
    secret,
    js_code: '0a1B-_',
    grant_type: 'authorization_code',
  })
  expect(await server.users.find(`wx:${openid}`)).toBeUndefined()
})

test('[WXLOGIN-2] bad codes, a busy WeChat, none at all, and one that refuses us are told apart', async () => {
  const answers: Record<string, unknown> = {
    used: { errcode: 40163, errmsg: 'code been used' },
    forged: { errcode: 40029 },
    busy: { errcode: -1 },
    often: { errcode: 45011 },
    badSecret: { errcode: 40125, errmsg: `invalid appsecret ${secret}` },
    html: '<html>',
    nobody: { session_key: 'k' },
    odd: { openid: '../../x', session_key: 'k' },
    list: '[1]',
  }
  const { baseUrl, asked } = await wechat(code => answers[code])
  const { lines, login } = await start({ wechat: { appId: 'wx1', secret, baseUrl } })
  const told: Record<string, [number, string]> = {}
  for (const code of Object.keys(answers)) {
    const { status, json } = await login({ code })
    told[code] = [status, json.code]
  }
  expect(told).toEqual({
    used: [401, 'TOKEN_REFUSED'],
    forged: [401, 'TOKEN_REFUSED'],
    busy: [429, 'EXCEED_REQUEST_LIMIT'],
    often: [429, 'EXCEED_REQUEST_LIMIT'],
    badSecret: [502, 'SYS_ERR'],
    html: [502, 'SYS_ERR'],
    nobody: [502, 'SYS_ERR'],
    odd: [502, 'SYS_ERR'],
    list: [502, 'SYS_ERR'],
  })
  expect(lines.filter(({ event }) => event === 'login.failed')).toHaveLength(5)
  const before = asked.length
  for (const body of [
    '',
    'x',
    '[]',
    '{}',
    'null',
    { code: 7 },
    { code: '' },
    { code: 'a&appid=b' },
    { code: 'x'.repeat(129) },
  ])
    expect((await login(body)).status, String(body)).toBe(400)
  expect(asked).toHaveLength(before)
  const unreached = await start({ wechat: { appId: 'wx1', secret, baseUrl: 'http://127.0.0.1:9' } })
  expect((await unreached.login({ code: 'x' })).json.code).toBe('SERVER_TIMEOUT')
})

test('[WXLOGIN-3] neither the secret nor the session key gets out', async () => {
  const { baseUrl } = await wechat(code =>
    code === 'good' ? { openid, session_key: 'the-session-key' } : { errcode: 40125, errmsg: secret },
  )
  const { lines, login } = await start({ wechat: { appId: 'wx1', secret, baseUrl } })
  const dead = await start({ wechat: { appId: 'wx1', secret, baseUrl: 'http://127.0.0.1:9' } })
  const texts = [
    (await login({ code: 'good' })).text,
    (await login({ code: 'bad' })).text,
    (await dead.login({ code: 'bad' })).text,
    JSON.stringify([lines, dead.lines]),
  ]
  for (const text of texts) {
    expect(text).not.toContain(secret)
    expect(text).not.toContain('the-session-key')
  }
})

test('[WXLOGIN-4] without an appId there is no such door, and strangers do not get in', async () => {
  const { baseUrl, asked } = await wechat(() => ({ openid }))
  expect((await (await start({})).login({ code: 'x' })).status).toBe(404)
  const { login } = await start({
    wechat: { appId: 'wx1', secret, baseUrl },
    door: { origins: ['https://app.example'] },
  })
  expect((await login({ code: 'x' }, { origin: 'https://evil.example' })).status).toBe(403)
  expect((await login(`{"code":"${'x'.repeat(3_000)}"}`)).status).toBe(413)
  expect(asked).toHaveLength(0)
})
