import { CloudError } from '@nearcloud/protocol'
import { expect, test, vi } from 'vitest'
import { orMemory } from './or-memory.ts'
import type { Payload, Storage } from './storage.ts'
import {
  MemoryMedium,
  MemoryStorage,
  openTestStore,
  settle,
  storageSuite,
  TestClock,
} from './testing/index.ts'
import { WatchedStorage } from './watched-storage.ts'

storageSuite('WatchedStorage', { test, expect }, () => {
  const medium = new MemoryMedium()
  return { storage: () => new WatchedStorage(() => new MemoryStorage(medium), { clock: new TestClock() }) }
})

storageSuite('orMemory of what can be had', { test, expect }, () => {
  const medium = new MemoryMedium()
  return { storage: () => orMemory(new MemoryStorage(medium)) }
})

/** Answers no append of the first storage that is made; `isWritten`: though it has written. */
function forgetful(medium: MemoryMedium, isWritten: boolean, { forgets = 1 } = {}) {
  let made = 0
  return () => {
    const storage = new MemoryStorage(medium)
    if (made++ < forgets) {
      const { append } = storage
      storage.append = async (payloads: readonly Payload[]) => {
        if (isWritten) await append.call(storage, payloads)
        return new Promise(() => undefined)
      }
    }
    return storage
  }
}

async function payloadsOf(storage: Storage): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const page of storage.read()) found.push(...page.map(({ payload }) => payload))
  return found
}

test('[SURVIVE-1] an append nobody answers is looked up on another connection: there, it succeeds', async () => {
  const [clock, medium] = [new TestClock(), new MemoryMedium()]
  const storage = new WatchedStorage(forgetful(medium, true), { clock })
  await storage.open({ durability: 'relaxed' })
  const appended = storage.append(['kept', new Uint8Array([7])])
  await clock.advance(9_999)
  expect(await Promise.race([appended, settle().then(() => 'waiting')])).toBe('waiting')
  await clock.advance(1)
  expect(await appended).toEqual([1, 2])
  expect(await storage.append(['next'])).toEqual([3])
  expect(await payloadsOf(storage)).toHaveLength(3)
})

test('[SURVIVE-1] not there, it fails, nothing of it is kept, and the next one is written', async () => {
  const [clock, medium] = [new TestClock(), new MemoryMedium()]
  const storage = new WatchedStorage(forgetful(medium, false), { clock })
  await storage.open({ durability: 'relaxed' })
  const appended = storage.append(['lost']).catch((error: unknown) => error)
  await clock.advance(10_000)
  expect(await appended).toMatchObject({ code: 'STORE_FAILED', details: { reason: 'late' } })
  await storage.append(['next'])
  expect(await payloadsOf(storage)).toEqual(['next'])
})

test('[SURVIVE-1] what was given up and came all the same is dropped before anything else is written', async () => {
  const [clock, medium] = [new TestClock(), new MemoryMedium()]
  let isOpenable = true
  const make = forgetful(medium, false)
  const storage = new WatchedStorage(
    () => {
      const made = make()
      const { open } = made
      made.open = async options => {
        if (!isOpenable) throw new CloudError('STORE_FAILED', { errMsg: 'not now' })
        return open.call(made, options)
      }
      return made
    },
    { clock },
  )
  await storage.open({ durability: 'relaxed' })
  isOpenable = false
  const appended = storage.append(['late']).catch((error: unknown) => error)
  await clock.advance(10_000)
  expect(await appended).toMatchObject({ details: { reason: 'late' } })
  medium.put('late')
  isOpenable = true
  await storage.append(['next'])
  expect(await payloadsOf(storage)).toEqual(['next'])
})

test('[SURVIVE-1] a store on a storage that stops answering takes back what it could not write, and goes on', async () => {
  const [clock, medium] = [new TestClock(), new MemoryMedium()]
  await (await openTestStore(medium)).store.close()
  const { openStore } = await import('./open-store.ts')
  const storage = new WatchedStorage(forgetful(medium, false), { clock })
  const store = await openStore({ storage, random: size => new Uint8Array(size).fill(7) })
  const add = { op: 'add', collection: 'todos', id: 'a', data: {} } as const
  const refused = store.commit([add], { time: 1 }).durable.catch((error: unknown) => error)
  expect(store.get('todos', 'a')).toBeDefined()
  await clock.advance(10_000)
  expect(await refused).toMatchObject({ code: 'STORE_FAILED' })
  expect(store.get('todos', 'a')).toBeUndefined()
  await store.commit([add], { time: 2 }).durable
  await store.close()
  expect((await openTestStore(medium)).store.get('todos', 'a')).toEqual({ _id: 'a' })
})

test('[SURVIVE-2] where no storage can be had there is memory, and it says so; other errors stay errors', async () => {
  const failing = (details: object): Storage => ({
    open: () => Promise.reject(new CloudError('STORE_FAILED', { errMsg: 'no', details: { ...details } })),
    read: () => new MemoryStorage().read(),
    append: () => Promise.reject(new Error('not open')),
    drop: () => Promise.reject(new Error('not open')),
    close: async () => undefined,
  })
  const storage = orMemory(failing({ reason: 'unavailable' }))
  expect(await storage.open({ durability: 'relaxed' })).toMatchObject({ volatile: true })
  await storage.append(['here'])
  expect(await payloadsOf(storage)).toEqual(['here'])
  await storage.close()
  vi.doMock('./memory-storage.ts', () => {
    throw new Error('not fetched')
  })
  const without = orMemory(failing({ reason: 'unavailable' })).open({ durability: 'relaxed' })
  await expect(without).rejects.toMatchObject({ code: 'STORE_FAILED', details: { reason: 'unavailable' } })
  vi.doUnmock('./memory-storage.ts')
  for (const details of [{}, { reason: 'lost' }])
    await expect(orMemory(failing(details)).open({ durability: 'relaxed' })).rejects.toMatchObject({
      details,
    })
})
