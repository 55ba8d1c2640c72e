import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { modules } from './modules.ts'
import { changedSince, filesOf, folderOf } from './mutate.ts'
import { isMissed, missedLine, percentOf, scoreOf, table } from './score.ts'

const judged = (status: string, line = 1) => ({
  fileName: 'src/a.ts',
  status,
  mutatorName: 'ConditionalExpression',
  replacement: 'true\n  && x',
  location: { start: { line, column: 4 } },
})

test('a score counts what was found, in time or not, and what was missed, seen or not', () => {
  const all = ['Killed', 'Timeout', 'Survived', 'NoCoverage', 'CompileError', 'Ignored'].map(each =>
    judged(each),
  )
  expect(scoreOf('a', all)).toEqual({ name: 'a', found: 2, late: 1, missed: 2, unseen: 1 })
  expect(all.filter(isMissed)).toHaveLength(2)
})

test('ninety of a hundred is reached or not: nothing is rounded up', () => {
  expect(percentOf({ found: 8_999, missed: 1_001 })).toBe(89.9)
  expect(percentOf({ found: 9, missed: 1 })).toBe(90)
  expect(percentOf({ found: 0, missed: 0 })).toBe(100)
})

test('a table begins with the worst, and ends with all together', () => {
  const text = table([
    { name: 'src/good.ts', found: 9, late: 0, missed: 1, unseen: 0 },
    { name: 'src/bad.ts', found: 1, late: 1, missed: 3, unseen: 2 },
  ])
  expect(text.split('\n').map(line => line.split(/ +/).filter(Boolean))).toEqual([
    ['found', '%', 'found', 'late', 'missed', 'unseen'],
    ['src/bad.ts', '25.0', '1', '1', '3', '2'],
    ['src/good.ts', '90.0', '9', '0', '1', '0'],
    ['all', '71.4', '10', '1', '4', '2'],
  ])
})

test('a change that was missed is told with its place', () => {
  expect(missedLine(judged('NoCoverage', 7))).toBe('src/a.ts:7:5 ConditionalExpression → true && x  (unseen)')
})

test.each(modules.map(module => [module.name, module] as const))('the files of %s are there', (_, module) => {
  const files = filesOf(module)
  expect(files.length).toBeGreaterThan(0)
  for (const file of files) {
    expect(file).toMatch(/^src\/.*\.ts$/)
    expect(file).not.toMatch(/\.test\.ts$/)
    expect(existsSync(`${folderOf(module)}/${file}`), file).toBe(true)
  }
  for (const pattern of module.tests) expect(pattern).toMatch(/\.test\.ts$/)
})

test('only files that git knows to be others than at a commit count as changed', () => {
  const [codec] = modules
  expect(changedSince('HEAD', codec!).every(file => filesOf(codec!).includes(file))).toBe(true)
  expect(() => changedSince('no-such-commit', codec!)).toThrow('no-such-commit')
})
