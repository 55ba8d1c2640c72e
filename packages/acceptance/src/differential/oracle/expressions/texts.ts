import { fieldOf, type Maybe } from '../order.ts'
import { cannot } from '../refusal.ts'
import { isNothing, type Operator } from './operator.ts'

export const texts: { readonly [name: string]: Operator } = {
  concat: values => {
    let all = ''
    for (const value of values) {
      if (isNothing(value)) return null
      all += textIn(value)
    }
    return all
  },
  strLenCP: ([text]) => [...textIn(text)].length,
  strLenBytes: ([text]) => bytesOf(textIn(text)).length,
  toUpper: ([text]) => asText(text).replace(/[a-z]/g, letter => letter.toUpperCase()),
  toLower: ([text]) => lower(asText(text)),
  strcasecmp: ([a, b]) => {
    const [left, right] = [lower(asText(a)), lower(asText(b))]
    return left < right ? -1 : left > right ? 1 : 0
  },
  substrCP: ([text, start, length]) => {
    const [from, count] = [countIn(start), countIn(length)]
    return [...asText(text)].slice(from, from + count).join('')
  },
  substrBytes: substring,
  substr: substring,
  split: ([text, delimiter]) => {
    if (isNothing(text) || isNothing(delimiter)) return null
    if (textIn(delimiter) === '') throw cannot('split: nothing to split at')
    return textIn(text).split(textIn(delimiter))
  },
  indexOfCP: values => indexIn(values, text => [...text]),
  indexOfBytes: values => indexIn(values, text => [...bytesOf(text)]),
  trim: ([options]) => trimmed(options, true, true),
  ltrim: ([options]) => trimmed(options, true, false),
  rtrim: ([options]) => trimmed(options, false, true),
}

function textIn(value: Maybe): string {
  if (typeof value !== 'string') throw cannot('text is expected')
  return value
}

/** Nothing is an empty text, numbers and dates are written out. */
function asText(value: Maybe): string {
  if (isNothing(value)) return ''
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  return value instanceof Date ? value.toISOString() : textIn(value)
}

function lower(text: string): string {
  return text.replace(/[A-Z]/g, letter => letter.toLowerCase())
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function countIn(value: Maybe): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
    throw cannot('a whole number that is not negative is expected')
  return value
}

function substring([text, start, length]: readonly Maybe[]): Maybe {
  const bytes = bytesOf(asText(text))
  const from = countIn(start)
  if (typeof length !== 'number') throw cannot('a length is a number')
  const to = length < 0 ? bytes.length : Math.min(bytes.length, from + Math.trunc(length))
  const isInside = (at: number) => at < bytes.length && (bytes[at]! & 0xc0) === 0x80
  if (from >= bytes.length) return ''
  if (isInside(from) || isInside(to)) throw cannot('a part of a character')
  return new TextDecoder().decode(bytes.slice(from, to))
}

function indexIn<T>(
  [text, part, start, end]: readonly Maybe[],
  unitsOf: (text: string) => readonly T[],
): Maybe {
  if (isNothing(text)) return null
  const [units, sought] = [unitsOf(textIn(text)), unitsOf(textIn(part))]
  const from = start === undefined ? 0 : countIn(start)
  const to = end === undefined ? units.length : Math.min(units.length, countIn(end))
  for (let at = from; at + sought.length <= to; at++)
    if (sought.every((unit, i) => units[at + i] === unit)) return at
  return -1
}

function trimmed(options: Maybe, atStart: boolean, atEnd: boolean): Maybe {
  const [input, chars] = [fieldOf(options, 'input'), fieldOf(options, 'chars')]
  if (isNothing(input) || chars === null) return null
  const units = [...textIn(input)]
  const isTrimmed = (unit: string) =>
    chars === undefined ? /^[\s\0]$/u.test(unit) : [...textIn(chars)].includes(unit)
  while (atStart && units.length > 0 && isTrimmed(units[0]!)) units.shift()
  while (atEnd && units.length > 0 && isTrimmed(units.at(-1)!)) units.pop()
  return units.join('')
}
