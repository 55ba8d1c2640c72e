import { utf8Length, type Value } from '@nearcloud/protocol'
import type { Call } from '../call.ts'
import { mostTextBytes } from '../limits.ts'
import { isNullish } from '../truth.ts'
import { typeName } from '../type-name.ts'

/** The text of what can be written as text: '' of null or nothing, numbers in digits, dates in ISO form. */
export function writtenOf(value: Value | undefined, call: Call): string {
  if (isNullish(value)) return ''
  if (typeof value === 'number') return writtenNumber(value)
  if (value instanceof Date) return value.toISOString()
  return textOf(value, call)
}

/** The text; throws for anything else. Looking at it costs by its length. */
export function textOf(value: Value | undefined, call: Call): string {
  if (typeof value !== 'string') throw call.unfit(`takes text, not ${typeName(value)}`)
  call.meter.spend(value.length >>> 2)
  return value
}

/** Looking for a text in a text takes the product of their lengths, where both are much the same. */
export function spendOnSearch(text: string, sought: string, call: Call): void {
  call.meter.spend(Math.floor((text.length * sought.length) / 64))
}

function writtenNumber(number: number): string {
  return Object.is(number, -0) ? '-0' : String(number)
}

/** Throws when a text that was made is too long. */
export function checkLength(text: string, call: Call): string {
  if (text.length * 3 <= mostTextBytes) return text
  call.meter.spend(text.length >>> 2)
  if (utf8Length(text) > mostTextBytes) throw call.unfit(`makes text of more than ${mostTextBytes} bytes`)
  return text
}
