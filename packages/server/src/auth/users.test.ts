import { Buffer } from 'node:buffer'
import { createHmac, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Document } from '@nearcloud/protocol'
import { generateKeyPair, SignJWT } from 'jose'
import { afterEach, expect, test } from 'vitest'
import { MadeUploads } from '../files/made-uploads.ts'
import { admin, openWorld } from '../testing/scenario.ts'
import { openTokens } from './tokens.ts'
import { accountKeyOf } from './uid.ts'
import { Users } from './users.ts'

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function setUp() {
  const folder = await mkdtemp(join(tmpdir(), 'nearcloud-users-'))
  folders.push(folder)
  const world = openWorld()
  const { environment, clock } = world
  const tokens = await openTokens(folder, clock, size => new Uint8Array(randomBytes(size)))
  const open = () => Users.open({ environment, tokens, clock })
  const users = await open()
  const anonymous = async () => {
    const openid = tokens.newOpenid()
    return { openid, token: await tokens.sign('session', 'test', openid) }
  }
  return { ...world, folder, tokens, users, open, anonymous }
}

const refused = (reason: string) => ({ code: 'TOKEN_REFUSED', details: { reason } })

async function secretOf(folder: string): Promise<{ id: string; secret: Buffer }> {
  const json = JSON.parse(await readFile(join(folder, 'keys.json'), 'utf8')) as {
    tokens: { id: string; secret: string }[]
  }
  return { id: json.tokens[0]!.id, secret: Buffer.from(json.tokens[0]!.secret, 'base64url') }
}

test('[SIGNIN-1] a ticket makes a user at the first sign-in, and finds the same one at every later one', async () => {
  const { users, tokens } = await setUp()
  expect(await users.find('anna')).toBeUndefined()
  const first = await users.signIn(await users.createTicket('anna'))
  expect(first).toMatchObject({ uid: 'anna', openid: expect.stringMatching(/^o[\w-]{27}$/) })
  expect(await tokens.verify('session', 'test', first.token)).toBe(first.openid)
  expect(await users.find('anna')).toBe(first.openid)
  const again = await users.signIn(await users.createTicket('anna'))
  expect(again.openid).toBe(first.openid)
  const other = await users.signIn(await users.createTicket('anna.'))
  expect(other.openid).not.toBe(first.openid)
  expect(await users.known(first.openid)).toMatchObject({ uid: 'anna' })
})

test('[SIGNIN-2] of fifty devices that show one ticket at once, one signs in', async () => {
  const { users, open } = await setUp()
  const ticket = await users.createTicket('anna')
  const shown = await Promise.allSettled(Array.from({ length: 50 }, () => users.signIn(ticket)))
  expect(shown.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const each of shown) if (each.status === 'rejected') expect(each.reason).toMatchObject(refused('used'))
  // and the next process knows
  await expect((await open()).signIn(ticket)).rejects.toMatchObject(refused('used'))
})

test('[SIGNIN-3] a ticket lasts five minutes, and a clock that is set back does not bring a used one back', async () => {
  const { users, clock } = await setUp()
  const unused = await users.createTicket('anna')
  const used = await users.createTicket('anna')
  await users.signIn(used)
  const start = clock.now()
  clock.advance(5 * 60_000 + 1_000)
  await expect(users.signIn(unused)).rejects.toMatchObject(refused('expired'))
  for (let n = 0; n < 3; n++) await users.signIn(await users.createTicket(`user${n}`))
  clock.advance(start - clock.now())
  await expect(users.signIn(used)).rejects.toMatchObject(refused('used'))
})

test('[SIGNIN-3] used tickets are forgotten when they can be shown no more', async () => {
  const { users, clock, engine } = await setUp()
  for (let n = 0; n < 20; n++) await users.signIn(await users.createTicket(`user${n}`))
  expect(await engine.listState('test', 'users/ticket/')).toHaveLength(20)
  clock.advance(2 * 24 * 3_600_000)
  await users.signIn(await users.createTicket('anna'))
  expect(await engine.listState('test', 'users/ticket/')).toHaveLength(1)
})

test('[SIGNIN-4] hostile tickets are refused: no algorithm, another one, foreign keys, odd claims, other purposes, huge ones', async () => {
  const { users, tokens, folder, clock, anonymous } = await setUp()
  const { id, secret } = await secretOf(folder)
  const now = Math.floor(clock.now() / 1000)
  const typ = 'nearcloud-ticket+jwt'
  const claims = {
    sub: 'anna',
    aud: 'test',
    exp: now + 60,
    jti: 'a'.repeat(32),
    generation: 0,
    sessionMs: 60_000,
  }
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  let made = 0
  const raw = (header: unknown, body: object = claims, hash = 'sha256') => {
    // each its own, so that none is refused for having been used
    const jti = (++made).toString(16).padStart(32, '0')
    const text = `${part(header)}.${part('jti' in body && body.jti === claims.jti ? { ...body, jti } : body)}`
    return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`
  }
  const good = { alg: 'HS256', kid: id, typ }
  expect((await users.signIn(raw(good))).uid).toBe('anna') // the same tools do make good ones
  const other = await setUp()
  const { privateKey } = await generateKeyPair('RS256')
  const { openid, token } = await anonymous()
  const hostile = [
    `${part({ ...good, alg: 'none' })}.${part(claims)}.`,
    raw({ ...good, alg: 'HS512' }, claims, 'sha512'),
    raw({ ...good, alg: 'RS256' }),
    raw({ alg: 'HS256', typ }),
    raw({ ...good, kid: '__proto__' }),
    raw({ ...good, kid: '../keys.json' }),
    raw({ ...good, typ: 'nearcloud-session+jwt' }),
    raw({ ...good, typ: undefined }),
    raw({ ...good, crit: ['exp'] }),
    raw(good, { ...claims, aud: 'other' }),
    raw(good, { ...claims, aud: ['test', 'other'] }),
    raw(good, { ...claims, sub: undefined }),
    raw(good, { ...claims, sub: { $ne: null } }),
    raw(good, { ...claims, sub: 'ann' }),
    raw(good, { ...claims, sub: 'anna/../bert' }),
    raw(good, { ...claims, sub: 'x'.repeat(33) }),
    raw(good, { ...claims, jti: undefined }),
    raw(good, { ...claims, jti: '../../openid/x' }),
    raw(good, { ...claims, generation: -1 }),
    raw(good, { ...claims, generation: '0' }),
    raw(good, { ...claims, generation: 1 }),
    raw(good, { ...claims, sessionMs: 1e99 }),
    raw(good, { ...claims, exp: undefined }),
    raw(good, { ...claims, exp: '9999999999' }),
    raw(good, { ...claims, nbf: now + 3_600 }),
    await new SignJWT(claims).setProtectedHeader({ ...good, alg: 'RS256' }).sign(privateKey),
    await other.users.createTicket('anna'),
    token,
    await tokens.sign('access', 'test', openid),
    await tokens.signTicket('elsewhere', { uid: 'anna', generation: 0, sessionMs: 60_000 }),
    'x'.repeat(10_000_000),
    '',
    '..',
    7 as unknown as string,
  ]
  for (const ticket of hostile)
    await expect(users.signIn(ticket), String(ticket).slice(0, 80)).rejects.toMatchObject(refused('invalid'))
  // nor does a ticket pass for a token
  const ticket = await users.createTicket('anna')
  await expect(tokens.verify('session', 'test', ticket)).rejects.toMatchObject(refused('invalid'))
  for (let at = 0; at < ticket.length; at += 7) {
    const altered = ticket.slice(0, at) + (ticket[at] === 'A' ? 'B' : 'A') + ticket.slice(at + 1)
    await expect(users.signIn(altered)).rejects.toMatchObject({ code: 'TOKEN_REFUSED' })
  }
  await users.signIn(ticket)
})

test('[SIGNIN-1] a uid is 4 to 32 of the original’s characters, and a session lasts from a second to a year', async () => {
  const { users } = await setUp()
  for (const uid of ['ann', '', 'x'.repeat(33), 'an na', 'anna/', 'änna', 'anna\n', 7, null, { uid: 'anna' }])
    await expect(users.createTicket(uid as string)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  for (const expire of [0, -1, 0.5, Number.NaN, 1e20, '1 day'])
    await expect(users.createTicket('anna', { expire: expire as number })).rejects.toMatchObject({
      code: 'INVALID_PARAM',
    })
  await users.signIn(await users.createTicket('_-#@~=*(){}[]:.,<>+aZ09'))
})

test('[SIGNIN-5] a session lasts as long as its ticket said', async () => {
  const { users, tokens, clock } = await setUp()
  const { openid, token } = await users.signIn(await users.createTicket('anna', { expire: 60_000 }))
  expect(await users.known(openid)).toEqual({ uid: 'anna', sessionMs: 60_000 })
  clock.advance(59_000)
  await tokens.verify('session', 'test', token)
  clock.advance(1_000)
  await expect(tokens.verify('session', 'test', token)).rejects.toMatchObject(refused('expired'))
})

test('[SIGNIN-6] a deleted user is nobody any more, and who comes by its name later is somebody else', async () => {
  const { users } = await setUp()
  const gone: string[] = []
  users.onGone(openid => gone.push(openid))
  const anna = await users.signIn(await users.createTicket('anna'))
  const ticket = await users.createTicket('anna')
  expect(await users.delete({ uid: 'anna' })).toBe(true)
  expect(gone).toEqual([anna.openid])
  await expect(users.known(anna.openid)).rejects.toMatchObject(refused('deleted'))
  await expect(users.signIn(ticket)).rejects.toMatchObject(refused('invalid'))
  expect(await users.delete({ uid: 'anna' })).toBe(false)
  expect(await users.delete({ uid: 'nobody' })).toBe(false)
  const later = await users.signIn(await users.createTicket('anna'))
  expect(later.openid).not.toBe(anna.openid)
  expect(await users.delete({ openid: later.openid })).toBe(true)
  expect(await users.find('anna')).toBeUndefined()
})

async function withDocuments(count: number) {
  const house = await setUp()
  const ann = await house.anonymous()
  const named = await house.users.signIn(await house.users.createTicket('anna'))
  for (let n = 0; n < count; n++) {
    const data = { n, _openid: n % 3 === 0 ? 'somebody' : ann.openid, says: ann.openid }
    await house.environment.commit({
      actor: admin,
      writes: [{ op: 'add', collection: 'todos', id: `t${n}`, data }],
    })
  }
  const ownersOf = async () => {
    const owners = new Map<unknown, number>()
    for (const { _openid } of (await house.documents()) as (Document & { _openid: string })[])
      owners.set(_openid, (owners.get(_openid) ?? 0) + 1)
    return Object.fromEntries(owners)
  }
  return { ...house, ann, named, ownersOf }
}

test('[SIGNIN-7] a merger gives a named user what an anonymous one owns, once, by commits that everybody sees', async () => {
  const { users, ann, named, ownersOf, heard, documents } = await withDocuments(900)
  heard.length = 0
  const [first, second] = await Promise.all([
    users.merge(ann.token, named.openid),
    users.merge(ann.token, named.openid),
  ])
  expect(first).toEqual({ documents: 600, left: 0 })
  expect(second).toEqual(first)
  expect(await users.merge(ann.token, named.openid)).toEqual(first)
  expect(await ownersOf()).toEqual({ somebody: 300, [named.openid]: 600 })
  expect(heard).toHaveLength(600)
  expect(heard.every(({ dataType, actor }) => dataType === 'update' && actor.kind === 'admin')).toBe(true)
  // a field that only says the name is the app's
  expect((await documents()).every(({ says }) => says === ann.openid)).toBe(true)
})

test('[FILE-33] what an anonymous user has uploaded once counts as uploaded by the user it is merged into', async () => {
  const { users, ann, named, environment, clock } = await withDocuments(0)
  const made = new MadeUploads(environment, clock)
  const [one, two] = ['1', '2'].map(digit => digit.repeat(32)) as [string, string]
  await made.remember(ann.openid, one, 'a photo')
  await made.remember('somebody', two, 'a film')
  await users.merge(ann.token, named.openid)
  expect(await made.byNonce(named.openid, one)).toBe('a photo')
  expect(await made.byNonce(ann.openid, one)).toBeUndefined()
  expect(await made.byNonce(named.openid, two)).toBeUndefined()
})

test('[SIGNIN-8] who was merged is nobody any more', async () => {
  const { users, ann, named } = await withDocuments(3)
  const gone: string[] = []
  users.onGone(openid => gone.push(openid))
  await users.merge(ann.token, named.openid)
  expect(gone).toEqual([ann.openid])
  await expect(users.known(ann.openid)).rejects.toMatchObject(refused('merged'))
  const other = await users.signIn(await users.createTicket('bert'))
  await expect(users.merge(ann.token, other.openid)).rejects.toMatchObject(refused('merged'))
})

test('[SIGNIN-9] merging needs the proof of both: an anonymous user’s own token, and a named user who asks', async () => {
  const { users, ann, named, anonymous, tokens, ownersOf } = await withDocuments(3)
  const before = await ownersOf()
  const bert = await users.signIn(await users.createTicket('bert'))
  const nobody = await anonymous()
  await expect(users.merge(ann.openid, named.openid)).rejects.toMatchObject(refused('invalid'))
  await expect(users.merge('x'.repeat(1_000_000), named.openid)).rejects.toMatchObject(refused('invalid'))
  await expect(
    users.merge(await tokens.sign('access', 'test', ann.openid), named.openid),
  ).rejects.toMatchObject(refused('invalid'))
  await expect(users.merge(bert.token, named.openid)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await expect(users.merge(named.token, named.openid)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await expect(users.merge(ann.token, nobody.openid)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await users.delete({ uid: 'bert' })
  await expect(users.merge(ann.token, bert.openid)).rejects.toMatchObject(refused('deleted'))
  expect(await ownersOf()).toEqual(before)
})

test('[SIGNIN-10] a merger that a server did not finish is finished by the next, and counts each document once', async () => {
  const { users, open, ann, named, ownersOf, environment } = await withDocuments(1_200)
  let commits = 0
  environment.onCommit(() => {
    if (++commits === 2) void users.close()
  })
  await expect(users.merge(ann.token, named.openid)).rejects.toMatchObject({ code: 'ABORTED' })
  expect((await ownersOf())[ann.openid]).toBeGreaterThan(0)
  const next = await open() // goes on by itself
  expect(await next.merge(ann.token, named.openid)).toEqual({ documents: 800, left: 0 })
  expect(await ownersOf()).toEqual({ somebody: 400, [named.openid]: 800 })
  await next.close()
})

test('[SIGNIN-10] what the anonymous user had asked before the end is merged as well', async () => {
  const { users, environment, documents, anonymous } = await setUp()
  const ann = await anonymous()
  const named = await users.signIn(await users.createTicket('anna'))
  const commit = (n: number) =>
    environment.commit({
      actor: { kind: 'user', openid: ann.openid },
      writes: [{ op: 'add', collection: 'todos', id: `t${n}`, data: { n } }],
    })
  const writes = Array.from({ length: 20 }, (_, n) => commit(n))
  // the last that comes through before the conversation is closed
  users.onGone(() => writes.push(commit(20)))
  const result = await users.merge(ann.token, named.openid)
  await Promise.all(writes)
  expect(result).toEqual({ documents: 21, left: 0 })
  expect((await documents()).every(({ _openid }) => _openid === named.openid)).toBe(true)
})

test('[SIGNIN-11] a document that a unique index does not let the named user have is left, and told', async () => {
  const { users, ann, named, environment, ownersOf } = await withDocuments(0)
  await environment.createIndex('todos', {
    name: 'one',
    keys: [
      ['_openid', 1],
      ['slug', 1],
    ],
    unique: true,
  })
  const add = (id: string, _openid: string, slug: string) =>
    environment.commit({
      actor: admin,
      writes: [{ op: 'add', collection: 'todos', id, data: { _openid, slug } }],
    })
  await add('1', named.openid, 'home')
  await add('2', ann.openid, 'home')
  await add('3', ann.openid, 'work')
  expect(await users.merge(ann.token, named.openid)).toEqual({ documents: 1, left: 1 })
  expect(await ownersOf()).toEqual({ [named.openid]: 2, [ann.openid]: 1 })
})

test('[WXLOGIN-1] a ticket may wish for an openid: given to the first of that name, and to nobody after a deletion', async () => {
  const { users } = await setUp()
  const wished = `o${'w'.repeat(27)}`
  const signIn = async (uid: string) => users.signIn(await users.createTicket(uid, {}, { openid: wished }))
  expect((await signIn('wx:anna')).openid).toBe(wished)
  expect((await signIn('wx:anna')).openid).toBe(wished)
  expect((await signIn('wx:bert')).openid).not.toBe(wished)
  await users.delete({ uid: 'wx:anna' })
  const later = await signIn('wx:anna')
  expect(later.openid).not.toBe(wished)
  const odd = await users.signIn(await users.createTicket('wx:odd', {}, { openid: 'no openid' }))
  expect(odd.openid).toMatch(/^o[\w-]{27}$/)
})

test('[SIGNIN-19] roles are given and taken, each once, also after a restart, and told only when they change', async () => {
  const { users, open } = await setUp()
  const { openid } = await users.signIn(await users.createTicket('anna', { roles: ['reader'] }))
  const told: string[] = []
  users.onRoles(changed => told.push(changed))
  expect(await users.changeRoles('anna', { grant: ['editor', 'editor'] })).toEqual(['editor', 'reader'])
  expect(await users.changeRoles('anna', { grant: ['editor'], revoke: ['nothing'] })).toEqual([
    'editor',
    'reader',
  ])
  expect(told).toEqual([openid])
  expect(await (await open()).known(openid)).toMatchObject({ roles: ['editor', 'reader'] })
  expect(await users.changeRoles('anna', { revoke: ['reader', 'editor'] })).toEqual([])
  expect(await users.known(openid)).not.toHaveProperty('roles')
  // at once: nothing of either is lost
  await Promise.all(['a', 'b', 'c'].map(role => users.changeRoles('anna', { grant: [role] })))
  expect(await users.rolesOf('anna')).toEqual(['a', 'b', 'c'])
})

test('[SIGNIN-19] an account that nobody has signed in to has its roles from the first time on; nobody else gets any', async () => {
  const { users, environment, tokens } = await setUp()
  expect(await users.changeRoles('anna', { grant: ['admin'] })).toBeUndefined()
  expect(await users.changeRoles('pw:anna', { grant: ['admin'] })).toBeUndefined()
  for (const uid of ['', 'a', '__proto__', 'x'.repeat(99), 7 as never])
    expect(await users.changeRoles(uid, { grant: ['admin'] }), uid).toBeUndefined()
  await environment.alone(alone => alone.store({ state: [[accountKeyOf('pw:anna')!, '{}']] }))
  expect(await users.changeRoles('pw:anna', { grant: ['admin', 'editor'] })).toEqual(['admin', 'editor'])
  expect(await users.changeRoles('pw:anna', { revoke: ['editor'] })).toEqual(['admin'])
  const { openid } = await users.signIn(await users.createTicket('pw:anna'))
  expect(await users.known(openid)).toMatchObject({ uid: 'pw:anna', roles: ['admin'] })
  await users.changeRoles('pw:anna', { revoke: ['admin'] })
  await users.signIn(await users.createTicket('pw:anna'))
  expect(await users.rolesOf('pw:anna')).toEqual([])
  // whoever has the name after somebody was deleted is somebody else
  await users.changeRoles('pw:anna', { grant: ['admin'] })
  await users.delete({ uid: 'pw:anna' })
  const next = await users.signIn(await users.createTicket('pw:anna'))
  expect(await users.known(next.openid)).not.toHaveProperty('roles')
  expect(await tokens.verify('session', 'test', next.token)).toBe(next.openid)
})

test.each([
  [{ grant: [''] }],
  [{ grant: ['x'.repeat(65)] }],
  [{ grant: [7] }],
  [{ grant: 'admin' }],
  [{ revoke: [null] }],
  [{ grant: Array.from({ length: 16 }, (_, n) => `role ${n}`) }],
])('[SIGNIN-19] %j is refused, and the roles stay', async change => {
  const { users } = await setUp()
  await users.signIn(await users.createTicket('anna', { roles: ['reader'] }))
  await expect(users.changeRoles('anna', change as never)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  expect(await users.rolesOf('anna')).toEqual(['reader'])
})
