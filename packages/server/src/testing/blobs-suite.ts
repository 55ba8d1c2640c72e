import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Blobs } from '../files/blobs.ts'

export interface BlobsUnderTest {
  /** Empty, and its own. Times of what it stores come from `now`. */
  open(now: () => number): Promise<Blobs>
  /** The same bytes again, as after a restart. */
  reopen(): Promise<Blobs>
}

/** What every implementation of `Blobs` owes. */
export function blobsSuite(name: string, make: () => BlobsUnderTest): void {
  const begin = async () => {
    const time = { now: 1_000_000_000_000 }
    const under = make()
    const blobs = await under.open(() => time.now)
    return { time, blobs, reopen: () => under.reopen() }
  }

  test(`${name}: parts become one blob, which is read whole and in ranges`, async () => {
    const { blobs } = await begin()
    expect(await blobs.received(upload)).toBe(0)
    expect(await blobs.append(upload, streamed('abc', 'de'), 10)).toBe(5)
    expect(await blobs.received(upload)).toBe(5)
    expect(await blobs.append(upload, streamed('fghij'), 10)).toBe(10)
    const key = await blobs.finish(upload, told('abcdefghij'))
    expect(await text(blobs, key!, 0, 9)).toBe('abcdefghij')
    expect(await text(blobs, key!, 3, 5)).toBe('def')
    expect([await blobs.sizeOf(key!), await blobs.sizeOf('0'.repeat(64))]).toEqual([10, undefined])
    expect(await text(blobs, key!, 9, 9)).toBe('j')
    expect(await blobs.received(upload)).toBe(0)
  })

  test(`${name}: what was received and what is whole outlives a restart`, async () => {
    const { blobs, reopen } = await begin()
    await blobs.append(upload, streamed('abc'), 6)
    const again = await reopen()
    expect(await again.received(upload)).toBe(3)
    await again.append(upload, streamed('def'), 6)
    const key = await again.finish(upload, told('abcdef'))
    expect(await text(await reopen(), key!, 0, 5)).toBe('abcdef')
  })

  test(`${name}: tells of each upload that is not whole how much is here`, async () => {
    const { blobs, reopen } = await begin()
    const other = 'f'.repeat(64)
    await blobs.append(upload, streamed('abc'), 6)
    await blobs.append(other, streamed('x'), 6)
    expect(await (await reopen()).unfinished()).toEqual(
      new Map([
        [upload, 3],
        [other, 1],
      ]),
    )
    await blobs.discard(other)
    await blobs.append(upload, streamed('def'), 6)
    await blobs.finish(upload, told('abcdef'))
    expect(await blobs.unfinished()).toEqual(new Map())
  })

  test(`${name}: bytes that stop coming leave those that came`, async () => {
    const { blobs } = await begin()
    async function* breaking() {
      yield Buffer.from('abc')
      throw new Error('the line broke')
    }
    await expect(blobs.append(upload, breaking(), 10)).rejects.toThrow('the line broke')
    expect(await blobs.received(upload)).toBe(3)
  })

  test(`${name}: more than was told is refused, and nothing of it is kept`, async () => {
    const { blobs } = await begin()
    await blobs.append(upload, streamed('abc'), 5)
    await expect(blobs.append(upload, streamed('de', 'f'), 5)).rejects.toMatchObject({
      code: 'UPLOAD_TOO_LARGE',
    })
    expect(await blobs.received(upload)).toBe(0)
  })

  test(`${name}: bytes that are not those that were told become no blob`, async () => {
    const { blobs } = await begin()
    for (const expected of [told('abd'), { ...told('abc'), size: 2 }, { ...told('abc'), size: 4 }]) {
      await blobs.append(upload, streamed('abc'), 10)
      expect(await blobs.finish(upload, expected)).toBeNull()
      expect(await blobs.received(upload)).toBe(0)
    }
    expect(await blobs.finish(other, told('abc'))).toBeNull()
  })

  test(`${name}: an empty file is a blob`, async () => {
    const { blobs } = await begin()
    const key = await blobs.finish(upload, told(''))
    expect(await text(blobs, key!, 0, -1)).toBe('')
  })

  test(`${name}: the same bytes twice are two blobs; deleting and discarding twice is harmless`, async () => {
    const { blobs } = await begin()
    const keys: string[] = []
    for (let i = 0; i < 2; i++) {
      await blobs.append(upload, streamed('abc'), 3)
      keys.push((await blobs.finish(upload, told('abc')))!)
    }
    expect(keys[0]).not.toBe(keys[1])
    await blobs.delete(keys[0]!)
    await blobs.delete(keys[0]!)
    expect(await blobs.read(keys[0]!, 0, 2)).toBeNull()
    expect(await text(blobs, keys[1]!, 0, 2)).toBe('abc')
    await blobs.append(other, streamed('x'), 3)
    await blobs.discard(other)
    await blobs.discard(other)
    expect(await blobs.received(other)).toBe(0)
  })

  test(`${name}: a blob that is being read stays readable when it is deleted`, async () => {
    const { blobs } = await begin()
    const bytes = 'x'.repeat(1_000_000)
    await blobs.append(upload, streamed(bytes), bytes.length)
    const key = (await blobs.finish(upload, told(bytes)))!
    const stream = (await blobs.read(key, 0, bytes.length - 1))!
    const reader = stream.getReader()
    let size = (await reader.read()).value!.length
    await blobs.delete(key)
    for (let part = await reader.read(); !part.done; part = await reader.read()) size += part.value.length
    expect(size).toBe(bytes.length)
  })

  test(`${name}: old leftovers are swept, and only they`, async () => {
    const { blobs, time } = await begin()
    await blobs.append(upload, streamed('abc'), 3)
    const named = (await blobs.finish(upload, told('abc')))!
    await blobs.append(upload, streamed('abc'), 3)
    const orphan = (await blobs.finish(upload, told('abc')))!
    await blobs.append(upload, streamed('ab'), 3)
    time.now += 1_000
    await blobs.append(other, streamed('ab'), 3)
    const isNamed = async (keys: readonly string[]) => new Set(keys.filter(key => key === named))
    expect(await blobs.sweep(time.now - 5_000, isNamed)).toBe(0)
    expect(await blobs.sweep(time.now - 500, isNamed)).toBe(2)
    expect(await blobs.received(upload)).toBe(0)
    expect(await blobs.received(other)).toBe(2)
    expect(await blobs.read(orphan, 0, 2)).toBeNull()
    expect(await text(blobs, named, 0, 2)).toBe('abc')
  })

  test(`${name}: a name that is not ours reaches nothing`, async () => {
    const { blobs } = await begin()
    for (const bad of ['', '..', '../../etc/passwd', 'a'.repeat(63), 'A'.repeat(64), `${'a'.repeat(63)}/`]) {
      await expect(
        Promise.resolve().then(() => blobs.received(bad)),
        bad,
      ).rejects.toThrow('broken assertion')
      await expect(
        Promise.resolve().then(() => blobs.read(bad, 0, 1)),
        bad,
      ).rejects.toThrow('broken assertion')
      await expect(
        Promise.resolve().then(() => blobs.delete(bad)),
        bad,
      ).rejects.toThrow('broken assertion')
    }
  })
}

const upload = 'ab'.repeat(32)
const other = 'cd'.repeat(32)

async function* streamed(...parts: readonly string[]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield Buffer.from(part)
}

function told(bytes: string): { size: number; sha256: string } {
  return { size: Buffer.byteLength(bytes), sha256: createHash('sha256').update(bytes).digest('hex') }
}

async function text(blobs: Blobs, key: string, start: number, end: number): Promise<string> {
  const stream = await blobs.read(key, start, end)
  return stream === null ? 'none' : new Response(stream).text()
}
