import { caseVariants } from './case-folding.ts'

export type ClassItem =
  | { readonly type: 'range'; readonly from: number; readonly to: number }
  /** All but these. */
  | { readonly type: 'without'; readonly ranges: readonly Range[] }
  /** A Unicode property, asked of the host one code point at a time. */
  | { readonly type: 'property'; readonly name: string; readonly negated: boolean }

export type Range = readonly [from: number, to: number]

/** A set of code points; with `fold`, closed under case. */
export class CharacterClass {
  readonly items: readonly ClassItem[]
  readonly negated: boolean
  readonly fold: boolean
  readonly #tests: readonly ((code: number) => boolean)[]
  /** The answers for ASCII, most of what is asked. */
  readonly #ascii: readonly boolean[]

  constructor(items: readonly ClassItem[], negated: boolean, fold: boolean) {
    this.items = items
    this.negated = negated
    this.fold = fold
    this.#tests = items.map(item => testOf(item, fold))
    this.#ascii = Array.from({ length: 128 }, (_, code) => this.#compute(code))
  }

  has(code: number): boolean {
    return code < 128 ? this.#ascii[code]! : this.#compute(code)
  }

  #compute(code: number): boolean {
    return this.#tests.some(test => test(code)) !== this.negated
  }
}

export const digits: readonly Range[] = [[0x30, 0x39]]
export const wordCharacters: readonly Range[] = [...digits, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]]
export const spaces: readonly Range[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
]

/** Any character; without `newline` not a line feed. */
export function anyCharacter(newline: boolean): CharacterClass {
  return newline ? everything : everythingButNewline
}

export function isWordCharacter(code: number): boolean {
  return inRanges(wordCharacters, code)
}

const everything = new CharacterClass([], true, false)
const everythingButNewline = new CharacterClass([{ type: 'range', from: 0x0a, to: 0x0a }], true, false)

function testOf(item: ClassItem, fold: boolean): (code: number) => boolean {
  switch (item.type) {
    case 'range': {
      const { from, to } = item
      return closed(code => code >= from && code <= to, fold)
    }
    case 'without': {
      const isIn = closed(code => inRanges(item.ranges, code), fold)
      return code => !isIn(code)
    }
    case 'property': {
      const expression = new RegExp(`\\p{${item.name}}`, 'u')
      const hasIt = closed(code => expression.test(String.fromCodePoint(code)), fold)
      return code => hasIt(code) !== item.negated
    }
  }
}

function closed(isIn: (code: number) => boolean, fold: boolean): (code: number) => boolean {
  return fold ? code => isIn(code) || caseVariants(code).some(isIn) : isIn
}

function inRanges(ranges: readonly Range[], code: number): boolean {
  return ranges.some(([from, to]) => code >= from && code <= to)
}
