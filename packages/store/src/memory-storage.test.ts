import { expect, test } from 'vitest'
import { MemoryMedium, MemoryStorage } from './memory-storage.ts'
import { storageSuite } from './testing/storage-suite.ts'

storageSuite(
  'MemoryStorage',
  { test, expect },
  () => {
    const medium = new MemoryMedium()
    return {
      storage: () => new MemoryStorage(medium),
      fill: isFull => Object.assign(medium, { room: isFull ? 0 : Number.POSITIVE_INFINITY }),
    }
  },
  { whenFull: 'refuses' },
)

test('a failed append leaves nothing, wherever it failed', async () => {
  for (const kind of ['fail', 'full'] as const)
    for (let step = 1; step <= 4; step++) {
      const storage = new MemoryStorage()
      await storage.open({ durability: 'relaxed' })
      storage.medium.faultAt(step, kind)
      const code = kind === 'full' ? 'STORE_FULL' : 'STORE_FAILED'
      await expect(storage.append(['a', 'b', 'c'])).rejects.toMatchObject({ code })
      expect(storage.medium.records.size).toBe(0)
    }
})

test('a process that stops in an append leaves the payloads before it', async () => {
  const storage = new MemoryStorage()
  await storage.open({ durability: 'relaxed' })
  storage.medium.faultAt(3, 'stop')
  void storage.append(['a', 'b', 'c'])
  await storage.medium.stopped
  storage.medium.restart()
  const next = new MemoryStorage(storage.medium)
  await next.open({ durability: 'relaxed' })
  expect([...storage.medium.records.values()]).toEqual(['a', 'b'])
})

test('a close that fails lets go of the medium all the same', async () => {
  const medium = new MemoryMedium()
  const storage = new MemoryStorage(medium)
  await storage.open({ durability: 'relaxed' })
  medium.faultAt(1, 'fail')
  await expect(storage.close()).rejects.toMatchObject({ code: 'STORE_FAILED' })
  expect(medium.isHeld).toBe(false)
  await new MemoryStorage(medium).open({ durability: 'relaxed' })
})
