import { CharacterClass, type ClassItem, type Range, spaces, wordCharacters } from './character-class.ts'
import { parseClassEscape } from './parse-escape.ts'
import type { Reader } from './reader.ts'

/** What follows a `[`, to its `]`. */
export function parseClass(reader: Reader, fold: boolean): CharacterClass {
  const negated = reader.take('^')
  if (reader.peek() === ']')
    throw reader.refuse('an empty class (engines disagree on what it means: for the bracket write "\\]")')
  const items: ClassItem[] = []
  while (!reader.take(']')) {
    if (reader.atEnd) throw reader.refuse('a "[" without its "]"')
    const posix = reader.takeMatch(/\[:(\^?)([a-z]+):\]/y)
    if (posix) items.push(...posixItems(reader, posix[2]!, posix[1] === '^'))
    else items.push(...parseItem(reader))
  }
  return new CharacterClass(items, negated, fold)
}

function parseItem(reader: Reader): readonly ClassItem[] {
  const start = parseMember(reader)
  if (start.type === 'items') return start.items
  const from = start.code
  if (!reader.takeMatch(/-(?!\])/y)) return [{ type: 'range', from, to: from }]
  if (reader.atEnd) throw reader.refuse('a "[" without its "]"')
  const end = parseMember(reader)
  if (end.type === 'items') throw reader.refuse('a range that ends with a class')
  if (end.code < from) throw reader.refuse('a range that counts backwards')
  return [{ type: 'range', from, to: end.code }]
}

function parseMember(reader: Reader): ReturnType<typeof parseClassEscape> {
  if (reader.take('\\')) return parseClassEscape(reader)
  return { type: 'character', code: reader.next() }
}

function posixItems(reader: Reader, name: string, negated: boolean): readonly ClassItem[] {
  const ranges = posix.get(name)
  if (!ranges) throw reader.refuse(`an unknown class "[:${name}:]"`)
  return negated ? [{ type: 'without', ranges }] : ranges.map(([from, to]) => ({ type: 'range', from, to }))
}

const upper: Range = [0x41, 0x5a]
const lower: Range = [0x61, 0x7a]
const digit: Range = [0x30, 0x39]
const posix = new Map<string, readonly Range[]>([
  ['alnum', [digit, upper, lower]],
  ['alpha', [upper, lower]],
  ['ascii', [[0, 0x7f]]],
  [
    'blank',
    [
      [0x09, 0x09],
      [0x20, 0x20],
    ],
  ],
  [
    'cntrl',
    [
      [0, 0x1f],
      [0x7f, 0x7f],
    ],
  ],
  ['digit', [digit]],
  ['graph', [[0x21, 0x7e]]],
  ['lower', [lower]],
  ['print', [[0x20, 0x7e]]],
  [
    'punct',
    [
      [0x21, 0x2f],
      [0x3a, 0x40],
      [0x5b, 0x60],
      [0x7b, 0x7e],
    ],
  ],
  ['space', spaces],
  ['upper', [upper]],
  ['word', wordCharacters],
  ['xdigit', [digit, [0x41, 0x46], [0x61, 0x66]]],
])
