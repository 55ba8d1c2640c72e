import type { Dice } from '../scenario/dice.ts'

/**
 * A rule as this test thinks of it: made at random, written out for the server, and judged by `oracle.ts`, which shares nothing with
 * the server's parser or evaluator.
 */
export type Part =
  | { readonly is: 'value'; readonly value: string | number | boolean | null }
  | { readonly is: 'list'; readonly items: readonly Part[] }
  | { readonly is: 'now' }
  | { readonly is: 'auth' }
  | { readonly is: 'claim'; readonly name: 'openid' | 'uid' | 'loginType' }
  | {
      readonly is: 'field'
      readonly of: 'doc' | 'request.data' | 'resource'
      readonly path: readonly string[]
    }
  | { readonly is: 'not'; readonly part: Part }
  | { readonly is: '&&' | '||' | Sign | 'in'; readonly left: Part; readonly right: Part }
  | { readonly is: 'get'; readonly collection: string; readonly id: Part; readonly path: readonly string[] }
  | { readonly is: 'size'; readonly collection: string; readonly where: readonly (readonly [string, Part])[] }

export type Sign = '==' | '!=' | '<' | '<=' | '>' | '>='

/** As somebody would write it. */
export function written(part: Part): string {
  switch (part.is) {
    case 'value':
      return typeof part.value === 'string' ? `'${part.value}'` : String(part.value)
    case 'list':
      return `[${part.items.map(written).join(', ')}]`
    case 'now':
    case 'auth':
      return part.is
    case 'claim':
      return `auth.${part.name}`
    case 'field':
      return [part.of, ...part.path].join('.')
    case 'not':
      return `!(${written(part.part)})`
    case 'get':
      return [`get('database.${part.collection}.' + ${written(part.id)})`, ...part.path].join('.')
    case 'size':
      return `get('database.collection.${part.collection}').where({ ${part.where.map(([path, value]) => `${path}: ${written(value)}`).join(', ')} }).size()`
    default:
      return `(${written(part.left)} ${part.is} ${written(part.right)})`
  }
}

export interface Chances {
  readonly dice: Dice
  readonly openids: readonly string[]
  /** What is written may be looked at, besides who asks and what is there. */
  readonly hasData: boolean
}

/** A rule for a collection. */
export function randomRule(chances: Chances, depth = 2): Part {
  const { dice } = chances
  if (depth === 0 || dice.below(3) === 0) return atom(chances)
  const [left, right] = [randomRule(chances, depth - 1), randomRule(chances, depth - 1)]
  switch (dice.below(9)) {
    case 0:
      return { is: 'not', part: left }
    case 1:
    case 2:
    case 3:
    case 4:
      return { is: '||', left, right }
    default:
      return { is: '&&', left, right }
  }
}

function atom(chances: Chances): Part {
  const { dice, openids, hasData } = chances
  const openid: Part = { is: 'claim', name: 'openid' }
  const doc = (...path: string[]): Part => ({ is: 'field', of: 'doc', path })
  const value = (of: string | number | boolean | null): Part => ({ is: 'value', value: of })
  const equals = (left: Part, right: Part): Part =>
    dice.below(5) === 0 ? { is: '==', left: right, right: left } : { is: '==', left, right }
  const room = (...path: string[]): Part => ({ is: 'get', collection: 'rooms', id: doc('room'), path })
  const kinds: (() => Part)[] = [
    () => equals(doc('_openid'), openid),
    () => equals(doc('_openid'), openid),
    () => equals(doc('owner'), openid),
    () =>
      equals(doc('owner'), dice.below(2) === 0 ? { is: 'claim', name: 'uid' } : value(dice.pick(openids))),
    () => ({ is: dice.pick(signs), left: doc('n'), right: value(dice.below(8)) }),
    () => ({ is: dice.pick(signs), left: value(dice.below(8)), right: doc('in', 'n') }),
    () => ({ is: dice.pick(['==', '!='] as const), left: doc('tag'), right: value(dice.pick(tags)) }),
    () => ({ is: dice.pick(['==', '!='] as const), left: doc('in', 'k'), right: value(dice.pick(tags)) }),
    () => ({ is: dice.pick(['==', '!='] as const), left: doc(dice.pick(fields)), right: value(null) }),
    () => ({
      is: 'in',
      left: doc('tag'),
      right: { is: 'list', items: [value('a'), value(dice.pick(tags))] },
    }),
    () => ({ is: 'in', left: openid, right: doc('members') }),
    () => ({ is: 'in', left: value(dice.pick(tags)), right: doc('tag') }),
    () => ({ is: '!=', left: { is: 'auth' }, right: value(null) }),
    () => equals({ is: 'claim', name: 'loginType' }, value(dice.pick(['ANONYMOUS', 'CUSTOM']))),
    () => equals({ is: 'claim', name: 'uid' }, value('named')),
    () => ({ is: dice.pick(['<', '>'] as const), left: { is: 'now' }, right: value(1_000) }),
    () => value(dice.below(4) > 0),
    () => equals(room('open'), value(true)),
    () => ({ is: 'in', left: openid, right: room('members') }),
    () => ({
      is: dice.pick(['<=', '>'] as const),
      left: room('level'),
      right: dice.below(2) === 0 ? value(4) : doc('n'),
    }),
    () => equals({ is: 'get', collection: 'users', id: openid, path: ['role'] }, value('admin')),
    () => equals({ is: 'get', collection: 'rooms', id: value('r0'), path: ['open'] }, value(true)),
    () => ({
      is: '>',
      left: {
        is: 'size',
        collection: 'roles',
        where: [
          ['user', openid],
          ['role', value('admin')],
        ],
      },
      right: value(0),
    }),
    () => equals({ is: 'size', collection: 'roles', where: [['user', doc('owner')]] }, value(1)),
  ]
  const data = (...path: string[]): Part => ({ is: 'field', of: 'request.data', path })
  const ofData: (() => Part)[] = [
    () => ({ is: dice.pick(['==', '!='] as const), left: data(dice.pick(fields)), right: value(null) }),
    () => ({ is: dice.pick(signs), left: data('n'), right: value(dice.below(8)) }),
    () => equals(data('owner'), openid),
    () => equals(data('n'), doc('n')),
    () => ({ is: 'in', left: openid, right: data('members') }),
  ]
  return hasData && dice.below(2) === 0 ? dice.pick(ofData)() : dice.pick(kinds)()
}

/** A rule for files. */
export function randomFileRule(chances: Chances, paths: readonly string[], depth = 3): Part {
  const { dice, openids } = chances
  const left: Part = dice.pick<Part>([
    {
      is: '==',
      left: { is: 'field', of: 'resource', path: ['openid'] },
      right: { is: 'claim', name: 'openid' },
    },
    {
      is: '==',
      left: { is: 'field', of: 'resource', path: ['path'] },
      right: { is: 'value', value: dice.pick(paths) },
    },
    { is: '!=', left: { is: 'claim', name: 'openid' }, right: { is: 'value', value: dice.pick(openids) } },
    { is: 'value', value: dice.below(2) === 0 },
  ])
  return depth === 0 || dice.below(2) === 0
    ? left
    : {
        is: dice.pick(['&&', '||'] as const),
        left,
        right: randomFileRule(chances, paths, depth - 1),
      }
}

/** What a schema wants of documents, as this test thinks of it. */
export interface Shape {
  readonly required: readonly string[]
  /** A number of at most so much, if it is there. */
  readonly n?: number
  /** One of these, if it is there. */
  readonly tag?: readonly string[]
}

/** As somebody would write it. */
export function schemaOf({ required, n, tag }: Shape): object {
  return {
    type: 'object',
    ...(required.length > 0 && { required }),
    properties: {
      ...(n !== undefined && { n: { type: 'number', maximum: n } }),
      ...(tag && { tag: { enum: tag } }),
    },
  }
}

export function randomShape({ dice }: Pick<Chances, 'dice'>): Shape {
  return {
    required: fields.filter(() => dice.below(4) === 0),
    ...(dice.below(2) === 0 && { n: 3 + dice.below(6) }),
    ...(dice.below(2) === 0 && { tag: tags.slice(0, 2) }),
  }
}

/** Of files: some with what hostile patterns have. */
export const pathForms = [
  '^/two/',
  '^/(one|three)\\.txt$',
  '\\.txt$',
  '^/[^/]+$',
  '^/two/(a+)+\\.txt$',
  'b|one',
  '^$',
]
/** Which fields may have a rule of their own. */
export const ruledPaths = [
  '*',
  'owner',
  'n',
  'tag',
  'in',
  'in.k',
  'in.n',
  'secret',
  'weight',
  'members',
] as const
export const tags = ['a', 'b', 'c'] as const
/** The fields of documents that rules look at. */
export const fields = ['owner', 'room', 'n', 'members', 'tag', 'in'] as const
const signs = ['==', '<', '<=', '>', '>=', '!='] as const
