import { expect, test } from 'vitest'
import { Digest } from './digest.ts'
import type { DocId } from './values.ts'

const sumOf = (...documents: readonly (readonly [DocId, number])[]) => {
  const digest = new Digest()
  for (const [id, version] of documents) digest.add(id, version)
  return digest.sum
}

test('[DIGEST-1] the order does not matter, everything else does', () => {
  expect(sumOf()).toBe('0000000000000000')
  expect(sumOf(['a', 1], ['b', 2])).toBe(sumOf(['b', 2], ['a', 1]))
  const others = [
    sumOf(['a', 1], ['b', 2]),
    sumOf(['a', 2], ['b', 1]),
    sumOf(['a', 1]),
    sumOf(['a', 1], ['a', 1]),
    sumOf(['1', 1]),
    sumOf([1, 1]),
    sumOf([11, 1]),
    sumOf([1, 11]),
    sumOf(['a', 1 + 2 ** 32]),
    sumOf(['ab', 1]),
    sumOf(['ba', 1]),
    sumOf(['', 1]),
  ]
  expect(new Set(others).size).toBe(others.length)
})

test('[DIGEST-1] of a hundred thousand ids and versions no two are alike, in either half', () => {
  const sums = new Set<string>()
  for (let i = 0; i < 1_000; i++)
    for (let version = 1; version <= 100; version++) sums.add(sumOf([`t${i}`, version]))
  expect(sums.size).toBe(100_000)
  for (const half of [0, 8]) {
    // by chance one or two pairs in 2^32 agree
    expect(new Set([...sums].map(sum => sum.slice(half, half + 8))).size).toBeGreaterThan(99_990)
  }
})
