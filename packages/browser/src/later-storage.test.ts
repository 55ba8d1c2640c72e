import { MemoryMedium, MemoryStorage, storageSuite } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { LaterStorage } from './later-storage.ts'

storageSuite('LaterStorage', { test, expect }, () => {
  const medium = new MemoryMedium()
  return { storage: () => new LaterStorage(async () => new MemoryStorage(medium)) }
})

test('[APART-2] a storage that cannot be fetched is STORE_FAILED, and is asked for again the next time', async () => {
  let isThere = false
  const storage = new LaterStorage(async () => {
    if (!isThere) throw new TypeError('Failed to fetch dynamically imported module')
    return new MemoryStorage(new MemoryMedium())
  })
  const failed = await storage.open({ durability: 'relaxed' }).catch((thrown: unknown) => thrown)
  expect(failed).toMatchObject({
    code: 'STORE_FAILED',
    errMsg: expect.stringContaining('could not be loaded'),
  })
  isThere = true
  await storage.open({ durability: 'relaxed' })
  expect(await storage.append(['one'])).toHaveLength(1)
})
