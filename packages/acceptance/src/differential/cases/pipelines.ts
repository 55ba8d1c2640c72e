import type { Value } from '@nearcloud/protocol'
import type { Accumulation, Expression, Filter, Stage, Test } from '@nearcloud/query'
import type { Dice } from './dice.ts'
import { Expressions } from './expressions.ts'
import { anyOf, type Schema, type Sort } from './records.ts'
import type { Tally } from './tally.ts'
import { lie } from './updates.ts'

/** What the stages of a case are made for. */
export interface Field {
  readonly dice: Dice
  readonly tally: Tally
  /** The collection that lookups read, and what is in it. */
  readonly other: string
  readonly otherSchema: Schema
  /** A condition on the documents as they are stored. */
  condition(): Filter
}

/** Stages over documents of a schema. */
export function randomPipeline(given: Schema, field: Field): readonly Stage[] {
  const stages: Stage[] = []
  let schema = given
  for (let left = field.dice.between(1, 4); left > 0; left--) {
    const [stage, after] = randomStage(schema, field, stages.length === 0)
    field.tally.add(stage[0])
    stages.push(stage)
    schema = after
  }
  return stages
}

type Made = readonly [stage: Stage, after: Schema]

function randomStage(schema: Schema, field: Field, isFirst: boolean): Made {
  const { dice, tally } = field
  const expressions = new Expressions(dice, schema, tally)
  const path = () => dice.pick([...schema.keys()])
  const only = (fields: readonly (readonly [string, Sort])[]): Schema => new Map(fields)
  const match = () => (isFirst && dice.chance(0.5) ? field.condition() : randomMatch(dice, schema, tally))
  return dice.oneOf<Made>(
    [4, () => [['match', match()], schema]],
    [5, () => projectStage(dice, schema, expressions)],
    [4, () => addFieldsStage(dice, schema, expressions)],
    [4, () => groupStage(dice, expressions, tally)],
    [
      3,
      () => [['sort', dice.list(1, 2, () => [path(), dice.pick(['asc', 'desc'] as const)] as const)], schema],
    ],
    [2, () => [['limit', dice.between(1, 5)], schema]],
    [2, () => [['skip', dice.below(3)], schema]],
    [3, () => unwindStage(dice, schema)],
    [3, () => lookupStage(schema, field)],
    [
      2,
      () => [
        ['replaceRoot', rootOf(dice, expressions)],
        only([
          ['p', 'number'],
          ['q', 'any'],
        ]),
      ],
    ],
    [2, () => bucketStage(dice, expressions, tally)],
    [
      2,
      () => [
        ['sortByCount', expressions.of('any', 2)],
        only([
          ['_id', 'any'],
          ['count', 'number'],
        ]),
      ],
    ],
    [1, () => [['count', 'total'], only([['total', 'number']])]],
  )
}

function randomMatch(dice: Dice, schema: Schema, tally: Tally): Filter {
  if (dice.chance(0.4)) {
    tally.add('match expr')
    const expr: Filter = ['expr', new Expressions(dice, schema, tally).of('boolean', 2)]
    return dice.chance(0.7) ? expr : ['and', [randomMatch(dice, schema, tally), expr]]
  }
  const [path, sort] = dice.pick([...schema])
  const value = anyOf(sort, dice)
  const test: Test = dice.chance(0.4)
    ? [dice.pick(['eq', 'neq'] as const), value]
    : [dice.pick(['gt', 'gte', 'lt', 'lte'] as const), value]
  return ['field', path, test]
}

function projectStage(dice: Dice, schema: Schema, expressions: Expressions): Made {
  const paths = [...schema].filter(([path]) => path !== '_id')
  const kept = apart(paths.length > 0 ? dice.list(1, 3, () => dice.pick(paths)) : [])
  const wishOfId = dice.chance(0.2) ? [['_id', dice.chance(0.3)] as const] : []
  if (kept.length > 0 && dice.chance(0.25)) {
    const gone = kept.map(([path]) => [path, false] as const)
    return [['project', [...gone, ...wishOfId.filter(([, wish]) => !wish)]], schema]
  }
  const computed = computedFields(
    dice,
    kept.length === 0 ? 1 : 0,
    expressions,
    at => `f${at}`,
    at => `f${at}.g`,
  )
  const fields = apart([...kept.map(([path, sort]) => [path, sort, true] as const), ...computed])
  const after = new Map(fields.map(([path, sort]) => [path, sort]))
  return [['project', [...fields.map(([path, , wish]) => [path, wish] as const), ...wishOfId]], after]
}

function addFieldsStage(dice: Dice, schema: Schema, expressions: Expressions): Made {
  const pathsAt = [
    (at: number) => `g${at}`,
    (at: number) => `g${at}.h`,
    () => 'o.p',
    () => 'rows.v',
    () => 's',
  ]
  const fields = apart(computedFields(dice, 1, expressions, ...pathsAt))
  const after = new Map([...schema, ...fields.map(([path, sort]) => [path, sort] as const)])
  return [['addFields', fields.map(([path, , expression]) => [path, expression])], after]
}

type Computed = readonly [path: string, sort: Sort, expression: Expression]

function computedFields(
  dice: Dice,
  least: number,
  expressions: Expressions,
  ...paths: readonly ((at: number) => string)[]
): readonly Computed[] {
  return dice.list(least, 2, at => {
    const sort = dice.pick(computedSorts)
    return [dice.pick(paths)(at), sort, expressions.of(sort)]
  })
}

/** Those whose path is in no earlier one's, nor the other way round. */
function apart<T extends readonly [path: string, ...unknown[]]>(fields: readonly T[]): readonly T[] {
  return fields.filter(([path], at) => !fields.slice(0, at).some(([other]) => lie(path, other)))
}

export const accumulators = [
  'sum',
  'avg',
  'min',
  'max',
  'first',
  'last',
  'push',
  'addToSet',
  'stdDevPop',
  'stdDevSamp',
  'mergeObjects',
]

function accumulations(dice: Dice, expressions: Expressions, tally: Tally): readonly Accumulation[] {
  return dice.list(0, 3, at => {
    const name = dice.pick(accumulators)
    tally.add(`accumulate ${name}`)
    const sort = name === 'mergeObjects' ? 'object' : dice.chance(0.7) ? 'number' : 'any'
    const expression = expressions.of(sort, 2)
    // an accumulator takes no list of expressions
    return [`f${at}`, name, expression[0] === 'list' ? ['path', 'n'] : expression]
  })
}

function groupStage(dice: Dice, expressions: Expressions, tally: Tally): Made {
  const by = dice.oneOf<Expression>(
    [1, () => ['value', null]],
    [3, () => expressions.of(dice.pick(['string', 'boolean', 'number', 'any']), 1)],
    [
      1,
      () => [
        'object',
        [
          ['p', expressions.of('number', 1)],
          ['q', expressions.of('any', 1)],
        ],
      ],
    ],
  )
  const fields = accumulations(dice, expressions, tally)
  return [['group', { by, fields }], after(fields)]
}

function bucketStage(dice: Dice, expressions: Expressions, tally: Tally): Made {
  const fields = accumulations(dice, expressions, tally)
  const isOfTexts = dice.chance(0.3)
  const boundaries: readonly Value[] = isOfTexts
    ? ['', 'a', 'b', 'c']
    : dice.pick([
        [0, 5],
        [-5, 0, 2, 4],
        [0, 1, 2, 3],
      ])
  const by = expressions.of(isOfTexts ? 'string' : 'number', 1)
  const otherwise = dice.chance(0.85) ? { default: dice.pick(['other', 100, null]) as Value } : {}
  return [['bucket', { by, boundaries, ...otherwise, fields }], after(fields)]
}

function after(fields: readonly Accumulation[]): Schema {
  const sortOf = (name: string): Sort =>
    ['push', 'addToSet', 'min', 'max', 'first', 'last'].includes(name)
      ? 'any'
      : name === 'mergeObjects'
        ? 'object'
        : 'number'
  return new Map<string, Sort>([
    ['_id', 'any'],
    ...fields.map(([field, name]) => [field, sortOf(name)] as const),
  ])
}

function unwindStage(dice: Dice, schema: Schema): Made {
  const lists = [...schema].filter(([path, sort]) => elementOf[sort] && path !== '_id')
  const [path, sort] = lists.length > 0 && dice.chance(0.9) ? dice.pick(lists) : dice.pick([...schema])
  const index = dice.chance(0.4) ? { index: dice.pick(['at', 'place.at']) } : {}
  const below = [...schema].filter(([each]) => !each.startsWith(`${path}.`))
  return [
    ['unwind', { path, ...index, keepEmpty: dice.chance(0.5) }],
    new Map([
      ...below,
      [path, elementOf[sort] ?? 'any'],
      ...(index.index ? [[index.index, 'number'] as const] : []),
    ]),
  ]
}

const elementOf: { readonly [sort in Sort]?: Sort } = {
  numbers: 'number',
  strings: 'string',
  objects: 'object',
  any: 'any',
}

function lookupStage(schema: Schema, { dice, tally, other: from, otherSchema }: Field): Made {
  const as = dice.pick(['found', 'found.here', 'o'])
  const found = new Map([...schema, [as, 'objects'] as const])
  const fields = [...schema.keys()]
  if (dice.chance(0.55)) {
    tally.add('lookup by fields')
    const foreignField = dice.pick([...otherSchema.keys()])
    const localField = fields.includes(foreignField) && dice.chance(0.7) ? foreignField : dice.pick(fields)
    return [['lookup', { from, as, localField, foreignField }], found]
  }
  tally.add('lookup by a pipeline')
  const bound = dice.pick(['number', 'string', 'any'] as const)
  const outer = new Expressions(dice, schema, tally)
  const inner = new Expressions(dice, otherSchema, tally, new Map([['bound', bound]]))
  const pipeline: Stage[] = [
    ['match', ['expr', inner.of('boolean', 2)]],
    ['project', [['kept', inner.of(bound, 1)]]],
  ]
  if (dice.chance(0.3)) pipeline.push(['limit', dice.between(1, 3)])
  if (dice.chance(0.2)) pipeline.shift()
  return [['lookup', { from, as, let: [['bound', outer.of(bound, 1)]], pipeline }], found]
}

function rootOf(dice: Dice, expressions: Expressions): Expression {
  if (dice.chance(0.1)) return expressions.of('object')
  return ['call', 'mergeObjects', ['list', [['value', { p: 0 }], expressions.of('object', 2)]]]
}

const computedSorts = [
  'number',
  'string',
  'boolean',
  'date',
  'numbers',
  'strings',
  'objects',
  'object',
  'any',
] as const

export const stageNames = [
  'match',
  'match expr',
  'project',
  'addFields',
  'group',
  'sort',
  'limit',
  'skip',
  'unwind',
  'lookup by fields',
  'lookup by a pipeline',
  'replaceRoot',
  'bucket',
  'sortByCount',
  'count',
]
