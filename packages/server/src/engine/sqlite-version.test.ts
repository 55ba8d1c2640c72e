import { expect, test } from 'vitest'
import { sqliteFault } from './sqlite-version.ts'

test.each([
  ['3.51.3', true],
  ['3.51.12', true],
  ['3.53.0', true],
  ['3.52.1', true],
  ['4.0.0', true],
  ['3.52.0', false],
  ['3.51.2', false],
  ['3.46.1', false],
  ['3.7.0', false],
  ['2.99.9', false],
  ['', false],
  ['nonsense', false],
])('[ENGINE-24] SQLite %s is used: %s', (version, isUsed) => {
  expect(sqliteFault(version) === undefined).toBe(isUsed)
})
