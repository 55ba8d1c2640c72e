import { namedArguments } from '../arguments.ts'
import type { Operator } from '../call.ts'
import { constant, constantOf } from '../constant.ts'
import { isNullish } from '../truth.ts'
import { textOf } from './text.ts'

/** `{ input, chars? }`: without the characters at its ends; white space when none are named. null when either is. */
function trimmed(atStart: boolean, atEnd: boolean): Operator {
  return (argument, call) => {
    const named = namedArguments(argument, call, ['input'], ['chars'])
    const input = call.compile(named.input)
    const chars = named.chars ? call.compile(named.chars) : constant(whiteSpace)
    const fixed = constantOf(chars)?.value
    const known = typeof fixed === 'string' ? new Set(fixed) : undefined
    return document => {
      const value = input(document)
      if (isNullish(value)) return null
      const text = textOf(value, call)
      if (known) return cut(text, known, atStart, atEnd)
      const given = chars(document)
      return isNullish(given) ? null : cut(text, new Set(textOf(given, call)), atStart, atEnd)
    }
  }
}

function cut(text: string, unwanted: ReadonlySet<string>, atStart: boolean, atEnd: boolean): string {
  let [start, end] = [0, text.length]
  while (atStart && start < end) {
    const character = String.fromCodePoint(text.codePointAt(start)!)
    if (!unwanted.has(character)) break
    start += character.length
  }
  while (atEnd && start < end) {
    const isPair = end - start > 1 && text.codePointAt(end - 2)! > 0xffff
    const character = text.slice(end - (isPair ? 2 : 1), end)
    if (!unwanted.has(character)) break
    end -= character.length
  }
  return text.slice(start, end)
}

/** MongoDB's: what ASCII and Unicode call white space, and the null character. */
const whiteSpace =
  '\0 \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a'

export const trimming: Readonly<Record<string, Operator>> = {
  trim: trimmed(true, true),
  ltrim: trimmed(true, false),
  rtrim: trimmed(false, true),
}
