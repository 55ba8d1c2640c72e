import { openStore } from '@nearcloud/store'
import { storageSuite, words } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { DexieStorage } from './dexie-storage.ts'
import { EncryptedStorage } from './encrypted-storage.ts'

let databases = 0
const newName = () => `dexie-storage-test-${++databases}-${crypto.randomUUID()}`

storageSuite('DexieStorage in Chromium', { test, expect }, () => {
  const name = newName()
  return {
    storage: () => new DexieStorage(name),
    dispose: async () => {
      const storage = new DexieStorage(name)
      await storage.open({ durability: 'relaxed' })
      await storage.close({ destroy: true })
    },
  }
})

storageSuite('EncryptedStorage over DexieStorage in Chromium', { test, expect }, () => {
  const name = newName()
  const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))
  const key = random(32)
  return { storage: () => new EncryptedStorage(new DexieStorage(name), { key, name, random }) }
})

test('the lock is the store’s name, and is given back on close', async () => {
  const name = newName()
  const held = async () => (await navigator.locks.query()).held?.map(lock => lock.name) ?? []
  const storage = new DexieStorage(name)
  await storage.open({ durability: 'relaxed' })
  expect(await held()).toContain(`nearcloud:${name}`)
  await storage.close({ destroy: true })
  expect(await held()).not.toContain(`nearcloud:${name}`)
})

test('a connection closed under an append is opened again', async () => {
  const connections: IDBDatabase[] = []
  const open = IDBFactory.prototype.open
  IDBFactory.prototype.open = function (this: IDBFactory, ...args) {
    const request = open.apply(this, args)
    request.addEventListener('success', () => connections.push(request.result))
    return request
  }
  try {
    const storage = new DexieStorage(newName())
    await storage.open({ durability: 'relaxed' })
    await storage.append(['before'])
    for (const connection of connections) connection.close()
    expect(await storage.append(['after'])).toHaveLength(1)
    await storage.close({ destroy: true })
  } finally {
    IDBFactory.prototype.open = open
  }
})

test('only writes are committed by hand: a read of large records that is may never complete in Chromium', async () => {
  const committed: IDBTransactionMode[] = []
  const { commit } = IDBTransaction.prototype
  IDBTransaction.prototype.commit = function (this: IDBTransaction) {
    committed.push(this.mode)
    commit.call(this)
  }
  try {
    const storage = new DexieStorage(newName())
    await storage.open({ durability: 'relaxed' })
    await storage.append([noise(300_000)])
    for await (const page of storage.read()) expect(page).toHaveLength(1)
    await storage.close({ destroy: true })
  } finally {
    IDBTransaction.prototype.commit = commit
  }
  expect(committed).toEqual(['readwrite'])
})

/** A part of this origin's storage with a quota of its own. */
interface Bucket {
  readonly indexedDB: IDBFactory
}
const { storageBuckets } = navigator as unknown as {
  storageBuckets: {
    open(name: string, options: { quota: number }): Promise<Bucket>
    delete(name: string): Promise<void>
  }
}

test('over quota an append is STORE_FULL, nothing of it is kept', async () => {
  const bucketName = `quota-${crypto.randomUUID()}`
  const { indexedDB } = await storageBuckets.open(bucketName, { quota: 2_000_000 })
  const storage = new DexieStorage('app', { indexedDB })
  await storage.open({ durability: 'relaxed' })
  const kept: number[] = []
  let refused: unknown
  // the browser looks at the quota now and then
  for (let round = 0; round < 60 && !refused; round++)
    await storage.append([noise(200_000)]).then(
      ([sequence]) => kept.push(sequence!),
      (error: unknown) => {
        refused = error
      },
    )
  expect(refused).toMatchObject({ code: 'STORE_FULL' })
  const found: number[] = []
  for await (const page of storage.read()) found.push(...page.map(record => record.sequence))
  expect(found).toEqual(kept)
  await storage.close({ destroy: true })
  await storageBuckets.delete(bucketName)
})

/** Text that cannot be compressed. */
function noise(length: number): string {
  const units = new Uint8Array(65_536)
  let text = ''
  while (text.length < length)
    text += String.fromCharCode(...crypto.getRandomValues(units).map(unit => unit % 128))
  return text.slice(0, length)
}

test('a store on IndexedDB comes back with its documents and its outbox, its commits grouped', async () => {
  const name = newName()
  const open = () =>
    openStore({
      storage: new DexieStorage(name),
      random: size => crypto.getRandomValues(new Uint8Array(size)),
    })
  const { add, put, update, query } = words('todos')
  const store = await open()
  await store.confirm({ puts: [put(1, { _id: 'a', n: 1 })], checkpoint: { version: 1 } })
  const many = Array.from(
    { length: 500 },
    (_, i) => store.commit([add(i, { text: '中文 😀' })], { time: i }).durable,
  )
  await Promise.all([...many, store.commit([update('a', ['n', 'inc', 1])], { time: 500 }).durable])
  await store.compact()
  await store.close()
  const again = await open()
  expect(again.run({ verb: 'count', query: query() }).total).toBe(501)
  expect([again.get('todos', 'a'), again.outbox.size, again.volatile]).toEqual([
    { _id: 'a', n: 2 },
    501,
    false,
  ])
  await again.close({ destroy: true })
})
