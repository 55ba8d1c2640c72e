import type { Document, PathChange, Value, Write } from '@nearcloud/protocol'
import type { Direction, Filter, IndexDefinition, Query } from '@nearcloud/query'
import { fieldOf, type Maybe } from '../oracle/order.ts'
import { Dice } from './dice.ts'
import { Filters } from './filters.ts'
import type { Tally } from './tally.ts'
import { Values } from './values.ts'

export interface IndexedCase {
  readonly seed: number
  readonly collection: string
  readonly documents: readonly Document[]
  readonly indexes: readonly IndexDefinition[]
  /** Made when the indexes are there. */
  readonly writes: readonly Extract<Write, { op: 'update' }>[]
  readonly query: Query
}

/** A query about paths that indexes are on. */
export function randomIndexedCase(seed: number, tally: Tally): IndexedCase {
  const dice = new Dice(seed)
  const values = new Values(dice)
  const [collection, documents] = [`c${seed}`, values.documents()]
  const places = dice.list(2, 3, () => values.place(documents))
  const filters = new Filters(values, documents, tally)
  const condition = (): Filter => {
    const { path, value } = dice.pick(places)
    return ['field', path, filters.test(1, value)]
  }
  const where = dice.chance(0.08)
    ? filters.near(dice.pick(places).path)
    : dice.oneOf<Filter>(
        [3, condition],
        [4, () => ['and', dice.list(2, 3, condition)]],
        [1, () => ['or', dice.list(2, 3, condition)]],
        [1, () => ['and', [condition(), filters.filter(1)]]],
      )
  const paths = [...new Set(places.map(({ path }) => path))]
  const indexes = dice.list(1, 3, at => randomIndex(dice, paths, `index${at}`))
  const direction = () => dice.pick<Direction>(['asc', 'desc'])
  const anyOrder = (): Query['orderBy'] =>
    dice.chance(0.6) ? dice.list(1, 2, () => [dice.pick(places).path, direction()]) : []
  const window = {
    skip: dice.chance(0.2) ? dice.below(3) : 0,
    ...(dice.chance(0.6) && { limit: dice.between(1, 4) }),
  }
  // some values of an index's first path, in the order of the next: what an index may answer in order, or only seem to
  const [first, ...rest] = indexes[0]!.keys
  const valuesOfFirst = (): Value[] =>
    dice.list(1, 4, () => operandAt(dice.pick(documents), first![0]) ?? values.scalar())
  const query: Query = dice.chance(0.3)
    ? {
        collection,
        where: ['field', first![0], ['in', valuesOfFirst()]],
        orderBy: rest.map(([path]) => [path, direction()]),
        ...window,
      }
    : { collection, where, orderBy: anyOrder(), ...window }
  const writes = dice.list(0, 3, () => {
    const change: PathChange = [dice.pick(['a', 'b', 'c', 'd']), 'set', values.operand(documents)]
    return { op: 'update' as const, collection, id: dice.pick(documents)._id, changes: [change] }
  })
  return { seed, collection, documents, indexes, writes, query }
}

/** What a document has at a path that goes through objects alone. */
function operandAt(document: Value, path: string): Maybe {
  return path.split('.').reduce<Maybe>(fieldOf, document)
}

function randomIndex(dice: Dice, paths: readonly string[], name: string): IndexDefinition {
  const first = dice.below(paths.length)
  const chosen = dice.list(1, 3, at => paths[(first + at) % paths.length]!)
  const keys = [...new Set(chosen)].map((path, at) => {
    const isOfPlaces = at === 0 && dice.chance(0.1)
    return [path, isOfPlaces ? '2dsphere' : dice.pick([1, -1] as const)] as const
  })
  return { name, keys, unique: false }
}
