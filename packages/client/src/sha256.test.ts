import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Sha256 } from './sha256.ts'

const reference = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('the digest of any bytes is the one every other implementation gives', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      expect(new Sha256().update(bytes).hex()).toBe(reference(bytes))
    }),
  )
})

test('the pieces the bytes come in make no difference', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 150 })), pieces => {
      const digest = new Sha256()
      for (const piece of pieces) digest.update(piece)
      expect(digest.hex()).toBe(reference(Buffer.concat(pieces)))
    }),
  )
})

test('lengths around the ends of a block are padded right', () => {
  for (let length = 0; length <= 130; length++) {
    const bytes = new Uint8Array(length).fill(length)
    expect(new Sha256().update(bytes).hex()).toBe(reference(bytes))
  }
})
