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

const wholeStore = async (medium: MemoryMedium) => {
  const store = await openStore({ storage: over(medium), random })
  const { documents } = store.run({ verb: 'get', query: query() })
  const { damage, outbox } = store
  const state = { documents, pending: outbox.mutations.map(({ id, writes }) => ({ id, writes })) }
  await store.close()
  return { damage, state }
}

test('[SEAL-4] whatever is changed in a record, it is the same store or one that says what is lost, and is mended once', async () => {
  const { records } = await storeWithSecrets()
  const { state: whole } = await wholeStore(await storeWithSecrets())
  const flip = (place: number) => (sealed: Uint8Array) => {
    const changed = Uint8Array.from(sealed)
    const at = place < 0 ? sealed.length + place : place
    changed[at]! ^= 1 << (at % 8)
    return changed
  }
  const changes = [
    () => '',
    () => new Uint8Array(),
    (sealed: Uint8Array) => sealed.slice(0, 9),
    (sealed: Uint8Array) => sealed.slice(0, -1),
    ...[0, 5, 12, 13, 20, -17, -1].map(flip),
  ]
  const kinds = new Set<string>()
  for (const sequence of records.keys())
    for (const change of changes) {
      const medium = await storeWithSecrets()
      medium.records.set(sequence, change(medium.records.get(sequence) as Uint8Array))
      const { damage, state } = await wholeStore(medium)
      kinds.add(damage?.lost ?? 'nothing')
      if (!damage) expect(state).toEqual(whole)
      expect(await wholeStore(medium)).toEqual({ damage: undefined, state })
    }
  expect([...kinds].sort()).toEqual(['changes', 'documents', 'everything', 'nothing'])
})

test('[SEAL-4] where nothing else shows that the key is right, or a newer version wrote, nothing is mended', async () => {
  const medium = new MemoryMedium()
  await (await openStore({ storage: over(medium), random })).close()
  expect(medium.records.size).toBe(1)
  const [[sequence, payload]] = [...medium.records] as [[number, Uint8Array]]
  const changed = Uint8Array.from(payload)
  changed[20]! ^= 1
  medium.records.set(sequence, changed)
  await expect(openStore({ storage: over(medium), random })).rejects.toMatchObject({
    code: 'STORE_FAILED',
    details: { reason: 'key' },
  })
  expect(medium.records.get(sequence)).toEqual(changed)
  medium.records.set(sequence, payload)
  for (const foreign of [Uint8Array.of(2, ...payload.slice(1, 30)), 'plain text']) {
    medium.records.set(sequence + 1, foreign)
    await expect(openStore({ storage: over(medium), random })).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(medium.records.get(sequence + 1)).toEqual(foreign)
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
