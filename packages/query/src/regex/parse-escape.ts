import { type ClassItem, digits, type Range, spaces, wordCharacters } from './character-class.ts'
import type { Reader } from './reader.ts'
import type { Assertion } from './syntax.ts'

type Escape =
  | { readonly type: 'character'; readonly code: number }
  | { readonly type: 'items'; readonly items: readonly ClassItem[] }
  | { readonly type: 'assertion'; readonly kind: Assertion }

/** What follows a backslash outside a class. */
export function parseEscape(reader: Reader): Escape {
  if (reader.atEnd) throw reader.refuse('a backslash at the end')
  const assertion = assertions.get(reader.peek())
  if (assertion) {
    reader.next()
    return { type: 'assertion', kind: assertion }
  }
  if (reader.peekAny('123456789') || reader.sees('k<') || reader.sees('g'))
    throw reader.refuse(`the back-reference "\\${reader.peek()}" cannot be matched in linear time`)
  return parseShared(reader)
}

/** What follows a backslash inside a class. */
export function parseClassEscape(reader: Reader): Exclude<Escape, { type: 'assertion' }> {
  if (reader.take('b')) return { type: 'character', code: 0x08 }
  if (reader.take('-')) return { type: 'character', code: 0x2d }
  return parseShared(reader)
}

function parseShared(reader: Reader): Exclude<Escape, { type: 'assertion' }> {
  const set = sets.get(reader.peek())
  if (set) {
    reader.next()
    return { type: 'items', items: set }
  }
  if (reader.peekAny('pP')) return { type: 'items', items: [parseProperty(reader)] }
  return { type: 'character', code: parseCharacter(reader) }
}

function parseCharacter(reader: Reader): number {
  const control = controls.get(reader.peek())
  if (control !== undefined) {
    reader.next()
    return control
  }
  if (reader.takeMatch(/0(?![0-9])/y)) return 0
  const letter = reader.takeMatch(/c([A-Za-z])/y)
  if (letter) return letter[1]!.charCodeAt(0) % 32
  const pair = reader.takeMatch(/u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/y)
  if (pair) return 0x10000 + ((hex(pair[1]!) & 0x3ff) << 10) + (hex(pair[2]!) & 0x3ff)
  const code = reader.takeMatch(/x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|[xu]\{([0-9a-fA-F]{1,6})\}/y)
  if (code) return checkedCode(reader, hex((code[1] ?? code[2] ?? code[3])!))
  if (reader.takeMatch(/(?=[A-Za-z0-9])/y)) throw reader.refuse(`an unknown escape "\\${reader.peek()}"`)
  return reader.next()
}

/** `p{Letter}`, `pL`, `P{…}`, `p{^…}`. */
function parseProperty(reader: Reader): ClassItem {
  const found = reader.takeMatch(/([pP])(?:\{(\^?)([A-Za-z_]{1,40}(?:=[A-Za-z_]{1,40})?)\}|([A-Z]))/y)
  if (!found) throw reader.refuse('a malformed Unicode property')
  const [, sign, inverse, long, short] = found
  const name = (long ?? short)!
  for (const form of [name, `Script=${name}`])
    if (isProperty(form))
      return { type: 'property', name: form, negated: (sign === 'P') !== (inverse === '^') }
  throw reader.refuse(`an unknown Unicode property "${name}"`)
}

function isProperty(name: string): boolean {
  try {
    return new RegExp(`\\p{${name}}`, 'u') instanceof RegExp
  } catch {
    return false
  }
}

function checkedCode(reader: Reader, code: number): number {
  if (code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)) return code
  throw reader.refuse('an escape that names no character')
}

function hex(text: string): number {
  return Number.parseInt(text, 16)
}

function within(ranges: readonly Range[]): readonly ClassItem[] {
  return ranges.map(([from, to]) => ({ type: 'range', from, to }))
}

function without(ranges: readonly Range[]): readonly ClassItem[] {
  return [{ type: 'without', ranges }]
}

const sets = new Map<string, readonly ClassItem[]>([
  ['d', within(digits)],
  ['D', without(digits)],
  ['w', within(wordCharacters)],
  ['W', without(wordCharacters)],
  ['s', within(spaces)],
  ['S', without(spaces)],
])

const assertions = new Map<string, Assertion>([
  ['b', 'wordEdge'],
  ['B', 'noWordEdge'],
  ['A', 'textStart'],
  ['z', 'textEnd'],
])

const controls = new Map([
  ['a', 0x07],
  ['t', 0x09],
  ['n', 0x0a],
  ['v', 0x0b],
  ['f', 0x0c],
  ['r', 0x0d],
])
