import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { run } from './testing/run-command.ts'

const rules = { database: { notes: { read: 'doc._openid == auth.openid', write: 'doc.done != true' } } }
const cases = {
  given: { notes: [{ _id: 'n1', _openid: 'ann' }] },
  cases: [
    { as: 'ann', get: 'notes/n1', allowed: true },
    { as: 'bob', get: 'notes/n1', allowed: false },
  ],
}

function projectWith(files: Readonly<Record<string, unknown>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  return folder
}

test('rules test asks the cases, shows what nobody asked, and fails where one is not as it was to be', async () => {
  const folder = projectWith({ 'rules.json': rules, 'rules.test.json': cases })
  const tested = run(folder, 'rules', 'test')
  expect(await tested.over, tested.err()).toBe(0)
  expect(tested.out()).toContain('ok   ann may get notes/n1\nok   bob may not get notes/n1\n2 of 2 cases')
  expect(tested.out()).toContain('database.notes.write: doc.done != true was never so, and never not so')
  const wanting = run(folder, 'rules', 'test', '--least', '80')
  expect(await wanting.over).toBe(1)
  expect(wanting.err()).toContain('50 % of the clauses')
  const wrong = [{ ...cases.cases[1], allowed: true }]
  writeFileSync(join(folder, 'other.json'), JSON.stringify({ ...cases, cases: wrong }))
  const failed = run(folder, 'rules', 'test', '--cases', 'other.json')
  expect(await failed.over).toBe(1)
  expect(failed.out()).toContain('FAIL bob may get notes/n1: it is refused')
  expect(failed.out()).toContain('no    doc._openid == auth.openid  <- this decides')
  const json = run(folder, 'rules', 'test', '--json')
  expect(await json.over).toBe(0)
  expect(JSON.parse(json.out())).toMatchObject({
    percent: 50,
    results: [{ allowed: true }, { allowed: false }],
  })
})

test('rules explain names the clause, and rules check what is open', async () => {
  const folder = projectWith({ 'rules.json': rules, 'rules.test.json': cases })
  const explained = run(folder, 'rules', 'explain', '{"as":"bob","get":"notes/n1"}')
  expect(await explained.over, explained.err()).toBe(0)
  expect(explained.out()).toContain('refused by doc._openid == auth.openid')
  writeFileSync(join(folder, 'rules.json'), '{"database":{"notes":{"read":true}}}')
  const checked = run(folder, 'rules', 'check', folder)
  expect(await checked.over, checked.err()).toBe(0)
  expect(checked.out()).toBe('database.notes.read: true\nstorage: PRIVATE')
  expect(checked.err()).toContain('everybody may read all of "notes"')
})

test.each([
  [['rules', 'check', 'nowhere'], /there is no project folder/],
  [['rules', 'test'], /rules.test.json cannot be read/],
  [['rules', 'test', '--cases', 'broken.json'], /is not JSON/],
  [['rules', 'test', '--least', 'all'], /--least is a percentage/],
  [['rules', 'test', '--most', '1'], /rules test has no option --most/],
  [['rules', 'explain'], /it is "nearcloud rules explain/],
  [['rules', 'explain', '{'], /the case is not JSON/],
  [['rules', 'explain', '{"as":"ann"}'], /case 1 asks one of/],
])('%j is answered by one sentence', async (argv, words) => {
  const folder = projectWith({ 'rules.json': rules, 'broken.json': '{' })
  const failed = run(folder, ...argv)
  expect(await failed.over).toBe(1)
  expect(failed.err()).toMatch(words)
  expect(failed.err()).not.toContain('\n    at ')
})
