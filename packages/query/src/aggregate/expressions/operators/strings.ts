import { utf8Length } from '@nearcloud/protocol'
import { compareText } from '../../../compare.ts'
import { ofOne, ofTwo, takes } from '../arguments.ts'
import type { Operator } from '../call.ts'
import { isNullish } from '../truth.ts'
import { typeName } from '../type-name.ts'
import { checkLength, spendOnSearch, textOf, writtenOf } from './text.ts'
import { codePointsIn } from './text-positions.ts'

/** null as soon as one part is null or missing. */
const concat = takes(0, Infinity, (given, call) => document => {
  let whole = ''
  for (const each of given) {
    const part = each(document)
    if (typeof part === 'string') whole += part
    else if (isNullish(part)) return null
    else throw call.unfit(`takes text, not ${typeName(part)}`)
  }
  return checkLength(whole, call)
})

const split = ofTwo((whole, separator, call) => {
  if (isNullish(whole) || isNullish(separator)) return null
  const [text, between] = [textOf(whole, call), textOf(separator, call)]
  if (between === '') throw call.unfit('takes a separator that is not empty')
  spendOnSearch(text, between, call)
  const parts = text.split(between)
  call.meter.spend(parts.length)
  return call.list(parts)
})

/** Letters have two cases in ASCII alone, as in MongoDB: the same for every language. */
export const strings: Readonly<Record<string, Operator>> = {
  concat,
  split,
  strLenBytes: ofOne((value, call) => utf8Length(textOf(value, call))),
  strLenCP: ofOne((value, call) => codePointsIn(textOf(value, call))),
  strcasecmp: ofTwo((a, b, call) => Math.sign(compareText(upper(written(a, call)), upper(written(b, call))))),
  toLower: ofOne((value, call) => lower(written(value, call))),
  toUpper: ofOne((value, call) => upper(written(value, call))),
}

const written: typeof writtenOf = (value, call) => checkLength(writtenOf(value, call), call)

function upper(text: string): string {
  return ascii.test(text) ? text.toUpperCase() : text.replace(/[a-z]+/g, letters => letters.toUpperCase())
}

function lower(text: string): string {
  return ascii.test(text) ? text.toLowerCase() : text.replace(/[A-Z]+/g, letters => letters.toLowerCase())
}

const ascii = /^[\0-\x7f]*$/
