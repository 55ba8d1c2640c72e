import { type Document, type GeoPoint, RegExpValue, type Value } from '@nearcloud/protocol'
import type { ElementTest, Filter, Test } from '@nearcloud/query'
import { fieldsOf, isArray, type Maybe } from '../oracle/order.ts'
import type { Tally } from './tally.ts'
import { points, regexps, type Values } from './values.ts'

/** Filters about these documents. */
export class Filters {
  readonly #values: Values
  readonly #documents: readonly Document[]
  readonly #tally: Tally

  constructor(values: Values, documents: readonly Document[], tally: Tally) {
    this.#values = values
    this.#documents = documents
    this.#tally = tally
  }

  filter(depth = 3): Filter {
    const { dice } = this.#values
    if (depth === 0 || dice.chance(0.6)) {
      const { path, value } = this.#values.place(this.#documents)
      return ['field', path, this.test(depth === 0 ? 0 : 2, value)]
    }
    const operator = dice.pick(['and', 'or', 'nor'] as const)
    this.#tally.add(`filter ${operator}`)
    return [operator, dice.list(this.#least(), 3, () => this.filter(depth - 1))]
  }

  /** With a distance that orders the answer, for the whole of a `where`. */
  near(path = this.#values.path(this.#documents)): Filter {
    const { dice } = this.#values
    this.#tally.add('geoNear')
    const test: Test = [
      'geoNear',
      {
        geometry: dice.pick(points),
        ...(dice.chance(0.5) && { maxDistance: dice.between(100, 200) * 50_000 }),
        ...(dice.chance(0.3) && { minDistance: dice.between(1, 20) * 50_000 }),
      },
    ]
    const near: Filter = ['field', path, test]
    return dice.chance(0.5) ? near : ['and', [near, this.filter(1)]]
  }

  /** `near`: what some document holds there. */
  test(depth: number, near?: Maybe): Test {
    const { dice } = this.#values
    if (isArray(near) && near.length > 0 && dice.chance(0.3)) return this.#between(near)
    if (depth === 0 || dice.chance(0.75)) return this.#tallied(this.#plainTest(depth, near))
    return this.#tallied(
      dice.oneOf<Test>(
        [2, () => ['not', this.test(depth - 1, near)]],
        [2, () => ['and', dice.list(this.#least(), 3, () => this.test(depth - 1, near))]],
        [2, () => ['or', dice.list(this.#least(), 3, () => this.test(depth - 1, near))]],
        [3, () => ['elemMatch', this.elementTest(depth - 1, near)]],
      ),
    )
  }

  elementTest(depth: number, near?: Maybe): ElementTest {
    const { dice } = this.#values
    const element = isArray(near) && near.length > 0 ? dice.pick(near) : undefined
    const fields = Object.entries(fieldsOf(element) ?? {}).filter(([key]) => key !== '')
    if (dice.chance(fields.length > 0 ? 0.3 : 0.7)) return { is: this.test(depth, element) }
    const field = (): Filter => {
      const [key, value] = fields.length > 0 ? dice.pick(fields) : [this.#values.key() || 'a', undefined]
      return ['field', key, this.test(depth, value)]
    }
    return { where: dice.chance(0.6) ? field() : [dice.pick(['and', 'or', 'nor']), dice.list(1, 2, field)] }
  }

  /** Two bounds that two elements of an array may meet, each its own. */
  #between(elements: readonly Value[]): Test {
    const { dice } = this.#values
    const bound = (operators: readonly ('gt' | 'gte' | 'lt' | 'lte')[]): Test => {
      const element = dice.pick(elements)
      return this.#tallied([dice.pick(operators), isExpression(element) ? 'a' : element])
    }
    return this.#tallied(['and', [bound(['gt', 'gte']), bound(['lt', 'lte'])]])
  }

  /** How many parts a list of conditions has at least: seldom none. */
  #least(): number {
    return this.#values.dice.chance(0.05) ? 0 : 1
  }

  #plainTest(depth: number, near: Maybe): Test {
    const { dice } = this.#values
    const operand = () => this.#values.operand(this.#documents, near)
    const orExpression = (): Value => (dice.chance(0.12) ? this.#expression() : operand())
    return dice.oneOf<Test>(
      [5, () => [dice.pick(['eq', 'neq'] as const), orExpression()]],
      [6, () => [dice.pick(['gt', 'gte', 'lt', 'lte'] as const), this.#ordered(near)]],
      [3, () => [dice.pick(['in', 'nin'] as const), dice.list(0, 3, orExpression)]],
      [1, () => ['exists', dice.chance(0.5)]],
      [1, () => ['mod', [dice.pick([1, 2, 3, -2, 2.9]), dice.pick([0, 1, -1, 1.5])]]],
      [2, () => ['all', dice.list(0, 2, orExpression)]],
      [1, () => ['size', isArray(near) ? near.length : dice.below(4)]],
      [1, () => (depth > 0 ? ['elemMatch', this.elementTest(depth - 1, near)] : ['exists', true])],
      [
        1,
        () => [
          'geoWithin',
          { centerSphere: [dice.pick(points) as GeoPoint, dice.between(1, 200) / 100 + 0.001] },
        ],
      ],
    )
  }

  #expression(): Value {
    this.#tally.add('regular expression')
    return this.#values.dice.pick(regexps)
  }

  #ordered(near: Maybe): Value {
    const operand = this.#values.operand(this.#documents, near)
    return isExpression(operand) ? 'a' : operand
  }

  #tallied(test: Test): Test {
    this.#tally.add(test[0])
    return test
  }
}

function isExpression(value: Value): boolean {
  return value instanceof RegExpValue
}

export const testNames: readonly Test[0][] = [
  'eq',
  'neq',
  'gt',
  'gte',
  'lt',
  'lte',
  'in',
  'nin',
  'exists',
  'mod',
  'all',
  'size',
  'elemMatch',
  'geoNear',
  'geoWithin',
  'and',
  'or',
  'not',
]
