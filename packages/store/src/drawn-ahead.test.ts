import { expect, test } from 'vitest'
import { drawnAhead } from './drawn-ahead.ts'

test('bytes are the dice’s, each handed out once, in pieces of any size', () => {
  let [next, throws] = [0, 0]
  const random = drawnAhead(size => {
    throws++
    return Uint8Array.from({ length: size }, () => next++ % 251)
  })
  const given = [...Array.from({ length: 64 }, () => [...random(6)]).flat()]
  expect(given).toEqual(Array.from({ length: 384 }, (_, n) => n % 251))
  expect(throws).toBe(1)
  expect([...random(1)]).toEqual([384 % 251])
  expect(random(1_000)).toHaveLength(1_000)
  expect([...random(2)]).toEqual([385 % 251, 386 % 251])
})
