import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createServer, type ServerOptions } from '../create-server.ts'
import type { LogLine } from '../log-line.ts'
import { OpenJudge } from '../testing/open-judge.ts'
import { networkOf } from './address-of.ts'

const password = 'correct horse'

async function start(options: Partial<ServerOptions> = {}) {
  const dataFolder = mkdtempSync(join(tmpdir(), 'nearcloud-password-'))
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
  const ask = async (door: string, body: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${server.url}/auth/password/${door}`, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await answer.text()
    const json = text.startsWith('{') ? JSON.parse(text) : undefined
    return { status: answer.status, headers: answer.headers, json }
  }
  return { server, lines, ask }
}

test('[PASSWORD-11] sign-up, sign-in and change over HTTP give tickets, and say what is wrong', async () => {
  const { server, ask, lines } = await start({ passwords: { signUp: true } })
  const anna = { username: 'anna', password }
  const made = await ask('sign-up', anna)
  expect([made.status, Object.keys(made.json), made.headers.get('cache-control')]).toEqual([
    200,
    ['ticket'],
    'no-store',
  ])
  expect(await ask('sign-up', anna)).toMatchObject({ status: 409, json: { details: { reason: 'taken' } } })
  expect((await ask('sign-in', anna)).status).toBe(200)
  expect((await ask('change', { ...anna, newPassword: 'short' })).status).toBe(400)
  expect((await ask('change', { ...anna, newPassword: 'battery staple' })).status).toBe(200)
  expect(await ask('sign-in', anna)).toMatchObject({ status: 401, json: { code: 'TOKEN_REFUSED' } })
  expect(await server.users.list()).toEqual([{ uid: 'pw:anna', username: 'anna', since: expect.any(Number) }])
  expect(JSON.stringify(lines)).not.toMatch(/correct horse|battery staple|scrypt/)
})

test('[PASSWORD-11] what is no question is refused before anything is hashed', async () => {
  const { ask, server } = await start()
  for (const body of ['', 'x', '[]', '{}', 'null', '7', `{"username":{"a":{"b":{"c":{"d":1}}}}}`])
    expect((await ask('sign-in', body)).status, body).toBe(400)
  expect((await ask('sign-in', `{"username":"${'x'.repeat(9_000)}"}`)).status).toBe(413)
  expect((await ask('sign-in', '{}', { 'content-encoding': 'gzip' })).status).toBe(413)
  expect((await ask('sign-up', { username: 'anna', password })).status).toBe(403)
  expect((await ask('delete', {})).status).toBe(404)
  expect((await fetch(`${server.url}/auth/password/sign-in`)).status).toBe(404)
})

test('[PASSWORD-11] the limit is told with a time, and no header makes somebody another', async () => {
  const { ask } = await start()
  const guess = (n: number) =>
    ask(
      'sign-in',
      { username: 'anna', password: 'a guess' },
      { 'x-forwarded-for': `192.0.2.${n}`, forwarded: 'for=a' },
    )
  const answers = await Promise.all([1, 2, 3, 4, 5, 6, 7].map(guess))
  const limited = answers.filter(({ status }) => status === 429)
  expect(limited).toHaveLength(2)
  for (const { json, headers } of limited) {
    expect(json).toMatchObject({
      code: 'EXCEED_REQUEST_LIMIT',
      details: { retryAfterMs: expect.any(Number) },
    })
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  }
})

test('[PASSWORD-11] pages of the allowed origins may ask, others may not', async () => {
  const { ask, server } = await start({ door: { origins: ['https://app.example'] } })
  expect((await ask('sign-in', {}, { origin: 'https://evil.example' })).status).toBe(403)
  const preflight = async (origin: string) => {
    const { headers } = await fetch(`${server.url}/auth/password/sign-in`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    })
    return headers.get('access-control-allow-origin')
  }
  expect(await preflight('https://app.example')).toBe('*')
  expect(await preflight('https://evil.example')).toBeNull()
})

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:DB8:1:2::9', '2001:db8:1:2'],
  ['2001:0db8::1', '2001:db8:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
  ['', ''],
])('[PASSWORD-8] the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
