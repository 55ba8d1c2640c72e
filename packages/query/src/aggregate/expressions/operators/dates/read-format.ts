import type { FormatPart } from './format.ts'
import type { DateRead } from './read-date.ts'
import { offsetOf } from './time-zone.ts'

/** What `%Y` and so on read: digits, or an offset. */
const forms: Readonly<Record<string, RegExp>> = {
  Y: /\d{4}/y,
  G: /\d{4}/y,
  m: /\d{1,2}/y,
  d: /\d{1,2}/y,
  V: /\d{1,2}/y,
  H: /\d{1,2}/y,
  M: /\d{1,2}/y,
  S: /\d{1,2}/y,
  L: /\d{1,3}/y,
  j: /\d{1,3}/y,
  u: /[1-7]/y,
  z: /Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?/y,
  Z: /[+-]?\d{1,3}/y,
}

export const readLetters = Object.keys(forms).join('')

/** A date in the form of a format, all of which the text has to have; undefined when it has not, or lacks a day. */
export function readFormatted(text: string, format: readonly FormatPart[]): DateRead | undefined {
  const found = new Map<string, string>()
  let at = 0
  for (const part of format) {
    if ('text' in part) {
      if (!text.startsWith(part.text, at)) return undefined
      at += part.text.length
      continue
    }
    const form = forms[part.specifier]!
    form.lastIndex = at
    const piece = form.exec(text)?.[0]
    if (piece === undefined) return undefined
    found.set(part.specifier, piece)
    at += piece.length
  }
  const day = dayFound(found)
  if (at < text.length || !day) return undefined
  const number = (letter: string) => Number(found.get(letter) ?? 0)
  const clock = {
    hour: number('H'),
    minute: number('M'),
    second: number('S'),
    millisecond: millisecondsOf(found.get('L')),
  }
  return { day, clock, offset: offsetFound(found) }
}

function dayFound(found: ReadonlyMap<string, string>): DateRead['day'] | undefined {
  const numbers = (...letters: string[]) =>
    letters.every(letter => found.has(letter)) ? letters.map(letter => Number(found.get(letter))) : undefined
  const plain = numbers('Y', 'm', 'd')
  if (plain) return { year: plain[0]!, month: plain[1]!, day: plain[2]! }
  const ordinal = numbers('Y', 'j')
  if (ordinal) return { year: ordinal[0]!, dayOfYear: ordinal[1]! }
  const week = numbers('G', 'V', 'u')
  return week && { isoYear: week[0]!, isoWeek: week[1]!, isoDay: week[2]! }
}

function millisecondsOf(digits = ''): number {
  return Number(digits.padEnd(3, '0'))
}

/** Milliseconds, of an offset or of minutes. */
function offsetFound(found: ReadonlyMap<string, string>): number | undefined {
  const [offset, minutes] = [found.get('z'), found.get('Z')]
  if (offset !== undefined) return offset === 'Z' ? 0 : offsetOf(offset)
  return minutes === undefined ? undefined : Number(minutes) * 60_000
}
