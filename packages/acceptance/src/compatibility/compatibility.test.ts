import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createDatabase, type Expression, type ExpressionName, filterFrom } from '@nearcloud/query'
import { compileExpression } from '@nearcloud/query/aggregate'
import { MemoryExecutor } from '@nearcloud/query/testing'
import { expect, test } from 'vitest'
import type { Row } from './entry.ts'
import { render } from './render.ts'
import { surfaces } from './surfaces.ts'
import { table } from './table.ts'

const root = resolve(import.meta.dirname, '../../../..')
const rows = table.flatMap(area =>
  area.rows.map(row => ({ ...row, title: `${area.title}: ${row.names[0]}` })),
)
const tests = testFiles(join(root, 'packages')).map(path => {
  const text = readFileSync(path, 'utf8')
  return { text, rules: [...text.matchAll(/\[([A-Z]+-\d+)\]/g)].map(match => match[1]!) }
})

test('docs/compatibility.md is the table', async () => {
  await expect(render(table)).toMatchFileSnapshot(join(root, 'docs/compatibility.md'))
})

test('what is the same or better is there, what is absent is not, and nothing that is there is left out', async () => {
  const real = await surfaces()
  const areas = table.filter(({ surface }) => surface !== undefined)
  expect([...real.keys()].sort()).toEqual(areas.map(({ surface }) => surface).sort())
  for (const { title, surface, rows } of areas) {
    const names = real.get(surface!)!
    const there = namesOf(rows, isPresent)
    expect([...there].sort(), title).toEqual([...names].sort())
    const absent = namesOf(rows, row => !isPresent(row))
    expect(
      absent.filter(name => names.includes(name)),
      `${title}: absent`,
    ).toEqual([])
  }
})

test('a name stands once in its part, a part once in the table, and what is not the same says how or why', () => {
  const titles = table.map(({ title }) => title)
  expect(titles).toEqual([...new Set(titles)])
  for (const { title, rows } of table) {
    const names = namesOf(rows, () => true)
    expect(names, title).toEqual([...new Set(names)])
  }
  for (const { title, status, note } of rows) if (status !== 'same') expect(note, title).not.toBe('')
})

test('whatever is there names rules that tests show', () => {
  const shown = new Set(tests.flatMap(({ rules }) => rules))
  for (const { title, status, rules } of rows) {
    expect(rules.length > 0, `${title} names a rule, or is absent`).toBe(status !== 'absent')
    for (const rule of rules.filter(isNumbered)) expect(shown.has(rule), `${title}: ${rule}`).toBe(true)
  }
})

/** Parts of the language whose rows name a family of rules: each of their names stands in its tests. */
for (const family of new Set(rows.flatMap(({ rules }) => rules).filter(rule => !isNumbered(rule)))) {
  const texts = tests.filter(({ rules }) => rules.some(rule => rule.startsWith(`${family}-`)))
  test(`every name that ${family} rules are about stands in their tests`, () => {
    const untested = namesOf(rows, ({ rules }) => rules.includes(family)).filter(name => {
      const said = new RegExp(`[.$'"]${name}\\b|\\b${name}(?=[:(])`)
      return !texts.some(({ text }) => said.test(text))
    })
    expect(untested).toEqual([])
  })
}

test('an operator of expressions is one, and a refused one is refused', () => {
  const options = { newId: () => 'id', side: 'server', limits: { default: 20, max: 20 } } as const
  const { command: _ } = createDatabase(new MemoryExecutor(), options)
  const { rows } = table.find(({ surface }) => surface === 'expressions')!
  const refusal = (name: string) => {
    try {
      const [, expression] = filterFrom(_.expr(_.aggregate[name as ExpressionName]('$a')))
      compileExpression(expression as Expression, new Map())
    } catch (error) {
      return (error as { code?: unknown }).code
    }
    return undefined
  }
  const isUnknown = (name: string) => name !== 'pipeline' && refusal(name) === 'DATABASE_INVALID_OPERATOR'
  expect(namesOf(rows, row => row.status !== 'absent').filter(isUnknown)).toEqual([])
  expect(namesOf(rows, row => row.isRefused === true).filter(name => refusal(name) === undefined)).toEqual([])
})

function namesOf<Each extends Row>(rows: readonly Each[], are: (row: Each) => boolean): string[] {
  return rows.filter(are).flatMap(row => row.names)
}

function isPresent(row: Row): boolean {
  return row.status !== 'absent' || row.isRefused === true
}

function isNumbered(rule: string): boolean {
  return /-\d+$/.test(rule)
}

function testFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    if (entry.name === 'node_modules' || entry.name === 'dist') return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return testFiles(path)
    return /(\.test|suite)\.ts$/.test(entry.name) ? [path] : []
  })
}
