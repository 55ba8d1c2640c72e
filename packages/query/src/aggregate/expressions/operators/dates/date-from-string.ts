import type { Value } from '@nearcloud/protocol'
import { namedArguments } from '../../arguments.ts'
import type { Operator } from '../../call.ts'
import { constant } from '../../constant.ts'
import { isNullish } from '../../truth.ts'
import { typeName } from '../../type-name.ts'
import { compileZone, prepared } from './arguments.ts'
import { type FormatPart, formatParts } from './format.ts'
import { type DateRead, instantRead, readIsoDate } from './read-date.ts'
import { readFormatted, readLetters } from './read-format.ts'

/** `{ dateString, format?, timezone?, onError?, onNull? }` */
export const dateFromString: Operator = (argument, call) => {
  const named = namedArguments(argument, call, ['dateString'], ['format', 'timezone', 'onError', 'onNull'])
  const dateString = call.compile(named.dateString)
  const zoneOf = compileZone(named.timezone, call)
  const reading = named.format
    ? prepared(call.compile(named.format), (format: Value): Reading => {
        const parts: readonly FormatPart[] = formatParts(format, readLetters, call)
        return text => readFormatted(text, parts)
      })
    : (): Reading => readIsoDate
  const onNull = named.onNull ? call.compile(named.onNull) : constant(null)
  const onError = named.onError && call.compile(named.onError)
  return document => {
    const read = reading(document)
    const zone = zoneOf(document)
    const given = dateString(document)
    if (isNullish(given)) return onNull(document)
    if (zone === null || read === null) return null
    const found = typeof given === 'string' ? read(given) : undefined
    const isZonedTwice = found?.offset !== undefined && named.timezone !== undefined
    const instant = found && !isZonedTwice ? instantRead(found, zone) : undefined
    if (instant !== undefined) return new Date(instant)
    if (onError) return onError(document)
    if (typeof given !== 'string') throw call.unfit(`takes text, not ${typeName(given)}`)
    throw call.unfit(
      `cannot read the date "${given.slice(0, 100)}": ${isZonedTwice ? 'it has an offset, and "timezone" is given beside it' : how(named.format !== undefined)}`,
    )
  }
}

type Reading = (text: string) => DateRead | undefined

function how(hasFormat: boolean): string {
  return hasFormat ? 'it has not the form of the format' : 'write 2017-02-08T12:10:40.787Z, or give a format'
}
