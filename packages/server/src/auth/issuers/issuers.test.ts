import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import { createServer } from '../../create-server.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { OpenJudge } from '../../testing/open-judge.ts'
import { type IssuerOptions, type TokenExchange, tokenExchange, uidFor } from './issuers.ts'

/** As wrong as may be. */
type Claims = Readonly<Record<string, unknown>>

interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

async function newKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  return { kid, alg, ...(await generateKeyPair(alg, { extractable: true })) }
}

/** An OpenID provider at a port of this machine. */
async function openIssuer(first: SigningKey) {
  const state = {
    keys: [first],
    isDown: false,
    asked: [] as string[],
    answer: undefined as string | undefined,
  }
  const server = createHttpServer(async (request, response) => {
    state.asked.push(request.url ?? '')
    if (state.isDown) return void request.socket.destroy()
    if (state.answer !== undefined) return void response.end(state.answer)
    if (request.url === '/.well-known/openid-configuration')
      return void response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }))
    const keys = await Promise.all(
      state.keys.map(async ({ kid, alg, publicKey }) => ({
        ...(await exportJWK(publicKey)),
        kid,
        alg,
        use: 'sig',
      })),
    )
    response.end(JSON.stringify({ keys }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { issuer, state }
}

const start = 1_800_000_000_000
const audience = 'my-app'

async function world(part: Partial<IssuerOptions> = {}) {
  const key = await newKey('k1')
  const { issuer, state } = await openIssuer(key)
  const clock = new ManualClock(start)
  const asked: { uid: string; roles?: readonly string[] | undefined }[] = []
  const users = {
    createTicket: async (uid: string, options?: { readonly roles?: readonly string[] }) => {
      asked.push({ uid, ...(options?.roles && { roles: options.roles }) })
      return `ticket of ${uid}`
    },
  }
  const exchange = tokenExchange([{ name: 'acme', issuer, audience, ...part }], { users, clock })
  const token = (claims: Claims = {}, by = key, header: object = {}) =>
    tokenOf(issuer, clock, claims, by, header)
  return { key, issuer, state, clock, exchange, token, asked, users }
}

function tokenOf(issuer: string, clock: ManualClock, claims: Claims, by: SigningKey, header: object) {
  const now = Math.floor(clock.now() / 1000)
  const all = { iss: issuer, aud: audience, sub: 'ann', iat: now, exp: now + 600, ...claims }
  return new SignJWT(JSON.parse(JSON.stringify(all)) as JWTPayload)
    .setProtectedHeader({ alg: by.alg, kid: by.kid, ...header })
    .sign(by.privateKey)
}

async function refusalOf(exchange: TokenExchange, token: unknown): Promise<unknown> {
  return exchange.ticketFor(token).then(
    ticket => `let in: ${ticket}`,
    (thrown: { code: string; details?: { reason?: string } }) => thrown.details?.reason ?? thrown.code,
  )
}

test('[ISSUER-1] a token of an issuer becomes a ticket for whom it names', async () => {
  const { exchange, token } = await world()
  expect(await exchange.ticketFor(await token())).toBe('ticket of acme:ann')
  expect(await exchange.ticketFor(await token({ aud: [audience] }))).toBe('ticket of acme:ann')
})

test('[ISSUER-2] whatever is not from this issuer, for this app, and valid now, is refused', async () => {
  const { exchange, token, key, issuer, clock } = await world()
  const other = await newKey('k1')
  const unknown = await newKey('k2')
  const now = start / 1000
  const good = await token()
  const [header, payload, signature] = good.split('.') as [string, string, string]
  const base64 = (text: string) => Buffer.from(text).toString('base64url')
  const none = `${base64('{"alg":"none","kid":"k1"}')}.${payload}.`
  // the public key, which everybody has, taken for a secret one
  const confused = async (secret: string | Buffer) => {
    const head = `${base64('{"alg":"HS256","kid":"k1"}')}.${payload}`
    return `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`
  }
  const spki = await exportSPKI(key.publicKey)
  const jwk = await exportJWK(other.publicKey)
  const cases: [unknown, string][] = [
    [await token({}, other), 'invalid'],
    [await token({}, unknown), 'invalid'],
    [await token({}, other, { jwk }), 'invalid'],
    [await token({}, other, { jku: `${issuer}/keys`, x5u: `${issuer}/keys` }), 'invalid'],
    [await token({}, key, { kid: '../../keys' }), 'invalid'],
    [none, 'invalid'],
    [none.replace('none', 'None'), 'invalid'],
    [await confused(spki), 'invalid'],
    [await confused(JSON.stringify(await exportJWK(key.publicKey))), 'invalid'],
    [`${header}.${payload}.`, 'invalid'],
    [`${header}.${base64('{"iss":"x"}')}.${signature}`, 'invalid'],
    [await token({ iss: 'https://evil.example' }), 'invalid'],
    [await token({ iss: `${issuer}/` }), 'invalid'],
    [await token({ iss: undefined }), 'invalid'],
    [await token({ aud: 'other-app' }), 'invalid'],
    [await token({ aud: ['other-app'] }), 'invalid'],
    [await token({ aud: [audience, 'other-app'] }), 'invalid'],
    [await token({ aud: [audience, 'other-app'], azp: 'other-app' }), 'invalid'],
    [await token({ aud: undefined }), 'invalid'],
    [await token({ sub: undefined }), 'invalid'],
    [await token({ sub: 7 }), 'invalid'],
    [await token({ sub: '' }), 'invalid'],
    [await token({ sub: 's'.repeat(256) }), 'invalid'],
    [await token({ exp: undefined }), 'invalid'],
    [await token({ exp: now - 61 }), 'expired'],
    [await token({ nbf: now + 61 }), 'invalid'],
    [await token({ x: 'x'.repeat(9_000) }), 'invalid'],
    ['a.b.c', 'invalid'],
    ['x', 'invalid'],
    ['', 'INVALID_PARAM'],
    [undefined, 'INVALID_PARAM'],
    [{}, 'INVALID_PARAM'],
  ]
  for (const [text, reason] of cases)
    expect(await refusalOf(exchange, text), String(text).slice(0, 300)).toBe(reason)
  // clocks differ a little
  expect(await refusalOf(exchange, await token({ exp: now - 59, iat: now - 600 }))).toMatch('let in')
  expect(await refusalOf(exchange, await token({ nbf: now + 59 }))).toMatch('let in')
  expect(await refusalOf(exchange, await token({ aud: [audience, 'other-app'], azp: audience }))).toMatch(
    'let in',
  )
  clock.set(start + 700_000)
  expect(await refusalOf(exchange, good)).toBe('expired')
})

test('[ISSUER-3] keys are fetched when they are needed, a new one is known at once, and one that is gone soon', async () => {
  const { exchange, token, state, clock, key } = await world()
  const keysAsked = () => state.asked.filter(path => path === '/keys').length
  expect(await Promise.all([1, 2, 3].map(async () => refusalOf(exchange, await token())))).toEqual(
    Array<string>(3).fill('let in: ticket of acme:ann'),
  )
  expect(keysAsked()).toBe(1)
  const second = await newKey('k2', 'RS256')
  state.keys = [second]
  clock.set(start + 31_000)
  expect(await refusalOf(exchange, await token({}, second))).toMatch('let in')
  expect(keysAsked()).toBe(2)
  expect(await refusalOf(exchange, await token({}, key)), 'the old one').toBe('invalid')
  // key ids that nobody has cost one request each thirty seconds
  for (let n = 0; n < 20; n++) await refusalOf(exchange, await token({}, { ...key, kid: `k${n + 10}` }))
  expect(keysAsked()).toBe(2)
  clock.set(start + 62_000)
  for (let n = 0; n < 20; n++) await refusalOf(exchange, await token({}, { ...key, kid: `k${n + 10}` }))
  expect(keysAsked()).toBe(3)
  state.keys = []
  clock.set(start + 700_000)
  expect(await refusalOf(exchange, await token({}, second)), 'taken back by the issuer').toBe('invalid')
})

test('[ISSUER-4] an issuer that is not reached is believed by its last keys for a day, and then not', async () => {
  const { exchange, token, state, clock } = await world()
  state.isDown = true
  expect(await refusalOf(exchange, await token()), 'never reached').toBe('SERVER_TIMEOUT')
  expect(await refusalOf(exchange, await token()), 'and not asked again at once').toBe('SERVER_TIMEOUT')
  expect(state.asked.length).toBeLessThanOrEqual(2)
  state.isDown = false
  clock.set(start + 31_000)
  expect(await refusalOf(exchange, await token())).toMatch('let in')
  state.isDown = true
  clock.set(start + 20 * 3_600_000)
  expect(await refusalOf(exchange, await token())).toMatch('let in')
  clock.set(start + 25 * 3_600_000)
  expect(await refusalOf(exchange, await token())).toBe('SERVER_TIMEOUT')
  state.isDown = false
  for (const answer of [
    '<html>',
    '[]',
    '{"keys":7}',
    '{}',
    'x'.repeat(300_000),
    '{"__proto__":{"keys":[]}}',
  ]) {
    state.answer = answer
    clock.set(clock.now() + 31_000)
    expect(await refusalOf(exchange, await token()), answer.slice(0, 20)).toBe('SERVER_TIMEOUT')
  }
  state.answer = undefined
  clock.set(clock.now() + 31_000)
  expect(await refusalOf(exchange, await token())).toMatch('let in')
})

test('[ISSUER-5] what a discovery says of another issuer, or of an address that is not secure, is not followed', async () => {
  const { exchange, token, state, issuer, clock } = await world()
  for (const facts of [
    { issuer: 'https://other.example', jwks_uri: `${issuer}/keys` },
    { issuer, jwks_uri: 'http://10.0.0.1/keys' },
    { issuer, jwks_uri: 'file:///etc/passwd' },
    { issuer },
  ]) {
    state.answer = JSON.stringify(facts)
    clock.set(clock.now() + 31_000)
    expect(await refusalOf(exchange, await token()), JSON.stringify(facts)).toBe('SERVER_TIMEOUT')
  }
  expect(state.asked.every(path => path === '/.well-known/openid-configuration')).toBe(true)
})

test('[ISSUER-6] a subject leads to one uid, and no two of them to the same', () => {
  expect(uidFor('acme', 'ann')).toBe('acme:ann')
  const long = uidFor('acme', 'auth0|5f7c8ec7c33c6c004bbafe82')
  expect(long).toMatch(/^acme:~[\w-]{22}$/)
  expect(uidFor('acmeacme', 'x'.repeat(255))).toHaveLength(32)
  expect(uidFor('acme', long.slice(5)), 'a subject that looks like a sum').not.toBe(long)
  expect(uidFor('acme', 'ann ')).not.toBe(uidFor('acme', 'ann'))
})

test('[ISSUER-7] roles are what the claim says; what is no list of texts is none', async () => {
  const { exchange, token, asked } = await world({ rolesClaim: 'realm.roles' })
  const rolesOf = async (claims: object) => {
    await exchange.ticketFor(await token(claims as Claims))
    return asked.at(-1)!.roles
  }
  expect(await rolesOf({ realm: { roles: ['b', 'a', 'a'] } })).toEqual(['a', 'b'])
  expect(await rolesOf({ 'realm.roles': 'admin' })).toEqual(['admin'])
  for (const realm of [
    undefined,
    7,
    {},
    { roles: 7 },
    { roles: [7] },
    { roles: Array(17).fill('x') },
    { roles: [''] },
  ])
    expect(await rolesOf({ realm }), JSON.stringify(realm)).toEqual([])
})

test('[ISSUER-8] issuers that cannot be are refused at the start', () => {
  const good = { name: 'acme', issuer: 'https://a.example', audience }
  const refused =
    (...options: object[]) =>
    () =>
      tokenExchange(options as unknown as IssuerOptions[], {
        users: { createTicket: async () => '' },
        clock: new ManualClock(0),
      })
  for (const part of [
    { name: 'wx' },
    { name: 'pw' },
    { name: 'A' },
    { name: 'toolongname' },
    { issuer: 'http://a.example' },
    { issuer: 'https://u:p@a.example' },
    { issuer: 7 },
    { audience: '' },
    { audience: [] },
    { audience: undefined },
    { jwksUrl: 'http://a.example/keys' },
    { clockToleranceS: 601 },
    { rolesClaim: '' },
  ])
    expect(refused({ ...good, ...part }), JSON.stringify(part)).toThrow(/^issuers: /)
  expect(refused(good, { ...good, name: 'other' })).toThrow(/twice/)
  expect(refused(good, { ...good, issuer: 'https://b.example' })).toThrow(/twice/)
  expect(refused(good)).not.toThrow()
})

test('[ISSUER-9] POST /auth/token: a ticket, and each refusal has its status; wrong tokens are limited by address', async () => {
  const key = await newKey('k1')
  const { issuer, state } = await openIssuer(key)
  const dataFolder = mkdtempSync(join(tmpdir(), 'nearcloud-issuers-'))
  const server = await createServer({
    dataFolder,
    judge: new OpenJudge(),
    issuers: [{ name: 'acme', issuer, audience }],
  })
  onTestFinished(async () => {
    await server.stop()
    rmSync(dataFolder, { recursive: true, force: true })
  })
  const post = async (body: string) => fetch(`${server.url}/auth/token`, { method: 'POST', body })
  const clock = new ManualClock(Date.now())
  const token = await tokenOf(issuer, clock, {}, key, {})
  const answer = await post(JSON.stringify({ token }))
  expect([answer.status, Object.keys((await answer.json()) as object)]).toEqual([200, ['ticket']])
  expect(answer.headers.get('cache-control')).toBe('no-store')
  const statuses = async (...bodies: string[]) => {
    const all: number[] = []
    for (const body of bodies) all.push((await post(body)).status)
    return all
  }
  expect(await statuses('{"token":"x"}', '{}', 'x', '[]', 'null', 'y'.repeat(20_000))).toEqual([
    401, 400, 400, 400, 400, 413,
  ])
  const wrong = await statuses(...Array<string>(110).fill('{"token":"a.b.c"}'))
  expect(wrong.slice(0, 90).every(status => status === 401)).toBe(true)
  expect(wrong.at(-1)).toBe(429)
  expect(state.asked.length, 'and the issuer is not asked for any of them').toBe(2)
})

test('[ISSUER-9] a server that knows no issuers answers 404', async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'nearcloud-issuers-'))
  const server = await createServer({ dataFolder, judge: new OpenJudge() })
  onTestFinished(async () => {
    await server.stop()
    rmSync(dataFolder, { recursive: true, force: true })
  })
  expect((await fetch(`${server.url}/auth/token`, { method: 'POST', body: '{"token":"x"}' })).status).toBe(
    404,
  )
})
