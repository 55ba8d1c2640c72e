import { CloudError, type Json, parseJson } from '@nearcloud/protocol'
import { FormError } from './export-forms.ts'

export interface Placed {
  /** Where it begins, from 1. */
  readonly line: number
  readonly tree: Json
}

/**
 * The objects of a text that comes in pieces, one after the other with nothing but space between them, on lines of their own or not. Throws
 * FormError with the line.
 */
export async function* readJson(pieces: AsyncIterable<string>): AsyncIterable<Placed> {
  let text = ''
  let [at, depth, line, begun] = [0, 0, 1, 1]
  let isInText = false
  let isEscaped = false
  for await (const piece of pieces) {
    text += piece
    for (; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      if (unit === newline) line++
      if (isInText) {
        if (isEscaped) isEscaped = false
        else if (unit === backslash) isEscaped = true
        else if (unit === quote) isInText = false
        continue
      }
      if (depth === 0) {
        if (unit === newline || unit === 0x20 || unit === 0x0d || unit === 0x09 || unit === byteOrderMark)
          continue
        if (unit !== openBrace) throw new FormError(`line ${line}: ${notAnObject(text[at]!)}`)
        text = text.slice(at)
        at = 0
        begun = line
      }
      if (unit === quote) isInText = true
      else if (unit === openBrace) depth++
      else if (unit === closeBrace && --depth === 0) {
        yield { line: begun, tree: parse(text.slice(0, at + 1), begun) }
        text = text.slice(at + 1)
        at = -1
      }
    }
    if (text.length > mostCharacters)
      throw new FormError(`line ${begun}: a document of more than 4 million characters`)
  }
  if (depth > 0) throw new FormError(`line ${begun}: a document that does not end`)
}

function parse(text: string, line: number): Json {
  try {
    return parseJson(text, 100)
  } catch (thrown) {
    throw new FormError(`line ${line}: ${thrown instanceof CloudError ? thrown.errMsg : String(thrown)}`)
  }
}

function notAnObject(sign: string): string {
  return sign === '['
    ? 'this is a list; documents come one after the other, each an object, without brackets or commas around them'
    : `a document begins with "{", not with "${sign}"`
}

const newline = 0x0a
const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const byteOrderMark = 0xfeff
const mostCharacters = 4_000_000
