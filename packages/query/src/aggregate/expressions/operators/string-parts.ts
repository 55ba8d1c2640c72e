import type { Value } from '@nearcloud/protocol'
import { ofSome } from '../arguments.ts'
import type { Call, Operator } from '../call.ts'
import { isNullish } from '../truth.ts'
import { typeName } from '../type-name.ts'
import { searchedPart } from './numbers.ts'
import { spendOnSearch, textOf, writtenOf } from './text.ts'
import { type Count, placeOf, unitsTo } from './text-positions.ts'

type Given = Value | undefined

/** `[text, start, length]` in bytes. A negative length is to the end; from a negative start there is nothing. */
const substrBytes = ofSome(3, 3, ([value, from, many], call) => {
  const text = writtenOf(value, call)
  const [start, length] = [wholeOf(from, call, 'start'), wholeOf(many, call, 'length')]
  if (start < 0) return ''
  return partOf(text, start, length < 0 ? Infinity : length, 'bytes', call)
})

/** In code points; neither start nor length is negative. */
const substrCP = ofSome(3, 3, ([value, from, many], call) => {
  const text = writtenOf(value, call)
  const [start, length] = [wholeOf(from, call, 'start'), wholeOf(many, call, 'length')]
  if (start < 0 || length < 0) throw call.unfit('takes a start and a length that are not negative')
  return partOf(text, start, length, 'code points', call)
})

function partOf(text: string, start: number, length: number, count: Count, call: Call): string {
  const begin = unitsTo(text, start, count)
  if (begin.at >= text.length && begin.beyond < 0) return ''
  const rest = text.slice(begin.at)
  if (begin.beyond > 0) throw call.unfit('would begin within a character')
  const end = unitsTo(rest, length, count)
  if (end.beyond > 0) throw call.unfit('would end within a character')
  return rest.slice(0, end.at)
}

/** A number, cut to a whole one. */
function wholeOf(value: Given, call: Call, what: string): number {
  if (typeof value === 'number' && !Number.isNaN(value)) return Math.trunc(value)
  throw call.unfit(`takes a number as ${what}, not ${typeName(value)}`)
}

/** `[text, part, start?, end?]`: where the part begins that lies wholly between start and end; -1 when there is none. */
function indexOfBy(count: Count): Operator {
  return ofSome(2, 4, ([value, part, ...searched], call) => {
    if (isNullish(value)) return null
    const [text, sought] = [textOf(value, call), textOf(part, call)]
    const [start, end] = searchedPart(searched, call)
    spendOnSearch(text, sought, call)
    const from = unitsTo(text, start, count)
    if (from.beyond < 0 || end < start) return -1
    const to = end === Infinity ? text.length : endOf(text, end, count)
    if (sought === '') return start
    const at = text.indexOf(sought, from.at)
    return at < 0 || at + sought.length > to ? -1 : placeOf(text, at, count)
  })
}

/** In units, the last place between characters that is not after `end`. */
function endOf(text: string, end: number, count: Count): number {
  const { at, beyond } = unitsTo(text, end, count)
  return beyond > 0
    ? at - (text.charCodeAt(at - 1) >= 0xdc00 && text.charCodeAt(at - 1) <= 0xdfff ? 2 : 1)
    : at
}

export const stringParts: Readonly<Record<string, Operator>> = {
  substr: substrBytes,
  substrBytes,
  substrCP,
  indexOfBytes: indexOfBy('bytes'),
  indexOfCP: indexOfBy('code points'),
}
