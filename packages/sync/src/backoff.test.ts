import { expect, test } from 'vitest'
import { Backoff } from './backoff.ts'

const highest = (size: number) => new Uint8Array(size).fill(255)
const lowest = (size: number) => new Uint8Array(size)

test('[LINK-3] ceilings double from 0.2 s to 30 s', () => {
  const backoff = new Backoff(highest)
  const delays = Array.from({ length: 10 }, () => backoff.next())
  expect(delays).toEqual([199, 399, 799, 1599, 3199, 6399, 12799, 25599, 29999, 29999])
})

test('[LINK-3] jitter is full: a delay can be as short as nothing', () => {
  const backoff = new Backoff(lowest)
  for (let i = 0; i < 100; i++) expect(backoff.next()).toBe(0)
})

test('[LINK-3] after a success the first ceiling counts again', () => {
  const backoff = new Backoff(highest)
  for (let i = 0; i < 5; i++) backoff.next()
  backoff.reset()
  expect(backoff.next()).toBe(199)
})

test('[LINK-4] a wait that was asked for comes before the jitter, once', () => {
  const backoff = new Backoff(highest)
  backoff.atLeast(5_000)
  expect(backoff.next()).toBe(5_199)
  expect(backoff.next()).toBe(399)
})
