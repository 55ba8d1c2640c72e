import type { Document, Value } from '@nearcloud/protocol'
import { compareText, compareValues, rankOf } from '../../compare.ts'
import { isAmong, type Reached, someOf } from '../path.ts'
import type { Matcher, TestFamily, TestOf } from './family.ts'

type Operator = 'gt' | 'gte' | 'lt' | 'lte'

/** gt, gte, lt, lte: only between values of one type; NaN and null compare with themselves alone, as equal. */
export const comparison: TestFamily<TestOf<Operator>> = ([operator, argument], path) => {
  const isSatisfied = compareWith(operator, argument)
  const isNumber = typeof argument === 'number' && !Number.isNaN(argument)
  if (!isNumber || path.field === undefined) return someOf(path, isSatisfied)
  return fieldTests[operator](path.field, argument, isSatisfied)
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

/** Of numbers, which are compared most. NaN satisfies none of them. */
const numberTests: Record<Operator, (bound: number) => (value: Reached) => boolean> = {
  gt: bound => value => typeof value === 'number' && value > bound,
  gte: bound => value => typeof value === 'number' && value >= bound,
  lt: bound => value => typeof value === 'number' && value < bound,
  lte: bound => value => typeof value === 'number' && value <= bound,
}

type FieldTest = (field: string, bound: number, isSatisfied: (value: Reached) => boolean) => Matcher

/** The same of a document's field, without a detour. */
const fieldTests: Record<Operator, FieldTest> = {
  gt: (field, bound, isSatisfied) => document => {
    const value = (document as Document)[field]
    return typeof value === 'number' ? value > bound : isAmong(value, isSatisfied)
  },
  gte: (field, bound, isSatisfied) => document => {
    const value = (document as Document)[field]
    return typeof value === 'number' ? value >= bound : isAmong(value, isSatisfied)
  },
  lt: (field, bound, isSatisfied) => document => {
    const value = (document as Document)[field]
    return typeof value === 'number' ? value < bound : isAmong(value, isSatisfied)
  },
  lte: (field, bound, isSatisfied) => document => {
    const value = (document as Document)[field]
    return typeof value === 'number' ? value <= bound : isAmong(value, isSatisfied)
  },
}
