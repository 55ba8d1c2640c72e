import { MemoryMedium, MemoryStorage, seededRandom } from '@nearcloud/store/testing'
import { TestRig } from '@nearcloud/sync/testing'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Cloud } from '../index.ts'
import sdk, { type OfflineFunctions, offlineFunctions } from '../offline-functions/index.ts'
import type { Access } from '../platform.ts'
import { MemoryPlatform, ScriptedFiles, TestOrigin, type TestPage } from '../testing/index.ts'
import { createTabsCloud } from './index.ts'

interface Tab {
  readonly page: TestPage
  readonly cloud: Cloud
  readonly platform: PagePlatform
  kill(): void
}

/** The host as one page has it. */
class PagePlatform extends MemoryPlatform {
  readonly storages = new Set<MemoryStorage>()
  /** Each page has a memory of its own, and nothing else. */
  isVolatile = false
  readonly #page: TestPage
  readonly #shared: Map<string, MemoryMedium>

  constructor(
    rig: TestRig,
    http: ScriptedFiles['http'],
    seed: number,
    page: TestPage,
    shared: Map<string, MemoryMedium>,
  ) {
    super(rig, http, seed, page.clock)
    this.#page = page
    this.#shared = shared
  }

  get crossing() {
    return this.#page.crossing
  }

  aborting() {
    return this.#page.aborting()
  }

  override medium(name: string): MemoryMedium {
    const medium = this.#shared.get(name) ?? new MemoryMedium()
    this.#shared.set(name, medium)
    return medium
  }

  override storage(name: string, access?: Access): MemoryStorage {
    const storage = new MemoryStorage(this.medium(name), {
      isVolatile: this.isVolatile,
      ...(access && { access }),
    })
    this.storages.add(storage)
    return storage
  }
}

/** An origin with a server, and tabs that are opened one after the other. */
function setUp() {
  const rig = new TestRig()
  const origin = new TestOrigin(rig.clock)
  const files = new ScriptedFiles()
  rig.server.files = ask => files.ask(ask)
  /** Functions that were called with a key, and what they were told. */
  const calls: { name: string; key: string; data: unknown; todos: number }[] = []
  const http: ScriptedFiles['http'] = async request => {
    const door = /\/auth\/password\/(.*)$/.exec(request.url)?.[1]
    if (door !== undefined) {
      const { username } = JSON.parse(request.body as string) as { username: string }
      const ticket = `${door} ${username}`
      rig.server.tickets.set(ticket, `pw:${username}`)
      return { status: 200, headers: {}, body: new TextEncoder().encode(JSON.stringify({ ticket })) }
    }
    const name = /\/functions\/(.*)$/.exec(request.url)?.[1]
    if (name === undefined) return files.http(request)
    const key = request.headers!['idempotency-key']!
    const data: unknown = JSON.parse(request.body as string)
    calls.push({ name, key, data, todos: rig.server.all('todos').length })
    const said = JSON.stringify({ result: { got: data }, requestId: 'r' })
    return { status: 200, headers: {}, body: new TextEncoder().encode(said) }
  }
  const media = new Map<string, MemoryMedium>()
  let pages = 0
  const tabs: Tab[] = []

  async function open(
    options: { isAwaited?: boolean; isVolatile?: boolean; functions?: OfflineFunctions } = {},
  ): Promise<Tab> {
    const page = origin.openPage()
    const own = options.isVolatile ? new Map<string, MemoryMedium>() : media
    const platform = new PagePlatform(rig, http, ++pages, page, own)
    platform.isVolatile = options.isVolatile === true
    const cloud = createTabsCloud(platform)
    cloud.init({
      endpoint: 'http://test',
      subscribe: { todos: true },
      ...(options.functions && { functions: options.functions }),
      queryLimits: { default: 1_000, max: 1_000 },
    })
    const tab: Tab = {
      page,
      cloud,
      platform,
      kill() {
        page.kill()
        platform.network.isUp = false
        platform.network.cut()
        for (const storage of platform.storages) storage.die()
        tabs.splice(tabs.indexOf(tab), 1)
      },
    }
    tabs.push(tab)
    if (options.isAwaited !== false) {
      await rig.pass(10)
      await cloud.ready()
      await rig.pass(10)
    }
    return tab
  }
  const leader = () => tabs.find(({ page }) => page === origin.holderOf('nearcloud.tabs:default.main'))!
  return { rig, origin, files, calls, media, tabs, open, leader }
}

const add = (tab: Tab, _id: string, data: object = {}) =>
  tab.cloud
    .database()
    .collection('todos')
    .add({ data: { _id, ...data } })
const idsOf = async ({ cloud }: Tab) => {
  const { data } = await cloud.database().collection('todos').orderBy('_id', 'asc').get()
  return data.map(({ _id }) => String(_id))
}

test('[TAB-1] any number of tabs share one store: one of them talks to the server, and all see the same', async () => {
  const { rig, open, tabs } = setUp()
  rig.server.put('todos', { _id: 'there' })
  for (let n = 0; n < 4; n++) await open()
  const watched = tabs.map(({ cloud }) => {
    const seen: unknown[] = []
    cloud
      .database()
      .collection('todos')
      .watch({ onChange: ({ docs }) => seen.push(docs.map(({ _id }) => _id)), onError: e => seen.push(e) })
    return seen
  })
  await rig.pass(10)
  await Promise.all(tabs.map((tab, n) => add(tab, `by-${n}`)))
  await rig.pass(100)
  const all = ['by-0', 'by-1', 'by-2', 'by-3', 'there']
  for (const tab of tabs) {
    expect(await idsOf(tab)).toEqual(all)
    expect(tab.cloud.status()).toMatchObject({ state: 'online', pending: 0, openid: 'user-1' })
  }
  for (const seen of watched) expect([...(seen.at(-1) as string[])].sort()).toEqual(all)
  expect(tabs.filter(({ platform }) => platform.network.attempts > 0)).toHaveLength(1)
  expect(
    rig.server
      .all('todos')
      .map(({ _id }) => _id)
      .sort(),
  ).toEqual(all)
  expect(rig.server.violations).toEqual([])
})

test('[TAB-2] a tab that leads is killed: the next one leads, at once, and nothing is lost or done twice', async () => {
  const { rig, open, leader, tabs } = setUp()
  for (let n = 0; n < 3; n++) await open()
  const first = leader()
  const [, second] = tabs
  const seen: string[][] = []
  second!.cloud
    .database()
    .collection('todos')
    .watch({
      onChange: ({ docs }) => seen.push(docs.map(({ _id }) => String(_id)).sort()),
      onError: error => seen.push([String(error)]),
    })
  await add(second!, 'a', { n: 0 })
  const written = add(second!, 'b')
  first.kill()
  await rig.pass(5_000)
  await written
  expect(leader()).toBeDefined()
  expect(leader()).not.toBe(first)
  await second!.cloud.whenSynced()
  for (const tab of tabs) expect(await idsOf(tab)).toEqual(['a', 'b'])
  expect(rig.server.all('todos')).toHaveLength(2)
  expect(seen.at(-1)).toEqual(['a', 'b'])
  rig.server.put('todos', { _id: 'c' })
  await rig.pass(100)
  expect(seen.at(-1)).toEqual(['a', 'b', 'c'])
})

test('[TAB-9] a tab that leads and says nothing is replaced within five seconds; what it wants to write then is refused, and done by the next', async () => {
  const { rig, open, leader, tabs } = setUp()
  for (let n = 0; n < 3; n++) await open()
  const first = leader()
  const other = tabs.find(tab => tab !== first)!
  await add(first, 'before')
  await rig.pass(100)
  first.page.freeze()
  const frozen = add(first, 'frozen')
  const waiting = add(other, 'waiting')
  await rig.pass(5_000)
  await waiting
  expect(leader()).not.toBe(first)
  expect(await idsOf(other)).toContain('waiting')
  first.page.thaw()
  await rig.pass(5_000)
  await frozen
  await rig.pass(1_000)
  for (const tab of tabs) {
    expect(await idsOf(tab)).toEqual(['before', 'frozen', 'waiting'])
    expect(tab.cloud.status()).toMatchObject({ state: 'online', pending: 0 })
  }
  expect(rig.server.all('todos')).toHaveLength(3)
})

test('[TAB-10] a watch goes on over the end of who leads: each snapshot follows from the one before', async () => {
  const { rig, open, leader, tabs } = setUp()
  for (let n = 0; n < 3; n++) await open()
  const last = tabs.at(-1)!
  const held = new Map<string, unknown>()
  const types: unknown[] = []
  const ids: number[] = []
  last.cloud
    .database()
    .collection('todos')
    .where({ n: 1 })
    .watch({
      onError: error => types.push(error),
      onChange({ id, type, docs, docChanges }) {
        ids.push(id)
        types.push(type)
        for (const { queueType, docId, doc } of docChanges)
          if (queueType === 'dequeue') held.delete(String(docId))
          else held.set(String(docId), doc)
        expect([...held.values()]).toEqual(expect.arrayContaining([...docs]))
        expect(held.size).toBe(docs.length)
      },
    })
  await rig.pass(10)
  for (let round = 0; tabs.length > 1; round++) {
    await add(tabs[round % tabs.length]!, `r${round}`, { n: 1 })
    const { rig: _ } = { rig }
    rig.server.put('todos', { _id: `s${round}`, n: 1 })
    await rig.pass(10)
    if (round % 2 === 1) leader().kill()
    await rig.pass(3_000)
    if (round === 2)
      await last.cloud
        .database()
        .collection('todos')
        .doc('r0')
        .update({ data: { n: 2 } })
  }
  await rig.pass(3_000)
  expect(new Set(held.keys())).toEqual(
    new Set(rig.server.all('todos').flatMap(({ _id, n }) => (n === 1 ? [String(_id)] : []))),
  )
  expect(types.filter(type => type === 'init')).toHaveLength(1)
  expect(types.filter(type => type !== 'init' && type !== undefined)).toEqual([])
  expect(ids).toEqual(ids.map((_, n) => n))
})

test('[TAB-11] a write waits for the server’s word, is refused, tried again and discarded in any tab as in one', async () => {
  const { rig, open, leader, tabs } = setUp()
  for (let n = 0; n < 2; n++) await open()
  const guest = tabs.find(tab => tab !== leader())!
  const todos = guest.cloud.database().collection('todos')
  const waited = todos.add({ data: { _id: 'w' }, wait: 'server' })
  await rig.pass(100)
  expect(await waited).toMatchObject({ _id: 'w' })
  rig.server.judge = write => (write.id === 'no' ? 'not that' : undefined)
  const told: string[] = []
  for (const tab of tabs) tab.cloud.on('rejected', ({ rejection }) => told.push(rejection.docIds.join()))
  const refused = todos.add({ data: { _id: 'no', n: 1 }, wait: 'server' })
  refused.catch(() => undefined)
  await rig.pass(100)
  await expect(refused).rejects.toMatchObject({ details: { reason: 'not that' } })
  expect(told).toEqual(['no', 'no'])
  for (const { cloud } of tabs) expect(cloud.rejections.list.map(({ docIds }) => docIds)).toEqual([['no']])
  rig.server.judge = () => undefined
  await guest.cloud.rejections.retry(guest.cloud.rejections.list[0]!.id)
  await rig.pass(100)
  for (const { cloud } of tabs) expect(cloud.rejections.list).toEqual([])
  expect(rig.server.get('todos', 'no')).toMatchObject({ n: 1 })
})

test('[TAB-12] what storage refuses is refused in the tab that wrote it, and what it stood on with it', async () => {
  const { rig, open, leader, media, tabs } = setUp()
  for (let n = 0; n < 2; n++) await open()
  const guest = tabs.find(tab => tab !== leader())!
  await add(guest, 'a')
  await rig.pass(10)
  media.get('default.main')!.faultAt(1, 'full')
  const outcomes = Promise.allSettled([add(guest, 'b'), add(guest, 'c')])
  await rig.pass(100)
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FULL' } })
  await add(guest, 'd')
  await rig.pass(100)
  for (const tab of tabs) expect(await idsOf(tab)).toEqual(['a', 'd'])
})

test('[TAB-26] on a full device removals of a guest are written beside what is refused, its own and the leader’s, and reach the server', async () => {
  const { rig, open, leader, media, tabs } = setUp()
  for (let n = 0; n < 3; n++) await open()
  const [guest, other] = tabs.filter(tab => tab !== leader()) as [Tab, Tab]
  const ids = Array.from({ length: 9 }, (_, n) => `d${n}`)
  for (const id of ids) await add(guest, id)
  await rig.pass(100)
  const medium = media.get('default.main')!
  medium.room = medium.used
  const todos = ({ cloud }: Tab) => cloud.database().collection('todos')
  const outcomes = Promise.allSettled([
    add(guest, 'new'),
    todos(guest).doc('d0').remove(),
    add(leader()!, 'newer'),
    todos(guest).doc('d1').remove(),
    todos(guest)
      .doc('d2')
      .update({ data: { n: 1 } }),
    todos(guest).doc('d2').remove(),
    todos(other).doc('d3').remove(),
    add(other, 'newest'),
    todos(leader()!).doc('d4').remove(),
  ])
  await rig.pass(100)
  expect((await outcomes).map(each => (each.status === 'fulfilled' ? 'done' : each.reason.code))).toEqual([
    'STORE_FULL',
    'done',
    'STORE_FULL',
    'done',
    'STORE_FULL',
    'STORE_FULL',
    'done',
    'STORE_FULL',
    'done',
  ])
  const left = ['d2', ...ids.slice(5)]
  for (const tab of tabs) expect(await idsOf(tab)).toEqual(left)
  await rig.pass(2_000)
  for (const { cloud } of tabs) expect(cloud.status()).toMatchObject({ pending: 0, rejected: 0 })
  expect(rig.server.all('todos').map(({ _id }) => _id)).toEqual(left)

  // and whoever leads next takes what the guest writes then
  leader()!.kill()
  await rig.pass(5_000)
  medium.room = Number.POSITIVE_INFINITY
  await add(guest, 'there is room')
  await rig.pass(2_000)
  expect(await idsOf(other)).toEqual([...left, 'there is room'])
})

test('[TAB-26] removals that are refused for themselves are so after three attempts, and are taken back', async () => {
  const { rig, open, leader, media, tabs } = setUp()
  for (let n = 0; n < 2; n++) await open()
  const guest = tabs.find(tab => tab !== leader())!
  for (const id of ['a', 'b']) await add(guest, id)
  await rig.pass(100)
  const medium = media.get('default.main')!
  medium.room = 0
  const outcomes = Promise.allSettled(
    ['a', 'b'].map(id => guest.cloud.database().collection('todos').doc(id).remove()),
  )
  await rig.pass(100)
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FULL' } })
  for (const tab of tabs) expect(await idsOf(tab)).toEqual(['a', 'b'])
  medium.room = Number.POSITIVE_INFINITY
  await add(guest, 'c')
  await rig.pass(100)
  for (const tab of tabs) expect(await idsOf(tab)).toEqual(['a', 'b', 'c'])
})

test('[TAB-13] whoever signs in, in any tab, is the user of all of them; what is asked as the one before ends', async () => {
  const { rig, open, leader, tabs } = setUp()
  rig.server.mayRead = (openid, _collection, document) => document._openid === openid
  for (let n = 0; n < 3; n++) await open()
  const guest = tabs.find(tab => tab !== leader())!
  await add(guest, 'anonymous')
  await rig.pass(100)
  rig.server.tickets.set('t1', 'anna')
  const errors: unknown[] = []
  const users: unknown[] = []
  for (const { cloud } of tabs) {
    cloud.auth().onLoginStateChanged(({ user }) => users.push(user.uid))
    cloud
      .database()
      .collection('todos')
      .watch({ onChange: () => undefined, onError: error => errors.push((error as { code?: string }).code) })
  }
  await rig.pass(10)
  const signing = guest.cloud.auth().signInWithCustomTicket('t1')
  await rig.pass(2_000)
  expect((await signing).user.uid).toBe('anna')
  expect(errors).toEqual(['USER_CHANGED', 'USER_CHANGED', 'USER_CHANGED'])
  expect(users).toEqual(['anna', 'anna', 'anna'])
  await add(guest, 'annas')
  await rig.pass(100)
  for (const tab of tabs) {
    expect(tab.cloud.auth().currentUser?.uid).toBe('anna')
    expect(await idsOf(tab)).toEqual(['annas'])
  }
  leader().kill()
  await rig.pass(3_000)
  for (const tab of tabs) expect(await idsOf(tab)).toEqual(['annas'])
  const back = tabs[0]!.cloud.auth().signInAnonymously()
  await rig.pass(2_000)
  await back
  for (const tab of tabs) expect(await idsOf(tab)).toEqual(['anonymous'])
})

test('[IDENTITY-27] [IDENTITY-29] a tab that does not lead signs in by a password, and gives another, for all tabs', async () => {
  const { rig, open, leader, tabs } = setUp()
  for (let n = 0; n < 2; n++) await open()
  const guest = tabs.find(tab => tab !== leader())!
  const auth = guest.cloud.auth()
  const needed: string[] = []
  for (const { cloud } of tabs) cloud.on('signInNeeded', ({ reason }) => needed.push(reason))
  const signing = auth.signUp({ username: 'anna', password: 'correct horse' })
  await rig.pass(2_000)
  expect(await signing).toMatchObject({ loginType: 'USERNAME', user: { username: 'anna' } })
  for (const { cloud } of tabs) expect(cloud.auth().currentUser?.username).toBe('anna')
  const changing = auth.setPassword({ old_password: 'correct horse', new_password: 'battery staple' })
  await rig.pass(2_000)
  await changing
  await add(guest, '1')
  await rig.pass(1_000)
  expect(rig.server.get('todos', '1')).toBeDefined()
  expect(needed).toEqual([])
  await expect(auth.signIn(undefined as never)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
})

test('[TAB-14] files, functions and rooms of a tab that does not lead are as those of one that does', async () => {
  const { rig, open, leader, tabs, files } = setUp()
  for (let n = 0; n < 2; n++) await open()
  const guest = tabs.find(tab => tab !== leader())!
  const { cloud } = guest
  const progress: number[] = []
  const uploading = new Promise(resolve => {
    const task = cloud.uploadFile({
      cloudPath: 'a.txt',
      fileContent: Uint8Array.of(1, 2, 3),
      success: resolve as (result: never) => void,
      fail: resolve as (error: never) => void,
    })
    task.onProgressUpdate(each => progress.push(each.progress))
  })
  await rig.pass(100)
  const { fileID } = (await uploading) as { fileID: string }
  expect(progress.at(-1)).toBe(100)
  expect(files.stored.size).toBe(1)
  const downloaded = await cloud.downloadFile({ fileID })
  expect([...guest.platform.saved.get(downloaded.tempFilePath)!.bytes]).toEqual([1, 2, 3])
  expect((await cloud.deleteFile({ fileList: [fileID] })).fileList).toMatchObject([{ status: 0 }])
  rig.server.call = (name, data) => ({ name, data })
  const { result } = await cloud.callFunction({ name: 'f', data: { at: new Date(5) } })
  expect(result).toMatchObject({ name: 'f', data: { at: new Date(5) } })
})

test('[TAB-15] offline by choice is so for all tabs, and for the next that leads', async () => {
  const { rig, open, leader, tabs } = setUp()
  for (let n = 0; n < 3; n++) await open()
  const guest = tabs.find(tab => tab !== leader())!
  guest.cloud.goOffline()
  await rig.pass(100)
  for (const { cloud } of tabs) expect(cloud.status().state).toBe('offline')
  await add(guest, 'a')
  leader().kill()
  await rig.pass(5_000)
  for (const { cloud } of tabs) expect(cloud.status()).toMatchObject({ state: 'offline', pending: 1 })
  expect(rig.server.all('todos')).toEqual([])
  tabs[0]!.cloud.goOnline()
  await rig.pass(5_000)
  expect(rig.server.all('todos')).toHaveLength(1)
  for (const { cloud } of tabs) expect(cloud.status()).toMatchObject({ state: 'online', pending: 0 })
})

test('[TAB-15] what a tab says of offline before it is open counts', async () => {
  const { rig, open, tabs } = setUp()
  await open()
  const opening = open({ isAwaited: false })
  tabs[1]!.cloud.goOffline()
  await rig.pass(100)
  await opening
  for (const { cloud } of tabs) expect(cloud.status().state).toBe('offline')
  tabs[1]!.cloud.goOnline()
  await rig.pass(5_000)
  for (const { cloud } of tabs) expect(cloud.status().state).toBe('online')
})

test('[TAB-16] a tab that closes leaves the others at work; the last one leaves a store that can be opened', async () => {
  const { rig, open, leader, tabs } = setUp()
  for (let n = 0; n < 3; n++) await open()
  await add(leader(), 'a')
  for (let left = 3; left > 1; left--) {
    const closing = leader()
    await closing.cloud.close()
    tabs.splice(tabs.indexOf(closing), 1)
    await rig.pass(3_000)
    for (const tab of tabs) expect(await idsOf(tab)).toEqual(['a'])
  }
  await tabs[0]!.cloud.close()
  const next = await open()
  expect(await idsOf(next)).toEqual(['a'])
})

test('[TAB-17] a store that is removed is removed for all: they go on with a new one', async () => {
  const { rig, open, leader, tabs } = setUp()
  for (let n = 0; n < 3; n++) await open()
  const guest = tabs.find(tab => tab !== leader())!
  guest.cloud.goOffline()
  await rig.pass(100)
  await add(guest, 'a')
  const closing = guest.cloud.close({ destroy: true })
  await rig.pass(5_000)
  await closing
  tabs.splice(tabs.indexOf(guest), 1)
  for (const tab of tabs) {
    expect(await idsOf(tab)).toEqual([])
    expect(tab.cloud.status().pending).toBe(0)
  }
})

test.each([1, 2, 3, 4, 5, 6])(
  '[TAB-18] tabs that open, write, freeze and die at random: nothing that was acknowledged is lost, nothing is done twice (seed %i)',
  async seed => {
    const random = seededRandom(seed * 77)
    const dice = (sides: number) => random(1)[0]! % sides
    const { rig, open, leader, tabs } = setUp()
    await open()
    rig.server.put('todos', { _id: 'one', count: 0, list: [] })
    await rig.pass(50)
    const acknowledged: string[] = []
    const made: string[] = []
    const pending = new Map<Tab, Promise<unknown>[]>()
    const write = (tab: Tab) => {
      const name = `w${made.length}`
      made.push(name)
      const db = tab.cloud.database()
      const written = db
        .collection('todos')
        .doc('one')
        .update({ data: { count: db.command.inc(1), list: db.command.push([name]) } })
        .then(
          () => acknowledged.push(name),
          error => {
            throw new Error(`${name}: ${(error as { code: string }).code}`)
          },
        )
      written.catch(() => undefined)
      pending.set(tab, [...(pending.get(tab) ?? []), written])
    }
    const frozen = new Set<Tab>()
    for (let step = 0; step < 120; step++) {
      const tab = tabs[dice(tabs.length)] ?? (await open())
      const what = dice(20)
      if (what < 12) write(tab)
      else if (what < 14 && tabs.length < 8) await open({ isAwaited: false })
      else if (what === 14 && tabs.length > 2) tab.kill()
      else if (what === 15 && tabs.length > 2) {
        const at = leader() ?? tab
        at.page.dieAtPost(1 + dice(9), () => at.kill())
      } else if (what === 16 && frozen.size < 2) {
        const at = dice(2) === 0 ? (leader() ?? tab) : tab
        at.page.freeze()
        frozen.add(at)
      } else if (what === 17) {
        for (const each of frozen) each.page.thaw()
        frozen.clear()
      } else if (what === 18) {
        const isUp = dice(2) === 0
        for (const { platform } of tabs) {
          platform.network.isUp = isUp
          if (!isUp) platform.network.cut()
        }
      }
      await rig.pass(dice(4) === 0 ? dice(250) * 10 : dice(5))
    }
    for (const each of frozen) each.page.thaw()
    for (const { platform } of tabs) platform.network.isUp = true
    await rig.pass(120_000)
    for (const tab of tabs) await Promise.all(pending.get(tab) ?? [])
    await tabs[0]!.cloud.whenSynced()
    await rig.pass(1_000)
    const truth = rig.server.get('todos', 'one') as unknown as { count: number; list: string[] }
    expect(new Set(truth.list).size).toBe(truth.list.length)
    expect(truth.count).toBe(truth.list.length)
    expect(acknowledged.filter(name => !truth.list.includes(name))).toEqual([])
    expect(acknowledged.length).toBeGreaterThan(20)
    for (const tab of tabs) {
      const { data } = await tab.cloud.database().collection('todos').doc('one').get()
      expect(data).toEqual(truth)
      expect(tab.cloud.status()).toMatchObject({ state: 'online', pending: 0, rejected: 0 })
    }
    expect(rig.server.violations).toEqual([])
  },
)

const when = new Date(1_700_000_000_000)

test('[TAB-20] a queued call is brought by the tab that leads, behind what was written before it, and answered here', async () => {
  const { rig, open, calls } = setUp()
  const [, guest] = [await open(), await open()]
  void add(guest, 'before')
  const called = guest.cloud.callFunction({ name: 'order', data: { when }, queue: true, key: 'order-0001' })
  await rig.pass(1_000)
  expect(await called).toMatchObject({ result: { got: { when } }, key: 'order-0001', requestID: 'r' })
  expect(calls).toEqual([
    { name: 'order', key: 'order-0001', data: { when: { $date: when.getTime() } }, todos: 1 },
  ])
  expect(guest.cloud.status().calls).toBe(0)
})

test('[TAB-20] without a network it waits in every tab, and each of them hears what came of it', async () => {
  const { rig, open, calls } = setUp()
  const [first, guest] = [await open(), await open()]
  const heard: unknown[] = []
  for (const { cloud } of [first, guest]) cloud.on('called', event => heard.push(event))
  first.cloud.goOffline()
  await rig.pass(1_000)
  const called = guest.cloud.callFunction({ name: 'order', data: { n: 1 }, queue: true, key: 'order-0002' })
  await rig.pass(10_000)
  expect(await called).toMatchObject({ pending: true, key: 'order-0002' })
  expect([first, guest].map(({ cloud }) => cloud.status().calls)).toEqual([1, 1])
  guest.cloud.goOnline()
  let isSynced = false
  void guest.cloud.whenSynced().then(() => {
    isSynced = true
  })
  for (let turn = 0; turn < 5; turn++) await rig.pass(5_000)
  expect(isSynced).toBe(true)
  expect(calls).toHaveLength(1)
  expect(heard).toEqual(
    Array(2).fill({ key: 'order-0002', name: 'order', data: { n: 1 }, result: { got: { n: 1 } } }),
  )
  expect([first, guest].map(({ cloud }) => cloud.status().calls)).toEqual([0, 0])
})

test('[TAB-20] when the tab that was to bring it dies, the next one brings it, under the same key', async () => {
  const { rig, open, calls, leader } = setUp()
  const guests = [await open(), await open()]
  const guest = guests.find(tab => tab !== leader())!
  leader().cloud.goOffline()
  await rig.pass(1_000)
  const called = guest.cloud.callFunction({ name: 'order', data: {}, queue: true, key: 'order-0003' })
  await rig.pass(100)
  leader().kill()
  for (let turn = 0; turn < 5; turn++) await rig.pass(5_000)
  guest.cloud.goOnline()
  for (let turn = 0; turn < 5; turn++) await rig.pass(5_000)
  expect(await called).toMatchObject({ key: 'order-0003' })
  expect(new Set(calls.map(({ key }) => key))).toEqual(new Set(['order-0003']))
  expect(guest.cloud.status().calls).toBe(0)
})

test('[TAB-22] a write of any tab waits for a file of any other, over the end of who leads, or is rejected with it in each', async () => {
  for (const isRefused of [false, true]) {
    const { rig, open, files, leader, tabs } = setUp()
    for (let n = 0; n < 3; n++) await open()
    const [one, two] = tabs.filter(tab => tab !== leader()) as [Tab, Tab]
    leader().cloud.goOffline()
    await rig.pass(1_000)
    const uploading = one.cloud.uploadFile({ cloudPath: 'a.png', fileContent: Uint8Array.of(1, 2, 3) })
    await rig.pass(5_000)
    const { fileID } = await uploading
    await Promise.all([add(two, 'photo', { fileID }), rig.pass(100)])
    await Promise.all([add(one, 'later'), rig.pass(100)])
    leader().kill()
    for (let turn = 0; turn < 5; turn++) await rig.pass(5_000)
    expect(rig.server.executed).toEqual([])
    const order: string[] = []
    rig.server.judge = ({ id }) => {
      order.push(String(id))
      return undefined
    }
    files.mayWrite = () => {
      order.push('asked')
      return isRefused ? 'no' : undefined
    }
    const rejected: unknown[] = []
    for (const { cloud } of tabs)
      cloud.on('rejected', ({ rejection }) => rejected.push([rejection?.docIds[0], rejection?.code]))
    one.cloud.goOnline()
    for (let turn = 0; turn < 10; turn++) {
      await rig.pass(5_000)
      await vi.dynamicImportSettled()
    }
    expect(order).toEqual(isRefused ? ['asked', 'later'] : ['asked', 'photo', 'later'])
    expect(rejected).toEqual(isRefused ? Array(2).fill(['photo', 'STORAGE_EXCEED_AUTHORITY']) : [])
    await Promise.all([add(two, 'new'), rig.pass(1_000)])
    for (const tab of tabs)
      expect(await idsOf(tab)).toEqual(isRefused ? ['later', 'new'] : ['later', 'new', 'photo'])
    expect(rig.server.executed).toHaveLength(isRefused ? 2 : 3)
    for (const tab of [...tabs]) tab.kill()
  }
})

test('[TAB-25] an upload takes effect once, also when the tab that leads dies before anybody hears that it is there', async () => {
  const { rig, open, files, leader, tabs } = setUp()
  for (let n = 0; n < 3; n++) await open()
  const guest = tabs.find(tab => tab !== leader())!
  let isHeard = false
  files.fault = () => (isHeard ? undefined : 'after')
  const uploading = guest.cloud.uploadFile({ cloudPath: 'a.png', fileContent: Uint8Array.of(1, 2, 3) })
  for (let turn = 0; turn < 50 && files.stored.size === 0; turn++) await rig.pass(10)
  leader().kill()
  expect(files.stored.size).toBe(1)
  files.stored.clear() // somebody deletes it
  isHeard = true
  for (let turn = 0; turn < 10; turn++) {
    await rig.pass(5_000)
    await vi.dynamicImportSettled()
  }
  expect(await uploading).toMatchObject({ errMsg: 'uploadFile:ok' })
  expect(guest.cloud.status().uploads).toBe(0)
  expect(files.stored.size, 'it does not come back').toBe(0)
  const nonces = files.requests.map(({ url }) => new URL(url).searchParams.get('nonce'))
  expect(new Set(nonces).size).toBe(1)
  expect(nonces.length).toBeGreaterThan(1)
})

test('[OFFLINE-FN-11] what a function did in one tab is seen in all of them, until the server has done it', async () => {
  const { rig, open, calls } = setUp()
  const greet = async () => {
    const { _id } = await sdk
      .database()
      .collection('todos')
      .add({ data: { text: 'hello' } })
    return _id
  }
  const functions = offlineFunctions({ greet })
  const [first, guest] = [await open({ functions }), await open({ functions })]
  const texts = ({ cloud }: Tab) => cloud.database().collection('todos').get()
  first.cloud.goOffline()
  await rig.pass(1_000)
  const called = guest.cloud.callFunction({ name: 'greet' })
  await rig.pass(1_000)
  expect(await called).toMatchObject({ pending: true, result: expect.any(String) })
  for (const tab of [first, guest]) {
    expect((await texts(tab)).data).toMatchObject([{ text: 'hello' }])
    expect(tab.cloud.status().calls).toBe(1)
  }
  guest.cloud.goOnline()
  for (let turn = 0; turn < 3; turn++) await rig.pass(5_000)
  expect(calls).toMatchObject([{ name: 'greet', todos: 0 }])
  for (const tab of [first, guest]) expect((await texts(tab)).data).toEqual([])
})

test('[TAB-23] who waits to be in step is, also when who leads dies meanwhile with a write on its way', async () => {
  const { rig, open, leader, tabs } = setUp()
  for (let n = 0; n < 3; n++) await open()
  const guest = tabs.find(tab => tab !== leader())!
  leader().cloud.goOffline()
  await rig.pass(1_000)
  await Promise.all([add(guest, 'a'), rig.pass(100)])
  let isSynced = false
  void guest.cloud.whenSynced().then(() => {
    isSynced = true
  })
  await rig.pass(1_000)
  expect([isSynced, guest.cloud.status().pending]).toEqual([false, 1])
  leader().kill()
  guest.cloud.goOnline()
  for (let turn = 0; turn < 5; turn++) await rig.pass(5_000)
  expect(isSynced).toBe(true)
  expect(rig.server.executed).toHaveLength(1)
})

test('[TAB-21] where tabs have only their own memory, each goes for itself', async () => {
  const { rig, open } = setUp()
  const tabs = [await open({ isVolatile: true }), await open({ isVolatile: true })]
  for (const tab of tabs) expect(tab.cloud.status().volatile).toBe(true)
  await add(tabs[0]!, 'one')
  await add(tabs[1]!, 'two')
  for (let turn = 0; turn < 3; turn++) await rig.pass(5_000)
  for (const tab of tabs) expect(await idsOf(tab)).toEqual(['one', 'two'])
  expect(rig.server.all('todos')).toHaveLength(2)
  expect(rig.server.violations).toEqual([])
})

test('[APART-3] what a guest needs and cannot load is OFFLINE, told once, and asked for again; then the tab works', async () => {
  vi.doMock('./guest-engine.ts', () => {
    throw new TypeError('Failed to fetch dynamically imported module')
  })
  onTestFinished(() => void vi.doUnmock('./guest-engine.ts'))
  const { rig, open } = setUp()
  const first = await open()
  const guest = await open({ isAwaited: false })
  const told: unknown[] = []
  guest.cloud.on('error', error => told.push(error))
  const writing = add(guest, 'a')
  await rig.pass(10_000)
  expect(told).toMatchObject([
    { code: 'OFFLINE', errMsg: expect.stringContaining('other tabs could not be loaded') },
  ])
  expect(await idsOf(first)).toEqual([])
  vi.doUnmock('./guest-engine.ts')
  await rig.pass(5_000)
  await writing
  await rig.pass(100)
  for (const tab of [first, guest]) expect(await idsOf(tab)).toEqual(['a'])
  expect(told).toHaveLength(1)
})
