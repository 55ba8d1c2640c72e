import { expect, test } from 'vitest'
import { kinshipOf } from './kinship.ts'

const openings = [
  { epoch: 'a', start: 0 },
  { epoch: 'b', start: 10 },
  { epoch: 'c', start: 20 },
]

test('[RESTORE-1] a copy of this history is one, at whichever opening it was made', () => {
  const whole = (lineage: [string, number][], version: number) =>
    kinshipOf(openings, 25, { epoch: lineage.at(-1)![0], version, lineage })
  expect(whole([['a', 0]], 7)).toEqual({ common: 7, isWhole: true })
  expect(whole([['a', 0]], 10)).toEqual({ common: 10, isWhole: true })
  expect(whole([['a', 0], ['b', 10]], 20)).toEqual({ common: 20, isWhole: true }) // biome-ignore format: as a table
  expect(whole([['a', 0], ['b', 10], ['c', 20]], 25)).toEqual({ common: 25, isWhole: true }) // biome-ignore format: as a table
  // it heard of no version of an opening that is no more
  expect(whole([['a', 0], ['x', 10]], 10)).toEqual({ common: 10, isWhole: true }) // biome-ignore format: as a table
})

test('[RESTORE-1] what was taken back is noticed, though the same versions were made again', () => {
  const of = (lineage: [string, number][], version: number) =>
    kinshipOf(openings, 25, { epoch: lineage.at(-1)![0], version, lineage })
  // the folder was put back when version 10 was the last, and 15 more were made since
  expect(of([['a', 0]], 14)).toEqual({ common: 10, isWhole: false })
  expect(of([['a', 0], ['x', 12]], 18)).toEqual({ common: 10, isWhole: false }) // biome-ignore format: as a table
  expect(of([['a', 0], ['b', 10], ['y', 17]], 19)).toEqual({ common: 17, isWhole: false }) // biome-ignore format: as a table
  expect(of([['a', 0], ['b', 10], ['c', 20]], 26)).toEqual({ common: 25, isWhole: false }) // biome-ignore format: as a table
})

test('[RESTORE-1] two histories without a common opening have nothing in common', () => {
  const of = (lineage: [string, number][], version: number) =>
    kinshipOf(openings, 25, { epoch: lineage.at(-1)?.[0], version, lineage })
  expect(of([['z', 0]], 5)).toEqual({ common: 0, isWhole: false })
  expect(of([['b', 11]], 15)).toEqual({ common: 0, isWhole: false })
  expect(of([], 5)).toEqual({ common: 0, isWhole: false })
})

test('[RESTORE-1] whoever tells one name only is believed up to the head', () => {
  expect(kinshipOf(openings, 25, { epoch: 'a', version: 22 })).toEqual({ common: 22, isWhole: true })
  expect(kinshipOf(openings, 25, { epoch: 'a', version: 26 })).toEqual({ common: 0, isWhole: false })
  expect(kinshipOf(openings, 25, { epoch: 'z', version: 5 })).toEqual({ common: 0, isWhole: false })
})
