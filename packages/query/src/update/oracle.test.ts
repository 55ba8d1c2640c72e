import {
  type Document,
  isPlainObject,
  normalise,
  type PathChange,
  type UpdateOperator,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareValues, equalValues } from '../compare.ts'
import { applyWrite } from './apply.ts'
import { checkWrite } from './check-write.ts'

/*
 * The meaning of an update by the plainest means: a copy that is changed in place, loops instead of sets, big integers
 * instead of halves. Slow, and written apart from the operators. `refused` is thrown where a change does not fit.
 */

type Loose = null | boolean | number | string | object
type Fields = { [key: string]: Loose }

const refused = new Error('refused')

function copyOf(value: unknown): Loose {
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isPlainObject(value as Value)) return value as Loose
  return Object.fromEntries(Object.entries(value as object).map(([key, field]) => [key, copyOf(field)]))
}

function isIndex(key: string): boolean {
  return String(Number(key)) === key
}

function get(root: Loose, path: string): Loose | undefined {
  let at: Loose | undefined = root
  for (const key of path.split('.')) {
    if (Array.isArray(at)) at = isIndex(key) ? (at[Number(key)] as Loose) : undefined
    else if (isPlainObject(at as Value) && Object.hasOwn(at as object, key)) at = (at as Fields)[key]
    else return undefined
  }
  return at
}

function put(root: Fields, path: string, value: Loose): void {
  const keys = path.split('.')
  let at: Loose = root
  keys.forEach((key, i) => {
    if (Array.isArray(at)) {
      if (!isIndex(key)) throw refused
      while (at.length < Number(key)) at.push(null)
    } else if (!isPlainObject(at as Value)) throw refused
    const container = at as Fields
    if (i === keys.length - 1) container[key] = value
    else container[key] = container[key] === undefined ? {} : container[key]!
    at = container[key]!
  })
}

function take(root: Fields, path: string): void {
  if (get(root, path) === undefined) return
  const keys = path.split('.')
  const last = keys.pop()!
  const container = keys.length === 0 ? root : get(root, keys.join('.'))
  if (Array.isArray(container)) container[Number(last)] = null
  else delete (container as Fields)[last]
}

function change(root: Fields, [path, operator, argument]: PathChange): void {
  const current = get(root, path)
  if (operator === 'remove') take(root, path)
  else if (operator !== 'rename') {
    const made = executed(current, operator, argument)
    if (made !== undefined) put(root, path, made)
  } else if (current !== undefined) {
    for (const each of [path, argument as string]) {
      const keys = each.split('.')
      for (let i = 1; i < keys.length; i++)
        if (Array.isArray(get(root, keys.slice(0, i).join('.')))) throw refused
    }
    take(root, path)
    put(root, argument as string, current)
  }
}

/** What is there afterwards; nothing: as before. */
function executed(
  current: Loose | undefined,
  operator: Exclude<UpdateOperator, 'remove' | 'rename'>,
  argument: Value,
): Loose | undefined {
  const values = argument as Loose[]
  const number = () => {
    if (typeof current !== 'number') throw refused
    return current
  }
  const list = () => {
    if (!Array.isArray(current)) throw refused
    return [...current] as Loose[]
  }
  const less = (a: Loose, b: Loose) => compareValues(a as Value, b as Value) < 0
  const equal = (a: Loose, b: Loose) => equalValues(a as Value, b as Value)
  switch (operator) {
    case 'set':
      return argument as Loose
    case 'inc':
      return current === undefined ? (argument as number) : number() + (argument as number)
    case 'mul':
      return current === undefined ? 0 : number() * (argument as number)
    case 'min':
      return current === undefined || less(argument as Loose, current) ? (argument as Loose) : undefined
    case 'max':
      return current === undefined || less(current, argument as Loose) ? (argument as Loose) : undefined
    case 'bit': {
      if (current !== undefined && !Number.isSafeInteger(current)) throw refused
      let result = BigInt(current === undefined ? 0 : number())
      for (const [name, operand] of Object.entries(argument as object)) {
        if (name === 'and') result &= BigInt(operand)
        if (name === 'or') result |= BigInt(operand)
        if (name === 'xor') result ^= BigInt(operand)
      }
      return Number(result)
    }
    case 'push': {
      const before = current === undefined ? [] : list()
      return Array.isArray(argument)
        ? [...before, ...values]
        : pushed(before, argument as unknown as Modified)
    }
    case 'addToSet': {
      const made = current === undefined ? [] : list()
      for (const value of values) if (!made.some(each => equal(each, value))) made.push(value)
      return made
    }
  }
  if (current === undefined) return undefined
  const before = list()
  switch (operator) {
    case 'pop':
      return before.filter((_, i) => i !== before.length - 1)
    case 'shift':
      return before.filter((_, i) => i !== 0)
    case 'pullAll':
      return before.filter(each => !values.some(value => equal(each, value)))
    case 'pull': {
      const [test, operand] = (argument as unknown as { is: ['eq' | 'mod', Loose] }).is
      if (test === 'eq') return before.filter(each => !equal(each, operand))
      return before.filter(each => !Number.isFinite(each) || Math.trunc(each as number) % 2 !== 0)
    }
  }
}

interface Modified {
  each: Loose[]
  position?: number
  sort?: number | [path: string, sign: number][]
  slice?: number
}

function pushed(before: Loose[], { each, position, sort, slice }: Modified): Loose[] {
  let at = position ?? before.length
  if (at < 0) at = Math.max(before.length + at, 0)
  const made = [...before.filter((_, i) => i < at), ...each, ...before.filter((_, i) => i >= at)]
  const sorted =
    sort === undefined ? made : insertionSort(made, typeof sort === 'number' ? [['', sort]] : sort)
  if (slice === undefined) return sorted
  return sorted.filter((_, i) => (slice >= 0 ? i < slice : i >= sorted.length + slice))
}

/** An element goes before the first that is greater. */
function insertionSort(elements: Loose[], keys: [path: string, sign: number][]): Loose[] {
  const key = (element: Loose, name: string) =>
    (name === '' ? element : (get(element, name) ?? null)) as Value
  const sorted: Loose[] = []
  for (const element of elements) {
    const isGreater = (other: Loose) => {
      for (const [name, sign] of keys) {
        const order = compareValues(key(other, name), key(element, name)) * sign
        if (order !== 0) return order > 0
      }
      return false
    }
    const place = sorted.findIndex(isGreater)
    sorted.splice(place < 0 ? sorted.length : place, 0, element)
  }
  return sorted
}

const scalar = fc.constantFrom<Value>(
  ...[null, 0, 1, 2, -3, 1.5, -0, Number.NaN, Infinity, 2 ** 53, 7],
  ...['', 'a', 'b', 'é', '\u{1F600}', '\uFFFD', true, false, new Date(1), new Date(0)],
)
const { value } = fc.letrec<{ value: Value }>(tie => ({
  value: fc.oneof(
    { maxDepth: 2 },
    { weight: 3, arbitrary: scalar },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 4 }) },
    {
      weight: 1,
      arbitrary: fc.dictionary(fc.constantFrom('a', 'b', '0'), tie('value'), {
        maxKeys: 2,
        noNullPrototype: true,
      }),
    },
  ),
}))
const path = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'c') },
  { weight: 1, arbitrary: fc.constantFrom('a.b', 'a.0', 'b.2', 'a.b.a', 'd.e') },
)
const values = fc.array(value, { maxLength: 3 })
const number = fc.constantFrom(0, 1, -2, 0.5, -0, 1e9)
const integer = fc.constantFrom(0, 1, -1, 5, 2 ** 40, -(2 ** 35))
const sign = fc.constantFrom(1, -1)
const modified = fc.record(
  {
    each: values,
    position: fc.integer({ min: -3, max: 3 }),
    sort: fc.oneof(
      sign,
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'a.b'), sign), { minLength: 1, maxLength: 2 }),
    ),
    slice: fc.integer({ min: -3, max: 3 }),
  },
  { requiredKeys: ['each'], noNullPrototype: true },
)
const step = fc.oneof(
  fc.tuple(path, fc.constant('set'), value),
  fc.tuple(path, fc.constant('remove'), fc.constant(null)),
  fc.tuple(path, fc.constant('rename'), path),
  fc.tuple(path, fc.constantFrom('inc', 'mul'), number),
  fc.tuple(path, fc.constantFrom('min', 'max'), value),
  fc.tuple(
    path,
    fc.constant('bit'),
    fc.dictionary(fc.constantFrom('and', 'or', 'xor'), integer, {
      minKeys: 1,
      maxKeys: 2,
      noNullPrototype: true,
    }),
  ),
  fc.tuple(path, fc.constant('push'), fc.oneof(values, modified)),
  fc.tuple(path, fc.constantFrom('addToSet', 'pullAll'), values),
  fc.tuple(path, fc.constantFrom('pop', 'shift'), fc.constant(null)),
  fc.tuple(
    path,
    fc.constant('pull'),
    fc.oneof(
      value.map(each => ({ is: ['eq', each] })),
      fc.constant({ is: ['mod', [2, 0]] }),
    ),
  ),
)

test('[UPDATE-22] the operators make what the plainest reading of them makes', () => {
  const made = { changed: 0, refused: 0 }
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { noNullPrototype: true }),
      fc.array(step, { maxLength: 6 }),
      (fields, steps) => {
        let doc = normalise({ _id: 'x', ...fields }) as Document
        for (const [at, operator, argument] of steps) {
          const one = [at, operator, normalise(argument)] as PathChange
          const write: Write = { op: 'update', collection: 'c', id: 'x', changes: [one] }
          if (
            operator === 'rename' &&
            (`${at}.`.startsWith(`${argument}.`) || `${argument}.`.startsWith(`${at}.`))
          ) {
            expect(() => checkWrite(write)).toThrow('conflict')
            continue
          }
          checkWrite(write)
          const plain = copyOf(doc) as Fields
          const before = JSON.stringify(doc)
          let expected: Loose | undefined
          try {
            change(plain, one)
            expected = plain
          } catch (error) {
            expect(error).toBe(refused)
          }
          const apply = () =>
            applyWrite({ doc, stamps: {} }, write, { base: Infinity, time: 1, version: 1, now: 1 })
          if (expected === undefined) {
            expect(apply, `${before} ${at} ${operator}`).toThrow(
              expect.objectContaining({ code: 'DATABASE_REQUEST_FAILED' }),
            )
            made.refused++
            continue
          }
          const { doc: after } = apply().after!
          expect([before, at, operator, argument, after]).toStrictEqual([
            before,
            at,
            operator,
            argument,
            normalise(expected),
          ])
          expect(JSON.stringify(doc)).toBe(before)
          doc = after
          made.changed++
        }
      },
    ),
    { numRuns: 2_000 },
  )
  expect([made.changed > 1_500, made.refused > 500]).toEqual([true, true])
})
