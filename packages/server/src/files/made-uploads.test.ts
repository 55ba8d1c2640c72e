import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { keptMs, MadeUploads, mostOfUser } from './made-uploads.ts'
import { admin, ann, bob, idOf, openShop } from './testing/open-shop.ts'

const nonceOf = (n: number) => n.toString(16).padStart(32, '0')
const dayMs = 24 * 3_600_000
const first = Buffer.from('first')

type Shop = Awaited<ReturnType<typeof openShop>>

/** Asks and sends as a client that has never heard an answer; the status and what the server says. */
async function send(
  shop: Shop,
  nonce: string,
  { path = 'a.txt', bytes = first, by = ann } = {},
): Promise<readonly [status: number, said: unknown]> {
  const { uploadUrl, offset } = await shop.ticket(by, path, bytes)
  const answer = await shop.put(`${uploadUrl}?nonce=${nonce}`, offset, bytes.subarray(offset))
  return [answer.status, await answer.json().catch(() => undefined)] as const
}

const whole = [200, { fileID: idOf('a.txt') }]

test.each([
  [
    'overwrote it',
    async (shop: Shop): Promise<void> => void (await shop.upload(bob, 'a.txt', 'of bob')),
    'of bob',
  ],
  [
    'deleted it',
    async (shop: Shop): Promise<void> => void (await shop.remove(admin, idOf('a.txt'))),
    undefined,
  ],
] as const)(
  '[FILE-33] an upload that comes again after somebody %s was whole, and changes nothing',
  async (_, meanwhile, now) => {
    const shop = await openShop({ read: true, write: true })
    expect(await send(shop, nonceOf(1))).toEqual(whole)
    await meanwhile(shop)
    const [before, version] = [await shop.records(), await shop.engine.head('app')]
    expect(await send(shop, nonceOf(1))).toEqual(whole)
    await shop.restart()
    expect(await send(shop, nonceOf(1)), 'after a restart').toEqual(whole)
    expect(await shop.text(ann, idOf('a.txt'))).toBe(now)
    expect([await shop.records(), await shop.engine.head('app')]).toEqual([before, version])
    expect(await shop.onDisk()).toBe(before.length)
    expect(await send(shop, nonceOf(2)), 'another upload of the same').toEqual(whole)
    expect(await shop.text(ann, idOf('a.txt'))).toBe('first')
  },
)

test('[FILE-33] it is whole also where the rules or the quota refuse it by now, and who never was whole is refused', async () => {
  const shop = await openShop({ read: true, write: true }, { quota: { userBytes: 8 } })
  await send(shop, nonceOf(1))
  await shop.remove(ann, idOf('a.txt'))
  await shop.upload(ann, 'b.txt', 'much')
  expect(await send(shop, nonceOf(1)), 'the quota').toEqual(whole)
  expect(await send(shop, nonceOf(2))).toMatchObject([413, { code: 'UPLOAD_TOO_LARGE' }])
  shop.setRules({ read: true, write: false })
  expect(await send(shop, nonceOf(1)), 'the rules').toEqual(whole)
  expect(await send(shop, nonceOf(2))).toMatchObject([403, { code: 'STORAGE_EXCEED_AUTHORITY' }])
  await expect(send(shop, nonceOf(1), { path: 'c.txt' })).rejects.toMatchObject({
    code: 'STORAGE_EXCEED_AUTHORITY',
  })
  await expect(send(shop, nonceOf(1), { by: bob })).rejects.toMatchObject({
    code: 'STORAGE_EXCEED_AUTHORITY',
  })
})

test('[FILE-33] an upload in parts, and one that was there already, take effect once', async () => {
  const shop = await openShop({ read: true, write: true })
  const bytes = Buffer.from('abcdef')
  const inParts = async () => {
    const { uploadUrl, offset } = await shop.ticket(ann, 'a.txt', bytes)
    const place = `${uploadUrl}?nonce=${nonceOf(1)}`
    const statuses: number[] = []
    for (let at = offset; at < 6; at += 2) {
      const { status } = await shop.put(place, at, bytes.subarray(at, at + 2))
      statuses.push(status)
      if (status === 200) break
    }
    return statuses
  }
  expect(await inParts()).toEqual([204, 204, 200])
  expect(await send(shop, nonceOf(2), { bytes }), 'it is there').toEqual(whole)
  await shop.upload(bob, 'a.txt', 'of bob')
  expect(await inParts()).toEqual([200])
  expect(await send(shop, nonceOf(2), { bytes })).toEqual(whole)
  expect(await shop.text(ann, idOf('a.txt'))).toBe('of bob')
  // one that was left in the middle is no file, and goes on under whichever nonce comes
  const { uploadUrl } = await shop.ticket(ann, 'c.txt', bytes)
  await shop.put(`${uploadUrl}?nonce=${nonceOf(3)}`, 0, 'abc')
  expect(await send(shop, nonceOf(4), { path: 'c.txt', bytes })).toEqual([200, { fileID: idOf('c.txt') }])
  await shop.remove(admin, idOf('c.txt'))
  expect(await send(shop, nonceOf(3), { path: 'c.txt', bytes }), 'its own').toEqual([
    200,
    { fileID: idOf('c.txt') },
  ])
  expect(await shop.text(ann, idOf('c.txt'))).toBe('abcdef')
})

test('[FILE-33] bytes that were lost and come again do not undo what becomes of the path meanwhile', async () => {
  const shop = await openShop({ read: true, write: true })
  await send(shop, nonceOf(1))
  const [{ blob }] = (await shop.records()) as unknown as [{ blob: string }]
  await unlink(join(shop.folder, 'files', 'blobs', blob.slice(0, 2), blob))
  const { uploadUrl } = await shop.ticket(ann, 'a.txt', first)
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const sending = shop.put(`${uploadUrl}?nonce=${nonceOf(1)}`, 0, readable)
  const writer = writable.getWriter()
  await writer.write(first.subarray(0, 2)) // it is being read
  await shop.upload(bob, 'a.txt', 'of bob')
  await writer.write(first.subarray(2))
  await writer.close()
  expect((await sending).status).toBe(200)
  expect(await shop.text(ann, idOf('a.txt'))).toBe('of bob')
  expect(await shop.onDisk()).toBe(1)
})

test('[FILE-33] the nonce is stored with the file or not at all', async () => {
  const shop = await openShop({ read: true, write: true })
  shop.engine.beforeCommit = () => {
    throw new Error('power lost')
  }
  expect((await send(shop, nonceOf(1)))[0]).toBe(500)
  shop.engine.beforeCommit = () => {}
  await shop.upload(bob, 'a.txt', 'of bob')
  expect(await send(shop, nonceOf(1))).toEqual(whole)
  expect(await shop.text(ann, idOf('a.txt')), 'it takes effect now').toBe('first')
})

test('[FILE-34] a nonce of other bytes or another path is refused, and another user has nonces of their own', async () => {
  const shop = await openShop({ read: true, write: true })
  await send(shop, nonceOf(1))
  const refused = [400, { code: 'INVALID_PARAM', errMsg: expect.stringContaining('nonce') }]
  expect(await send(shop, nonceOf(1), { bytes: Buffer.from('other') })).toMatchObject(refused)
  expect(await send(shop, nonceOf(1), { path: 'b.txt' })).toMatchObject(refused)
  expect(await shop.text(ann, idOf('a.txt'))).toBe('first')
  expect(await shop.text(ann, idOf('b.txt'))).toBeUndefined()
  expect(await send(shop, nonceOf(1), { by: bob, path: 'b.txt' })).toEqual([200, { fileID: idOf('b.txt') }])
  expect(await send(shop, nonceOf(1), { by: bob })).toMatchObject(refused)
  expect(await shop.onDisk(), 'and nothing is left of them').toBe(2)
})

test.each([
  '',
  'a',
  'A'.repeat(32),
  'g'.repeat(32),
  'a'.repeat(33),
  'a'.repeat(5_000),
  '%00'.repeat(32),
  `${nonceOf(1)}&nonce=${nonceOf(2)}`,
])('[FILE-34] what is no nonce is refused before a byte is read: %j', async nonce => {
  const shop = await openShop()
  expect(await send(shop, nonce)).toMatchObject([400, { code: 'INVALID_PARAM' }])
  expect(await shop.onDisk()).toBe(0)
})

test('[FILE-34] of a user so many nonces are known, the latest, for thirty days', async () => {
  const { engine, clock, environment, ...shop } = await openShop({ read: true, write: true })
  const made = new MadeUploads(environment, clock)
  const kept = async () => (await engine.listState('app', 'uploads-made/')).length
  await made.remember('bob', nonceOf(0), 'of bob')
  await made.remember(null, nonceOf(0), 'of a function')
  for (let n = 0; n <= mostOfUser; n++) {
    clock.advance(1)
    await made.remember('ann', nonceOf(mostOfUser - n), `upload ${n}`)
  }
  expect(await kept()).toBe(2 + mostOfUser)
  expect(await made.byNonce('ann', nonceOf(mostOfUser)), 'the oldest').toBeUndefined()
  expect(await made.byNonce('ann', nonceOf(mostOfUser - 1))).toBe('upload 1')
  expect(await made.byNonce('bob', nonceOf(0))).toBe('of bob')
  clock.advance(keptMs - dayMs)
  await shop.restart()
  await shop.close()
  expect(await kept(), 'a day before').toBe(2 + mostOfUser)
  clock.advance(2 * dayMs)
  await shop.restart()
  await shop.close()
  expect(await kept()).toBe(0)
})
