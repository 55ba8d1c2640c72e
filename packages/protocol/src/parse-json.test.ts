import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CloudError } from './errors.ts'
import { parseJson } from './parse-json.ts'

const runs = { numRuns: 1_000 }

test('[TEXT-1] acceptable JSON is read exactly as JSON.parse reads it', () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 6, noUnicodeString: false }),
      fc.integer({ min: 0, max: 3 }),
      (tree, indent) => {
        const text = JSON.stringify(tree, null, indent)
        const read = attempt(text)
        if (read.refused) expect(read.reason).toMatch(/forbidden key|surrogate/)
        else expect(JSON.stringify(read.tree)).toBe(JSON.stringify(JSON.parse(text)))
      },
    ),
    runs,
  )
})

test('[TEXT-1] a list of any length is read whole, and no comma is left over', () => {
  for (let length = 0; length <= 6; length++) {
    const list = Array.from({ length }, (_, n) => (n % 2 === 0 ? n : [n]))
    const text = JSON.stringify(list)
    expect(attempt(text)).toEqual({ refused: false, tree: list })
    for (const wrong of [`${text.slice(0, -1)},]`, text.slice(0, -1), `${text.slice(0, -1)} 1]`])
      expect(attempt(wrong).refused, wrong).toBe(wrong !== '[ 1]')
  }
})

test('[TEXT-1] a damaged text is accepted only where JSON.parse accepts it, and then means the same', () => {
  const damage = fc.tuple(
    fc.nat(),
    fc.nat({ max: 3 }),
    fc.constantFrom(...'{}[]",:\\ 0-+.eEtfn\u0000\u001fu'),
  )
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 4 }),
      fc.array(damage, { minLength: 1, maxLength: 3 }),
      (whole, wounds) => {
        let text = whole
        for (const [where, cut, put] of wounds) {
          const at = where % (text.length + 1)
          text = text.slice(0, at) + put + text.slice(at + cut)
        }
        const read = attempt(text)
        const host = attemptHost(text)
        if (!read.refused) expect(JSON.stringify(read.tree)).toBe(JSON.stringify(host.tree))
        else if (!host.refused)
          expect(read.reason).toMatch(/duplicate|forbidden key|surrogate|out of range|deeper/)
      },
    ),
    { numRuns: 5_000 },
  )
})

test('[TEXT-2] what JSON.parse lets pass silently is refused, with the place and the reason', () => {
  const cases: [string, string, number][] = [
    ['{"a":1,"a":2}', 'a duplicate key', 10],
    ['{"__proto__":{}}', 'the forbidden key "__proto__"', 12],
    ['{"\\u005f_proto__":{}}', 'the forbidden key "__proto__"', 17],
    ['"\\ud800"', 'half a surrogate pair in a string', 8],
    ['1e999', 'a number out of range', 5],
    ['[[[[[1]]]]]', 'nesting deeper than 4', 4],
  ]
  for (const [text, reason, position] of cases) {
    expect(() => JSON.parse(text)).not.toThrow()
    expect(attempt(text, 4)).toEqual({ refused: true, reason, position })
  }
})

test('[TEXT-2] what is no JSON at all is refused', () => {
  for (const text of [
    '',
    ' ',
    '{',
    '[',
    '"',
    '"\\',
    '"\\"',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '[1,]',
    '[,]',
    '{,}',
    '{1:2}',
    "{'a':1}",
    '01',
    '+1',
    '.5',
    '1.',
    '1e',
    '--1',
    '0x10',
    'NaN',
    'Infinity',
    'undefined',
    'nul',
    'tru',
    'True',
    '1 2',
    '"\t"',
    '"\u0000"',
    '"\\x41"',
    '"\\u12"',
    '\u00a01',
    '\ufeff1',
    '/* */1',
    '1//',
  ]) {
    expect(() => JSON.parse(text), text).toThrow()
    expect(attempt(text).refused, text).toBe(true)
  }
})

test('[TEXT-3] a million brackets are refused without using the stack', () => {
  for (const text of ['['.repeat(1e6), '{"a":'.repeat(1e6), '[{"a":'.repeat(1e6)])
    expect(attempt(text)).toMatchObject({ refused: true, reason: 'nesting deeper than 64' })
})

test('[TEXT-3] a long text with escapes is read in time linear to its length', () => {
  const text = JSON.stringify(['\\"\n'.repeat(300_000), 'x'.repeat(300_000)])
  expect(JSON.stringify(parseJson(text, 4))).toBe(text)
})

test('[TEXT-4] objects inherit nothing that a key could reach', () => {
  const tree = parseJson('{"toString":1,"inner":{"valueOf":2}}', 4) as { inner: object }
  for (const name of Object.getOwnPropertyNames(Object.prototype)) {
    expect(name in tree).toBe(name === 'toString')
    expect(name in tree.inner).toBe(name === 'valueOf')
    if (isForbidden(name)) continue
    expect(Object.keys(parseJson(`{"${name}":1}`, 4) as object)).toEqual([name])
  }
})

function isForbidden(name: string): boolean {
  return name === '__proto__' || name === 'constructor'
}

function attempt(text: string, depth = 64) {
  try {
    return { refused: false as const, tree: parseJson(text, depth) }
  } catch (error) {
    if (!(error instanceof CloudError) || error.code !== 'PROTOCOL_ERROR') throw error
    const { reason, position } = error.details as { reason: string; position: number }
    return { refused: true as const, reason, position }
  }
}

function attemptHost(text: string): { refused: boolean; tree?: unknown } {
  try {
    return { refused: false, tree: JSON.parse(text) }
  } catch {
    return { refused: true }
  }
}
