import { type Reached, someOf } from '../path.ts'
import type { TestFamily, TestOf } from './family.ts'

/** mod: the whole part of a number divided, both cut to whole numbers; the remainder has the number's sign. */
export const remainder: TestFamily<TestOf<'mod'>> = ([, argument], path) => {
  const [divisor, wanted] = argument.map(Math.trunc) as [number, number]
  const isSatisfied = (value: Reached) =>
    typeof value === 'number' && Math.abs(value) < largest && Math.trunc(value) % divisor === wanted
  return someOf(path, isSatisfied)
}

/** Numbers from here on are no integers anywhere else (2 to the 63rd). NaN is not below it. */
const largest = 2 ** 63
