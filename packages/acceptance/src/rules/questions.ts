import type { Document, Value } from '@nearcloud/protocol'
import type { Aggregation, Filter, Query, Stage, Test } from '@nearcloud/query'
import type { Dice } from '../scenario/dice.ts'
import { fields, type Part, tags } from './language.ts'
import type { Asker, Law } from './oracle.ts'

export interface Questioner {
  readonly dice: Dice
  readonly openids: readonly string[]
  readonly collections: readonly string[]
}

/** Fields of a document as apps have them, and as they should not have them. */
export function randomFields({ dice, openids }: Questioner): Record<string, Value> {
  const openid = () => dice.pick(openids)
  const some = <T extends Value>(list: readonly T[]) => list.filter(() => dice.below(2) === 0)
  const values: Record<(typeof fields)[number], (() => Value)[]> = {
    owner: [openid, openid, openid, () => null, () => some(openids)],
    room: [() => `r${dice.below(3)}`, () => `r${dice.below(3)}`, () => ['r0', 'r1'], () => dice.below(3)],
    n: [() => dice.below(9), () => dice.below(9), () => '4', () => null, () => [1, 7], () => new Date(5)],
    members: [() => some(openids), () => some(openids), openid],
    tag: [() => dice.pick(tags), () => dice.pick(tags), () => null, () => some(tags)],
    in: [() => ({ k: dice.pick(tags), n: dice.below(6) }), () => ({ k: some(tags) }), () => 'a'],
  }
  const made: Record<string, Value> = {}
  for (const field of fields) {
    const kinds = values[field]
    // most are as they should be
    if (dice.below(6) > 0) made[field] = (dice.below(3) > 0 ? kinds[0]! : dice.pick(kinds))()
  }
  return made
}

/** A condition that the rule itself suggests, or any other. */
export function randomQuery(of: Questioner, asker: Asker, collection: string, law: Law<'read'>): Query {
  const { dice } = of
  const clauses: Filter[] = []
  if (typeof law !== 'string' && law.read && dice.below(4) > 0) clauses.push(suggestedBy(law.read, of, asker))
  const more = dice.below(clauses.length === 0 ? 3 : 2)
  for (let n = 0; n < more; n++) clauses.push(randomClause(of))
  const limit = dice.below(4) === 0 ? { limit: 1 + dice.below(4) } : {}
  return {
    collection,
    where: clauses.length === 1 ? clauses[0]! : ['and', clauses],
    orderBy: dice.below(3) === 0 ? [[dice.pick(fields), dice.pick(['asc', 'desc'] as const)]] : [],
    skip: 'limit' in limit && dice.below(4) === 0 ? 1 : 0,
    ...limit,
  }
}

/** What a clever asker adds to `where` so that the rule follows, or almost. */
function suggestedBy(rule: Part, of: Questioner, asker: Asker): Filter {
  const { dice } = of
  switch (rule.is) {
    case '&&':
      return ['and', [suggestedBy(rule.left, of, asker), suggestedBy(rule.right, of, asker)]]
    case '||': {
      const sides = [rule.left, rule.right].map(side => suggestedBy(side, of, asker))
      return dice.below(3) === 0 ? ['or', sides] : dice.pick(sides)
    }
    case 'not':
      return dice.below(2) === 0 ? ['nor', [suggestedBy(rule.part, of, asker)]] : randomClause(of)
    case 'get':
    case 'size':
    case 'field':
    case 'claim':
    case 'value':
      return randomClause(of)
    default:
  }
  if (rule.is === 'list' || rule.is === 'now' || rule.is === 'auth') return randomClause(of)
  const sides = [rule.left, rule.right]
  const inside = sides.find(side => side.is === 'get' || side.is === 'size')
  const field =
    (inside ? fieldIn(inside) : undefined) ?? sides.map(fieldIn).find(found => found !== undefined)
  if (field === undefined) return ['and', []]
  const others = sides.filter(side => side.is === 'value' || side.is === 'claim')
  const wanted = others.map(side => (side.is === 'value' ? side.value : claimOf(side, asker)))[0]
  const value =
    inside || wanted === undefined ? dice.pick<Value>([`r${dice.below(3)}`, dice.pick(of.openids)]) : wanted
  const ordered = (sign: 'lt' | 'lte' | 'gt' | 'gte'): Test =>
    typeof value === 'number' ? [sign, value] : ['eq', value]
  const test = (): Test => {
    switch (rule.is) {
      case '!=':
        return ['neq', value]
      case '<':
        return ordered('lt')
      case '<=':
        return ordered('lte')
      case '>':
        return ordered('gt')
      case '>=':
        return ordered('gte')
      default:
        return dice.below(4) === 0 ? ['in', [value]] : ['eq', value]
    }
  }
  return ['field', field, dice.below(4) === 0 ? randomTest(of) : test()]
}

function claimOf(side: Extract<Part, { is: 'claim' }>, asker: Asker): Value {
  if (side.name === 'openid') return '{openid}'
  if (side.name === 'uid') return asker?.uid ?? asker?.openid ?? 'nobody'
  return asker?.uid === undefined ? 'ANONYMOUS' : 'CUSTOM'
}

function fieldIn(part: Part): string | undefined {
  if (part.is === 'field') return part.of === 'doc' ? part.path.join('.') : undefined
  if (part.is === 'get') return fieldIn(part.id)
  if (part.is === 'size')
    return part.where.map(([, value]) => fieldIn(value)).find(found => found !== undefined)
  return undefined
}

function randomClause(of: Questioner): Filter {
  const { dice } = of
  const field = dice.pick([...fields, '_openid', '_openid', 'in.k', 'in.n'] as const)
  const clause: Filter = ['field', field, randomTest(of)]
  switch (dice.below(10)) {
    case 0:
      return ['or', [clause, ['field', dice.pick(fields), randomTest(of)]]]
    case 1:
      return ['nor', [clause]]
    default:
      return clause
  }
}

function randomTest(of: Questioner): Test {
  const { dice } = of
  const value = (): Value =>
    dice.pick<() => Value>([
      () => dice.below(9),
      () => dice.pick(tags),
      () => `r${dice.below(3)}`,
      () => dice.pick(of.openids),
      () => '{openid}',
      () => null,
    ])()
  switch (dice.below(11)) {
    case 9:
    case 10:
      return [dice.pick(['gt', 'gte', 'lt', 'lte'] as const), dice.below(9)]
    case 0:
      return ['in', [value(), value()]]
    case 1:
      return [dice.pick(['gt', 'gte', 'lt', 'lte'] as const), dice.below(9)]
    case 2:
      return ['exists', dice.below(2) === 0]
    case 3:
      return [dice.pick(['neq', 'nin'] as const), value()].map((part, n, [name]) =>
        n === 1 && name === 'nin' ? [part] : part,
      ) as unknown as Test
    case 4:
      return [
        'or',
        [
          ['eq', value()],
          ['eq', value()],
        ],
      ]
    case 5:
      return ['not', ['eq', value()]]
    default:
      return ['eq', value()]
  }
}

/** A pipeline over what the query finds. */
export function randomAggregation(
  of: Questioner,
  query: Query,
  lawOf: (collection: string) => Law<'read'>,
  asker: Asker,
): Aggregation {
  const { dice } = of
  const stages: Stage[] = [['match', query.where]]
  const looked = () => {
    const from = dice.pick(of.collections)
    const { where } = randomQuery(of, asker, from, lawOf(from))
    const as = 'found'
    stages.push([
      'lookup',
      dice.below(3) === 0
        ? { from, as, localField: dice.pick(fields), foreignField: dice.pick(fields) }
        : { from, as, let: [], pipeline: [['match', where]] },
    ])
  }
  switch (dice.below(5)) {
    case 0:
      looked()
      break
    case 1:
      looked()
      stages.push(['unwind', { path: 'found', keepEmpty: false }], ['replaceRoot', ['path', 'found']])
      break
    case 2:
      stages.push(['sortByCount', ['path', 'secret']])
      break
    default:
      stages.push(totals)
  }
  return { collection: query.collection, stages }
}

/** What anybody may work out of documents, in numbers and in words. */
export const totals: Stage = [
  'group',
  {
    by: ['value', null],
    fields: [
      ['count', 'sum', ['value', 1]],
      ['weight', 'sum', ['path', 'weight']],
      ['secrets', 'push', ['path', 'secret']],
    ],
  },
]

export function weightOf(documents: readonly Document[]): number {
  return documents.reduce((sum, { weight }) => sum + (weight as number), 0)
}
