import {
  type Document,
  GeoPoint,
  makeDocument,
  normalise,
  RegExpValue,
  type Value,
} from '@nearcloud/protocol'
import { type Fields, fieldsOf, isArray, type Maybe } from '../oracle/order.ts'
import type { Dice } from './dice.ts'

/** Values of one case: few, so that they meet each other again. */
export class Values {
  readonly dice: Dice
  readonly #scalars: readonly Value[]
  readonly #shapes: readonly Shape[]

  constructor(dice: Dice) {
    this.dice = dice
    const sorts = dice.chance(0.3) ? [dice.pick(pools), dice.pick(pools)] : pools
    this.#scalars = dice.list(3, 7, () => dice.pick(dice.pick(sorts)))
    this.#shapes = dice.list(4, 4, () => dice.pick(shapes))
  }

  scalar(): Value {
    return this.dice.chance(0.85) ? this.dice.pick(this.#scalars) : this.dice.pick(this.dice.pick(pools))
  }

  number(): number {
    return this.dice.pick(this.dice.chance(0.8) ? smallNumbers : numbers)
  }

  value(depth = 3): Value {
    if (depth === 0) return this.scalar()
    return this.dice.oneOf<Value>(
      [10, () => this.scalar()],
      [4, () => this.dice.list(0, 4, () => this.value(depth - 1))],
      [3, () => this.dice.list(0, 3, () => this.object(depth - 1))],
      [4, () => this.object(depth - 1)],
    )
  }

  object(depth = 2): Value {
    const fields: { [key: string]: Value } = {}
    for (const key of this.dice.list(0, 3, () => this.key())) fields[key] = this.value(depth)
    return fields
  }

  key(): string {
    return this.dice.chance(0.9) ? this.dice.pick(keys) : this.dice.pick(strangeKeys)
  }

  /** The documents of a case resemble each other, mostly: the same field holds the same sort of thing. */
  document(at: number): Document {
    const fields: { [key: string]: Value } = {}
    this.#shapes.forEach((shape, i) => {
      if (this.dice.chance(0.8))
        fields['abcd'[i]!] = this.dice.chance(0.8) ? this.shaped(shape) : this.value()
    })
    if (this.dice.chance(0.2)) fields[this.dice.pick(strangeKeys)] = this.value(1)
    const id = this.dice.pick([at, at + 0.5, `${at}`, `é${at}`, `\u{1F600}${at}`, `\uFFFD${at}`])
    return makeDocument(id, normalise(fields) as Fields)
  }

  shaped(shape: Shape): Value {
    const { dice } = this
    switch (shape) {
      case 'number':
        return this.number()
      case 'flag':
        return dice.chance(0.5)
      case 'scalar':
        return this.scalar()
      case 'list':
        return dice.list(0, 4, () => this.scalar())
      case 'rows':
        return dice.list(0, 3, () => this.object(dice.below(2)))
      case 'object':
        return this.object(dice.below(3))
      case 'any':
        return this.value()
    }
  }

  documents(): readonly Document[] {
    return this.dice.list(3, 12, at => this.document(at))
  }

  /** Where something may be: mostly a place of one of the documents, by names, by indexes, or past arrays. */
  path(documents: readonly Document[]): string {
    return this.place(documents).path
  }

  /** A path and what it leads to in one of the documents. */
  place(documents: readonly Document[]): { readonly path: string; readonly value: Maybe } {
    const { dice } = this
    if (dice.chance(0.12)) return { path: dice.pick(plainPaths), value: undefined }
    const parts: string[] = []
    let value: Maybe = dice.pick(documents)
    for (;;) {
      const here: Maybe = value
      if (isArray(here) && here.length > 0) {
        const index = dice.below(here.length)
        const isBare = !fieldsOf(here[index]) && !isArray(here[index])
        const isNamed = dice.chance(isBare ? 0.25 : 0.4)
        if (isNamed) parts.push(String(index))
        value = here[index]
        if (isBare) break
      } else {
        const names = Object.keys(fieldsOf(here) ?? {}).filter(name => name !== '' && name !== '_id')
        if (names.length === 0 || (parts.length > 0 && dice.chance(0.2))) break
        const name = dice.pick(names)
        parts.push(name)
        value = fieldsOf(here)![name]
      }
      if (parts.length > 0 && dice.chance(0.25)) break
    }
    if (parts.length === 0) return { path: '_id', value: dice.pick(documents)._id }
    if (dice.chance(0.1)) return { path: [...parts, dice.pick(extraParts)].join('.'), value: undefined }
    return { path: parts.join('.'), value }
  }

  /** Something that is in one of the documents, or any value. */
  operand(documents: readonly Document[], near?: Maybe): Value {
    const { dice } = this
    if (near !== undefined && dice.chance(0.6)) return dice.chance(0.7) ? near : this.somethingIn(near)
    return dice.oneOf<Value>(
      [6, () => this.somethingIn(dice.pick(documents))],
      [3, () => this.scalar()],
      [1, () => normalise(this.value(2))],
    )
  }

  somethingIn(value: Value): Value {
    const fields = fieldsOf(value)
    const inner = isArray(value) ? value : fields ? Object.values(fields) : []
    if (inner.length === 0) return value
    const next = this.dice.pick(inner)
    return this.dice.chance(0.3) && fieldsOf(value)?._id === undefined ? value : this.somethingIn(next)
  }
}

type Shape = (typeof shapes)[number]
const shapes = ['number', 'flag', 'scalar', 'scalar', 'list', 'rows', 'object', 'any'] as const

const smallNumbers = [0, 1, 2, 3, -1, 1.5, 5]
const numbers: readonly number[] = [
  ...smallNumbers,
  -0,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  2 ** 31,
  -(2 ** 31),
  2 ** 53,
  2 ** 53 + 2,
  1e308,
  5e-324,
  0.1,
  0.1 + 0.2,
]

/** Composed and decomposed, astral and just below the surrogates' place, what sorts otherwise by code units. */
const texts = [
  '',
  'a',
  'b',
  'ab',
  'abc',
  'A',
  '1',
  ' ',
  'é',
  'e\u0301',
  '\u{1F600}',
  '\uFFFD',
  '\uE000',
  '中文',
]

export const regexps: readonly RegExpValue[] = [
  ['a'],
  ['^a'],
  ['b$'],
  ['^$'],
  ['^.$'],
  ['A', 'i'],
  ['^[a-c]+$'],
  ['a|\\d'],
  ['^(ab|b)*$'],
  ['\u{1F600}'],
  ['É', 'i'],
  ['[^a]'],
].map(([pattern, options]) => new RegExpValue(pattern!, options))

export const points = [
  new GeoPoint(0, 0),
  new GeoPoint(1, 1),
  new GeoPoint(10, -20),
  new GeoPoint(179.5, 60),
  new GeoPoint(-179.5, 60),
  new GeoPoint(5, 90),
]

const pools: readonly (readonly Value[])[] = [
  smallNumbers,
  numbers,
  texts,
  ['a', 'b', 'ab'],
  [null],
  [null, true, false],
  [new Date(0), new Date(1), new Date(-1), new Date(1_700_000_000_123), new Date('2020-02-29T23:59:59.999Z')],
  [new Uint8Array(), new Uint8Array([1]), new Uint8Array([1, 2]), new Uint8Array([0])],
  [...regexps.slice(0, 3), new RegExpValue('a', 'i')],
  points,
]

const keys = ['a', 'b', 'c', 'x', '0', '1']
const strangeKeys = ['toString', 'hasOwnProperty', 'length', 'é', '', '\u{1F600}', '01', 'type']
const extraParts = ['a', 'b', '0', '1', '5', 'toString']
const plainPaths = [
  'a',
  'b',
  'a.b',
  'b.a',
  'a.0',
  'a.0.b',
  'a.b.c',
  'c.x',
  '_id',
  'toString',
  'd.1.x',
  'a.01',
]
