import fc from 'fast-check'
import { expect, test } from 'vitest'
import { granularityNames, granularityOf } from './granularity.ts'

test.each(granularityNames())('[STAGE-16] %s: the next number up and the next down are neighbours', name => {
  const { up, down } = granularityOf(name)!
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e12, noNaN: true }), value => {
      const [above, below] = [up(value), down(value)]
      expect(above).toBeGreaterThan(value)
      expect(below).toBeLessThan(value)
      expect(down(above) <= value && up(below) >= value).toBe(true)
      expect(up(down(above))).toBeCloseTo(above, 9 - Math.ceil(Math.log10(above)))
    }),
  )
  expect([up(0), down(0)]).toEqual([0, 0])
})

test('[STAGE-16] the series have as many numbers a decade as their names say', () => {
  for (const [name, count] of [
    ['R5', 5],
    ['R10', 10],
    ['R20', 20],
    ['R40', 40],
    ['R80', 80],
    ['1-2-5', 3],
    ['E6', 6],
    ['E12', 12],
    ['E24', 24],
    ['E48', 48],
    ['E96', 96],
    ['E192', 192],
  ] as const) {
    const { up } = granularityOf(name)!
    let [value, steps] = [1_000, 0]
    for (; value < 10_000; steps++) value = up(value)
    expect([name, steps, value]).toEqual([name, count, 10_000])
  }
  expect(granularityOf('constructor')).toBeUndefined()
})
