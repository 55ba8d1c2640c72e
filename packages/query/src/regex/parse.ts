import { anyCharacter, CharacterClass } from './character-class.ts'
import { parseClass } from './parse-class.ts'
import { parseEscape } from './parse-escape.ts'
import { Reader } from './reader.ts'
import { type Node, refusePattern, regexLimits } from './syntax.ts'

interface Flags {
  readonly i: boolean
  readonly m: boolean
  readonly s: boolean
  readonly x: boolean
}

/**
 * The meaning of a pattern in RE2's syntax: classes, groups, alternatives, repetition, anchors, `\b`, `\p{…}`, inline flags.
 * `.` and `m` know one line end, the line feed; `$` is the very end of the text; `\d \w \s` are ASCII.
 *
 * Throws INVALID_PARAM naming what cannot be matched in linear time (look-around, back-references, atomic groups,
 * conditions, recursion), what is not written correctly, and what exceeds `regexLimits`.
 */
export function parsePattern(pattern: string, options: string): Node {
  if (pattern.length > regexLimits.patternLength)
    throw refusePattern(pattern, `the pattern is longer than ${regexLimits.patternLength} characters`)
  const flags = { i: false, m: false, s: false, x: false }
  for (const letter of options) {
    if (!hasFlag(flags, letter))
      throw refusePattern(pattern, `the option "${letter}" is not one of i, m, s, x`)
    flags[letter] = true
  }
  const reader = new Reader(pattern)
  const node = parseChoice(reader, flags, 0)
  if (!reader.atEnd) throw reader.refuse('a ")" without its "("')
  return node
}

function parseChoice(reader: Reader, given: Flags, depth: number): Node {
  if (depth > regexLimits.groupDepth)
    throw reader.refuse(`groups nested deeper than ${regexLimits.groupDepth}`)
  let flags = given
  const options: Node[] = []
  let parts: Node[] = []
  const closeOption = () => {
    options.push(parts.length === 1 ? parts[0]! : { type: 'sequence', parts })
    parts = []
  }
  for (;;) {
    if (flags.x) skipComments(reader)
    if (reader.atEnd || reader.peek() === ')') break
    if (reader.take('|')) {
      closeOption()
      continue
    }
    const inline = parseInlineFlags(reader, flags)
    if (inline) {
      flags = inline
      continue
    }
    if (reader.take('\\Q')) parts.push(...parseQuoted(reader, flags))
    else parts.push(parseAtom(reader, flags, depth))
    if (flags.x) skipComments(reader)
    const last = parts.pop()
    if (last) parts.push(parseRepeat(reader, last))
  }
  closeOption()
  return options.length === 1 ? options[0]! : { type: 'choice', options }
}

function parseAtom(reader: Reader, flags: Flags, depth: number): Node {
  if (reader.take('(')) return parseGroup(reader, flags, depth)
  if (reader.take('[')) return { type: 'class', set: parseClass(reader, flags.i) }
  if (reader.take('.')) return { type: 'class', set: anyCharacter(flags.s) }
  if (reader.take('^')) return { type: 'assertion', kind: flags.m ? 'lineStart' : 'textStart' }
  if (reader.take('$')) return { type: 'assertion', kind: flags.m ? 'lineEnd' : 'textEnd' }
  if (reader.take('\\')) {
    const meaning = parseEscape(reader)
    switch (meaning.type) {
      case 'assertion':
        return meaning
      case 'character':
        return { type: 'character', code: meaning.code, fold: flags.i }
      case 'items':
        return { type: 'class', set: new CharacterClass(meaning.items, false, flags.i) }
    }
  }
  if (reader.peekAny('*+?')) throw reader.refuse(`nothing to repeat before "${reader.peek()}"`)
  return { type: 'character', code: reader.next(), fold: flags.i }
}

function parseGroup(reader: Reader, given: Flags, depth: number): Node {
  let flags = given
  if (reader.take('?')) {
    refuseGroup(reader)
    const name = reader.takeMatch(/P?<([A-Za-z_][A-Za-z0-9_]*)>/y)
    if (!name && !reader.take(':')) {
      const letters = reader.takeMatch(flagsBeforeColon)
      if (!letters) throw reader.refuse(`an unknown kind of group "(?${reader.peek()}"`)
      flags = withFlags(flags, letters[1]!, letters[2] ?? '')
    }
  }
  const inner = parseChoice(reader, flags, depth + 1)
  if (!reader.take(')')) throw reader.refuse('a "(" without its ")"')
  return inner
}

/** The groups that need backtracking, by their names. */
function refuseGroup(reader: Reader): void {
  const kind = groupKinds.find(([opening]) => reader.sees(opening))
  if (kind) throw reader.refuse(`${kind[1]} "(?${kind[0]}" cannot be matched in linear time`)
}

const groupKinds: readonly (readonly [opening: string, name: string])[] = [
  ['=', 'look-ahead'],
  ['!', 'look-ahead'],
  ['<=', 'look-behind'],
  ['<!', 'look-behind'],
  ['>', 'the atomic group'],
  ['(', 'the condition'],
  ['|', 'the branch reset'],
  ['P=', 'the back-reference'],
  ['P>', 'the recursion'],
  ['R', 'the recursion'],
  ['&', 'the recursion'],
]

/** `(?i)`: flags for the rest of the group. */
function parseInlineFlags(reader: Reader, flags: Flags): Flags | undefined {
  const letters = reader.takeMatch(flagsAlone)
  return letters ? withFlags(flags, letters[1]!, letters[2] ?? '') : undefined
}

function withFlags(flags: Flags, on: string, off: string): Flags {
  const changed = { ...flags }
  for (const [letters, value] of [[on, true] as const, [off, false] as const])
    for (const letter of letters) if (hasFlag(changed, letter)) changed[letter] = value
  return changed
}

function parseRepeat(reader: Reader, part: Node): Node {
  const bounds = takeBounds(reader)
  if (!bounds) return part
  const [min, max] = bounds
  reader.take('?')
  if (takeBounds(reader)) throw reader.refuse('a repetition of a repetition (group it)')
  if (min > max) throw reader.refuse(`the repetition {${min},${max}} counts backwards`)
  const most = max === Infinity ? min : max
  if (most > regexLimits.repeat) throw reader.refuse(`a repetition of more than ${regexLimits.repeat}`)
  return { type: 'repeat', part, min, max }
}

function takeBounds(reader: Reader): [min: number, max: number] | undefined {
  if (reader.take('*')) return [0, Infinity]
  if (reader.take('+')) return [1, Infinity]
  if (reader.take('?')) return [0, 1]
  const counted = reader.takeMatch(/\{(\d+)(?:(,)(\d*))?\}/y)
  if (!counted) return undefined
  const min = Number(counted[1])
  if (!counted[2]) return [min, min]
  return [min, counted[3] ? Number(counted[3]) : Infinity]
}

/** `\Q…\E`: everything between is itself. */
function parseQuoted(reader: Reader, flags: Flags): readonly Node[] {
  const parts: Node[] = []
  while (!reader.atEnd && !reader.take('\\E'))
    parts.push({ type: 'character', code: reader.next(), fold: flags.i })
  return parts
}

/** With the option x: white space, and `#` to the end of the line. */
function skipComments(reader: Reader): void {
  while (reader.takeMatch(/[\t-\r ]+|#[^\n]*/y));
}

function hasFlag(flags: Flags, letter: string): letter is keyof Flags {
  return letter.length === 1 && 'imsx'.includes(letter) && letter in flags
}

const flagsAlone = /\(\?([imsx]*)(?:-([imsx]+))?\)/y
const flagsBeforeColon = /([imsx]*)(?:-([imsx]+))?:/y
