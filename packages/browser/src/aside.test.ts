import { openStore, orMemory, WatchedStorage } from '@nearcloud/store'
import { seededRandom, storageSuite, TestClock, words } from '@nearcloud/store/testing'
import { type IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { expect, test } from 'vitest'
import { DexieStorage } from './dexie-storage.ts'
import { EncryptedStorage } from './encrypted-storage.ts'
import { LaterStorage } from './later-storage.ts'
import { limitedFactory } from './testing/limited-factory.ts'

const relief = { isRelief: true }

type Access = 'own' | 'takeOver' | 'read'

async function open(indexedDB: IDBFactory, access: Access = 'own'): Promise<DexieStorage> {
  const storage = new DexieStorage('app', { indexedDB, IDBKeyRange, access })
  await storage.open({ durability: 'relaxed' })
  return storage
}

async function payloadsOf(storage: DexieStorage): Promise<unknown[]> {
  const payloads: unknown[] = []
  for await (const page of storage.read()) payloads.push(...page.map(record => record.payload))
  return payloads
}

const databasesOf = async (factory: IDBFactory) => (await factory.databases()).map(({ name }) => name)

/** One that is full; with what was written before. */
async function full(access?: Access) {
  const { medium, factory } = limitedFactory()
  const storage = await open(factory, access)
  await storage.append(['before'])
  medium.isFull = true
  return { medium, factory, storage }
}

storageSuite(
  'a storage in everything that is put around it',
  { test, expect },
  () => {
    const { medium, factory: indexedDB } = limitedFactory()
    const random = seededRandom(7)
    const key = random(32)
    const clock = new TestClock()
    const make = () => new DexieStorage('app', { indexedDB, IDBKeyRange })
    const sealed = () => new EncryptedStorage(make(), { key, name: 'app', random })
    return {
      storage: () => new LaterStorage(async () => orMemory(new WatchedStorage(sealed, { clock }))),
      fill: isFull => Object.assign(medium, { isFull }),
    }
  },
  { isExclusive: Boolean((globalThis.navigator as Navigator | undefined)?.locks), whenFull: 'takesRelief' },
)

test('[ASIDE-1] what is aside comes behind everything of the database, for who has it and who only reads, and goes into it with the next record', async () => {
  const { medium, factory, storage } = await full()
  await storage.append(['one'], relief)
  await storage.append(['two', 'three'], relief)
  expect(await databasesOf(factory)).toEqual(['app', 'app.aside'])
  const all = ['before', 'one', 'two', 'three']
  expect(await payloadsOf(await open(factory, 'read'))).toEqual(all)
  await storage.close()
  const again = await open(factory)
  expect(await payloadsOf(again)).toEqual(all)
  medium.isFull = false
  await again.append(['four'])
  expect(await databasesOf(factory)).toEqual(['app'])
  for (const each of [again, await open(factory, 'read')])
    expect(await payloadsOf(each)).toEqual([...all, 'four'])
})

test('[ASIDE-2] stopped before what went into the database is removed, nothing is there twice, and what was dropped stays away', async () => {
  const { medium, factory, storage } = await full()
  const [one] = await storage.append(['one', 'two'], relief)
  medium.isFull = false
  const remove = factory.deleteDatabase.bind(factory)
  factory.deleteDatabase = () => {
    const request = { onerror: () => undefined } // the process ends here
    queueMicrotask(() => request.onerror())
    return request as unknown as IDBOpenDBRequest
  }
  await storage.append(['three'])
  await storage.close()
  factory.deleteDatabase = remove
  expect(await databasesOf(factory)).toContain('app.aside')
  expect(await payloadsOf(await open(factory, 'read'))).toEqual(['before', 'one', 'two', 'three'])
  const again = await open(factory)
  await again.drop([one!])
  medium.isFull = true
  await again.append(['four'], relief)
  expect(await payloadsOf(again)).toEqual(['before', 'two', 'three', 'four'])
  await again.close()
  const last = await open(factory)
  expect(await payloadsOf(last)).toEqual(['before', 'two', 'three', 'four'])
  medium.isFull = false
  await last.append(['five'])
  expect(await payloadsOf(last)).toEqual(['before', 'two', 'three', 'four', 'five'])
  expect(await databasesOf(factory)).toEqual(['app'])
})

test('[ASIDE-3] it is for little: 262,144 characters at most, and what was dropped makes room', async () => {
  const { storage } = await full()
  const large = 'x'.repeat(131_072)
  const [first] = await storage.append([large], relief)
  await storage.append([large], relief)
  await expect(storage.append(['x'], relief)).rejects.toMatchObject({ code: 'STORE_FULL' })
  await storage.drop([first!])
  await storage.append(['x'], relief)
  expect(await payloadsOf(storage)).toEqual(['before', large, 'x'])
})

test('[ASIDE-3] a browser that does not tell which databases there are, or makes no more of them, has nothing aside', async () => {
  for (const spoil of [
    (factory: IDBFactory) => Object.assign(factory, { databases: undefined }),
    (factory: IDBFactory) => {
      const open = factory.open.bind(factory)
      factory.open = (name, version) => {
        if (name === 'app.aside') throw new DOMException('the disk is full', 'QuotaExceededError')
        return open(name, version)
      }
    },
  ]) {
    const { medium, factory } = limitedFactory()
    spoil(factory)
    const storage = await open(factory)
    await storage.append(['before'])
    medium.isFull = true
    await expect(storage.append(['lost'], relief)).rejects.toMatchObject({ code: 'STORE_FULL' })
    medium.isFull = false
    await storage.append(['after'])
    expect(await payloadsOf(storage)).toEqual(['before', 'after'])
  }
})

test('[ASIDE-2] destroyed, nothing is left aside either', async () => {
  const { factory, storage } = await full()
  await storage.append(['one'], relief)
  await storage.close({ destroy: true })
  expect(await databasesOf(factory)).toEqual([])
})

test('[ASIDE-4] [TAB-24] taken over without room, one takes what makes room and the other no more, whether something was there or not', async () => {
  for (const before of [[], ['one']]) {
    const { medium, factory, storage: first } = await full('takeOver')
    for (const payload of before) await first.append([payload], relief)
    const second = await open(factory, 'takeOver')
    expect(await payloadsOf(second)).toEqual(['before', ...before])
    await expect(first.append(['late'], relief)).rejects.toMatchObject({ code: 'STORE_IN_USE' })
    await second.append(['two'], relief)
    await expect(first.append(['later'], relief)).rejects.toMatchObject({ code: 'STORE_IN_USE' })
    medium.isFull = false
    await second.append(['three'])
    await expect(first.append(['latest'])).rejects.toMatchObject({ code: 'STORE_IN_USE' })
    expect(await payloadsOf(second)).toEqual(['before', ...before, 'two', 'three'])
    expect(await databasesOf(factory)).toEqual(['app'])
  }
})

test('[ASIDE-4] [TAB-24] when who had it has written since, nothing is written over that, here or there', async () => {
  const { medium, factory, storage: first } = await full('takeOver')
  await first.append(['one'], relief)
  const second = await open(factory, 'takeOver')
  expect(await payloadsOf(second)).toEqual(['before', 'one'])
  medium.isFull = false
  await first.append(['two']) // it has not heard of the other: there was no room to say it
  await expect(second.append(['three'])).rejects.toMatchObject({ code: 'STORE_IN_USE' })
  expect(await payloadsOf(first)).toEqual(['before', 'one', 'two'])
})

/** With a reserve that is soon given back. */
const openReserving = (indexedDB: IDBFactory) =>
  openStore({
    storage: new DexieStorage('app', { indexedDB, IDBKeyRange }),
    random: seededRandom(1),
    reserveBytes: 4_000,
  })

test('[ASIDE-2] [LOG-4] what is aside of a database that was taken away is no store', async () => {
  const { add, remove } = words('todos')
  const { medium, factory: indexedDB } = limitedFactory()
  const make = () => openReserving(indexedDB)
  const store = await make()
  await store.commit([add('a', {})], { time: 1 }).durable
  medium.isFull = true
  await store.commit([remove('a')], { time: 2 }).durable
  await store.close()
  await new Promise(resolve => {
    indexedDB.deleteDatabase('app').onsuccess = resolve
  })
  medium.isFull = false
  const again = await make()
  expect(again.damage).toMatchObject({ lost: 'everything', found: [{ writes: [{ op: 'remove', id: 'a' }] }] })
  expect(await databasesOf(indexedDB)).toEqual(['app'])
})

test('[ASIDE-1] [SURVIVE-4] where the reserve that is given back makes no room, removals are written all the same, also after restarts', async () => {
  const { add, remove } = words('todos')
  const { medium, factory: indexedDB } = limitedFactory()
  const make = () => openReserving(indexedDB)
  let store = await make()
  for (let n = 0; n < 12; n++) await store.commit([add(n, {})], { time: 1 }).durable
  medium.isFull = true
  for (let n = 0; n < 12; n += 3) {
    const refused = store.commit([add(`new ${n}`, {})], { time: 2 }).durable
    const removals = [
      store.commit([remove(n)], { time: 2 }).durable,
      store.commit([remove(n + 1)], { time: 2 }).durable,
    ]
    await expect(refused).rejects.toMatchObject({ code: 'STORE_FULL' })
    await Promise.all(removals)
    await store.close()
    store = await make()
    expect(store.damage).toBeUndefined()
    expect([...store.confirmedDocuments()]).toHaveLength(0)
    expect(store.outbox.mutations).toHaveLength(12 + (2 * n) / 3 + 2)
  }
  medium.isFull = false
  await store.commit([add('new', {})], { time: 3 }).durable
  expect(await databasesOf(indexedDB)).toEqual(['app'])
  await store.close()
  store = await make()
  expect(['new', 0, 1, 2, 5, 8, 9, 11].map(id => store.get('todos', id) !== undefined)).toEqual([
    true,
    false,
    false,
    true,
    true,
    true,
    false,
    true,
  ])
})
