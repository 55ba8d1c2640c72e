import type { Expression } from '@nearcloud/query'
import type { Expressions } from './expressions.ts'
import type { ListSort, Sort } from './records.ts'

type Maker = (e: Expressions, depth: number) => Expression

const dateParts = [
  'year',
  'month',
  'dayOfMonth',
  'hour',
  'minute',
  'second',
  'millisecond',
  'dayOfWeek',
  'isoDayOfWeek',
  'dayOfYear',
  'week',
  'isoWeek',
  'isoWeekYear',
]

function lists(from: ListSort): readonly Maker[] {
  return [
    (e, d) => e.filtered(from, d),
    (e, d) => e.part(from, d),
    (e, d) => e.list('concatArrays', e.of(from, d), e.of(from, d)),
    (e, d) => e.list('reverseArray', e.of(from, d)),
    (e, d) =>
      e.list(e.dice.pick(['setUnion', 'setIntersection', 'setDifference']), e.of(from, d), e.of(from, d)),
  ]
}

/** Ways to make something of a sort out of other things. */
export const makers: { readonly [sort in Exclude<Sort, 'any'>]: readonly Maker[] } = {
  number: [
    (e, d) => e.list('add', ...e.dice.list(1, 3, () => e.of('number', d))),
    (e, d) => e.list('multiply', ...e.dice.list(1, 3, () => e.of('number', d))),
    (e, d) => e.list('subtract', e.of('number', d), e.of('number', d)),
    (e, d) => e.list('subtract', e.of('date', d), e.of('date', d)),
    (e, d) => e.list('divide', e.of('number', d), e.value(e.dice.pick([2, 4, -1, 0.5, 0]))),
    (e, d) => e.list('mod', e.of('number', d), e.value(e.dice.pick([2, 3, -4, 1.5]))),
    (e, d) => e.list('pow', e.of('number', d), e.value(e.dice.pick([0, 1, 2, 3]))),
    (e, d) => e.list('sqrt', e.list('abs', e.of('number', d))),
    (e, d) => e.list(e.dice.pick(['ceil', 'floor', 'trunc', 'abs']), e.of('number', d)),
    (e, d) =>
      e.list(e.dice.pick(['ln', 'log10']), e.list('add', e.list('abs', e.of('number', d)), e.value(1))),
    (e, d) => e.list('log', e.list('add', e.list('abs', e.of('number', d)), e.value(1)), e.value(2)),
    e => e.list('exp', e.small()),
    (e, d) => e.list('size', e.sureList(e.dice.pick(['numbers', 'strings', 'objects']), d)),
    (e, d) =>
      e.list(e.dice.pick(['sum', 'avg', 'min', 'max', 'stdDevPop', 'stdDevSamp']), e.of('numbers', d)),
    (e, d) => e.list(e.dice.pick(['sum', 'avg', 'min', 'max']), e.of('number', d), e.of('number', d)),
    (e, d) => e.list('arrayElemAt', e.of('numbers', d), e.small()),
    (e, d) => e.list('indexOfArray', e.of('numbers', d), e.of('number', d)),
    (e, d) => e.list('cmp', e.of('any', d), e.of('any', d)),
    (e, d) => e.list(e.dice.pick(['strLenCP', 'strLenBytes']), e.sureText(d)),
    (e, d) => e.list(e.dice.pick(['indexOfCP', 'indexOfBytes']), e.of('string', d), e.sureText(0)),
    (e, d) => e.list('strcasecmp', e.of('string', d), e.of('string', d)),
    ...[0, 1, 2].map((): Maker => (e, d) => e.list(e.dice.pick(dateParts), e.of('date', d))),
    (e, d) => e.reduced('numbers', 'number', d),
  ],
  string: [
    (e, d) => e.list('concat', ...e.dice.list(1, 3, () => e.of('string', d))),
    (e, d) => e.list(e.dice.pick(['toUpper', 'toLower']), e.of('string', d)),
    (e, d) => e.list('substrCP', e.of('string', d), e.value(e.dice.below(3)), e.value(e.dice.below(4))),
    (e, d) =>
      e.list(
        e.dice.pick(['substr', 'substrBytes']),
        e.of('string', d),
        e.value(e.dice.below(3)),
        e.value(e.dice.between(-1, 3)),
      ),
    (e, d) => e.list('arrayElemAt', e.of('strings', d), e.small()),
    (e, d) => e.reduced('strings', 'string', d),
    (e, d) =>
      e.named(e.dice.pick(['trim', 'ltrim', 'rtrim']), {
        input: e.of('string', d),
        ...(e.dice.chance(0.4) && { chars: e.value(' ab') }),
      }),
    (e, d) =>
      e.named('dateToString', {
        date: e.of('date', d),
        ...(e.dice.chance(0.6) && {
          format: e.value(e.dice.pick(['%Y-%m-%d', '%H:%M:%S.%L', '%j%%'])),
        }),
      }),
  ],
  boolean: [
    (e, d) => e.compared('number', d),
    (e, d) => e.compared('string', d),
    (e, d) => e.compared('date', d),
    (e, d) => e.compared('any', d),
    (e, d) => e.list(e.dice.pick(['and', 'or']), ...e.dice.list(0, 3, () => e.of('boolean', d))),
    (e, d) => e.list('not', e.of('boolean', d)),
    (e, d) => e.list('in', e.of('number', d), e.sureList('numbers', d)),
    (e, d) => e.list('in', e.of('string', d), e.sureList('strings', d)),
    (e, d) => e.list('isArray', e.of('any', d)),
    (e, d) =>
      e.list(e.dice.pick(['setEquals', 'setIsSubset']), e.sureList('numbers', d), e.sureList('numbers', d)),
    (e, d) =>
      e.call(e.dice.pick(['allElementsTrue', 'anyElementTrue']), ['list', [e.sureList('numbers', d)]]),
  ],
  date: [
    (e, d) => e.list('add', e.of('date', d), e.value(e.dice.pick([0, 1, 86_400_000, -5_000]))),
    (e, d) => e.list('subtract', e.of('date', d), e.value(e.dice.pick([0, 1, 86_400_000]))),
    e =>
      e.named('dateFromParts', {
        year: e.value(e.dice.between(1970, 2030)),
        ...(e.dice.chance(0.7) && { month: e.value(e.dice.between(1, 12)) }),
        ...(e.dice.chance(0.7) && { day: e.value(e.dice.between(1, 28)) }),
        ...(e.dice.chance(0.3) && { hour: e.value(e.dice.below(24)) }),
      }),
  ],
  numbers: [
    (e, d) => e.mapped('numbers', 'number', d),
    (e, d) => e.mapped('strings', 'number', d),
    (e, d) => e.mapped('objects', 'number', d),
    (e, d) => ['list', e.dice.list(0, 3, () => e.of('number', d))],
    e =>
      e.list('range', e.value(e.dice.below(3)), e.value(e.dice.below(6)), e.value(e.dice.pick([1, 2, -1]))),
    ...lists('numbers'),
  ],
  strings: [
    (e, d) => e.mapped('strings', 'string', d),
    (e, d) => e.mapped('objects', 'string', d),
    (e, d) => e.list('split', e.of('string', d), e.value(e.dice.pick([',', 'a', ' ']))),
    ...lists('strings'),
  ],
  objects: [
    (e, d) => e.mapped('numbers', 'object', d),
    (e, d) => e.list('objectToArray', e.of('object', d)),
    (e, d) => ['list', e.dice.list(0, 2, () => e.of('object', d))],
    (e, d) =>
      e.named('zip', {
        inputs: ['list', [e.of('numbers', d), e.of('strings', d)]],
        ...(e.dice.chance(0.5) && {
          useLongestLength: e.value(true),
          defaults: ['list', [e.value(0), e.value('')]],
        }),
      }),
    ...lists('objects'),
  ],
  object: [
    (e, d) => [
      'object',
      [
        ['p', e.of('number', d)],
        ['q', e.of('any', d)],
      ],
    ],
    (e, d) => e.list('mergeObjects', e.of('object', d), e.of('object', d)),
    (e, d) => e.list('arrayElemAt', e.of('objects', d), e.small()),
    (e, d) =>
      e.list(
        'arrayToObject',
        e.dice.chance(0.5) ? ['path', 'rows'] : e.list('objectToArray', e.of('object', d)),
      ),
  ],
}

export const operatorNames: readonly string[] = [
  'add subtract multiply divide mod pow sqrt abs ceil floor trunc ln log log10 exp',
  'sum avg min max stdDevPop stdDevSamp cmp eq neq gt gte lt lte and or not cond ifNull switch let',
  'map filter reduce size in isArray arrayElemAt concatArrays slice reverseArray indexOfArray range zip',
  'setUnion setIntersection setDifference setEquals setIsSubset allElementsTrue anyElementTrue',
  'concat toUpper toLower substr substrBytes substrCP split trim ltrim rtrim strLenCP strLenBytes',
  'indexOfCP indexOfBytes strcasecmp mergeObjects objectToArray arrayToObject dateToString dateFromParts',
  dateParts.join(' '),
].flatMap(line => line.split(' ').map(name => `$.${name}`))
