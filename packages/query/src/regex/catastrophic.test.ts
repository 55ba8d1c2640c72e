import { RegExpValue } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { createMachine } from './machine.ts'
import { nativeFor } from './native.ts'
import { parsePattern } from './parse.ts'
import { compileProgram } from './program.ts'
import { compileRegExp } from './regexp.ts'

/** A thousand patterns on which engines that go back take for ever: repeats of repeats, alternatives that say the same. */
function catastrophicPatterns(): readonly string[] {
  const atoms = [
    'a',
    '.',
    '[ab]',
    '\\w',
    '(?:a|a)',
    '(?:a|aa)',
    '(?:a|ab|b)',
    '(?:a?)',
    '(?:a{1,3})',
    '(?:.|a)',
  ]
  const repeats = ['*', '+', '{0,9}', '{3,}', '*?']
  const ends = ['b$', '!$', 'x', 'y\\b', '[^a]z']
  const patterns: string[] = []
  for (const atom of atoms)
    for (const inner of repeats)
      for (const outer of repeats)
        for (const [i, end] of ends.entries())
          patterns.push(`${i % 2 ? '^' : ''}(?:(?:${atom})${inner})${outer}${end}`)
  return patterns.slice(0, 1_000)
}

test('[REGEX-7] a thousand catastrophic expressions look at text × program, and no more', () => {
  const text = 'a'.repeat(200)
  const patterns = catastrophicPatterns()
  expect(patterns).toHaveLength(1_000)
  for (const pattern of patterns) {
    const node = parsePattern(pattern, '')
    const program = compileProgram(node, pattern)
    let looks = 0
    const counted = new Proxy(program, {
      get(steps, key) {
        if (typeof key === 'string' && key >= '0' && key <= '9999') looks++
        return Reflect.get(steps, key)
      },
    })
    const run = createMachine(counted)
    looks = 0
    expect(run(text), pattern).toBe(false)
    expect(looks, pattern).toBeLessThanOrEqual(2 * (text.length + 1) * program.length)
    expect(nativeFor(node, ''), pattern).toBeUndefined()
    expect(compileRegExp(new RegExpValue(pattern)).test('a'.repeat(30)), pattern).toBe(false)
  }
})
