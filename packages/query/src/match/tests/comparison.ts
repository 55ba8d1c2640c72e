import type { Value } from '@nearcloud/protocol'
import { compareText, compareValues, rankOf } from '../../compare.ts'
import type { Reached } from '../path.ts'
import type { TestFamily, TestOf } from './family.ts'

type Operator = 'gt' | 'gte' | 'lt' | 'lte'

/** gt, gte, lt, lte: only between values of one type; NaN and null compare with themselves alone, as equal. */
export const comparison: TestFamily<TestOf<Operator>> = ([operator, argument], path) => {
  const isSatisfied = compareWith(operator, argument)
  return document => path.some(document, isSatisfied)
}

function compareWith(operator: Operator, bound: Value): (value: Reached) => boolean {
  const holds = holdsFor[operator]
  if (typeof bound === 'number' && !Number.isNaN(bound)) return numberTests[operator](bound)
  if (typeof bound === 'string') return value => typeof value === 'string' && holds(compareText(value, bound))
  if (bound === null || typeof bound === 'number')
    return value => holds(0) && rankOf(value) === rankOf(bound) && compareValues(value, bound) === 0
  const rank = rankOf(bound)
  return value => value !== undefined && rankOf(value) === rank && holds(compareValues(value, bound))
}

const holdsFor: Record<Operator, (order: number) => boolean> = {
  gt: order => order > 0,
  gte: order => order >= 0,
  lt: order => order < 0,
  lte: order => order <= 0,
}

/** The comparisons that are made most, without a detour. NaN satisfies none of them. */
const numberTests: Record<Operator, (bound: number) => (value: Reached) => boolean> = {
  gt: bound => value => typeof value === 'number' && value > bound,
  gte: bound => value => typeof value === 'number' && value >= bound,
  lt: bound => value => typeof value === 'number' && value < bound,
  lte: bound => value => typeof value === 'number' && value <= bound,
}
