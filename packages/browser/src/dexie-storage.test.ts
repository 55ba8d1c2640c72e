import { orMemory } from '@nearcloud/store'
import { storageSuite } from '@nearcloud/store/testing'
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { expect, test } from 'vitest'
import { DexieStorage, type DexieStorageOptions } from './dexie-storage.ts'
import { limitedFactory, onWrite, watchedFactory } from './testing/limited-factory.ts'

storageSuite(
  'DexieStorage on fake-indexeddb',
  { test, expect },
  () => {
    const { medium, factory: indexedDB } = limitedFactory()
    return {
      storage: () => new DexieStorage('app', { indexedDB, IDBKeyRange }),
      fill: isFull => Object.assign(medium, { isFull }),
    }
  },
  { isExclusive: Boolean((globalThis.navigator as Navigator | undefined)?.locks), whenFull: 'takesRelief' },
)

async function open(indexedDB: IDBFactory): Promise<DexieStorage> {
  const storage = new DexieStorage('app', { indexedDB, IDBKeyRange })
  await storage.open({ durability: 'relaxed' })
  return storage
}

async function payloadsOf(storage: DexieStorage): Promise<unknown[]> {
  const payloads: unknown[] = []
  for await (const page of storage.read()) payloads.push(...page.map(record => record.payload))
  return payloads
}

test('whatever was written since it was opened is read, once and again', async () => {
  const indexedDB = new IDBFactory()
  const first = await open(indexedDB)
  await first.append(['a', 'b', 'c'])
  await first.close()
  const storage = await open(indexedDB)
  await storage.append(['d'])
  expect(await payloadsOf(storage)).toEqual(['a', 'b', 'c', 'd'])
  await storage.close()
  const again = await open(indexedDB)
  await again.drop([1, 2])
  expect(await payloadsOf(again)).toEqual(['c', 'd'])
  await again.close()
  const third = await open(indexedDB)
  for (const _ of ['once', 'again']) expect(await payloadsOf(third)).toEqual(['c', 'd'])
  await third.append(['e'])
  expect(await payloadsOf(third)).toEqual(['c', 'd', 'e'])
  await third.close()
})

test('a connection closed under an append is opened again, once, and the append succeeds', async () => {
  const connections: IDBDatabase[] = []
  const storage = await open(watchedFactory(connection => connections.push(connection)))
  await storage.append(['before'])
  connections[connections.length - 1]!.close()
  await storage.append(['after'])
  connections[connections.length - 1]!.close()
  expect(await payloadsOf(storage)).toEqual(['before', 'after'])
  await storage.close()
})

test('a connection that is always closed is STORE_FAILED after one retry', async () => {
  let tries = 0
  const factory = watchedFactory(connection =>
    onWrite(connection, () => {
      tries++
      throw new DOMException('The database connection is closing.', 'InvalidStateError')
    }),
  )
  const storage = await open(factory)
  tries = 0
  await expect(storage.append(['x'])).rejects.toMatchObject({ code: 'STORE_FAILED' })
  expect(tries).toBe(2)
})

test('a quota that aborts the transaction after its requests succeeded is STORE_FULL', async () => {
  const { medium, factory } = limitedFactory()
  const storage = await open(factory)
  await storage.append(['kept'])
  medium.isFull = true
  await expect(storage.append(['lost'])).rejects.toMatchObject({ code: 'STORE_FULL' })
  medium.isFull = false
  await storage.append(['again'])
  expect(await payloadsOf(storage)).toEqual(['kept', 'again'])
})

test('data that was removed under an open store is STORE_FAILED, never an empty store', async () => {
  const connections: IDBDatabase[] = []
  const factory = watchedFactory(connection => connections.push(connection))
  const storage = await open(factory)
  await storage.append(['mine'])
  connections[connections.length - 1]!.close()
  await new Promise((resolve, reject) => {
    const deletion = factory.deleteDatabase('app')
    deletion.onsuccess = resolve
    deletion.onerror = reject
  })
  await expect(storage.append(['more'])).rejects.toMatchObject({
    code: 'STORE_FAILED',
    details: { reason: 'lost' },
  })
})

test('a browser without IndexedDB is STORE_FAILED', async () => {
  const broken = { open: () => undefined } as unknown as IDBFactory
  await expect(open(broken)).rejects.toMatchObject({ code: 'STORE_FAILED' })
})

test.each(['SecurityError', 'InvalidStateError'])(
  '[SURVIVE-2] where a browser has no database to give (%s) there is memory, and it says so',
  async name => {
    const forbidden = {
      open: () => {
        throw new DOMException('not here', name)
      },
    } as unknown as IDBFactory
    const storage = new DexieStorage('private', { indexedDB: forbidden, IDBKeyRange })
    await expect(storage.open({ durability: 'relaxed' })).rejects.toMatchObject({
      code: 'STORE_FAILED',
      details: { reason: 'unavailable' },
    })
    const fallback = orMemory(new DexieStorage('private', { indexedDB: forbidden, IDBKeyRange }))
    expect(await fallback.open({ durability: 'relaxed' })).toMatchObject({ volatile: true })
    expect(await fallback.append(['here'])).toHaveLength(1)
    await fallback.close()
  },
)

storageSuite(
  'DexieStorage that takes over',
  { test, expect },
  () => {
    const { medium, factory: indexedDB } = limitedFactory()
    return {
      storage: () => new DexieStorage('app', { indexedDB, IDBKeyRange, access: 'takeOver' }),
      fill: isFull => Object.assign(medium, { isFull }),
    }
  },
  { isExclusive: false, whenFull: 'takesRelief' },
)

test('a storage that was taken over appends no more; what it had appended is there, and is read while another has it', async () => {
  const indexedDB = new IDBFactory()
  const make = (access: 'takeOver' | 'read') => new DexieStorage('app', { indexedDB, IDBKeyRange, access })
  const first = make('takeOver')
  await first.open({ durability: 'relaxed' })
  const written = await first.append(['one', 'two'])
  const second = make('takeOver')
  await second.open({ durability: 'relaxed' })
  await expect(first.append(['three'])).rejects.toMatchObject({ code: 'STORE_IN_USE' })
  await expect(first.append(['four'])).rejects.toMatchObject({ code: 'STORE_IN_USE' })
  await second.append(['five'])
  await second.drop(written)
  await second.append(['six'])
  const reader = make('read')
  await reader.open({ durability: 'relaxed' })
  expect(await payloadsOf(reader)).toEqual(['five', 'six'])
  await first.close({ destroy: true })
  await second.append(['seven'])
  expect(await payloadsOf(reader)).toEqual(['five', 'six', 'seven'])
  await reader.close()
  await second.close()
})

/** One that had the storage, and one that took it over when there was no room to say so. */
async function takenOverWhenFull() {
  const { medium, factory: indexedDB } = limitedFactory()
  const make = () => new DexieStorage('app', { indexedDB, IDBKeyRange, access: 'takeOver' })
  const [first, second] = [make(), make()]
  await first.open({ durability: 'relaxed' })
  await first.append(['one'])
  medium.isFull = true
  await second.open({ durability: 'relaxed' })
  expect(await payloadsOf(second)).toEqual(['one'])
  await expect(second.append(['lost'])).rejects.toMatchObject({ code: 'STORE_FULL' })
  medium.isFull = false
  return { first, second }
}

test('[TAB-24] taken over without room, a storage is read, and written as soon as there is room; who had it appends no more', async () => {
  const { first, second } = await takenOverWhenFull()
  await second.append(['two', 'three'])
  await second.append(['four'])
  await expect(first.append(['late'])).rejects.toMatchObject({ code: 'STORE_IN_USE' })
  expect(await payloadsOf(second)).toEqual(['one', 'two', 'three', 'four'])
})

test('[TAB-24] when who had it has written since, nothing is written over that', async () => {
  const { first, second } = await takenOverWhenFull()
  await first.append(['two'])
  await expect(second.append(['three'])).rejects.toMatchObject({ code: 'STORE_IN_USE' })
  await expect(second.append(['four'])).rejects.toMatchObject({ code: 'STORE_IN_USE' })
  await first.append(['five'])
  expect(await payloadsOf(first)).toEqual(['one', 'two', 'five'])
})

function keysInMemory(): NonNullable<DexieStorageOptions['keys']> {
  const kept = new Map<string, string>()
  return {
    getItem: key => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: key => void kept.delete(key),
  }
}

test('[SURVIVE-3] a database that the browser made anew in place of another is known to be a loss, once', async () => {
  const keys = keysInMemory()
  const storageOf = (indexedDB: IDBFactory) => new DexieStorage('app', { indexedDB, IDBKeyRange, keys })
  const options = { durability: 'relaxed' } as const
  const indexedDB = new IDBFactory()
  const first = storageOf(indexedDB)
  expect((await first.open(options)).wasLost).toBeUndefined()
  await first.append(['a'])
  await first.close()
  const second = storageOf(indexedDB)
  expect((await second.open(options)).wasLost).toBeUndefined()
  await second.close()

  const empty = new IDBFactory()
  for (const wasLost of [true, undefined]) {
    const storage = storageOf(empty)
    expect((await storage.open(options)).wasLost).toBe(wasLost)
    await storage.close()
  }
})

test('[SURVIVE-3] one that was destroyed on purpose is no loss, and where nothing else can be kept nothing is claimed', async () => {
  const keys = keysInMemory()
  const forbidden = () => {
    throw new DOMException('no', 'SecurityError')
  }
  const options = { durability: 'relaxed' } as const
  for (const each of [keys, { getItem: forbidden, setItem: forbidden, removeItem: forbidden }]) {
    const indexedDB = new IDBFactory()
    const first = new DexieStorage('app', { indexedDB, IDBKeyRange, keys: each })
    await first.open(options)
    await first.append(['a'])
    await first.close({ destroy: true })
    const second = new DexieStorage('app', { indexedDB, IDBKeyRange, keys: each })
    expect((await second.open(options)).wasLost).toBeUndefined()
    await second.close()
  }
})
