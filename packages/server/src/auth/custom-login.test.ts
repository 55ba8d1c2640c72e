import { Buffer } from 'node:buffer'
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { expect, test } from 'vitest'
import { ManualClock } from '../testing/manual-clock.ts'
import { CustomLogin } from './custom-login.ts'

const pair = generateKeyPairSync('rsa', { modulusLength: 1_024 })
const other = generateKeyPairSync('rsa', { modulusLength: 1_024 })
const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()
const part = (json: unknown) => Buffer.from(JSON.stringify(json)).toString('base64url')
const clock = new ManualClock()
const now = clock.now()
const minute = 60_000
const claims = {
  ...{ alg: 'RS256', env: 'app', uid: 'anna', iat: now, exp: now + 10 * minute },
  ...{ refresh: 3_600_000, expire: now + 7 * 24 * 60 * minute },
}

function ticketOf(
  said: object = {},
  { header = { alg: 'RS256', typ: 'JWT' } as object, key = pair.privateKey, keyId = 'k-1' } = {},
): string {
  const signed = `${part(header)}.${part({ ...claims, ...said })}`
  return `${keyId}/@@/${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`
}

const login = new CustomLogin([{ keyId: 'k-1', publicKey: pem(pair.publicKey) }], { env: 'app', clock })

test('[SIGNIN-20] a ticket that a server of the operator signed says who and for how long, in milliseconds or seconds', () => {
  const { id, ...read } = login.verify(ticketOf())
  expect(read).toEqual({ uid: 'anna', sessionMs: 7 * 24 * 60 * minute, expires: now + 10 * minute })
  expect(id).toMatch(/^[0-9a-f]{32}$/)
  expect(login.verify(ticketOf()).id).toBe(id)
  expect(login.verify(ticketOf({ uid: 'bert' })).id).not.toBe(id)
  const seconds = Object.fromEntries(
    (['iat', 'exp', 'expire'] as const).map(name => [name, Math.ceil(claims[name] / 1_000)]),
  )
  expect(login.verify(ticketOf(seconds))).toMatchObject({ uid: 'anna', sessionMs: read.sessionMs })
  // base64 in one line, as consoles give it
  const bare = pem(pair.publicKey).replace(/-----.*-----|\n/g, '')
  const again = new CustomLogin([{ keyId: 'k-1', publicKey: bare }], { env: 'app', clock })
  expect(again.verify(ticketOf())).toMatchObject({ uid: 'anna' })
})

const [, headless] = ticketOf().split('/@@/') as [string, string]
const hmac = `${part({ alg: 'HS256' })}.${headless.split('.')[1]}.${headless.split('.')[2]}`
test.each<[string, string]>([
  ['of another key', ticketOf({}, { key: other.privateKey })],
  ['of a key nobody knows', ticketOf({}, { keyId: 'k-2' })],
  ['of a key named after what objects have', ticketOf({}, { keyId: 'constructor' })],
  ['without a signature', `k-1/@@/${part({ alg: 'none' })}.${part(claims)}.`],
  ['of another algorithm', `k-1/@@/${hmac}`],
  ['whose header says another algorithm', ticketOf({}, { header: { alg: 'none' } })],
  ['of another environment', ticketOf({ env: 'other' })],
  ['for nobody', ticketOf({ uid: undefined })],
  ['for a name that cannot be', ticketOf({ uid: 'a b' })],
  ['for a list', ticketOf({ uid: ['anna'] })],
  ['from tomorrow', ticketOf({ iat: now + 61_000, exp: now + 70_000 })],
  ['that is good for too long', ticketOf({ exp: now + 61 * minute })],
  ['without an end', ticketOf({ exp: undefined })],
  ['without a beginning', ticketOf({ iat: undefined })],
  ['with a moment that is none', ticketOf({ exp: String(now + minute) })],
  ['with a session that is over', ticketOf({ expire: now })],
  ['with one letter changed', ticketOf().replace('.', 'A.')],
  ['in two halves', `${ticketOf()}/@@/x`],
  ['with more behind it', `${ticketOf()}.x`],
  ['that is far too long', `k-1/@@/${'a'.repeat(9_000)}.b.c`],
  ['that is nothing', '/@@/'],
])('[SIGNIN-20] a ticket %s is refused', (_, ticket) => {
  expect(() => login.verify(ticket)).toThrow(
    expect.objectContaining({ code: 'TOKEN_REFUSED', details: { reason: 'invalid' } }),
  )
})

test('[SIGNIN-20] one whose time is over is expired', () => {
  const late = new CustomLogin([{ keyId: 'k-1', publicKey: pem(pair.publicKey) }], {
    env: 'app',
    clock: { now: () => now + 10 * minute },
  })
  expect(() => late.verify(ticketOf())).toThrow(expect.objectContaining({ details: { reason: 'expired' } }))
})

const small = generateKeyPairSync('rsa', { modulusLength: 512 }).publicKey
const curve = generateKeyPairSync('ed25519').publicKey
const privatePem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
test.each([
  ['a private key', [{ keyId: 'k', publicKey: privatePem }], /only its public half/],
  ['a small key', [{ keyId: 'k', publicKey: pem(small) }], /no public RSA key/],
  ['a key of a curve', [{ keyId: 'k', publicKey: pem(curve) }], /no public RSA key/],
  ['no key', [{ keyId: 'k', publicKey: 'x' }], /no public RSA key/],
  ['a name with a slash', [{ keyId: 'a/b', publicKey: pem(pair.publicKey) }], /"keyId"/],
  ['a name twice', Array(2).fill({ keyId: 'k', publicKey: pem(pair.publicKey) }), /twice/],
])('[SIGNIN-20] %s stops the start', (_, keys, words) => {
  expect(() => new CustomLogin(keys, { env: 'app', clock })).toThrow(
    expect.objectContaining({ code: 'SERVER_CONFIGURATION', message: expect.stringMatching(words) }),
  )
})
