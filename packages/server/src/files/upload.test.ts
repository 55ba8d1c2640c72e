import { Buffer } from 'node:buffer'
import { createHash, randomBytes } from 'node:crypto'
import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { admin, ann, bob, digest, hangingAfter, idOf, openShop, type Told } from './testing/open-shop.ts'

test('[FILE-2] parts arrive in order, and the offset says where the next one begins', async () => {
  const shop = await openShop()
  const bytes = randomBytes(9_000_000)
  const { uploadUrl, partBytes, fileID, offset } = await shop.ticket(ann, 'big.bin', bytes)
  expect(offset).toBe(0)
  let at = 0
  while (at < bytes.length) {
    const answer = await shop.put(uploadUrl, at, bytes.subarray(at, at + partBytes))
    at += Math.min(partBytes, bytes.length - at)
    expect(answer.status).toBe(at < bytes.length ? 204 : 200)
    if (at < bytes.length) {
      expect(answer.headers.get('upload-offset')).toBe(String(at))
      expect(await shop.url(ann, fileID), 'not visible before it is whole').toBe('')
      expect(await shop.records()).toEqual([])
    }
  }
  const got = await shop.request(await shop.url(ann, fileID))
  expect(digest(new Uint8Array(await got.arrayBuffer()))).toBe(digest(bytes))
})

test('[FILE-3] a part out of step is answered with the right offset and changes nothing', async () => {
  const shop = await openShop()
  const { uploadUrl, fileID } = await shop.ticket(ann, 'a.txt', Buffer.from('abcdef'))
  const steps: [offset: number, part: string, status: number, next: string | null][] = [
    [3, 'def', 409, '0'],
    [0, 'abc', 204, '3'],
    [0, 'abc', 409, '3'],
    [6, '', 409, '3'],
    [2, 'cde', 409, '3'],
    [3, '', 204, '3'],
    [3, 'def', 200, null],
    [3, 'def', 200, null],
    [6, '', 200, null],
  ]
  for (const [offset, part, status, next] of steps) {
    const answer = await shop.put(uploadUrl, offset, part)
    expect([answer.status, answer.headers.get('upload-offset')], `${offset} ${part}`).toEqual([status, next])
  }
  expect(await shop.text(ann, fileID)).toBe('abcdef')
  expect(await shop.onDisk()).toBe(1)
})

test('[FILE-3] a part that is all of a file, and comes once more, changes nothing', async () => {
  const shop = await openShop()
  const { uploadUrl, fileID } = await shop.ticket(ann, 'a.txt', Buffer.from('abc'))
  for (let times = 0; times < 2; times++) {
    expect((await shop.put(uploadUrl, 0, 'abc')).status).toBe(200)
    shop.clock.advance(1_000)
  }
  const [record] = await shop.records()
  expect(record!.updated).toEqual(new Date(shop.clock.now() - 2_000))
  expect(await shop.text(ann, fileID)).toBe('abc')
})

test('[FILE-4] asking again goes on where it was left, also after a restart; when it is whole it says so', async () => {
  const shop = await openShop()
  const bytes = Buffer.from('abcdef')
  const first = await shop.ticket(ann, 'a.txt', bytes)
  await shop.put(first.uploadUrl, 0, 'abcd')
  expect((await shop.ticket(ann, 'a.txt', bytes)).offset).toBe(4)
  expect((await shop.ticket(bob, 'a.txt', bytes)).offset, 'of another user').toBe(0)
  expect((await shop.ticket(ann, 'b.txt', bytes)).offset, 'of another path').toBe(0)
  await shop.restart()
  const again = await shop.ticket(ann, 'a.txt', bytes)
  expect(again.offset).toBe(4)
  expect((await shop.put(again.uploadUrl, 4, 'ef')).status).toBe(200)
  expect((await shop.ticket(ann, 'a.txt', bytes)).offset).toBe(6)
  expect(await shop.text(ann, again.fileID)).toBe('abcdef')
})

test('[FILE-5] a line that breaks in the middle of a part leaves what came', async () => {
  const shop = await openShop()
  const { uploadUrl, fileID } = await shop.ticket(ann, 'a.txt', Buffer.from('abcdef'))
  let sent = 0
  const broken = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (sent++ === 0) controller.enqueue(Buffer.from('abcd'))
        else controller.error(new Error('the line broke'))
      },
    },
    { highWaterMark: 0 },
  )
  expect((await shop.put(uploadUrl, 0, broken)).headers.get('upload-offset')).toBe('4')
  expect((await shop.put(uploadUrl, 4, 'ef')).status).toBe(200)
  expect(await shop.text(ann, fileID)).toBe('abcdef')
})

test('[FILE-6] a connection that hangs is cut off after a while, and the next part goes on behind what came', async () => {
  const shop = await openShop()
  const { uploadUrl, fileID } = await shop.ticket(ann, 'a.txt', Buffer.from('abcdef'))
  const hanging = hangingAfter('ab')
  const first = shop.put(uploadUrl, 0, hanging.stream)
  await hanging.isRead
  const second = shop.put(uploadUrl, 2, 'cdef')
  shop.clock.advance(9_999)
  shop.clock.advance(1)
  expect((await first).headers.get('upload-offset')).toBe('2')
  expect((await second).status).toBe(200)
  expect(await shop.text(ann, fileID)).toBe('abcdef')
})

test('a server that stops keeps what came of a part', async () => {
  const shop = await openShop()
  const bytes = Buffer.from('abcdef')
  const { uploadUrl } = await shop.ticket(ann, 'a.txt', bytes)
  const hanging = hangingAfter('abc')
  const part = shop.put(uploadUrl, 0, hanging.stream)
  await hanging.isRead
  await shop.close()
  expect((await part).status).toBe(204)
  await shop.restart()
  expect((await shop.ticket(ann, 'a.txt', bytes)).offset).toBe(3)
})

test('[FILE-7] of many writers to one path one wins whole', async () => {
  const shop = await openShop({ read: true, write: true })
  const contents = Array.from({ length: 8 }, (_, i) => Buffer.alloc(100_000, `${i}`))
  await Promise.all(contents.map((bytes, i) => shop.upload(i % 2 ? ann : bob, 'same.txt', bytes)))
  const text = await shop.text(ann, idOf('same.txt'))
  expect(contents.map(String)).toContain(text)
  expect(await shop.onDisk(), 'the others left nothing').toBe(1)
  expect((await shop.records()).length).toBe(1)
  // the same file from two devices of one user
  const bytes = randomBytes(300_000)
  await Promise.all(
    [1, 2, 3].map(async () => {
      for (;;) {
        const { uploadUrl, offset } = await shop.ticket(ann, 'twice.bin', bytes)
        if (offset === bytes.length) return
        const answer = await shop.put(uploadUrl, offset, bytes.subarray(offset))
        if (answer.status === 200) return
      }
    }),
  )
  const got = await shop.request(await shop.url(ann, idOf('twice.bin')))
  expect(digest(new Uint8Array(await got.arrayBuffer()))).toBe(digest(bytes))
})

test('[FILE-9] lies about size and digest are refused, and leave nothing', async () => {
  const shop = await openShop()
  const bytes = Buffer.from('abcdef')
  const told = async (part: Partial<Told>) => (await shop.ticket(ann, 'a.txt', bytes, part)).uploadUrl
  const wrongDigest = await shop.put(await told({ sha256: digest('other') }), 0, bytes)
  expect(wrongDigest.status).toBe(422)
  expect(await wrongDigest.json()).toMatchObject({ code: 'STORAGE_REQUEST_FAIL' })
  expect((await shop.put(await told({ size: 5 }), 0, bytes)).status).toBe(413)
  expect((await shop.put(await told({ size: 3 }), 0, 'abc')).status).toBe(422)
  expect((await shop.put(await told({ size: 7 }), 0, bytes)).status).toBe(204)
  expect((await shop.put(await told({ size: 7 }), 6, 'gh')).status).toBe(413)
  expect(await shop.text(ann, idOf('a.txt'))).toBeUndefined()
  expect(await shop.onDisk()).toBe(0)
  const partTooLong = await shop.ticket(ann, 'b.txt', new Uint8Array(9_000_000))
  const answer = await shop.put(partTooLong.uploadUrl, 0, new Uint8Array(partTooLong.partBytes + 1))
  expect(answer.status).toBe(413)
  expect(await shop.onDisk()).toBe(0)
})

test('[FILE-21] stopped at any step, the file is whole or not there, and the upload goes on', async () => {
  for (const step of ['before the last part', 'before the commit', 'after the commit'] as const) {
    const shop = await openShop()
    const bytes = Buffer.from('abcdef')
    const fileID = await shop.upload(ann, 'a.txt', 'before')
    const { uploadUrl } = await shop.ticket(ann, 'a.txt', bytes)
    await shop.put(uploadUrl, 0, 'abc')
    if (step === 'before the commit') {
      shop.engine.beforeCommit = () => {
        throw new Error('power lost')
      }
      const answer = await shop.put(uploadUrl, 3, 'def')
      expect(answer.status).toBe(500)
      expect(await answer.json(), 'the reason stays home').toEqual({
        code: 'SYS_ERR',
        errMsg: 'the server could not store the file',
      })
      shop.engine.beforeCommit = () => {}
    }
    if (step === 'after the commit') await shop.put(uploadUrl, 3, 'def')
    await shop.restart()
    expect(await shop.text(ann, fileID), step).toBe(step === 'after the commit' ? 'abcdef' : 'before')
    const { uploadUrl: again, offset } = await shop.ticket(ann, 'a.txt', bytes)
    expect(offset, step).toBe(
      { 'before the last part': 3, 'before the commit': 0, 'after the commit': 6 }[step],
    )
    if (offset < 6) expect((await shop.put(again, offset, bytes.subarray(offset))).status).toBe(200)
    expect(await shop.text(ann, fileID), step).toBe('abcdef')
    expect(await shop.onDisk(), step).toBe(1)
  }
})

test('[FILE-22] all of it came and then the server was killed: asking again makes it whole', async () => {
  const shop = await openShop()
  const bytes = Buffer.from('abcdef')
  await shop.ticket(ann, 'a.txt', bytes)
  const name = createHash('sha256')
    .update(JSON.stringify(['ann', 'a.txt', 6, digest(bytes)]))
    .digest('hex')
  const put = async (file: string, content: Uint8Array) => {
    const path = join(shop.folder, 'files', 'uploads', file)
    await writeFile(path, content)
    await utimes(path, shop.clock.now() / 1000, shop.clock.now() / 1000)
  }
  await put(name, bytes)
  await shop.restart()
  const { uploadUrl, offset } = await shop.ticket(ann, 'a.txt', bytes)
  expect(offset, 'not yet a file').toBe(5)
  expect((await shop.put(uploadUrl, 5, 'f')).status).toBe(200)
  expect(await shop.text(ann, idOf('a.txt'))).toBe('abcdef')
  // what a loss of power left in the file is not what was told
  const garbage = createHash('sha256')
    .update(JSON.stringify(['ann', 'b.txt', 6, digest(bytes)]))
    .digest('hex')
  await put(garbage, Buffer.alloc(6))
  const spoilt = await shop.ticket(ann, 'b.txt', bytes)
  const part = await shop.put(spoilt.uploadUrl, spoilt.offset, bytes.subarray(spoilt.offset))
  expect([part.status, part.headers.get('upload-offset')]).toEqual([409, '0'])
  expect((await shop.put(spoilt.uploadUrl, 0, bytes)).status).toBe(200)
})

test('[FILE-23] leftovers are swept after a day; files stay', async () => {
  const shop = await openShop()
  const kept = await shop.upload(ann, 'kept.txt', 'kept')
  const { uploadUrl } = await shop.ticket(ann, 'a.txt', Buffer.from('abcdef'))
  await shop.put(uploadUrl, 0, 'abc')
  shop.clock.advance(23 * 3_600_000)
  await shop.close()
  await shop.restart()
  await shop.close()
  expect(await shop.onDisk()).toBe(2)
  shop.clock.advance(2 * 3_600_000)
  await shop.restart()
  await shop.close()
  expect(await shop.onDisk()).toBe(1)
  expect(await shop.text(ann, kept)).toBe('kept')
})

test('[FILE-29] a user sends sixteen parts at once, others and functions go on, and what is over may be sent again', async () => {
  const shop = await openShop({ read: true, write: true })
  const bytes = Buffer.from('abcdef')
  const { uploadUrl } = await shop.ticket(ann, 'a.txt', bytes)
  const hanging = hangingAfter('abc')
  const first = shop.put(uploadUrl, 0, hanging.stream)
  await hanging.isRead
  const waiting = Array.from({ length: 15 }, () => shop.put(uploadUrl, 3, 'def'))
  const refused = await shop.put((await shop.ticket(ann, 'b.txt', bytes)).uploadUrl, 0, bytes)
  expect([refused.status, await refused.json()]).toMatchObject([429, { code: 'EXCEED_REQUEST_LIMIT' }])
  await shop.upload(bob, 'b.txt', bytes)
  await shop.upload(admin, 'c.txt', bytes)
  shop.clock.advance(10_000)
  expect((await first).status).toBe(204)
  expect(new Set((await Promise.all(waiting)).map(({ status }) => status))).toEqual(new Set([200]))
  await shop.upload(ann, 'b.txt', bytes)
})
