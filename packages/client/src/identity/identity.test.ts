import { settle } from '@nearcloud/store/testing'
import { TestRig } from '@nearcloud/sync/testing'
import { expect, test } from 'vitest'
import { type Cloud, createCloud } from '../index.ts'
import { MemoryPlatform, ScriptedFiles } from '../testing/index.ts'

const endpoint = 'http://cloud.test'

/** A device, its server, and what goes over the wire. */
async function setUp(options: { isOnline?: boolean } = {}) {
  const rig = new TestRig()
  // everybody has what they made
  rig.server.mayRead = (openid, _collection, document) => document._openid === openid
  const files = new ScriptedFiles()
  rig.server.files = ask => files.ask(ask)
  const platform = new MemoryPlatform(rig, files.http)
  const frames: { readonly direction: string; readonly text: string }[] = []
  platform.network.isUp = options.isOnline ?? true
  platform.network.fate = (text, direction) => {
    frames.push({ direction, text })
    return 'deliver'
  }
  const open = async () => {
    const cloud = createCloud(platform)
    cloud.init({ endpoint, subscribe: { todos: true } })
    await cloud.ready()
    await rig.pass()
    return cloud
  }
  let tickets = 0
  const ticketFor = (uid: string) => {
    const ticket = `ticket-${++tickets}`
    rig.server.tickets.set(ticket, uid)
    return ticket
  }
  const goOnline = async (isUp: boolean) => {
    platform.network.isUp = isUp
    if (!isUp) platform.network.cut()
    await rig.pass()
    if (isUp) platform.hint('online')
    await rig.pass(1_000)
  }
  return { rig, files, platform, frames, open, ticketFor, goOnline, cloud: await open() }
}

const add = (cloud: Cloud, _id: string, data: object = {}) =>
  cloud
    .database()
    .collection('todos')
    .add({ data: { _id, ...data } })
const idsOf = async (cloud: Cloud) => {
  const { data } = await cloud.database().collection('todos').orderBy('_id', 'asc').get()
  return data.map(({ _id }) => _id)
}
const choices = expect.objectContaining({ choices: ['keep', 'merge', 'discard'] })

test('[IDENTITY-10] a fresh device is anonymous at once, without a network too', async () => {
  const { cloud, goOnline } = await setUp({ isOnline: false })
  const auth = cloud.auth()
  expect(auth.currentUser).toEqual({ uid: '', openid: undefined, isAnonymous: true })
  expect(await auth.getLoginState()).toMatchObject({ loginType: 'ANONYMOUS', isAnonymousAuth: true })
  await add(cloud, '1')
  expect(await idsOf(cloud)).toEqual(['1'])
  await goOnline(true)
  expect(auth.hasLoginState()).toMatchObject({ user: { uid: 'user-1', openid: 'user-1', isAnonymous: true } })
  expect(await auth.users()).toEqual([
    { id: 'u0', uid: undefined, isAnonymous: true, isActive: true, isSealed: false },
  ])
})

test('[IDENTITY-11] each user has a store of its own: the next one sees nothing, sends nothing, and all is there on return', async () => {
  const { cloud, rig, ticketFor, frames, goOnline, platform } = await setUp()
  const auth = cloud.auth()
  const changed: (string | undefined)[] = []
  auth.onLoginStateChanged(({ user }) => changed.push(user.uid))
  await auth.signInWithCustomTicket(ticketFor('anna'))
  await rig.pass()
  const anna = cloud.status().openid!
  await add(cloud, 'a1')
  await rig.pass()
  await goOnline(false)
  await add(cloud, 'a2', { secret: 'of anna' })
  expect(cloud.status().pending).toBe(1)

  // offline, between users who are here
  await auth.signInAnonymously()
  expect(cloud.status()).toMatchObject({ pending: 0, openid: 'user-1' })
  expect(await idsOf(cloud)).toEqual([])
  await goOnline(true)
  frames.length = 0
  await auth.customAuthProvider().signIn(ticketFor('bert'))
  await rig.pass()
  expect(cloud.status()).toMatchObject({ state: 'online', pending: 0, rejected: 0, uploads: 0 })
  expect(cloud.status().openid).not.toBe(anna)
  expect(await idsOf(cloud)).toEqual([])
  expect(cloud.isPending('todos', 'a2')).toBe(false)
  await add(cloud, 'b1')
  await rig.pass(60_000)
  for (const { text } of frames) expect(text).not.toMatch(new RegExp(`of anna|"a[12]"|${anna}"`))

  await auth.switchTo('anna')
  await rig.pass()
  expect(cloud.status().openid).toBe(anna)
  expect(await idsOf(cloud)).toEqual(['a1', 'a2'])
  await cloud.whenSynced()
  expect(rig.server.get('todos', 'a2')).toEqual({ _id: 'a2', _openid: anna, secret: 'of anna' })
  expect(rig.server.get('todos', 'b1')).toMatchObject({ _id: 'b1' })
  expect(changed).toEqual(['anna', 'user-1', 'bert', 'anna'])
  expect(rig.server.violations).toEqual([])
  expect(
    [...platform.media.keys()].filter(name => /anna|bert|user/.test(name.replace('.users', ''))),
  ).toEqual([])
})

test('[IDENTITY-12] with writes or files that are not decided somebody has to choose; nothing happens, and the ticket is still good', async () => {
  const { cloud, rig, ticketFor, goOnline } = await setUp()
  const auth = cloud.auth()
  await goOnline(false)
  await add(cloud, '1')
  const ticket = ticketFor('anna')
  const words = /"keep".*"merge".*"discard"/
  const refused = { code: 'INVALID_PARAM', errMsg: expect.stringMatching(words), details: choices }
  await expect(auth.signInWithCustomTicket(ticket)).rejects.toMatchObject(refused)
  await expect(auth.signInWithCustomTicket(ticket, { anonymousData: 'lose' as never })).rejects.toMatchObject(
    { code: 'INVALID_PARAM' },
  )
  expect(await idsOf(cloud)).toEqual(['1'])
  await goOnline(true)
  await cloud.whenSynced()
  await goOnline(false)
  await cloud.uploadFile({ cloudPath: 'a.txt', fileContent: Uint8Array.of(1) })
  await expect(auth.signInWithCustomTicket(ticket)).rejects.toMatchObject(refused)
  await goOnline(true)
  await cloud.whenSynced()
  await auth.signInWithCustomTicket(ticket)
  await rig.pass()
  expect(auth.currentUser?.uid).toBe('anna')
  await expect(
    auth.signInWithCustomTicket(ticketFor('bert'), { anonymousData: 'keep' }),
  ).rejects.toMatchObject({ code: 'INVALID_PARAM' })
})

/** An anonymous user with something on the server, something that waits, a file that waits and something refused. */
async function withAnonymousData() {
  const house = await setUp()
  const { cloud, rig, goOnline } = house
  rig.server.judge = write => (write.id === 'refused' ? 'no' : undefined)
  await add(cloud, '1')
  await add(cloud, 'refused')
  await cloud.whenSynced()
  return {
    ...house,
    /** Not decided, and on the way as soon as there is a network. */
    async write() {
      await goOnline(false)
      await add(cloud, '2')
      await cloud.uploadFile({ cloudPath: 'a.txt', fileContent: Uint8Array.of(1, 2, 3) })
      platformUp(house.platform)
    },
  }
}

/** There is a network again, which nobody has noticed. */
function platformUp(platform: MemoryPlatform): void {
  platform.network.isUp = true
}

test('[IDENTITY-13] keep: the anonymous user’s documents and outbox stay its own, sealed, and come back when it does', async () => {
  const { cloud, rig, ticketFor, write } = await withAnonymousData()
  await write()
  const auth = cloud.auth()
  const state = await auth.signInWithCustomTicket(ticketFor('anna'), { anonymousData: 'keep' })
  expect(state).toMatchObject({ user: { uid: 'anna' }, anonymousData: { choice: 'keep' } })
  await rig.pass(60_000)
  expect(await idsOf(cloud)).toEqual([])
  expect(cloud.rejections.list).toEqual([])
  expect(rig.server.get('todos', '2')).toBeUndefined()
  await auth.signOut()
  await rig.pass(60_000)
  expect(await idsOf(cloud)).toEqual(['1', '2'])
  expect(cloud.rejections.list).toHaveLength(1)
  await cloud.whenSynced()
  expect(rig.server.get('todos', '2')).toMatchObject({ _openid: 'user-1' })
  expect(cloud.status()).toMatchObject({ openid: 'user-1', uploads: 0 })
})

test('[IDENTITY-14] discard: the anonymous data goes from this device, and what is lost is counted', async () => {
  const { cloud, rig, ticketFor, write, platform, files } = await withAnonymousData()
  await write()
  const auth = cloud.auth()
  const state = await auth.signInWithCustomTicket(ticketFor('anna'), { anonymousData: 'discard' })
  expect(state.anonymousData).toEqual({
    choice: 'discard',
    discarded: { writes: 1, files: 1, calls: 0, rejections: 1 },
  })
  await rig.pass(60_000)
  expect(platform.medium('default.main').records.size).toBe(0)
  expect(platform.medium('default.main.files').records.size).toBe(0)
  expect((await auth.users()).map(({ uid }) => uid)).toEqual(['anna'])
  await auth.signOut()
  await rig.pass(60_000)
  expect(auth.currentUser).toMatchObject({ isAnonymous: true, uid: expect.not.stringMatching(/^user-1$/) })
  expect(await idsOf(cloud)).toEqual([])
  expect(rig.server.get('todos', '2')).toBeUndefined()
  expect(files.stored.size).toBe(0)
})

test('[IDENTITY-15] merge: all is sent as the anonymous user, then the server gives it to the named one', async () => {
  const { cloud, rig, ticketFor, goOnline, frames, platform, files } = await withAnonymousData()
  const auth = cloud.auth()
  const merged: unknown[] = []
  cloud.on('merged', result => merged.push(result))
  // what was refused has to be dealt with: it cannot be given to anybody
  await expect(
    auth.signInWithCustomTicket(ticketFor('anna'), { anonymousData: 'merge' }),
  ).rejects.toMatchObject({ errMsg: expect.stringContaining('rejections') })
  await cloud.rejections.discard(cloud.rejections.list[0]!.id)
  await goOnline(false)
  await expect(
    auth.signInWithCustomTicket(ticketFor('anna'), { anonymousData: 'merge' }),
  ).rejects.toMatchObject({ code: 'OFFLINE' })
  await add(cloud, '2')
  await cloud.uploadFile({ cloudPath: 'a.txt', fileContent: Uint8Array.of(1, 2, 3) })
  await goOnline(true)
  frames.length = 0
  platform.network.delayMs = 10
  const signing = auth.signInWithCustomTicket(ticketFor('anna'), { anonymousData: 'merge' })
  await settle()
  const late = expect(add(cloud, '3')).rejects.toMatchObject({ code: 'USER_CHANGED' }) // meanwhile
  await late
  await rig.pass(60_000)
  platform.network.delayMs = 0
  await rig.pass(60_000)
  const state = await signing
  expect(state.anonymousData).toEqual({ choice: 'merge', documents: 2, left: 0 })
  expect(merged).toEqual([{ documents: 2, left: 0 }])
  await cloud.whenSynced()
  const anna = cloud.status().openid!
  expect(await idsOf(cloud)).toEqual(['1', '2'])
  expect(rig.server.all('todos').map(({ _openid }) => _openid)).toEqual([anna, anna])
  expect(files.stored.size).toBe(1)
  expect((await auth.users()).map(({ uid }) => uid)).toEqual(['anna'])
  expect(platform.medium('default.main').records.size).toBe(0)
  // every push was in a conversation that the anonymous user's hello began
  let token = ''
  for (const { text } of frames) {
    const frame = JSON.parse(text) as { type: string; token?: string }
    if (frame.type === 'hello') token = frame.token ?? ''
    if (frame.type === 'push') expect(token).not.toBe(`token-of-${anna}`)
  }
})

test('[IDENTITY-15] a merger that finds no network goes on with the next, and after a restart', async () => {
  const { cloud, rig, ticketFor, platform, goOnline, open } = await setUp()
  await add(cloud, '1')
  await cloud.whenSynced()
  const { network } = platform
  network.fate = text => (text.includes('"merge"') ? 'cut' : 'deliver')
  const signing = cloud.auth().signInWithCustomTicket(ticketFor('anna'), { anonymousData: 'merge' })
  await rig.pass(25_000)
  expect((await signing).anonymousData).toEqual({ choice: 'merge', pending: true })
  expect(cloud.auth().currentUser?.uid).toBe('anna')
  expect(rig.server.get('todos', '1')).toMatchObject({ _openid: 'user-1' })
  await cloud.close()
  // once more, and this time only the answer is lost
  network.fate = text => (text.includes('"documents"') ? 'cut' : 'deliver')
  const again = await open()
  await rig.pass(25_000)
  expect(rig.server.get('todos', '1')).not.toMatchObject({ _openid: 'user-1' })
  network.fate = undefined
  const merged: unknown[] = []
  again.on('merged', result => merged.push(result))
  await goOnline(false)
  await goOnline(true)
  await rig.pass(60_000)
  expect(merged).toHaveLength(1)
  expect(platform.medium('default.main').records.size).toBe(0)
})

test('[IDENTITY-16] what is under way for one user ends with USER_CHANGED, before anything begins for the next', async () => {
  const { cloud, rig, ticketFor, goOnline, platform } = await setUp()
  const auth = cloud.auth()
  await auth.signInWithCustomTicket(ticketFor('anna'))
  await auth.signInAnonymously()
  await auth.switchTo('anna')
  await rig.pass()
  const db = cloud.database()
  const todos = db.collection('todos')
  await add(cloud, 'a1')
  await cloud.whenSynced()

  const seen: (readonly unknown[])[] = []
  const errors: unknown[] = []
  todos.watch({
    onChange: ({ docs }) => seen.push(docs.map(({ _id }) => _id)),
    onError: error => errors.push(error),
  })
  await rig.pass()
  rig.server.isSilent = true
  const following = cloud.subscribe('more')
  const asked: unknown[] = [
    cloud.callFunction({ name: 'f' }),
    todos.add({ data: { _id: 'a2' }, wait: 'server' } as never),
    cloud.uploadFile({ cloudPath: 'a.txt', fileContent: Uint8Array.of(1) }),
    cloud.getTempFileURL({ fileList: ['cloud://x/y'] }),
    db.collection('others').count(),
    db.collection('others').get(),
    cloud.whenSynced(),
    following.ready,
  ]
  const details: unknown[] = []
  const calls = asked.map((call, n) =>
    (call as Promise<unknown>).then(
      value => ({ value }),
      (error: { code: string; details: unknown }) => {
        details[n] = error.details
        return error.code
      },
    ),
  )
  await rig.pass(100)
  const switching = auth.signInAnonymously()
  await settle()
  await switching
  rig.server.isSilent = false
  await goOnline(false)
  await goOnline(true)
  await rig.pass(120_000)
  expect(await Promise.all(calls)).toEqual(calls.map(() => 'USER_CHANGED'))
  expect(errors).toMatchObject([{ code: 'USER_CHANGED' }])
  expect(details[1]).toMatchObject({ isKept: true })
  expect(details[2]).toMatchObject({ isKept: true })
  const failures: unknown[] = []
  cloud.on('error', error => failures.push(error))
  following.close()
  const before = seen.length
  await add(cloud, 'n1')
  await rig.pass()
  expect(seen).toHaveLength(before)
  expect(seen.flat()).not.toContain('n1')
  expect(rig.server.get('todos', 'a2')).toBeUndefined()
  // and the write and the file that waited are anna's, for when she is back
  await auth.switchTo('anna')
  expect(cloud.status()).toMatchObject({ pending: 1, uploads: 1 })
  await rig.pass(10_000)
  await cloud.whenSynced()
  expect(rig.server.get('todos', 'a2')).toMatchObject({ _openid: cloud.status().openid })
  expect(platform.network.connections).toBe(1)
  expect(failures).toEqual([])
})

test('[IDENTITY-16] while users change everything that is asked is refused with USER_CHANGED, and a watch too', async () => {
  const { cloud, rig, ticketFor, platform } = await setUp()
  const auth = cloud.auth()
  await auth.signInWithCustomTicket(ticketFor('anna'))
  await add(cloud, 'a1')
  const resume = platform.medium('default.main.users').pause()
  const switching = auth.signInAnonymously()
  await settle()
  const changed = { code: 'USER_CHANGED' }
  await expect(add(cloud, '1')).rejects.toMatchObject(changed)
  await expect(idsOf(cloud)).rejects.toMatchObject(changed)
  await expect(cloud.callFunction({ name: 'f' })).rejects.toMatchObject(changed)
  await expect(cloud.rejections.discard('x')).rejects.toMatchObject(changed)
  await expect(cloud.subscribe('more').ready).rejects.toMatchObject(changed)
  const errors: unknown[] = []
  cloud
    .database()
    .collection('todos')
    .watch({ onChange: () => undefined, onError: error => errors.push(error) })
  await settle()
  expect(errors).toMatchObject([changed])
  expect(cloud.status()).toMatchObject({ state: 'opening', pending: 0, openid: undefined })
  expect(auth.currentUser).toBeNull()
  resume()
  await switching
  await add(cloud, 'n1')
  expect(await idsOf(cloud)).toEqual(['n1'])
  await rig.pass()
})

test('[IDENTITY-17] users who are here are switched between without a network; a new one needs it, and says so', async () => {
  const { cloud, ticketFor, goOnline, rig } = await setUp()
  const auth = cloud.auth()
  await auth.signInWithCustomTicket(ticketFor('anna'))
  await auth.signInWithCustomTicket(ticketFor('bert'))
  await rig.pass()
  await goOnline(false)
  await add(cloud, 'b1')
  await auth.switchTo('anna')
  await add(cloud, 'a1')
  expect(await idsOf(cloud)).toEqual(['a1'])
  await auth.switchTo('bert')
  expect(await idsOf(cloud)).toEqual(['b1'])
  await expect(auth.switchTo('carl')).rejects.toMatchObject({
    code: 'INVALID_PARAM',
    errMsg: expect.stringContaining('not on this device'),
  })
  await expect(auth.signInWithCustomTicket(ticketFor('carl'))).rejects.toMatchObject({
    code: 'OFFLINE',
    errMsg: expect.stringContaining('needs the server'),
  })
  expect(auth.currentUser?.uid).toBe('bert')
  cloud.goOffline()
  await goOnline(true)
  await expect(auth.signInWithCustomTicket(ticketFor('carl'))).rejects.toMatchObject({ code: 'OFFLINE' })
  expect(await idsOf(cloud)).toEqual(['b1'])
  cloud.goOnline()
  await cloud.whenSynced()
  await auth.switchTo('anna')
  await rig.pass()
  await cloud.whenSynced()
  expect(rig.server.all('todos')).toHaveLength(2)
})

test('[IDENTITY-18] who signs out is sealed: their data stays, their token goes, and only a ticket opens it', async () => {
  const { cloud, ticketFor, goOnline, rig, platform, open } = await setUp()
  const auth = cloud.auth()
  await expect(auth.signOut()).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await auth.signInWithCustomTicket(ticketFor('anna'))
  await rig.pass()
  const anna = cloud.status().openid!
  await goOnline(false)
  await add(cloud, 'a1')
  expect(await auth.signOut()).toMatchObject({
    user: { isAnonymous: true },
    undecided: { writes: 1, files: 0, calls: 0, rejections: 0 },
  })
  expect((await auth.users()).find(({ uid }) => uid === 'anna')).toMatchObject({
    isSealed: true,
    isActive: false,
  })
  await expect(auth.switchTo('anna')).rejects.toMatchObject({ code: 'SIGN_IN_NEEDED' })
  for (const [name, medium] of platform.media)
    for (const payload of medium.records.values())
      expect(String(payload), name).not.toContain(`token-of-${anna}`)
  await cloud.close()
  const again = await open()
  expect(again.auth().currentUser).toMatchObject({ isAnonymous: true })
  await expect(again.auth().switchTo('anna')).rejects.toMatchObject({ code: 'SIGN_IN_NEEDED' })
  await goOnline(true)
  await again.auth().signInWithCustomTicket(ticketFor('anna'))
  await rig.pass()
  await again.whenSynced()
  expect(rig.server.get('todos', 'a1')).toMatchObject({ _openid: anna })
  expect((await again.auth().users()).find(({ uid }) => uid === 'anna')).toMatchObject({ isSealed: false })
})

test('[IDENTITY-18] who signs out with wipe leaves nothing, and hears what was lost', async () => {
  const { cloud, ticketFor, goOnline, rig, platform } = await setUp()
  const auth = cloud.auth()
  await auth.signInWithCustomTicket(ticketFor('anna'))
  await rig.pass()
  await goOnline(false)
  await add(cloud, 'a1')
  expect(await auth.signOut({ wipe: true })).toMatchObject({ undecided: { writes: 1 } })
  expect(await auth.users()).toHaveLength(1)
  const names = [...platform.media.keys()].filter(name => /\.u[0-9a-f]{12}/.test(name))
  expect(names).toHaveLength(2)
  for (const name of names) expect(platform.medium(name).records.size).toBe(0)
})

test('[IDENTITY-19] a session that ends in the middle: the user stays, writes are kept, and the next ticket brings all there', async () => {
  const { cloud, rig, ticketFor, goOnline, open } = await setUp()
  const auth = cloud.auth()
  await auth.signInWithCustomTicket(ticketFor('anna'))
  await rig.pass()
  const anna = cloud.status().openid!
  await add(cloud, '1')
  await cloud.whenSynced()
  rig.server.refusesToken = token => (token === `token-of-${anna}` ? 'expired' : undefined)
  const told: unknown[] = []
  cloud.on('signInNeeded', ({ reason }) => told.push(reason))
  auth.onLoginStateExpired(({ signInNeeded }) => told.push(signInNeeded))
  await goOnline(false)
  await goOnline(true)
  await rig.pass(60_000)
  expect(told).toEqual(['expired', true])
  await add(cloud, '2')
  expect(auth.currentUser).toMatchObject({ uid: 'anna', openid: anna })
  expect(cloud.status()).toMatchObject({ pending: 1, openid: anna })
  await cloud.close()
  const again = await open()
  await rig.pass(60_000)
  expect(again.auth().hasLoginState()).toMatchObject({ user: { uid: 'anna' }, signInNeeded: true })
  expect(await idsOf(again)).toEqual(['1', '2'])
  rig.server.refusesToken = () => undefined
  expect(await again.auth().signInWithCustomTicket(() => ticketFor('anna'))).toMatchObject({
    user: { uid: 'anna', openid: anna },
    signInNeeded: false,
  })
  await rig.pass()
  await again.whenSynced()
  expect(rig.server.get('todos', '2')).toMatchObject({ _openid: anna })
  expect(rig.server.executed.filter(({ mutation }) => mutation.writes[0]!.id === '2')).toHaveLength(1)
})

test('[IDENTITY-17] a uid that was deleted and given out anew is who came last; the other is there by id', async () => {
  const { cloud, ticketFor, rig } = await setUp()
  const auth = cloud.auth()
  await auth.signInWithCustomTicket(ticketFor('anna'))
  await rig.pass()
  const deleted = cloud.status().openid!
  await auth.signInAnonymously()
  rig.server.deleteUser('anna')
  await auth.signInWithCustomTicket(ticketFor('anna'))
  await rig.pass()
  const anna = cloud.status().openid!
  expect(anna).not.toBe(deleted)
  await auth.signInAnonymously()
  expect((await auth.switchTo('anna')).user.openid).toBe(anna)
  const [other] = (await auth.users()).filter(({ uid, isActive }) => uid === 'anna' && !isActive)
  expect((await auth.switchTo(other!.id)).user.openid).toBe(deleted)
  expect((await auth.switchTo('anna')).user.openid).toBe(anna)
  await auth.signOut()
  await expect(auth.switchTo('anna')).rejects.toMatchObject({ code: 'SIGN_IN_NEEDED' })
})

test('[IDENTITY-17] a sign-in that hangs holds up neither other switches nor the end', async () => {
  const { cloud, ticketFor, rig, open } = await setUp()
  const auth = cloud.auth()
  await auth.signInWithCustomTicket(ticketFor('anna'))
  await auth.signInAnonymously()
  const never = auth.signInWithCustomTicket(() => new Promise<string>(() => undefined))
  never.catch(() => undefined)
  await auth.switchTo('anna')
  expect(auth.currentUser?.uid).toBe('anna')
  await rig.pass()
  rig.server.isSilent = true
  const silent = expect(auth.signInWithCustomTicket(ticketFor('bert'))).rejects.toMatchObject({
    code: 'CLOSED',
  })
  await settle()
  await cloud.close()
  await silent
  rig.server.isSilent = false
  const again = await open()
  expect(again.auth().currentUser?.uid).toBe('anna')
})

test('[IDENTITY-20] a device from before there were users on it has its store as the anonymous user’s', async () => {
  const { platform, cloud, rig, open, goOnline } = await setUp()
  await goOnline(false)
  await add(cloud, '1')
  await cloud.close()
  platform.media.delete('default.main.users')
  const again = await open()
  expect(await idsOf(again)).toEqual(['1'])
  expect(again.auth().currentUser).toMatchObject({ isAnonymous: true, openid: 'user-1' })
  await goOnline(true)
  await again.whenSynced()
  expect(rig.server.get('todos', '1')).toMatchObject({ _openid: 'user-1' })
})

test('[IDENTITY-21] what cannot be is said: other ways to sign in, no ticket, before init', async () => {
  const { cloud, platform } = await setUp()
  const auth = cloud.auth()
  for (const name of ['signInWithEmailAndPassword', 'signInWithPhoneCode', 'signInWithProvider'] as const)
    await expect(auth[name]({})).rejects.toMatchObject({
      code: 'INVALID_PARAM',
      errMsg: expect.stringContaining('createTicket'),
    })
  for (const ticket of [undefined, '', 7, null, () => '', () => 7])
    await expect(auth.signInWithCustomTicket(ticket as string)).rejects.toMatchObject({
      code: 'INVALID_PARAM',
    })
  await expect(auth.signInWithCustomTicket(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await expect(auth.signInWithCustomTicket('forged')).rejects.toMatchObject({ code: 'TOKEN_REFUSED' })
  expect(auth.currentUser?.isAnonymous).toBe(true)
  const other = createCloud(platform).auth()
  expect(other.currentUser).toBeNull()
  await expect(other.signInAnonymously()).rejects.toMatchObject({ code: 'NOT_INITIALIZED' })
  await expect(other.signInWithCustomTicket('x')).rejects.toMatchObject({ code: 'NOT_INITIALIZED' })
})

test('[IDENTITY-22] close with destroy removes the active user’s data, and leaves that of others', async () => {
  const { cloud, rig, ticketFor, open, platform } = await setUp()
  await add(cloud, 'n1')
  await cloud.whenSynced()
  await cloud.auth().signInWithCustomTicket(ticketFor('anna'))
  await add(cloud, 'a1')
  await cloud.close({ destroy: true })
  await rig.pass()
  const again = await open()
  expect(again.auth().currentUser).toMatchObject({ isAnonymous: true })
  expect(await idsOf(again)).toEqual(['n1'])
  expect(await again.auth().users()).toHaveLength(1)
  await again.close({ destroy: true })
  for (const [name, medium] of platform.media) expect(medium.records.size, name).toBe(0)
})

test('[IDENTITY-23] a register that is none, or names what it must not, opens nothing', async () => {
  const { cloud, platform } = await setUp()
  await cloud.close()
  const good = { version: 1, active: '', users: [{ slot: '' }], wiping: [], sealing: [], merging: [] }
  for (const text of [
    '',
    'null',
    '{}',
    JSON.stringify({ ...good, version: 2 }),
    JSON.stringify({ ...good, active: 'u000000000000' }),
    JSON.stringify({ ...good, users: [{ slot: '../../etc' }], active: '../../etc' }),
    JSON.stringify({ ...good, users: [] }),
    JSON.stringify({ ...good, wiping: ['../x'] }),
    JSON.stringify({ ...good, wiping: 'x' }),
  ]) {
    const medium = platform.medium('default.main.users')
    medium.records.clear()
    medium.put(text)
    const again = createCloud(platform)
    again.init({ endpoint })
    await expect(again.ready(), text).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await again.close()
  }
})
