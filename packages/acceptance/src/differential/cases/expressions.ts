import type { Value } from '@nearcloud/protocol'
import type { Expression } from '@nearcloud/query'
import type { Dice } from './dice.ts'
import { makers } from './expression-makers.ts'
import { anyOf, type ListSort, type Schema, type Sort } from './records.ts'
import type { Tally } from './tally.ts'

type Named = { readonly [name: string]: Expression }

/** Expressions that mostly fit the fields they are computed of. */
export class Expressions {
  readonly dice: Dice
  readonly #schema: Schema
  readonly #tally: Tally
  /** Variables in scope. */
  readonly #variables: ReadonlyMap<string, Sort>

  constructor(dice: Dice, schema: Schema, tally: Tally, variables: ReadonlyMap<string, Sort> = new Map()) {
    this.dice = dice
    this.#schema = schema
    this.#tally = tally
    this.#variables = variables
  }

  of(sort: Sort, depth = 3): Expression {
    const dice = this.dice
    if (dice.chance(0.015)) return this.#leaf('any')
    if (depth === 0 || dice.chance(0.25)) return this.#leaf(sort)
    if (dice.chance(0.15)) return this.#control(sort, depth - 1)
    return dice.pick(makers[sort === 'any' ? dice.pick(sorts) : sort])(this, depth - 1)
  }

  #leaf(sort: Sort): Expression {
    const dice = this.dice
    const named = [...this.#variables].filter(([, each]) => each === sort || sort === 'any')
    if (named.length > 0 && dice.chance(0.6)) return ['variable', dice.pick(named)[0], '']
    const paths = [...this.#schema].filter(([, each]) => each === sort || sort === 'any')
    if (paths.length > 0 && dice.chance(0.75)) return ['path', dice.pick(paths)[0]]
    if (dice.chance(0.03)) return dice.chance(0.5) ? ['value', null] : ['path', 'nothing.here']
    return ['value', anyOf(sort, dice)]
  }

  call(name: string, argument: Expression): Expression {
    this.#tally.add(`$.${name}`)
    return ['call', name, argument]
  }

  list(name: string, ...items: readonly Expression[]): Expression {
    const [only] = items
    const isBare = items.length === 1 && only![0] !== 'list' && this.dice.chance(0.6)
    return this.call(name, isBare ? only! : ['list', items])
  }

  named(name: string, fields: Named): Expression {
    return this.call(name, ['object', Object.entries(fields)])
  }

  value(value: Value): Expression {
    return ['value', value]
  }

  /** The same with more variables. */
  within(variables: Readonly<Record<string, Sort>>): Expressions {
    const all = new Map([...this.#variables, ...Object.entries(variables)])
    return new Expressions(this.dice, this.#schema, this.#tally, all)
  }

  /** What any sort can be chosen by. */
  #control(sort: Sort, depth: number): Expression {
    const dice = this.dice
    const one = () => this.of(sort, depth)
    const condition = () => this.of('boolean', depth)
    switch (dice.below(5)) {
      case 0:
        return this.list('ifNull', one(), one())
      case 1:
        return this.list('cond', condition(), one(), one())
      case 2:
        return this.named('cond', { if: condition(), then: one(), else: one() })
      case 3: {
        const branches = dice.list(1, 2, (): Expression => {
          return [
            'object',
            [
              ['case', condition()],
              ['then', one()],
            ],
          ]
        })
        const otherwise = dice.chance(0.95) ? { default: one() } : {}
        return this.named('switch', { branches: ['list', branches], ...otherwise })
      }
      default: {
        const bound = dice.pick(['number', 'string', sort] as const)
        const vars: Expression = ['object', [['bound', this.of(bound, depth)]]]
        return this.named('let', { vars, in: this.within({ bound }).of(sort, depth) })
      }
    }
  }

  /** A list that is one, whatever the field holds. */
  sureList(sort: ListSort, depth: number): Expression {
    const list = this.of(sort, depth)
    return this.dice.chance(0.9) ? this.list('ifNull', list, ['list', []]) : list
  }

  sureText(depth: number): Expression {
    const text = this.of('string', depth)
    return this.dice.chance(0.9) ? this.list('ifNull', text, this.value('')) : text
  }

  small(): Expression {
    return this.value(this.dice.between(-3, 4))
  }

  elements(from: ListSort, depth: number): { input: Expression; inner: Expressions; as: Named } {
    const element = { numbers: 'number', strings: 'string', objects: 'object' } as const
    const input = this.of(from, depth)
    const name = this.dice.pick(['this', 'each'])
    const inner = this.within({ [name]: element[from] })
    return { input, inner, as: name === 'this' ? {} : { as: this.value(name) } }
  }

  mapped(from: ListSort, to: Sort, depth: number): Expression {
    const { input, inner, as } = this.elements(from, depth)
    return this.named('map', { input, ...as, in: inner.of(to, depth) })
  }

  filtered(from: ListSort, depth: number): Expression {
    const { input, inner, as } = this.elements(from, depth)
    return this.named('filter', { input, ...as, cond: inner.of('boolean', depth) })
  }

  reduced(from: 'numbers' | 'strings', to: 'number' | 'string', depth: number): Expression {
    const element = from === 'numbers' ? 'number' : 'string'
    const inner = this.within({ this: element, value: to })
    return this.named('reduce', {
      input: this.of(from, depth),
      initialValue: this.of(to, 0),
      in: inner.of(to, Math.min(depth, 1)),
    })
  }

  part(from: ListSort, depth: number): Expression {
    const [list, dice] = [this.of(from, depth), this.dice]
    if (dice.chance(0.5)) return this.list('slice', list, this.small())
    return this.list('slice', list, this.small(), this.value(dice.between(dice.chance(0.05) ? 0 : 1, 3)))
  }

  /** Two of a sort, held against each other. */
  compared(sort: Sort, depth: number): Expression {
    const name = this.dice.pick(['eq', 'neq', 'gt', 'gte', 'lt', 'lte'])
    return this.list(name, this.of(sort, depth), this.of(sort, depth))
  }
}

const sorts = ['number', 'string', 'boolean', 'date', 'numbers', 'strings', 'objects', 'object'] as const
