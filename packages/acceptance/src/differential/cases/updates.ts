import {
  type Document,
  type DocumentData,
  normalise,
  type PathChange,
  ServerDate,
  type UpdateOperator,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import { type Fields, fieldsOf, isArray, type Maybe } from '../oracle/order.ts'
import { Filters } from './filters.ts'
import type { Tally } from './tally.ts'
import type { Values } from './values.ts'

export const updateOperators: readonly UpdateOperator[] = [
  'set',
  'remove',
  'rename',
  'inc',
  'mul',
  'min',
  'max',
  'bit',
  'push',
  'addToSet',
  'pop',
  'shift',
  'pull',
  'pullAll',
]

/** Writes on one document, one after the other. */
export function randomWrites(
  values: Values,
  collection: string,
  document: Document,
  tally: Tally,
): readonly Write[] {
  const { dice } = values
  const id = document._id
  return dice.list(1, 3, (): Write => {
    if (dice.chance(0.04))
      return { op: 'set', collection, id, data: normalise(values.object()) as DocumentData }
    const changes = dice.list(1, 4, () => randomChange(values, document, tally))
    const isRefused = dice.chance(0.03)
    const kept = isRefused ? oneFault(changes) : changes.filter((change, at) => isSound(changes, change, at))
    return { op: 'update', collection, id, changes: kept }
  })
}

/** Its paths are no id's, and do not lie in an earlier change's: most are so, since what is not is refused alike. */
function isSound(changes: readonly PathChange[], change: PathChange, at: number): boolean {
  const own = pathsOf(change)
  const earlier = changes.slice(0, at).flatMap(pathsOf)
  if (own.some(path => path.startsWith('_id')) || (own.length === 2 && lie(own[0]!, own[1]!))) return false
  return !earlier.some(path => own.some(each => lie(path, each)))
}

/** An id alone, or two changes that may lie in each other. */
function oneFault(changes: readonly PathChange[]): readonly PathChange[] {
  const withId = changes.filter(change => pathsOf(change).some(path => path.startsWith('_id')))
  return withId.length > 0 ? withId.slice(0, 1) : changes.slice(0, 2)
}

function pathsOf([path, operator, argument]: PathChange): readonly string[] {
  return operator === 'rename' ? [path, String(argument)] : [path]
}

/** Is one of the paths in the other? */
export function lie(a: string, b: string): boolean {
  return `${a}.`.startsWith(`${b}.`) || `${b}.`.startsWith(`${a}.`)
}

function randomChange(values: Values, document: Document, tally: Tally): PathChange {
  const { dice } = values
  const operator = dice.pick(updateOperators)
  tally.add(operator)
  const path = pathFor(operator, values, document)
  return [path, operator, normalise(argumentFor(operator, path, values, document, tally))]
}

/** A few tries to find something the operator fits. */
function pathFor(operator: UpdateOperator, values: Values, document: Document): string {
  const wanted = fits[operator] ?? (() => true)
  const isFitting = values.dice.chance(0.85)
  for (let tries = 0; ; tries++) {
    const path = values.path([document])
    if (path.startsWith('_id') && tries < 9) continue
    if (!isFitting || tries >= 9 || wanted(at(document, path))) return path
  }
}

const isNumber = (value: Maybe) => typeof value === 'number'
const fits: { readonly [operator in UpdateOperator]?: (value: Maybe) => boolean } = {
  inc: isNumber,
  mul: isNumber,
  bit: value => Number.isSafeInteger(value),
  push: isArray,
  addToSet: isArray,
  pop: isArray,
  shift: isArray,
  pull: isArray,
  pullAll: isArray,
}

function at(document: Value, path: string): Maybe {
  return path.split('.').reduce<Maybe>((value, part) => {
    if (isArray(value)) return value[Number(part)]
    const fields = fieldsOf(value)
    return fields && Object.hasOwn(fields, part) ? fields[part] : undefined
  }, document)
}

function argumentFor(
  operator: UpdateOperator,
  path: string,
  values: Values,
  document: Document,
  tally: Tally,
): Value {
  const { dice } = values
  const here = at(document, path)
  const element = (): Value =>
    isArray(here) && here.length > 0 && dice.chance(0.6) ? dice.pick(here) : values.value(2)
  switch (operator) {
    case 'set':
      return dice.chance(0.1) ? { at: [new ServerDate(dice.below(1_000))] } : values.value(2)
    case 'rename':
      return dice.chance(0.7) ? dice.pick(['a', 'b', 'e', 'e.f', 'a.e', 'b.x']) : values.path([document])
    case 'inc':
    case 'mul':
      return [values.number()].filter(Number.isFinite)[0] ?? 1
    case 'min':
    case 'max':
      return values.operand([document])
    case 'bit': {
      const operations: { [name: string]: number } = {}
      for (const name of dice.list(1, 2, () => dice.pick(['and', 'or', 'xor'])))
        operations[name] = dice.pick([0, 1, 5, 255, -1, -6, 2 ** 31, 2 ** 40 + 1])
      return operations
    }
    case 'push':
      return pushOf(values, element, tally)
    case 'addToSet':
    case 'pullAll':
      return dice.list(0, 3, element)
    case 'pull':
      return new Filters(values, [{ _id: 0, here: here ?? null }], tally).elementTest(1) as unknown as Value
    default:
      return null
  }
}

function pushOf(values: Values, element: () => Value, tally: Tally): Value {
  const { dice } = values
  const each = dice.list(0, 3, () => (dice.chance(0.05) ? new ServerDate(dice.below(9)) : element()))
  const [hasPosition, hasSort, hasSlice] = [dice.chance(0.4), dice.chance(0.4), dice.chance(0.4)]
  if (hasPosition) tally.add('push position')
  if (hasSort) tally.add('push sort')
  if (hasSlice) tally.add('push slice')
  if (!hasPosition && !hasSort && !hasSlice) return each
  const sortPaths = (): Value =>
    dice.list(1, 2, () => [dice.pick(['a', 'b', 'x', 'a.b', 'b.0', 'x.a']), dice.pick([1, -1])])
  const push: Fields = {
    each,
    ...(hasPosition && { position: dice.between(-4, 5) }),
    ...(hasSort && { sort: dice.chance(0.5) ? dice.pick([1, -1]) : sortPaths() }),
    ...(hasSlice && { slice: dice.between(-4, 4) }),
  }
  return push
}
