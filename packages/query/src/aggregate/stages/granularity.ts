/** Rounds to the next number of a series of preferred numbers; 0 stays 0. */
export interface Granularity {
  /** The least that is greater than `value`. */
  up(value: number): number
  /** The greatest that is less than `value`. */
  down(value: number): number
}

/** By the names of the original (MongoDB's `bucketAuto`): Renard series, IEC 60063's, 1-2-5, and powers of two. */
export function granularityOf(name: string): Granularity | undefined {
  if (name === 'POWERSOF2') return powersOfTwo
  const series = seriesByName.get(name)
  return series && preferred(series)
}

export function granularityNames(): readonly string[] {
  return [...seriesByName.keys(), 'POWERSOF2']
}

/** `series`: the numbers of one decade, ascending. */
function preferred(series: readonly number[]): Granularity {
  const [first, last] = [series[0]!, series[series.length - 1]!]
  return {
    up(value) {
      if (value === 0) return 0
      const decade = decadeOf(value, first)
      const next = series.find(number => scaled(number, decade) > value)
      return next === undefined ? scaled(first, decade + 1) : scaled(next, decade)
    },
    down(value) {
      if (value === 0) return 0
      const decade = decadeOf(value, first)
      const smaller = series.filter(number => scaled(number, decade) < value)
      return smaller.length === 0 ? scaled(last, decade - 1) : scaled(smaller[smaller.length - 1]!, decade)
    },
  }
}

/** The power of ten, so that `value` lies between the first number of the series there and the first one of the next. */
function decadeOf(value: number, first: number): number {
  let decade = Math.floor(Math.log10(value / first))
  if (scaled(first, decade) > value) decade--
  if (scaled(first, decade + 1) <= value) decade++
  return decade
}

/** Divided where that is exact: 63 in the decade before is 6.3. */
function scaled(number: number, decade: number): number {
  return decade < 0 ? number / 10 ** -decade : number * 10 ** decade
}

const powersOfTwo: Granularity = {
  up: value => (value === 0 ? 0 : 2 ** (Math.floor(Math.log2(value)) + 1)),
  down: value => (value === 0 ? 0 : 2 ** (Math.ceil(Math.log2(value)) - 1)),
}

/** Every `step`th number of a finer series. */
function everyOf(series: readonly number[], step: number): readonly number[] {
  return series.filter((_, at) => at % step === 0)
}

/** IEC 60063: `count` numbers a decade, three digits. */
function fine(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => {
    const number = Math.round(100 * 10 ** (at / count))
    return number === 919 ? 920 : number // as the standard has it
  })
}

const renard80 = [
  ...[100, 103, 106, 109, 112, 115, 118, 122, 125, 128, 132, 136, 140, 145, 150, 155, 160, 165, 170, 175],
  ...[180, 185, 190, 195, 200, 206, 212, 218, 224, 230, 236, 243, 250, 258, 265, 272, 280, 290, 300, 307],
  ...[315, 325, 335, 345, 355, 365, 375, 387, 400, 412, 425, 437, 450, 462, 475, 487, 500, 515, 530, 545],
  ...[560, 580, 600, 615, 630, 650, 670, 690, 710, 730, 750, 775, 800, 825, 850, 875, 900, 925, 950, 975],
]
const e24 = [
  ...[10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30],
  ...[33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82, 91],
]

const seriesByName: ReadonlyMap<string, readonly number[]> = new Map([
  ['R5', [10, 16, 25, 40, 63]],
  ['R10', everyOf(renard80, 8)],
  ['R20', everyOf(renard80, 4)],
  ['R40', everyOf(renard80, 2)],
  ['R80', renard80],
  ['1-2-5', [10, 20, 50]],
  ['E6', everyOf(e24, 4)],
  ['E12', everyOf(e24, 2)],
  ['E24', e24],
  ['E48', fine(48)],
  ['E96', fine(96)],
  ['E192', fine(192)],
])
