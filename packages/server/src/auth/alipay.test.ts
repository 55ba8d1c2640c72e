import { createVerify, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createServer, type ServerOptions } from '../create-server.ts'
import type { LogLine } from '../log-line.ts'
import { OpenJudge } from '../testing/open-judge.ts'
import type { AlipayOptions } from './alipay.ts'

const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
const theirs = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const bare = (text: string) => text.replaceAll(/-----[^-]+-----|\s/g, '')
const alipayPublicKey = theirs.publicKey.export({ type: 'spki', format: 'pem' }).toString()
const userId = '2088000000000001'
const good = { access_token: 'the-access-token', user_id: userId, expires_in: 1296000 }

type Answer = {
  readonly says?: object
  readonly fails?: object
  readonly raw?: string
  readonly signs?: boolean
}

/** Alipay's gateway, with an answer for each code. */
async function gateway(answerFor: (code: string) => Answer) {
  const asked: URLSearchParams[] = []
  const server = createHttpServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const wishes = new URLSearchParams(body)
    asked.push(wishes)
    const { says, fails, raw, signs = true } = answerFor(wishes.get('code') ?? '')
    if (raw !== undefined) return void response.end(raw)
    const text = JSON.stringify(says ?? fails)
    const signature = signs ? sign('sha256', Buffer.from(text), theirs.privateKey).toString('base64') : 'AAAA'
    const name = says ? 'alipay_system_oauth_token_response' : 'error_response'
    response.end(`{"${name}":${text},"sign":"${signature}"}`)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

async function start(alipay: Partial<AlipayOptions> | undefined, options: Partial<ServerOptions> = {}) {
  const dataFolder = mkdtempSync(join(tmpdir(), 'nearcloud-alipay-'))
  onTestFinished(() => rmSync(dataFolder, { recursive: true, force: true }))
  const lines: LogLine[] = []
  const server = await createServer({
    dataFolder,
    judge: new OpenJudge(),
    log: line => lines.push(line),
    ...(alipay && { alipay: { appId: '2021', privateKey: pem, ...alipay } }),
    ...options,
  })
  onTestFinished(() => server.stop())
  const login = async (body: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${server.url}/auth/alipay`, {
      ...{ method: 'POST', headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await answer.text()
    const json = text.startsWith('{') ? (JSON.parse(text) as { code?: string; ticket?: string }) : {}
    return { status: answer.status, text, json }
  }
  return { server, lines, login }
}

test('[ALILOGIN-1] a code becomes a ticket for the user whom Alipay names, asked with the application’s signature', async () => {
  const openid = '074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5'
  const { baseUrl, asked } = await gateway(code => ({
    says: code === 'new' ? { ...good, open_id: openid } : good,
  }))
  for (const privateKey of [
    pem,
    bare(pem),
    own.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
  ]) {
    const { login } = await start({ baseUrl, privateKey, alipayPublicKey })
    expect(await login({ code: 'c0de' })).toMatchObject({ status: 200, json: { ticket: expect.any(String) } })
    const { sign: signature, ...wishes } = Object.fromEntries(asked.at(-1)!) as Record<string, string>
    expect(wishes).toMatchObject({
      ...{
        app_id: '2021',
        method: 'alipay.system.oauth.token',
        grant_type: 'authorization_code',
        code: 'c0de',
      },
      ...{ charset: 'utf-8', sign_type: 'RSA2', version: '1.0', format: 'JSON' },
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    })
    const text = Object.keys(wishes)
      .sort()
      .map(name => `${name}=${wishes[name]}`)
      .join('&')
    expect(createVerify('sha256').update(text).verify(own.publicKey, signature!, 'base64')).toBe(true)
  }
  const { login } = await start({ baseUrl })
  const uidIn = (ticket: string) =>
    (JSON.parse(Buffer.from(ticket.split('.')[1]!, 'base64url').toString()) as { sub: string }).sub
  expect(uidIn((await login({ code: 'old' })).json.ticket!)).toBe(`ali:${userId}`)
  expect(uidIn((await login({ code: 'new' })).json.ticket!), 'an id that is too long').toMatch(
    /^ali:~[\w-]{22}$/,
  )
})

test('[ALILOGIN-2] bad codes, a busy Alipay, none at all, and one that refuses us are told apart', async () => {
  const answers: Record<string, Answer> = {
    used: { fails: { code: '40002', msg: 'Invalid Arguments', sub_code: 'isv.code-invalid' } },
    usedToo: { says: { code: '40002', sub_code: 'isv.code-invalid' } },
    busy: { fails: { code: '20000', sub_code: 'isp.unknow-error' } },
    often: { fails: { code: '40005' } },
    badKey: { fails: { code: '40002', sub_code: 'isv.invalid-signature', sub_msg: pem } },
    html: { raw: '<html>' },
    list: { raw: '[1]' },
    empty: { raw: '{}' },
    huge: { raw: `{"a":"${'x'.repeat(70_000)}"}` },
    nobody: { says: { access_token: 'the-access-token' } },
    odd: { says: { ...good, user_id: '../../etc' } },
    number: { says: { ...good, user_id: 2088 } },
    forged: { says: good, signs: false },
    unsigned: { raw: `{"alipay_system_oauth_token_response":${JSON.stringify(good)}}` },
    moved: {
      raw: `{"x":${JSON.stringify(good)},"alipay_system_oauth_token_response":{"user_id":"2088999999999999"},"sign":"${sign(
        'sha256',
        Buffer.from(JSON.stringify(good)),
        theirs.privateKey,
      ).toString('base64')}"}`,
    },
  }
  const { baseUrl, asked } = await gateway(code => answers[code]!)
  const { lines, login } = await start({ baseUrl, alipayPublicKey })
  const told: Record<string, [number, string | undefined]> = {}
  const texts: string[] = []
  for (const code of Object.keys(answers)) {
    const { status, json, text } = await login({ code })
    told[code] = [status, json.code]
    texts.push(text)
  }
  expect(told).toEqual({
    used: [401, 'TOKEN_REFUSED'],
    usedToo: [401, 'TOKEN_REFUSED'],
    busy: [429, 'EXCEED_REQUEST_LIMIT'],
    often: [429, 'EXCEED_REQUEST_LIMIT'],
    ...Object.fromEntries(
      Object.keys(answers)
        .slice(4)
        .map(code => [code, [502, 'SYS_ERR']]),
    ),
  })
  const before = asked.length
  for (const body of [
    '',
    'x',
    '[]',
    'null',
    {},
    { code: 7 },
    { code: '' },
    { code: 'a&b=c' },
    { code: 'x'.repeat(129) },
  ])
    expect((await login(body)).status, String(body)).toBe(400)
  expect(asked).toHaveLength(before)
  const dead = await start({ baseUrl: 'http://127.0.0.1:9' })
  const unreached = await dead.login({ code: 'x' })
  expect(unreached.json.code).toBe('SERVER_TIMEOUT')
  for (const text of [...texts, unreached.text, JSON.stringify([lines, dead.lines])]) {
    expect(text).not.toContain(bare(pem).slice(40, 80))
    expect(text).not.toContain('the-access-token')
  }
})

test('[ALILOGIN-3] without an appId there is no such door, strangers do not get in, and keys that are none stop the start', async () => {
  const { baseUrl, asked } = await gateway(() => ({ says: good }))
  expect((await (await start(undefined)).login({ code: 'x' })).status).toBe(404)
  const { login } = await start({ baseUrl }, { door: { origins: ['https://app.example'] } })
  expect((await login({ code: 'x' }, { origin: 'https://evil.example' })).status).toBe(403)
  expect((await login(`{"code":"${'x'.repeat(3_000)}"}`)).status).toBe(413)
  expect(asked).toHaveLength(0)
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  for (const [part, words] of [
    [{ privateKey: 'x' }, /alipay: "privateKey" is no RSA key/],
    [{ privateKey: '' }, /privateKey/],
    [{ privateKey: ec.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }, /privateKey/],
    [{ alipayPublicKey: 'x' }, /alipay: "alipayPublicKey" is no RSA key/],
  ] as const)
    await expect(start(part)).rejects.toMatchObject({
      code: 'SERVER_CONFIGURATION',
      errMsg: expect.stringMatching(words),
    })
})
