import { storageSuite } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { cdp } from 'vitest/browser'
import { DexieStorage } from './dexie-storage.ts'

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

test('over quota an append is STORE_FULL, nothing of it is kept, and later ones go on', async () => {
  const storage = new DexieStorage(newName())
  await storage.open({ durability: 'relaxed' })
  const session = cdp() as unknown as { send(method: string, params: object): Promise<unknown> }
  const { usage = 0 } = await navigator.storage.estimate()
  await session.send('Storage.overrideQuotaForOrigin', {
    origin: location.origin,
    quotaSize: usage + 2_000_000,
  })
  const kept: string[] = []
  let refused: unknown
  try {
    // the browser looks at the quota now and then
    for (let round = 0; round < 40 && !refused; round++) {
      const text = noise(500_000)
      await storage.append([text]).then(
        () => kept.push(text),
        (error: unknown) => {
          refused = error
        },
      )
    }
  } finally {
    await session.send('Storage.overrideQuotaForOrigin', { origin: location.origin })
  }
  expect(refused).toMatchObject({ code: 'STORE_FULL' })
  await storage.append(['again'])
  const payloads: unknown[] = []
  for await (const page of storage.read()) payloads.push(...page.map(record => record.payload))
  expect(payloads.length).toBe(kept.length + 1)
  expect(payloads[kept.length]).toBe('again')
  await storage.close({ destroy: true })
})

/** Text that cannot be compressed. */
function noise(length: number): string {
  const units = new Uint8Array(65_536)
  let text = ''
  while (text.length < length)
    text += String.fromCharCode(...crypto.getRandomValues(units).map(unit => unit % 128))
  return text.slice(0, length)
}
