import { openStore } from '@nearcloud/store'
import { seededRandom, storageSuite, words } from '@nearcloud/store/testing'
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import type { RxStorage } from 'rxdb/plugins/core'
import { getRxStorageDexie } from 'rxdb/plugins/storage-dexie'
import { getLocalStorageMock, getRxStorageLocalstorage } from 'rxdb/plugins/storage-localstorage'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'
import { expect, test } from 'vitest'
import { RxdbStorage } from './rxdb-storage.ts'

type AnyStorage = RxStorage<unknown, unknown>

/** Each on a place of its own. */
const kinds: readonly [name: string, make: () => AnyStorage][] = [
  ['memory', () => getRxStorageMemory() as AnyStorage],
  ['Dexie', () => getRxStorageDexie({ indexedDB: new IDBFactory(), IDBKeyRange }) as unknown as AnyStorage],
  ['localStorage', () => getRxStorageLocalstorage({ localStorage: getLocalStorageMock() }) as AnyStorage],
]

let places = 0
for (const [name, make] of kinds)
  storageSuite(`RxdbStorage on RxDB's ${name} storage`, { test, expect }, () => {
    const rxStorage = make()
    const place = `place${++places}`
    return { storage: () => new RxdbStorage(place, rxStorage) }
  })

test.each(kinds)(
  'a store on RxDB’s %s storage comes back with its documents and its outbox',
  async (_, make) => {
    const rxStorage = make()
    const place = `place${++places}`
    const open = () => openStore({ storage: new RxdbStorage(place, rxStorage), random: seededRandom(places) })
    const { add, put, update, query } = words('todos')
    const store = await open()
    await store.confirm({ puts: [put(1, { _id: 'a', n: 1 })], checkpoint: { version: 1 } })
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => store.commit([add(i, { i })], { time: i }).durable),
    )
    await store.commit([update('a', ['n', 'inc', 1])], { time: 50 }).durable
    await store.compact()
    await store.close()
    const again = await open()
    expect(again.run({ verb: 'count', query: query() }).total).toBe(51)
    expect([again.get('todos', 'a'), again.outbox.size, again.volatile]).toEqual([
      { _id: 'a', n: 2 },
      51,
      false,
    ])
    await again.close({ destroy: true })
  },
)

test('what the RxDB storage refuses is an error with its words, and nothing of the append stays', async () => {
  const rxStorage = getRxStorageMemory() as AnyStorage
  const storage = new RxdbStorage(`place${++places}`, refusing(rxStorage, 'third'))
  await storage.open({ durability: 'relaxed' })
  await storage.append(['first'])
  await expect(storage.append(['second', 'third'])).rejects.toMatchObject({
    code: 'STORE_FULL',
    message: expect.stringContaining('no room'),
  })
  await storage.append(['fourth'])
  const found: unknown[] = []
  for await (const page of storage.read()) found.push(...page.map(({ payload }) => payload))
  expect(found).toEqual(['first', 'fourth'])
  await storage.close()
  await expect(storage.append(['x'])).rejects.toMatchObject({ code: 'CLOSED' })
})

/** As the other, but a document with this text is over its quota. */
function refusing(rxStorage: AnyStorage, text: string): AnyStorage {
  return {
    ...rxStorage,
    async createStorageInstance(params) {
      const instance = await rxStorage.createStorageInstance(params)
      const { bulkWrite } = instance
      instance.bulkWrite = async (rows, context) => {
        if (rows.some(({ document }) => (document as { text?: unknown }).text === text))
          throw Object.assign(new Error('no room'), { name: 'QuotaExceededError' })
        return bulkWrite.call(instance, rows, context)
      }
      return instance
    },
  }
}
