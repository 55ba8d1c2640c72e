import { expect, test } from 'vitest'
import { Holding } from './holding.ts'
import { Meter } from './meter.ts'

const unlimited = { stages: Infinity, documents: Infinity, bytes: Infinity, timeMs: Infinity }
const small = { _id: 1 }
const large = { _id: 1, text: 'x'.repeat(10_000) }

function heldOf(count: number, make: (i: number) => typeof small): Holding {
  const held = new Holding(new Meter(unlimited, () => 0))
  for (let i = 0; i < count; i++) held.add(make(i))
  return held
}

test('[STAGE-23] a thousand documents are measured to the letter', () => {
  const one = heldOf(1, () => large).bytes
  expect(one).toBeGreaterThan(10_000)
  expect(heldOf(1_000, () => large).bytes).toBe(1_000 * one)
})

test('[STAGE-23] many are estimated, however large and small ones follow each other', () => {
  for (const every of [1, 2, 7, 8, 16, 64]) {
    const count = 50_000
    const estimate = heldOf(count, i => (i % every === 0 ? large : small)).bytes
    const exact = (count / every) * 10_000 + count * 15
    expect(estimate / exact).toBeGreaterThan(0.8)
    expect(estimate / exact).toBeLessThan(1.2)
  }
})

test('[STAGE-23] what is let go counts no longer', () => {
  const meter = new Meter({ ...unlimited, bytes: 50_000 }, () => 0)
  const held = meter.holding()
  for (let i = 0; i < 100; i++) held.remove(held.add(large))
  for (let i = 0; i < 4; i++) held.add(large)
  expect(() => held.add(large)).toThrow('more than 50000 bytes held')
  held.release()
  for (let i = 0; i < 4; i++) meter.holding().add(large)
})
