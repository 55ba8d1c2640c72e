import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openTokens } from '../auth/tokens.ts'
import { openHouse } from '../testing/local-house.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { clientId } from '../testing/raw-client.ts'

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'nearcloud-chains-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

/** A server, and who comes to it with which token. */
async function setUp(engine = new MemoryEngine(), keys?: string) {
  const place = keys ?? (await folder())
  const house = await openHouse({
    engine,
    tokens: ({ clock }) => openTokens(place, clock, size => new Uint8Array(randomBytes(size))),
  })
  /** A device comes: the token it is given, or why not. */
  const come = async (token: string, device = 'a') => {
    const client = house.connect()
    const hello = client.hello({ protocol: 4, client: clientId(device), token })
    const told = await hello.then(
      welcome => ({ client, token: welcome.token, access: welcome.access, refusal: undefined }),
      () => ({ client, token: '', access: '', refusal: client.heard.find(({ type }) => type === 'bye') }),
    )
    return told
  }
  const signIn = async (uid: string) => {
    const client = house.connect()
    client.send({ type: 'signIn', protocol: 4, env: '', ticket: await house.users.createTicket(uid) })
    return (await client.next('signedIn')).token
  }
  return { ...house, come, signIn, place, engine }
}

const ended = { error: { code: 'TOKEN_REFUSED', details: { reason: 'ended' } } }

test('[CHAIN-1] each contact brings another token, and one that was not answered may be shown again', async () => {
  const { come, signIn } = await setUp()
  const first = await signIn('anna')
  const second = await come(first)
  expect(second.token).not.toBe(first)
  // the answer was lost, twice
  const again = await come(first)
  const oneMore = await come(first)
  expect([again.refusal, oneMore.refusal]).toEqual([undefined, undefined])
  const third = await come(oneMore.token)
  expect(third.refusal).toBe(undefined)
  expect((await come(third.token)).refusal).toBe(undefined)
})

test('[CHAIN-2] a token that was followed by another ends the session of who shows it, and of who has the other', async () => {
  const { come, signIn, users } = await setUp()
  const first = await signIn('anna')
  const otherPhone = await come(await signIn('anna'), 'b')
  const second = await come(first)
  const third = await come(second.token)
  // somebody copied the first
  const thief = await come(first, 'c')
  expect(thief.refusal).toMatchObject(ended)
  await third.client.ended()
  expect(third.client.heard.at(-1)).toMatchObject({ type: 'bye', ...ended })
  for (const token of [first, second.token, third.token])
    expect((await come(token)).refusal).toMatchObject(ended)
  // its access tokens are good for nothing either
  const { openid, round, session } = await users.shown('access', third.access)
  await expect(users.known(openid, round, session)).rejects.toMatchObject({ details: { reason: 'ended' } })
  // other sign-ins of the user go on, and a new one is possible
  expect(otherPhone.client.isClosed).toBe(false)
  expect((await come(otherPhone.token, 'b')).refusal).toBe(undefined)
  expect((await come(await signIn('anna'))).refusal).toBe(undefined)
})

test('[CHAIN-2] who takes turns with the owner is found by the second turn', async () => {
  const { come, signIn } = await setUp()
  const stolen = await signIn('anna')
  const thief = await come(stolen, 'c')
  const owner = await come(stolen)
  expect(owner.refusal).toBe(undefined)
  expect((await come(thief.token, 'c')).refusal).toBe(undefined)
  expect((await come(owner.token)).refusal).toMatchObject(ended)
  expect((await come(thief.token, 'c')).refusal).toMatchObject(ended)
})

test('[CHAIN-3] it is known after a restart; a server that knows less than a token believes it', async () => {
  const engine = new MemoryEngine()
  const before = await setUp(engine)
  const first = await before.signIn('anna')
  const second = await before.come(first)
  const third = await before.come(second.token)
  before.clock.advance(1_000)
  await before.users.close()
  const after = await setUp(engine, before.place)
  const fourth = await after.come(third.token)
  expect(fourth.refusal).toBe(undefined)
  expect((await after.come(first)).refusal).toMatchObject(ended)
  // one that was killed before it stored anything, or put back
  const anew = await setUp(new MemoryEngine(), before.place)
  const token = await anew.signIn('anna')
  const next = await anew.come(token)
  const later = await anew.come(next.token)
  const latest = await anew.come(later.token)
  const backup = await setUp(new MemoryEngine(), before.place)
  await backup.signIn('anna')
  const { openid } = await anew.users.shown('session', latest.token)
  expect(openid).toBe((await backup.users.shown('session', latest.token)).openid)
  expect(backup.users.follow(await backup.users.shown('session', latest.token), {})).toHaveLength(4)
})

test('[CHAIN-4] anonymous users have no chain: nothing could bring one back', async () => {
  const { connect, come } = await setUp()
  const client = connect()
  const { token } = await client.hello({ protocol: 4, client: clientId('a') })
  const second = await come(token)
  await come(second.token)
  expect((await come(token)).refusal).toBe(undefined)
})

test('[CHAIN-5] what is forgotten is what nobody comes back to', async () => {
  const { come, signIn, engine, clock, users } = await setUp()
  await come(await signIn('anna'))
  clock.advance(1_000)
  await users.close()
  const rows = () => engine.listState('test', 'users/session/')
  expect(await rows()).toHaveLength(1)
  clock.set(clock.now() + 40 * 24 * 3_600_000)
  await come(await signIn('bert'), 'b')
  clock.advance(1_000)
  await users.close()
  expect(await rows()).toHaveLength(1)
})
