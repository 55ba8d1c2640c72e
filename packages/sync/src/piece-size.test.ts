import { expect, test } from 'vitest'
import { PieceSize } from './piece-size.ts'

test('[LINK-22] a size is known once a piece of it came through and no larger one is tried', () => {
  const size = new PieceSize({ smallest: 1_000, largest: 64_000, first: 64_000 })
  expect(size.isKnown).toBe(true)
  size.lost()
  expect([size.bytes, size.isKnown]).toEqual([1_000, false])
  // growing: each is larger than any that came through
  for (const bytes of [2_000, 4_000, 8_000, 16_000, 32_000]) {
    size.passed(size.bytes)
    expect([size.bytes, size.isKnown]).toEqual([bytes, false])
  }
  size.passed(size.bytes)
  expect([size.bytes, size.isKnown]).toEqual([64_000, true])
  // two thousand is lost twice: a thousand is the most, and known at its first passing
  size.lost()
  size.passed(size.bytes)
  size.lost()
  size.passed(size.bytes)
  size.lost()
  expect([size.bytes, size.isKnown]).toEqual([1_000, false])
  size.passed(size.bytes)
  expect([size.bytes, size.isKnown]).toEqual([1_000, true])
})
