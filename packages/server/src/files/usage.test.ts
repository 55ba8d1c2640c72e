import { expect, test } from 'vitest'
import { admin, ann, bob, digest, hangingAfter, idOf, openShop } from './testing/open-shop.ts'
import { Usage } from './usage.ts'

const bytes = (size: number, fill = 1) => new Uint8Array(size).fill(fill)
const quotaOf = (reason: object) => ({ code: 'UPLOAD_TOO_LARGE', details: { reason: 'quota', ...reason } })

test('[FILE-26] a user has a quota: what would be more is refused before a byte is sent', async () => {
  const shop = await openShop(undefined, { quota: { userBytes: 100 } })
  await shop.upload(ann, 'a', bytes(60))
  await expect(shop.ticket(ann, 'b', bytes(41))).rejects.toMatchObject(quotaOf({ quotaBytes: 100 }))
  await shop.upload(ann, 'b', bytes(40))
  await shop.upload(bob, 'c', bytes(100))
  await shop.upload(admin, 'd', bytes(1_000))
})

test('[FILE-26] an overwritten and a deleted file count no more, a file counts for who uploaded it last', async () => {
  const shop = await openShop({ read: true, write: true }, { quota: { userBytes: 100 } })
  await shop.upload(ann, 'a', bytes(80))
  await shop.upload(ann, 'a', bytes(100))
  await expect(shop.ticket(ann, 'b', bytes(1))).rejects.toMatchObject(quotaOf({}))
  await shop.upload(bob, 'a', bytes(50))
  await shop.upload(ann, 'b', bytes(70))
  await expect(shop.ticket(bob, 'c', bytes(51))).rejects.toMatchObject(quotaOf({}))
  await shop.remove(bob, idOf('a'))
  await shop.upload(bob, 'c', bytes(100))
})

test('[FILE-26] what came of other uploads counts, what is only told does not; the same after a restart', async () => {
  const shop = await openShop(undefined, { quota: { userBytes: 100 } })
  const tickets = await Promise.all(['a', 'b', 'c'].map((path, i) => shop.ticket(ann, path, bytes(60, i))))
  expect((await shop.put(tickets[0]!.uploadUrl, 0, bytes(50, 0))).status).toBe(204)
  const refused = await shop.put(tickets[1]!.uploadUrl, 0, bytes(60, 1))
  expect([refused.status, await refused.json()]).toMatchObject([413, { code: 'UPLOAD_TOO_LARGE' }])
  await shop.restart()
  expect((await shop.put(tickets[0]!.uploadUrl, 50, bytes(10, 0))).status).toBe(200)
  expect((await shop.put(tickets[2]!.uploadUrl, 0, bytes(60, 2))).status).toBe(413)
  await shop.upload(ann, 'd', bytes(40))
  expect(await shop.onDisk()).toBe(2)
})

test('[FILE-26] place that others took while a file came ends its upload, and nothing of it is left', async () => {
  const shop = await openShop(undefined, { quota: { userBytes: 100 } })
  const ticket = await shop.ticket(ann, 'a', bytes(80))
  await shop.put(ticket.uploadUrl, 0, bytes(40))
  await shop.upload(ann, 'b', bytes(20))
  await shop.upload(ann, 'c', bytes(1))
  expect((await shop.put(ticket.uploadUrl, 40, bytes(40))).status).toBe(413)
  expect(await shop.onDisk()).toBe(2)
  await shop.upload(ann, 'd', bytes(79))
})

test('[FILE-26] of what comes at once only so much gets in as there is place for', async () => {
  const shop = await openShop(undefined, { quota: { userBytes: 100 } })
  const tickets = await Promise.all(['a', 'b', 'c'].map((path, i) => shop.ticket(ann, path, bytes(60, i))))
  const answers = await Promise.all(tickets.map(({ uploadUrl }, i) => shop.put(uploadUrl, 0, bytes(60, i))))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 413, 413])
  expect(await shop.records()).toHaveLength(1)
  expect(await shop.onDisk()).toBe(1)
})

test('[FILE-27] an environment has a quota: then there is no space, for anybody, and the client may try again', async () => {
  const shop = await openShop(undefined, { quota: { environmentBytes: 100 } })
  await shop.upload(ann, 'a', bytes(60))
  const waiting = await shop.ticket(bob, 'b', bytes(40))
  await expect(shop.ticket(bob, 'c', bytes(41))).rejects.toMatchObject({ code: 'STORE_FULL' })
  await shop.upload(admin, 'd', bytes(1))
  const full = await shop.put(waiting.uploadUrl, 0, bytes(40))
  expect([full.status, await full.json()]).toMatchObject([507, { code: 'SYS_ERR' }])
  await shop.remove(ann, idOf('a'))
  expect((await shop.put(waiting.uploadUrl, 0, bytes(40))).status).toBe(200)
})

test('[FILE-27] uploads that nobody finishes count until they are swept', async () => {
  const shop = await openShop(undefined, { quota: { environmentBytes: 100 } })
  const { uploadUrl } = await shop.ticket(ann, 'a', bytes(90))
  const { stream, isRead } = hangingAfter('x'.repeat(80))
  const part = shop.put(uploadUrl, 0, stream)
  await isRead
  await shop.clock.advance(10_000)
  await part
  await shop.restart()
  await expect(shop.ticket(bob, 'b', bytes(30))).rejects.toMatchObject({ code: 'STORE_FULL' })
  await shop.clock.advance(26 * 3_600_000)
  await shop.restart()
  await expect
    .poll(() =>
      shop.ticket(bob, 'b', bytes(30)).then(
        ({ offset }) => offset,
        () => 'full',
      ),
    )
    .toBe(0)
})

test('[FILE-26] bytes that are not what was told give their place back', async () => {
  const shop = await openShop(undefined, { quota: { userBytes: 100 } })
  const { uploadUrl } = await shop.ticket(ann, 'a', bytes(90), { sha256: digest('other') })
  expect((await shop.put(uploadUrl, 0, bytes(90))).status).toBe(422)
  await shop.upload(ann, 'b', bytes(100))
})

test('[FILE-26] a quota is whole numbers of bytes', () => {
  for (const quota of [{ userBytes: 0 }, { userBytes: 1.5 }, { environmentBytes: '1' }, { bytes: 1 }])
    expect(() => new Usage(quota as object)).toThrow(
      expect.objectContaining({ code: 'SERVER_CONFIGURATION' }),
    )
})
