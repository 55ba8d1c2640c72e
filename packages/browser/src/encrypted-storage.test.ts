import { openStore } from '@nearcloud/store'
import { MemoryMedium, MemoryStorage, seededRandom, storageSuite, words } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { EncryptedStorage, type StorageKey } from './encrypted-storage.ts'

const random = seededRandom(5)
const key = random(32)
const over = (medium: MemoryMedium, options: { key?: StorageKey; name?: string } = {}) =>
  new EncryptedStorage(new MemoryStorage(medium), { key, name: 'app', random, ...options })

storageSuite('EncryptedStorage', { test, expect }, () => {
  const medium = new MemoryMedium()
  return { storage: () => over(medium) }
})

const { add, put, query } = words('secrets')

async function storeWithSecrets() {
  const medium = new MemoryMedium()
  const store = await openStore({ storage: over(medium), random })
  await store.confirm({
    puts: [put(1, { _id: 'told', words: 'open sesame' })],
    checkpoint: { token: 'my-token' },
  })
  await store.commit([add('mine', { words: '芝麻开门' })], { time: 1 }).durable
  await store.compact()
  await store.commit([add('later', { words: 'open sesame' })], { time: 2 }).durable
  await store.close()
  return medium
}

const bytesOf = (medium: MemoryMedium) =>
  [...medium.records.values()].map(payload =>
    typeof payload === 'string' ? payload : new TextDecoder('utf-8', { fatal: false }).decode(payload),
  )

test('[SEAL-1] nothing of documents, outbox, names and tokens can be read on the medium, and all of it with the key', async () => {
  const medium = await storeWithSecrets()
  expect(medium.records.size).toBeGreaterThan(1)
  for (const text of bytesOf(medium)) expect(text).not.toMatch(/sesame|芝麻|secrets|my-token|_id/)
  const again = await openStore({ storage: over(medium), random })
  expect(again.run({ verb: 'count', query: query() }).total).toBe(3)
  expect([again.outbox.size, again.checkpoint.token]).toEqual([2, 'my-token'])
})

test('[SEAL-2] with another key, without one, or under another name it is STORE_FAILED, and everything is there afterwards', async () => {
  const medium = await storeWithSecrets()
  const before = new Map(medium.records)
  const open = (storage: MemoryStorage | EncryptedStorage) => openStore({ storage, random })
  for (const wrong of [over(medium, { key: random(32) }), over(medium, { name: 'other' })])
    await expect(open(wrong)).rejects.toMatchObject({ code: 'STORE_FAILED', details: { reason: 'key' } })
  await expect(open(new MemoryStorage(medium))).rejects.toMatchObject({ code: 'STORE_FAILED' })
  expect(medium.records).toEqual(before)
  expect(medium.isHeld).toBe(false)
  const again = await open(over(medium))
  expect(again.outbox.size).toBe(2)
})

test('[SEAL-3] a store that is not encrypted is not taken for one that is', async () => {
  const medium = new MemoryMedium()
  const plain = await openStore({ storage: new MemoryStorage(medium), random })
  await plain.close()
  await expect(openStore({ storage: over(medium), random })).rejects.toMatchObject({
    code: 'STORE_FAILED',
    errMsg: expect.stringContaining('not encrypted'),
  })
  expect((await openStore({ storage: new MemoryStorage(medium), random })).outbox.size).toBe(0)
})

test('[SEAL-4] a record that was changed, or is another’s, is STORE_FAILED, never read as something else', async () => {
  const medium = await storeWithSecrets()
  for (const [sequence, payload] of [...medium.records]) {
    for (const at of [0, 5, 20, payload.length - 1]) {
      const changed = Uint8Array.from(payload as Uint8Array)
      changed[at]! ^= 1
      medium.records.set(sequence, changed)
      await expect(openStore({ storage: over(medium), random })).rejects.toMatchObject({
        code: 'STORE_FAILED',
      })
    }
    medium.records.set(sequence, payload)
  }
})

test('[SEAL-5] a key is 32 or 16 bytes, a CryptoKey, or a way to one; what is none is INVALID_PARAM', async () => {
  const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ])
  for (const good of [random(16), made, () => random(32), async () => made]) {
    const storage = over(new MemoryMedium(), { key: good })
    await storage.open({ durability: 'relaxed' })
    await storage.append(['x'])
    await storage.close()
  }
  const other = await crypto.subtle.generateKey({ name: 'AES-CBC', length: 256 }, false, ['encrypt'])
  for (const bad of [random(31), other, 'password', undefined, () => null])
    await expect(
      over(new MemoryMedium(), { key: bad as never }).open({ durability: 'relaxed' }),
    ).rejects.toMatchObject({ code: 'INVALID_PARAM' })
})

test('[SEAL-6] the same text is never the same record', async () => {
  const medium = new MemoryMedium()
  const storage = over(medium)
  await storage.open({ durability: 'relaxed' })
  await storage.append(['same', 'same'])
  const [one, two] = bytesOf(medium)
  expect(one).not.toBe(two)
})
