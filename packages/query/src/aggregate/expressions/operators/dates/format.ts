import type { Value } from '@nearcloud/protocol'
import type { Call } from '../../call.ts'
import { textOf } from '../text.ts'

/** A format taken apart: letters of specifiers, and the text between them. */
export type FormatPart = { readonly specifier: string } | { readonly text: string }

/** Of `%Y-%m-%d`; `%%` is text. Throws for a letter that is none of these. */
export function formatParts(format: Value, letters: string, call: Call): readonly FormatPart[] {
  const text = textOf(format, call)
  if (text.length > mostCharacters) throw call.unfit(`takes a format of at most ${mostCharacters} characters`)
  const parts: FormatPart[] = []
  for (const [piece, letter] of text.matchAll(/%(.)?|[^%]+/gsu)) {
    if (!piece.startsWith('%')) parts.push({ text: piece })
    else if (letter === '%') parts.push({ text: '%' })
    else if (letter !== undefined && letters.includes(letter)) parts.push({ specifier: letter })
    else throw call.unfit(`cannot read "${piece}" in a format: take %${[...letters].join(' %')} or %%`)
  }
  return parts
}

const mostCharacters = 1_000
