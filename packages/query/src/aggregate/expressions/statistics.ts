import { geoFromJson, type Value } from '@nearcloud/protocol'
import { compareValues } from '../../compare.ts'
import { asFields, isContainer } from '../../paths.ts'
import { unfit } from '../../refusals.ts'
import { Summation } from './summation.ts'
import { typeName } from './type-name.ts'

/** What is gathered from many values, one after the other. */
export interface Gathering {
  add(value: Value | undefined): void
  result(): Value
}

/** Those that are both accumulators of a group and operators over a list. */
export const statistics: ReadonlyMap<string, () => Gathering> = new Map<string, () => Gathering>([
  ['sum', () => new Sum()],
  ['avg', () => new Average()],
  ['max', () => new Extreme(1)],
  ['min', () => new Extreme(-1)],
  ['stdDevPop', () => new Deviation(0)],
  ['stdDevSamp', () => new Deviation(1)],
  ['mergeObjects', () => new MergedObjects()],
])

/** 0 for no numbers. */
class Sum implements Gathering {
  readonly #sum = new Summation()

  add(value: Value | undefined): void {
    if (typeof value === 'number') this.#sum.add(value)
  }
  result(): Value {
    return this.#sum.total
  }
}

/** null for no numbers. */
class Average implements Gathering {
  readonly #sum = new Summation()
  #count = 0

  add(value: Value | undefined): void {
    if (typeof value !== 'number') return
    this.#sum.add(value)
    this.#count++
  }
  result(): Value {
    return this.#count === 0 ? null : this.#sum.total / this.#count
  }
}

/** The greatest or the least, in the order of all values; null when there is nothing but null. */
class Extreme implements Gathering {
  readonly #sign: 1 | -1
  #value: Value = null

  constructor(sign: 1 | -1) {
    this.#sign = sign
  }

  add(value: Value | undefined): void {
    if (value === undefined || value === null) return
    if (this.#value === null || compareValues(value, this.#value) * this.#sign > 0) this.#value = value
  }
  result(): Value {
    return this.#value
  }
}

/** The standard deviation of a whole population (`spare` 0), or as a sample tells it (1): Welford's way, in one pass. */
class Deviation implements Gathering {
  readonly #spare: 0 | 1
  #count = 0
  #mean = 0
  #squares = 0

  constructor(spare: 0 | 1) {
    this.#spare = spare
  }

  add(value: Value | undefined): void {
    if (typeof value !== 'number') return
    this.#count++
    const distance = value - this.#mean
    this.#mean += distance / this.#count
    this.#squares += distance * (value - this.#mean)
  }
  result(): Value {
    const parts = this.#count - this.#spare
    return parts <= 0 ? null : Math.sqrt(this.#squares / parts)
  }
}

/** The fields of all, the later before the earlier. */
class MergedObjects implements Gathering {
  readonly #fields: { [key: string]: Value } = {}

  add(value: Value | undefined): void {
    if (value === undefined || value === null) return
    if (!isContainer(value)) throw unfit(`$.mergeObjects takes objects, not ${typeName(value)}`)
    const fields = asFields(value)
    for (const key of Object.keys(fields)) this.#fields[key] = fields[key]!
  }
  result(): Value {
    const fields = { ...this.#fields }
    return geoFromJson(fields) ?? Object.freeze(fields)
  }
}
