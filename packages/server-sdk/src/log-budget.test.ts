import { expect, test } from 'vitest'
import { LogBudget } from './log-budget.ts'

test('what fits is passed on as it is', () => {
  const budget = new LogBudget(() => 0)
  expect(budget.admit('a')).toEqual(['a'])
  expect(budget.admit('')).toEqual([''])
})

test('a line without end is cut off', () => {
  const [line] = new LogBudget(() => 0).admit('x'.repeat(1e6))
  expect(line).toHaveLength(8_193)
})

test('a flood is counted, and told with the first line that fits again', () => {
  let now = 0
  const budget = new LogBudget(() => now)
  let passed = 0
  for (let i = 0; i < 100_000; i++) passed += budget.admit('x'.repeat(99)).length
  expect(passed).toBe(2_621)
  now += 10_000
  expect(budget.admit('after')).toEqual([
    `(${100_000 - passed} log lines left out: more than a function may write)`,
    'after',
  ])
  expect(budget.admit('more')).toEqual(['more'])
})

test('a clock that is set back gives nothing and takes nothing', () => {
  let now = 1_000
  const budget = new LogBudget(() => now)
  now = 0
  expect(budget.admit('a')).toEqual(['a'])
})
