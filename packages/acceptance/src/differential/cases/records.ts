import { type Document, type DocumentData, makeDocument, normalise, type Value } from '@nearcloud/protocol'
import type { Dice } from './dice.ts'

/** The sorts of things an expression can be computed of. */
export type Sort =
  | 'number'
  | 'string'
  | 'boolean'
  | 'date'
  | 'numbers'
  | 'strings'
  | 'objects'
  | 'object'
  | 'any'

export type ListSort = 'numbers' | 'strings' | 'objects'

/** Where what can be found, by path. */
export type Schema = ReadonlyMap<string, Sort>

export const recordSchema: Schema = new Map<string, Sort>([
  ['n', 'number'],
  ['m', 'number'],
  ['s', 'string'],
  ['t', 'string'],
  ['b', 'boolean'],
  ['d', 'date'],
  ['e', 'date'],
  ['xs', 'numbers'],
  ['ss', 'strings'],
  ['rows', 'objects'],
  ['rows.k', 'strings'],
  ['rows.v', 'numbers'],
  ['o', 'object'],
  ['o.p', 'number'],
  ['o.q', 'string'],
  ['z', 'any'],
  ['z.a', 'any'],
  ['_id', 'any'],
])

/** Documents of one kind, as an app has them: some fields null, some missing, a few with what nobody expects. */
export function records(dice: Dice): readonly Document[] {
  return dice.list(3, 9, at => makeDocument(dice.chance(0.5) ? at : `r${at}`, record(dice)))
}

function record(dice: Dice): DocumentData {
  const fields: { [name: string]: Value } = {}
  for (const [path, sort] of recordSchema) {
    if (path === '_id' || path.includes('.') || dice.chance(0.07)) continue
    fields[path] = dice.chance(0.07) ? null : dice.chance(0.025) ? wild(dice) : anyOf(sort, dice)
  }
  return normalise(fields) as DocumentData
}

export function anyOf(sort: Sort, dice: Dice): Value {
  switch (sort) {
    case 'number':
      return dice.pick(dice.chance(0.93) ? numbers : strangeNumbers)
    case 'string':
      return dice.pick(texts)
    case 'boolean':
      return dice.chance(0.5)
    case 'date':
      return dice.pick(dates)
    case 'numbers':
      return dice.list(0, 4, () => anyOf('number', dice))
    case 'strings':
      return dice.list(0, 4, () => anyOf('string', dice))
    case 'objects':
      return dice.list(0, 3, () => ({ k: anyOf('string', dice), v: anyOf('number', dice) }))
    case 'object':
      return { p: anyOf('number', dice), q: anyOf('string', dice) }
    case 'any':
      return wild(dice)
  }
}

function wild(dice: Dice): Value {
  return dice.oneOf<Value>(
    [4, () => anyOf(dice.pick(plainSorts), dice)],
    [1, () => dice.list(0, 3, () => anyOf(dice.pick(plainSorts), dice))],
    [1, () => [dice.list(0, 2, () => anyOf('number', dice))]],
    [2, () => ({ a: anyOf(dice.pick(plainSorts), dice) })],
    [1, () => dice.list(0, 3, () => ({ a: anyOf(dice.pick(plainSorts), dice) }))],
    [1, () => new Uint8Array([dice.below(3)])],
    [1, () => ({})],
    [1, () => null],
  )
}

const plainSorts = ['number', 'string', 'boolean', 'date'] as const
const numbers = [0, 1, 2, 3, 4, 7, 10, -1, -3, 0.5, 2.5, -1.5]
const strangeNumbers = [-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 65_536, 1e308]
const texts = ['', 'a', 'b', 'ab', 'Ab', 'b a', ' a ', 'a,b,c', 'é', 'aé', 'x\u{1F600}y', '10']
const dates = [
  new Date(0),
  new Date(1),
  new Date('2019-12-30T23:59:59.999Z'),
  new Date('2020-02-29T12:00:00Z'),
  new Date('2021-01-03T06:07:08.009Z'),
  new Date('1969-12-31T23:59:59.999Z'),
]
