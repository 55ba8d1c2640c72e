import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { MemoryEngine } from '../../testing/index.ts'
import { openWorld } from '../../testing/scenario.ts'
import { openTokens } from '../tokens.ts'
import { Users } from '../users.ts'
import { Accounts, type PasswordOptions } from './accounts.ts'
import { defaultCost, type HashCost, PasswordHasher } from './password-hash.ts'

const random = (size: number) => new Uint8Array(randomBytes(size))
/** So that a test takes no time: the paths are those of the dear one. */
const cheap: HashCost = { ln: 4, r: 8, p: 1 }
const address = '192.0.2.1'
const password = 'correct horse'
const wrong = { code: 'TOKEN_REFUSED', details: { reason: 'password' } }
const taken = { code: 'INVALID_PARAM', details: { reason: 'taken' } }

async function setUp(options: PasswordOptions = { signUp: true }) {
  const folder = await mkdtemp(join(tmpdir(), 'nearcloud-passwords-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const engine = new MemoryEngine()
  const world = openWorld(engine)
  const { environment, clock } = world
  const tokens = await openTokens(folder, clock, random)
  const users = await Users.open({ environment, tokens, clock })
  const open = (cost = cheap, by: Pick<Users, 'createTicket' | 'changeName'> = users) =>
    new Accounts({ environment, users: by, clock, random, cost }, options)
  const accounts = open()
  const ended: string[] = []
  users.onGone((openid, error) => ended.push(`${openid} ${error.details.reason}`))
  const enter = async (username: string, password: string, from = address) =>
    users.signIn(await accounts.signIn({ username, password, address: from }))
  const hello = async (token: string) => {
    const { openid, round } = await users.shown('session', token)
    return users.known(openid, round)
  }
  const stored = async () => JSON.stringify(await engine.listState('test', ''))
  return { ...world, users, accounts, open, ended, enter, hello, stored }
}

test('[PASSWORD-1] who signs up is a user by the name, and the same one at every sign-in, however the name is spelt', async () => {
  const { accounts, users, enter } = await setUp()
  const ticket = await accounts.signUp({ username: 'Anna', password, address })
  const first = await users.signIn(ticket)
  expect(first.uid).toBe('pw:anna')
  for (const name of ['anna', 'ANNA', 'Ａｎｎａ'])
    expect((await enter(name, password)).openid).toBe(first.openid)
  expect((await enter('anna', 'correct horse')).openid).toBe(first.openid)
  for (const name of ['Anna', 'ａｎｎａ'])
    await expect(accounts.signUp({ username: name, password, address })).rejects.toMatchObject(taken)
})

test.each([
  ['no text', 7],
  ['too short', 'ab'],
  ['too long', 'a'.repeat(30)],
  ['far too long', 'a'.repeat(1_000_000)],
  ['a space', 'anna b'],
  ['another script’s twin of a letter', 'аnna'],
  ['a mark of direction', 'anna\u202e'],
  ['a zero', 'anna\u0000'],
  ['a way out of the key', '../anna'],
  ['a uid', 'pw:anna'],
  ['nothing', undefined],
  ['a prototype', { toString: 'anna' }],
])('[PASSWORD-2] a name that is %s is refused', async (_, username) => {
  const { accounts, stored } = await setUp()
  const refused = { code: 'INVALID_PARAM', details: { field: 'username' } }
  await expect(accounts.signUp({ username, password, address })).rejects.toMatchObject(refused)
  await expect(accounts.signIn({ username, password, address })).rejects.toMatchObject(refused)
  expect(await stored()).toBe('[]')
})

test.each([
  ['no text', 7],
  ['empty', ''],
  ['too short', '1234567'],
  ['too long', 'é'.repeat(129)],
  ['far too long', 'x'.repeat(1_000_000)],
  ['half a character', `12345678\ud800`],
  ['the name', 'Anna.Bert'],
])('[PASSWORD-3] a new password that is %s is refused', async (_, password) => {
  const { accounts } = await setUp()
  const refused = { code: 'INVALID_PARAM', details: { field: 'password' } }
  await expect(accounts.signUp({ username: 'anna.bert', password, address })).rejects.toMatchObject(refused)
  await expect(accounts.add('anna.bert', password as string)).rejects.toMatchObject(refused)
})

test('[PASSWORD-3] 8 to 128 characters of any kind are a password, however they were composed', async () => {
  const { accounts, enter } = await setUp()
  await accounts.add('one', '12345678')
  await accounts.add('two', '😀'.repeat(128))
  await accounts.add('three', 'caf\u00e9 cre\u0301me')
  await enter('one', '12345678')
  await enter('two', '😀'.repeat(128))
  await enter('three', 'cafe\u0301 cr\u00e9me')
  await expect(enter('one', '12345679')).rejects.toMatchObject(wrong)
})

test('[PASSWORD-4] a password is stored as a hash of its own with its parameters, and made anew when they have changed', async () => {
  const { accounts, open, enter, stored } = await setUp()
  await accounts.add('anna', password)
  await accounts.add('bert', password)
  const before = await stored()
  expect(before).not.toContain(password)
  const hashes = before.match(/\$scrypt\$ln=4,r=8,p=1\$[\w-]{22}\$[\w-]{43}/g)!
  expect(new Set(hashes).size).toBe(2)
  const dearer = open({ ln: 5, r: 8, p: 2 })
  await expect(dearer.signIn({ username: 'anna', password: 'wrong one', address })).rejects.toMatchObject(
    wrong,
  )
  expect(await stored()).not.toContain('ln=5')
  await dearer.signIn({ username: 'anna', password, address })
  expect((await stored()).match(/ln=5,r=8,p=2/g)).toHaveLength(1)
  await enter('anna', password)
  expect(128 * defaultCost.r * 2 ** defaultCost.ln).toBe(32 * 1024 * 1024)
})

test('[PASSWORD-5] a wrong name and a wrong password are one answer, and the same work', async () => {
  const { accounts } = await setUp()
  await accounts.add('anna', password)
  const told = await Promise.all(
    ['anna', 'nobody'].map(username =>
      accounts.signIn({ username, password: 'wrong one', address }).catch(thrown => thrown.toJSON()),
    ),
  )
  expect(told[0]).toEqual(told[1])
  expect(told[0]).toMatchObject(wrong)
  // two are hashed at once and 64 wait: of nobody's too
  const hasher = new PasswordHasher(random, cheap)
  const stored = await hasher.hash(password)
  for (const each of [stored, undefined]) {
    const looks = await Promise.allSettled(Array.from({ length: 70 }, () => hasher.isRight(password, each)))
    const busy = looks.filter(look => look.status === 'rejected')
    expect(busy).toHaveLength(4)
    for (const { reason } of busy)
      expect(reason).toMatchObject({ code: 'EXCEED_REQUEST_LIMIT', details: { retryAfterMs: 2_000 } })
    expect(looks[0]).toEqual({ status: 'fulfilled', value: each !== undefined })
  }
})

test('[PASSWORD-6] without leave nobody signs up; the operator makes accounts', async () => {
  const { accounts, enter } = await setUp({})
  await expect(accounts.signUp({ username: 'anna', password, address })).rejects.toMatchObject({
    code: 'INVALID_PARAM',
    details: { reason: 'closed' },
  })
  expect(await accounts.add('anna', password)).toBe('pw:anna')
  await enter('anna', password)
  await expect(accounts.add('anna', password)).rejects.toMatchObject(taken)
})

test('[PASSWORD-6] of fifty who want a name at once one gets it', async () => {
  const { accounts } = await setUp()
  const asked = Array.from({ length: 50 }, (_, n) =>
    accounts.signUp({ username: 'anna', password, address: `192.0.2.${n}` }),
  )
  const results = await Promise.allSettled(asked)
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('[PASSWORD-6] a name that a deleted user had, and one that tickets are made for, are not to be had by strangers', async () => {
  const { accounts, users, enter } = await setUp()
  await accounts.add('admin', password)
  const { openid } = await enter('admin', password)
  await users.delete({ uid: 'pw:admin' })
  await expect(accounts.signUp({ username: 'admin', password, address })).rejects.toMatchObject(taken)
  await users.signIn(await users.createTicket('pw:boss'))
  await expect(accounts.signUp({ username: 'boss', password, address })).rejects.toMatchObject(taken)
  await accounts.add('admin', password)
  expect((await enter('admin', password)).openid).not.toBe(openid)
})

test('[PASSWORD-8] five wrong passwords from one place, also at once, and the sixth is not looked at', async () => {
  const { accounts, enter, clock } = await setUp()
  await accounts.add('anna', password)
  const guesses = await Promise.allSettled(
    Array.from({ length: 50 }, (_, n) => enter('anna', `guess number ${n}`)),
  )
  const codes = guesses.map(each => each.status === 'rejected' && each.reason.code)
  expect(codes.filter(code => code === 'TOKEN_REFUSED')).toHaveLength(5)
  expect(codes.filter(code => code === 'EXCEED_REQUEST_LIMIT')).toHaveLength(45)
  const limited = { code: 'EXCEED_REQUEST_LIMIT', details: { retryAfterMs: 60_000 } }
  await expect(enter('anna', password)).rejects.toMatchObject(limited)
  await expect(enter('ANNA', password)).rejects.toMatchObject(limited)
  // who is elsewhere is let in
  await enter('anna', password, '198.51.100.7')
  clock.advance(60_000)
  await enter('anna', password)
  // right ones do not count
  for (let n = 0; n < 10; n++) {
    clock.advance(60_000)
    await enter('anna', password)
  }
})

test('[PASSWORD-8] one account is not guessed at from everywhere, nor all accounts from one place', async () => {
  const { enter } = await setUp()
  const limited = { code: 'EXCEED_REQUEST_LIMIT' }
  for (let n = 0; n < 50; n++)
    await expect(enter('anna', 'guess', `192.0.2.${n}`)).rejects.toMatchObject(wrong)
  await expect(enter('anna', 'guess', '192.0.2.200')).rejects.toMatchObject(limited)
  for (let n = 0; n < 100; n++)
    await expect(enter(`user${n}`, 'guess', '203.0.113.1')).rejects.toMatchObject(wrong)
  await expect(enter('user100', 'guess', '203.0.113.1')).rejects.toMatchObject(limited)
})

test('[PASSWORD-8] twenty accounts are made from one place, then one a minute', async () => {
  const { accounts, clock } = await setUp()
  const signUp = (n: number) => accounts.signUp({ username: `user${n}`, password, address })
  for (let n = 0; n < 20; n++) await signUp(n)
  await expect(signUp(20)).rejects.toMatchObject({ code: 'EXCEED_REQUEST_LIMIT' })
  clock.advance(60_000)
  await signUp(20)
})

test('[PASSWORD-9] who changes the password goes on, and every other session and ticket of the user ends', async () => {
  const { accounts, users, enter, hello, ended } = await setUp()
  await accounts.add('anna', password)
  await accounts.add('bert', password)
  const [thief, bert] = [await enter('anna', password), await enter('bert', password)]
  const unused = await accounts.signIn({ username: 'anna', password, address })
  const change = { username: 'anna', password, newPassword: 'battery staple', address }
  const mine = await users.signIn(await accounts.changePassword(change))
  expect(ended).toEqual([`${thief.openid} ended`])
  expect(mine.openid).toBe(thief.openid)
  const over = { code: 'TOKEN_REFUSED', details: { reason: 'ended' } }
  await expect(hello(thief.token)).rejects.toMatchObject(over)
  await expect(users.signIn(unused)).rejects.toMatchObject(over)
  expect(await hello(mine.token)).toMatchObject({ uid: 'pw:anna' })
  expect(await hello(bert.token)).toMatchObject({ uid: 'pw:bert' })
  await expect(enter('anna', password)).rejects.toMatchObject(wrong)
  expect((await enter('anna', 'battery staple')).openid).toBe(mine.openid)
  expect(await accounts.setPassword('Anna', 'of the operator')).toBe(true)
  await expect(hello(mine.token)).rejects.toMatchObject(over)
  expect(await accounts.setPassword('nobody', 'of the operator')).toBe(false)
})

test('[PASSWORD-9] of many changes at once one wins, and a wrong old password changes nothing and counts', async () => {
  const { accounts, enter } = await setUp()
  await accounts.add('anna', password)
  const change = (n: number, shown = password) =>
    accounts.changePassword({
      ...{ username: 'anna', password: shown, newPassword: `new password ${n}` },
      address: `192.0.2.${n}`,
    })
  const results = await Promise.allSettled(Array.from({ length: 40 }, (_, n) => change(n)))
  const [winner, ...others] = results.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []))
  expect(others).toEqual([])
  await enter('anna', `new password ${winner}`)
  const guesses = await Promise.allSettled(Array.from({ length: 10 }, () => change(99, 'a guess')))
  expect(
    guesses.filter(each => each.status === 'rejected' && each.reason.code === 'TOKEN_REFUSED'),
  ).toHaveLength(5)
})

test('[PASSWORD-9] a password that is changed while another is looked at lets nobody in by the older', async () => {
  const { accounts, open, users } = await setUp()
  await accounts.add('anna', password)
  const late = open(cheap, {
    changeName: (uid, state) => users.changeName(uid, state),
    async createTicket(uid) {
      await accounts.setPassword('anna', 'of the operator')
      return users.createTicket(uid)
    },
  })
  await expect(late.signIn({ username: 'anna', password, address })).rejects.toMatchObject(wrong)
})

test('[PASSWORD-10] who is deleted has no account any more, also when nobody ever signed in to it', async () => {
  const { accounts, users, enter, ended, stored, hello } = await setUp()
  await accounts.add('anna', password)
  await accounts.add('bert', password)
  const { openid, token } = await enter('anna', password)
  const unused = await accounts.signIn({ username: 'bert', password, address })
  expect(await accounts.list()).toMatchObject([{ username: 'anna' }, { username: 'bert' }])
  for (const name of ['anna', 'bert']) expect(await users.delete({ uid: `pw:${name}` })).toBe(true)
  expect(ended).toEqual([`${openid} deleted`])
  await expect(hello(token)).rejects.toMatchObject({ details: { reason: 'deleted' } })
  for (const name of ['anna', 'bert']) await expect(enter(name, password)).rejects.toMatchObject(wrong)
  await expect(users.signIn(unused)).rejects.toMatchObject({ code: 'TOKEN_REFUSED' })
  expect(await accounts.list()).toEqual([])
  expect(await stored()).not.toContain('scrypt')
  expect(await users.delete({ uid: 'pw:nobody' })).toBe(false)
})
