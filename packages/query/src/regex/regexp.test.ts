import { RegExpValue } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { caseVariants, foldCase } from './case-folding.ts'
import { createMachine } from './machine.ts'
import { nativeFor } from './native.ts'
import { parsePattern } from './parse.ts'
import { compileProgram } from './program.ts'
import { compileRegExp } from './regexp.ts'

/** The machine's answer, without the fast path. */
function machine(pattern: string, options = ''): (text: string) => boolean {
  return createMachine(compileProgram(parsePattern(pattern, options), pattern))
}

function isFound(pattern: string, text: string, options = ''): boolean {
  const found = compileRegExp(new RegExpValue(pattern, options)).test(text)
  expect(machine(pattern, options)(text)).toBe(found)
  return found
}

function refusal(pattern: string, options = ''): string {
  try {
    compileRegExp(new RegExpValue(pattern, options))
  } catch (error) {
    return (error as Error).message
  }
  return 'accepted'
}

test('[REGEX-1] finds anywhere unless anchored', () => {
  expect(isFound('b', 'abc')).toBe(true)
  expect(isFound('^b', 'abc')).toBe(false)
  expect([
    isFound('^ab', 'abc'),
    isFound('bc$', 'abc'),
    isFound('^abc$', 'abc'),
    isFound('b$', 'abc'),
  ]).toEqual([true, true, true, false])
  expect([isFound('', ''), isFound('(?:)', 'x'), isFound('a|', 'x')]).toEqual([true, true, true])
})

test('[REGEX-2] characters are code points, never halves of them', () => {
  expect(isFound('^.$', '😀')).toBe(true)
  expect(isFound('^[😀-😂]{2}$', '😁😂')).toBe(true)
  expect(isFound('\\ud83d\\ude00', '😀')).toBe(true)
  expect(isFound('\\u{1f600}', '😀')).toBe(true)
  expect(isFound('\\x{4e2d}', '中')).toBe(true)
})

test('[REGEX-3] i compares without case in every script, m and s know the line feed, x leaves out white space', () => {
  expect(isFound('straße', 'STRAßE', 'i')).toBe(true)
  expect(isFound('ПРИВЕТ', 'привет', 'i')).toBe(true)
  expect(isFound('^[a-z]$', 'K', 'i')).toBe(true)
  expect(isFound('[^k]', '\u212a', 'i')).toBe(false)
  expect([
    isFound('^b', 'a\nb'),
    isFound('^b', 'a\nb', 'm'),
    isFound('a$', 'a\nb', 'm'),
    isFound('^b', 'a\rb', 'm'),
  ]).toEqual([false, true, true, false])
  expect([isFound('a.b', 'a\nb'), isFound('a.b', 'a\nb', 's'), isFound('a.b', 'a\rb')]).toEqual([
    false,
    true,
    true,
  ])
  expect(isFound(' a b # the rest\n c', 'abc', 'x')).toBe(true)
  expect(isFound('a(?i)b(?-i:c)', 'aBc')).toBe(true)
  expect(isFound('a(?i)b(?-i:c)', 'aBC')).toBe(false)
})

test('[REGEX-4] what needs backtracking is refused by name', () => {
  expect(refusal('a(?=b)')).toContain('look-ahead "(?="')
  expect(refusal('a(?!b)')).toContain('look-ahead "(?!"')
  expect(refusal('(?<=a)b')).toContain('look-behind "(?<="')
  expect(refusal('(?<!a)b')).toContain('look-behind "(?<!"')
  expect(refusal('(a)\\1')).toContain('back-reference "\\1"')
  expect(refusal('(?<n>a)\\k<n>')).toContain('back-reference "\\k"')
  expect(refusal('(?>a)')).toContain('atomic group')
  expect(refusal('(?(1)a|b)')).toContain('condition')
  expect(refusal('(?R)')).toContain('recursion')
})

test('[REGEX-5] what is not written correctly is refused with its place', () => {
  for (const pattern of [
    '(',
    ')',
    '[',
    '[a',
    '*',
    'a**',
    'a{2}{3}',
    'a++',
    '\\',
    '[b-a]',
    'a{3,2}',
    '\\q',
    '[]',
    '[^]',
    '\\p{Nonsense}',
    '(?P',
    '(?z)',
    '[a-\\d]',
    '\\ud800',
    '\\x{110000}',
    '[[:wrong:]]',
    '\\8',
  ])
    expect([pattern, refusal(pattern)]).toEqual([pattern, expect.stringContaining('cannot be run')])
  expect(refusal('a', 'q')).toContain('"q" is not one of')
  for (const pattern of [
    'a{',
    'a{,2}',
    '}',
    ']',
    'a{b}',
    '[a-]',
    '[\\]]',
    '(?:a)',
    '(?P<n>a)',
    '(?<n>a)',
    '\\/',
    '\\-',
    '\\.',
    '中\\中',
  ])
    expect([pattern, refusal(pattern)]).toEqual([pattern, 'accepted'])
})

test('[REGEX-6] classes, their escapes, names and properties', () => {
  expect(isFound('^[\\d_-]+$', '12_-')).toBe(true)
  expect(isFound('^[^\\W\\d]+$', 'abc_')).toBe(true)
  expect(isFound('^[[:alpha:]]+$', 'abC')).toBe(true)
  expect(isFound('^[[:^alpha:]]+$', '123')).toBe(true)
  expect(isFound('^\\p{Han}+$', '中文')).toBe(true)
  expect(isFound('^\\P{Han}+$', 'abc')).toBe(true)
  expect(isFound('^\\pL+$', 'éab')).toBe(true)
  expect([
    isFound('\\bcat\\b', 'a cat!'),
    isFound('\\bcat\\b', 'concat'),
    isFound('\\Bcat', 'concat'),
  ]).toEqual([true, false, true])
  expect(isFound('^\\Qa.b\\E+$', 'a.bb')).toBe(true)
})

test('[REGEX-7] no pattern is slow on any text', () => {
  const evil = [
    '^(a+)+$',
    '(a|a)*$b',
    '(a|aa)+$',
    '(.*)*x',
    '((a*)*)*b',
    '(x+x+)+y',
    '^(\\w+\\s?)*$!',
    'a*a*a*a*a*a*a*a*b',
    '(a?){50}a{50}b',
  ]
  const text = `${'a'.repeat(50_000)}!`
  for (const pattern of evil) isFound(pattern, text)
  expect(refusal('((((a{1000}){1000}){1000}){1000})')).toContain('more than 2000 steps')
  expect(refusal('a{1001}')).toContain('more than 1000')
  expect(refusal('((((){1000}){1000}){1000}){1000}')).toBe('accepted')
  expect(refusal('('.repeat(500) + ')'.repeat(500))).toContain('deeper than 100')
  expect(refusal('a'.repeat(2_001))).toContain('longer than 2000')
})

test('[REGEX-8] the host’s engine is used only where it cannot backtrack badly', () => {
  const isNative = (pattern: string, options = '') =>
    nativeFor(parsePattern(pattern, options), options) !== undefined
  for (const pattern of [
    'abc',
    '^abc',
    'abc$',
    '^a.*c',
    '[a-z]x',
    'a|b|c',
    'ab+',
    '^\\d{3}-\\d{4}$',
    '(abc)',
  ])
    expect([pattern, isNative(pattern)]).toEqual([pattern, true])
  for (const pattern of ['a+b', '(a|a)(a|a)', '^a+a+b', '(ab)+', '\\bab', 'x*y', '.*x$', 'a?b'])
    expect([pattern, isNative(pattern)]).toEqual([pattern, false])
})

test('[REGEX-9] without case is the same for us and for the host, in every script', () => {
  for (let code = 0; code <= 0x1e943; code++) {
    if (code === 0xd800) code = 0xe000
    const variants = caseVariants(code)
    if (variants.length === 1 && foldCase(code) === code) continue
    const text = String.fromCodePoint(code)
    for (const variant of variants) {
      const same = new RegExp(`^\\u{${variant.toString(16)}}$`, 'iu').test(text)
      expect([code.toString(16), variant.toString(16), same]).toEqual([
        code.toString(16),
        variant.toString(16),
        true,
      ])
    }
  }
})

/** Patterns of constructs that JavaScript and we read alike, over texts without the line ends only it knows. */
const letters = fc.constantFrom('a', 'b', 'A', 'k', 'ſ', 'é', 'É', '中', '😀', '1', ' ', '_', '-')
const atom = fc.oneof(
  { weight: 5, arbitrary: letters.map(letter => (letter === '-' ? '\\x2d' : letter)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '.',
      '\\d',
      '\\D',
      '\\w',
      '[^a]',
      '[a-k]',
      '[^a-é]',
      '[中😀]',
      '[\\d_]',
      '[^\\dA]',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('^', '$') },
)
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,2}', '{0,3}', '{2,}', '*?')
const { pattern } = fc.letrec<{ pattern: string; term: string }>(tie => ({
  pattern: fc
    .array(fc.array(tie('term'), { maxLength: 3 }), { minLength: 1, maxLength: 2 })
    .map(options => options.map(terms => terms.join('')).join('|')),
  term: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(atom, quantifier).map(([one, many]) => (one === '^' || one === '$' ? one : one + many)),
    fc.tuple(tie('pattern'), quantifier).map(([inner, many]) => `(?:${inner})${many}`),
  ),
}))

test('[REGEX-10] what JavaScript finds is found, and nothing else', () => {
  const flags = fc.constantFrom('', 'i', 's', 'is')
  const texts = fc.array(fc.oneof(letters, fc.constant('\n')), { maxLength: 12 }).map(list => list.join(''))
  fc.assert(
    fc.property(pattern, flags, fc.array(texts, { minLength: 1, maxLength: 5 }), (source, options, list) => {
      const expected = new RegExp(source, `${options}u`)
      for (const text of list)
        expect([source, text, isFound(source, text, options)]).toEqual([source, text, expected.test(text)])
    }),
    { numRuns: 1_000 },
  )
})

test('[REGEX-11] no pattern makes anything but an answer or a refusal', () => {
  const piece = fc.constantFrom(
    ...'()[]{}|*+?^$.\\-,:<>=!PQEpdwsbxu0123ai#\n 中'.split(''),
    '(?',
    '(?:',
    '\\p{L}',
    '[[:',
    '{2,',
    '\\x',
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 20 }),
      fc.constantFrom('', 'imsx'),
      fc.string(),
      (pieces, options, text) => {
        const source = pieces.join('')
        let expression: ReturnType<typeof compileRegExp>
        try {
          expression = compileRegExp(new RegExpValue(source, options))
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_PARAM' })
          return
        }
        expect(expression.test(text)).toBe(machine(source, options)(text))
      },
    ),
    { numRuns: 1_000 },
  )
})
