import type { Maybe } from '../order.ts'
import { cannot } from '../refusal.ts'
import { isNothing, type Operator } from './operator.ts'

export const arithmetic: { readonly [name: string]: Operator } = {
  add: values => {
    let total = 0
    let dates = 0
    for (const value of values) {
      if (isNothing(value)) return null
      if (value instanceof Date && dates++ > 0) throw cannot('add: two dates')
      total += value instanceof Date ? value.getTime() : numberIn(value)
    }
    return dates > 0 ? dateAt(total) : total
  },
  subtract: ([a, b]) => {
    if (isNothing(a) || isNothing(b)) return null
    if (a instanceof Date && b instanceof Date) return a.getTime() - b.getTime()
    if (a instanceof Date) return dateAt(a.getTime() - numberIn(b))
    return numberIn(a) - numberIn(b)
  },
  multiply: values => {
    let product = 1
    for (const value of values) {
      if (isNothing(value)) return null
      product *= numberIn(value)
    }
    return product
  },
  divide: ofTwo((a, b) => {
    if (b === 0) throw cannot('divide by 0')
    return a / b
  }),
  mod: ofTwo((a, b) => {
    if (b === 0) throw cannot('mod by 0')
    return a % b
  }),
  pow: ofTwo((base, exponent) => {
    if (base === 0 && exponent < 0) throw cannot('pow of 0 with a negative exponent')
    return base ** exponent
  }),
  log: ofTwo((number, base) => {
    if (!(number > 0 || Number.isNaN(number))) throw cannot('log of what is not positive')
    if (!((base > 0 && base !== 1) || Number.isNaN(base))) throw cannot('log with such a base')
    return Math.log(number) / Math.log(base)
  }),
  abs: ofOne(Math.abs),
  ceil: ofOne(Math.ceil),
  floor: ofOne(Math.floor),
  trunc: ofOne(Math.trunc),
  exp: ofOne(Math.exp),
  sqrt: ofOne(number => {
    if (number < 0) throw cannot('sqrt of what is negative')
    return Math.sqrt(number)
  }),
  ln: ofOne(number => {
    if (number <= 0) throw cannot('ln of what is not positive')
    return Math.log(number)
  }),
  log10: ofOne(number => {
    if (number <= 0) throw cannot('log10 of what is not positive')
    return Math.log10(number)
  }),
}

function ofOne(compute: (number: number) => number): Operator {
  return ([value]) => (isNothing(value) ? null : compute(numberIn(value)))
}

function ofTwo(compute: (a: number, b: number) => number): Operator {
  return ([a, b]) => (isNothing(a) || isNothing(b) ? null : compute(numberIn(a), numberIn(b)))
}

function numberIn(value: Maybe): number {
  if (typeof value !== 'number') throw cannot('what is no number cannot be computed with')
  return value
}

function dateAt(time: number): Date {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) throw cannot('no such date')
  return date
}
