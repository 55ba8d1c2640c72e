import { Buffer } from 'node:buffer'
import { createHmac, randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair, SignJWT } from 'jose'
import { afterEach, expect, test } from 'vitest'
import { openTokens } from './tokens.ts'

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

const start = Date.UTC(2026, 0, 1)
const day = 24 * 3_600_000

async function setUp() {
  const folder = await mkdtemp(join(tmpdir(), 'nearcloud-keys-'))
  folders.push(folder)
  const clock = {
    time: start,
    now: () => clock.time,
    after: () => () => undefined,
  }
  const open = () => openTokens(folder, clock, size => new Uint8Array(randomBytes(size)))
  return { folder, clock, open, tokens: await open() }
}

async function secretOf(folder: string): Promise<{ id: string; secret: Buffer }> {
  const json = JSON.parse(await readFile(join(folder, 'keys.json'), 'utf8')) as {
    tokens: { id: string; secret: string }[]
  }
  return { id: json.tokens[0]!.id, secret: Buffer.from(json.tokens[0]!.secret, 'base64url') }
}

const invalid = { code: 'TOKEN_REFUSED', details: { reason: 'invalid' } }
const expired = { code: 'TOKEN_REFUSED', details: { reason: 'expired' } }

test('a token gives back the openid it was signed for', async () => {
  const { tokens } = await setUp()
  const openid = tokens.newOpenid()
  expect(await tokens.verify('session', 'app', await tokens.sign('session', 'app', openid))).toBe(openid)
  expect(await tokens.verify('access', 'app', await tokens.sign('access', 'app', openid))).toBe(openid)
})

test('[AUTH-1] an openid has 28 url-safe characters and is not repeated', async () => {
  const { tokens } = await setUp()
  const openids = Array.from({ length: 1_000 }, () => tokens.newOpenid())
  for (const openid of openids) expect(openid).toMatch(/^o[A-Za-z0-9_-]{27}$/)
  expect(new Set(openids).size).toBe(1_000)
})

test('[AUTH-3] a token is still good after a restart, and no good at another server', async () => {
  const { tokens, open } = await setUp()
  const other = await setUp()
  const token = await tokens.sign('session', 'app', tokens.newOpenid())
  await (await open()).verify('session', 'app', token)
  await expect(other.tokens.verify('session', 'app', token)).rejects.toMatchObject(invalid)
})

test('[AUTH-2] a session lasts a year, access two hours', async () => {
  const { tokens, clock } = await setUp()
  const openid = tokens.newOpenid()
  const session = await tokens.sign('session', 'app', openid)
  const access = await tokens.sign('access', 'app', openid)
  clock.time = start + 2 * 3_600_000 - 1_000
  await tokens.verify('access', 'app', access)
  clock.time = start + 2 * 3_600_000
  await expect(tokens.verify('access', 'app', access)).rejects.toMatchObject(expired)
  clock.time = start + 365 * day - 1_000
  await tokens.verify('session', 'app', session)
  clock.time = start + 365 * day
  await expect(tokens.verify('session', 'app', session)).rejects.toMatchObject(expired)
})

test('[AUTH-3] a clock that was set back signs nobody out', async () => {
  const { tokens, clock } = await setUp()
  const token = await tokens.sign('session', 'app', tokens.newOpenid())
  clock.time = start - day
  await tokens.verify('session', 'app', token)
})

test('[AUTH-2] a token is refused for another environment and for another purpose', async () => {
  const { tokens } = await setUp()
  const token = await tokens.sign('access', 'app', tokens.newOpenid())
  await expect(tokens.verify('access', 'other', token)).rejects.toMatchObject(invalid)
  await expect(tokens.verify('session', 'app', token)).rejects.toMatchObject(invalid)
})

test('[AUTH-4] every altered character of a token is noticed', async () => {
  const { tokens } = await setUp()
  const token = await tokens.sign('access', 'app', tokens.newOpenid())
  for (let i = 0; i < token.length; i += 7) {
    const altered = token.slice(0, i) + (token[i] === 'A' ? 'B' : 'A') + token.slice(i + 1)
    await expect(tokens.verify('access', 'app', altered)).rejects.toMatchObject({ code: 'TOKEN_REFUSED' })
  }
})

test('[AUTH-4] hostile tokens are refused: no algorithm, another one, foreign keys, odd headers and claims, huge ones', async () => {
  const { tokens, folder } = await setUp()
  const { id, secret } = await secretOf(folder)
  const openid = tokens.newOpenid()
  const now = start / 1000
  const typ = 'nearcloud-access+jwt'
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const payload = part({ sub: openid, aud: 'app', exp: now + 60 })
  const raw = (header: unknown, body = payload, hash = 'sha256') => {
    const text = `${part(header)}.${body}`
    return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`
  }
  const claims = (change: (jwt: SignJWT) => SignJWT) =>
    change(
      new SignJWT()
        .setProtectedHeader({ alg: 'HS256', kid: id, typ })
        .setSubject(openid)
        .setAudience('app')
        .setExpirationTime(now + 60),
    ).sign(secret)
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const foreign = new SignJWT({ sub: openid, aud: 'app', exp: now + 60 })

  // the same tools do make good tokens
  expect(await tokens.verify('access', 'app', raw({ alg: 'HS256', kid: id, typ }))).toBe(openid)
  expect(await tokens.verify('access', 'app', await claims(jwt => jwt))).toBe(openid)

  const hostile = [
    `${part({ alg: 'none', kid: id, typ })}.${payload}.`,
    `${part({ alg: 'None', kid: id, typ })}.${payload}.x`,
    raw({ alg: 'HS512', kid: id, typ }, payload, 'sha512'),
    raw({ alg: 'RS256', kid: id, typ }),
    raw({ kid: id, typ }),
    raw({ alg: 'HS256', typ }),
    raw({ alg: 'HS256', kid: '../../etc/passwd', typ }),
    raw({ alg: 'HS256', kid: '__proto__', typ }),
    raw({ alg: 'HS256', kid: 7, typ }),
    raw({ alg: 'HS256', kid: id, typ, crit: ['exp'] }),
    raw({ alg: 'HS256', kid: id, typ, b64: false, crit: ['b64'] }),
    raw({ alg: 'HS256', kid: id }),
    raw({ alg: 'HS256', kid: id, typ: 'JWT' }),
    raw({ alg: 'HS256', kid: id, typ }, part({ sub: openid, aud: 'app' })),
    raw({ alg: 'HS256', kid: id, typ }, part({ aud: 'app', exp: now + 60 })),
    raw({ alg: 'HS256', kid: id, typ }, part({ sub: openid, exp: now + 60 })),
    raw({ alg: 'HS256', kid: id, typ }, part({ sub: openid, aud: ['app', 'other'], exp: now + 60 })),
    raw({ alg: 'HS256', kid: id, typ }, part({ sub: { $ne: null }, aud: 'app', exp: now + 60 })),
    raw({ alg: 'HS256', kid: id, typ }, part({ sub: 'admin', aud: 'app', exp: now + 60 })),
    raw({ alg: 'HS256', kid: id, typ }, part({ sub: openid, aud: 'app', exp: '9999999999' })),
    raw({ alg: 'HS256', kid: id, typ }, part(null)),
    await claims(jwt => jwt.setNotBefore(now + 3_600)),
    await foreign.setProtectedHeader({ alg: 'RS256', kid: id, typ }).sign(privateKey),
    await new SignJWT({ sub: openid, aud: 'app', exp: now + 60 })
      .setProtectedHeader({ alg: 'RS256', kid: id, typ, jwk: { kty: 'RSA', n: 'x', e: 'AQAB' } })
      .sign(privateKey),
    `${raw({ alg: 'HS256', kid: id, typ })}.x`,
    ` ${raw({ alg: 'HS256', kid: id, typ })}`,
    raw({ alg: 'HS256', kid: id, typ, pad: 'x'.repeat(3_000) }),
    'x'.repeat(10_000_000),
    '',
    '..',
    'null',
  ]
  expect(publicKey.type).toBe('public')
  for (const token of hostile)
    await expect(tokens.verify('access', 'app', token), token.slice(0, 80)).rejects.toMatchObject(invalid)
  const aNumber = 7 as unknown as string
  await expect(tokens.verify('access', 'app', aNumber)).rejects.toMatchObject(invalid)
})

test('[AUTH-5] a mark belongs to one text, in one spelling, and outlives a restart', async () => {
  const { tokens, open } = await setUp()
  const other = await setUp()
  const mark = tokens.seal('a text')
  expect(tokens.isSealed('a text', mark)).toBe(true)
  expect((await open()).isSealed('a text', mark)).toBe(true)
  expect(other.tokens.isSealed('a text', mark)).toBe(false)
  expect(tokens.isSealed('a text ', mark)).toBe(false)
  for (let i = 0; i < mark.length; i++)
    for (const letter of ['0', 'B', '_', '.']) {
      if (mark[i] === letter) continue
      expect(tokens.isSealed('a text', mark.slice(0, i) + letter + mark.slice(i + 1))).toBe(false)
    }
  for (const twin of [
    mark.toUpperCase(),
    `${mark}=`,
    ` ${mark}`,
    `${mark}\n`,
    encodeURIComponent(`${mark}%`),
    '',
  ])
    expect(tokens.isSealed('a text', twin)).toBe(false)
})

test('[AUTH-6] the key file is made once, for its owner alone', async () => {
  const { folder, open } = await setUp()
  const path = join(folder, 'keys.json')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  const before = await readFile(path, 'utf8')
  await open()
  expect(await readFile(path, 'utf8')).toBe(before)
  expect(await readdir(folder)).toEqual(['keys.json'])
})

test('[AUTH-6] a key file that others can read is refused with what to do', async () => {
  const { folder, open } = await setUp()
  await chmod(join(folder, 'keys.json'), 0o644)
  await expect(open()).rejects.toMatchObject({
    code: 'SERVER_CONFIGURATION',
    errMsg: expect.stringMatching(/others can read it \(mode 644\): run chmod 600 .*keys\.json/),
  })
})

test('[AUTH-6] a key file that is not one is refused and left as it is', async () => {
  const { folder, open } = await setUp()
  const path = join(folder, 'keys.json')
  const good = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  const wrong = [
    '',
    '{',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...good, version: 2 }),
    JSON.stringify({ ...good, tokens: [] }),
    JSON.stringify({ ...good, urls: undefined }),
    JSON.stringify({ ...good, tokens: [{ id: 'x', secret: 'y' }] }),
    JSON.stringify({ ...good, tokens: [{ id: '0123456789ab', secret: 'c2hvcnQ' }] }),
    JSON.stringify({ ...good, tokens: [null] }),
  ]
  for (const text of wrong) {
    await writeFile(path, text)
    await expect(open(), text).rejects.toMatchObject({
      code: 'SERVER_CONFIGURATION',
      errMsg: expect.stringContaining(path),
    })
    expect(await readFile(path, 'utf8')).toBe(text)
  }
})

test('a data folder that does not exist is told in one sentence', async () => {
  const { folder, clock } = await setUp()
  const missing = openTokens(join(folder, 'missing'), clock, size => new Uint8Array(size))
  await expect(missing).rejects.toMatchObject({
    code: 'SERVER_CONFIGURATION',
    errMsg: expect.stringContaining('cannot be written'),
  })
})

test('an unfinished key file of a start that was killed is in nobody’s way', async () => {
  const { folder, open } = await setUp()
  await rm(join(folder, 'keys.json'))
  await writeFile(join(folder, 'keys.json.new'), '{"vers')
  await open()
  expect(await readdir(folder)).toEqual(['keys.json'])
})
