import { Aggregate } from './aggregate.ts'
import { ExpressionCall } from './expression-call.ts'

const names =
  'abs add ceil divide exp floor ln log log10 mod multiply pow sqrt subtract trunc ' +
  'arrayElemAt arrayToObject concatArrays filter in indexOfArray isArray map objectToArray range reduce reverseArray size slice zip ' +
  'and or not cmp eq gt gte lt lte neq cond ifNull switch ' +
  'dateFromParts dateFromString dateToParts dateToString dayOfMonth dayOfWeek dayOfYear isoDayOfWeek isoWeek isoWeekYear millisecond minute month second hour week year ' +
  'literal let meta mergeObjects ' +
  'allElementsTrue anyElementTrue setDifference setEquals setIntersection setIsSubset setUnion ' +
  'concat indexOfBytes indexOfCP ltrim rtrim trim split strLenBytes strLenCP strcasecmp substr substrBytes substrCP toLower toUpper ' +
  'addToSet avg first last max min push stdDevPop stdDevSamp sum ' +
  'convert toBool toDate toDecimal toDouble toInt toLong toObjectId toString type'

/** An operator of expressions, or an accumulator of `group`. */
export type ExpressionName =
  | 'abs'
  | 'add'
  | 'ceil'
  | 'divide'
  | 'exp'
  | 'floor'
  | 'ln'
  | 'log'
  | 'log10'
  | 'mod'
  | 'multiply'
  | 'pow'
  | 'sqrt'
  | 'subtract'
  | 'trunc'
  | 'arrayElemAt'
  | 'arrayToObject'
  | 'concatArrays'
  | 'filter'
  | 'in'
  | 'indexOfArray'
  | 'isArray'
  | 'map'
  | 'objectToArray'
  | 'range'
  | 'reduce'
  | 'reverseArray'
  | 'size'
  | 'slice'
  | 'zip'
  | 'and'
  | 'or'
  | 'not'
  | 'cmp'
  | 'eq'
  | 'gt'
  | 'gte'
  | 'lt'
  | 'lte'
  | 'neq'
  | 'cond'
  | 'ifNull'
  | 'switch'
  | 'dateFromParts'
  | 'dateFromString'
  | 'dateToParts'
  | 'dateToString'
  | 'dayOfMonth'
  | 'dayOfWeek'
  | 'dayOfYear'
  | 'isoDayOfWeek'
  | 'isoWeek'
  | 'isoWeekYear'
  | 'millisecond'
  | 'minute'
  | 'month'
  | 'second'
  | 'hour'
  | 'week'
  | 'year'
  | 'literal'
  | 'let'
  | 'meta'
  | 'mergeObjects'
  | 'allElementsTrue'
  | 'anyElementTrue'
  | 'setDifference'
  | 'setEquals'
  | 'setIntersection'
  | 'setIsSubset'
  | 'setUnion'
  | 'concat'
  | 'indexOfBytes'
  | 'indexOfCP'
  | 'ltrim'
  | 'rtrim'
  | 'trim'
  | 'split'
  | 'strLenBytes'
  | 'strLenCP'
  | 'strcasecmp'
  | 'substr'
  | 'substrBytes'
  | 'substrCP'
  | 'toLower'
  | 'toUpper'
  | 'addToSet'
  | 'avg'
  | 'first'
  | 'last'
  | 'max'
  | 'min'
  | 'push'
  | 'stdDevPop'
  | 'stdDevSamp'
  | 'sum'
  | 'convert'
  | 'toBool'
  | 'toDate'
  | 'toDecimal'
  | 'toDouble'
  | 'toInt'
  | 'toLong'
  | 'toObjectId'
  | 'toString'
  | 'type'

/** `db.command.aggregate`, usually called `$`. Several arguments are a list of them; one is the argument. */
export type AggregateCommand = {
  readonly [Name in ExpressionName]: (...given: readonly unknown[]) => ExpressionCall
} & {
  /** Stages for `lookup({ pipeline })`, ended with `done()`. */
  pipeline(): Aggregate
}

export const aggregateCommand = Object.freeze({
  ...Object.fromEntries(
    names
      .split(' ')
      .map(name => [
        name,
        (...given: readonly unknown[]) => new ExpressionCall(name, given.length > 1 ? given : given[0]),
      ]),
  ),
  pipeline: () => new Aggregate(),
}) as unknown as AggregateCommand
