import { encode, type Geo, kindOf, type RegExpValue, type ServerDate, type Value } from '@nearcloud/protocol'

/**
 * The API's total order of all values, as MongoDB's: null, numbers, text, objects, arrays, bytes, booleans, dates,
 * regular expressions. Inside a type: numbers with NaN first and `-0` equal to `0`; text by code points; objects field by
 * field in stored order (type, then name, then value), the shorter first; arrays element by element; bytes by
 * length, then content. A missing value ranks as null. Negative: `a` comes first.
 */
export function compareValues(a: Value | undefined, b: Value | undefined): number {
  if (a === b) return 0
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  if (typeof a === 'number' && typeof b === 'number') return compareNumbers(a, b)
  const byRank = rankOf(a) - rankOf(b)
  return byRank !== 0 ? byRank : compareSameRank(a ?? null, b ?? null)
}

/** The API's equality: the same type and content; objects with the same fields in the same order. */
export function equalValues(a: Value | undefined, b: Value | undefined): boolean {
  return compareValues(a, b) === 0
}

/** A text that two values share exactly when they are equal: for sets and maps of values. */
export function equalityKey(value: Value): string {
  return encode(value).split('{"$numberDouble":"-0"}').join('0')
}

/** Values of different rank never satisfy `gt`, `gte`, `lt`, `lte` (type bracketing). */
export function rankOf(value: Value | undefined): number {
  if (value === undefined || value === null) return 0
  switch (kindOf(value)) {
    case 'number':
      return 1
    case 'string':
      return 2
    case 'object':
    case 'geo':
      return 3
    case 'array':
      return 4
    case 'binary':
      return 5
    case 'boolean':
      return 6
    case 'date':
      return 7
    case 'regexp':
      return 8
    default:
      return 9
  }
}

/** Order by code points: as UTF-8 bytes, and unlike `<`, which puts U+1F600 before U+FFFD. */
export function compareText(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    const xIsPair = x >= 0xd800 && x <= 0xdfff
    const yIsPair = y >= 0xd800 && y <= 0xdfff
    return xIsPair === yIsPair ? x - y : xIsPair ? 1 : -1
  }
  return a.length - b.length
}

function compareSameRank(a: Value, b: Value): number {
  switch (rankOf(a)) {
    case 1:
      return compareNumbers(a as number, b as number)
    case 2:
      return compareText(a as string, b as string)
    case 3:
      return compareObjects(a, b)
    case 4:
      return compareArrays(a as readonly Value[], b as readonly Value[])
    case 5:
      return compareBytes(a as Uint8Array, b as Uint8Array)
    case 6:
      return Number(a) - Number(b)
    case 7:
      return (a as Date).getTime() - (b as Date).getTime()
    case 8:
      return (
        compareText((a as RegExpValue).pattern, (b as RegExpValue).pattern) ||
        compareText((a as RegExpValue).options, (b as RegExpValue).options)
      )
    case 9:
      return (a as ServerDate).offset - (b as ServerDate).offset
    default:
      return 0
  }
}

function compareNumbers(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  if (a === b) return 0
  return Number(Number.isNaN(b)) - Number(Number.isNaN(a))
}

function compareObjects(a: Value, b: Value): number {
  const [left, right] = [fieldsOf(a), fieldsOf(b)]
  const [leftKeys, rightKeys] = [Object.keys(left), Object.keys(right)]
  const shorter = Math.min(leftKeys.length, rightKeys.length)
  for (let i = 0; i < shorter; i++) {
    const [x, y] = [left[leftKeys[i]!]!, right[rightKeys[i]!]!]
    const order = rankOf(x) - rankOf(y) || compareText(leftKeys[i]!, rightKeys[i]!) || compareValues(x, y)
    if (order !== 0) return order
  }
  return leftKeys.length - rightKeys.length
}

function fieldsOf(value: Value): { readonly [key: string]: Value } {
  return kindOf(value) === 'geo'
    ? { type: (value as Geo).type, coordinates: (value as Geo).coordinates as readonly Value[] }
    : (value as { readonly [key: string]: Value })
}

function compareArrays(a: readonly Value[], b: readonly Value[]): number {
  const shorter = Math.min(a.length, b.length)
  for (let i = 0; i < shorter; i++) {
    const order = compareValues(a[i], b[i])
    if (order !== 0) return order
  }
  return a.length - b.length
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return 0
}
