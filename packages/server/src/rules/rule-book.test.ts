import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Document } from '@nearcloud/protocol'
import { afterEach, expect, test } from 'vitest'
import type { LogLine } from '../log-line.ts'
import { openRules, type RuleBook } from './rule-book.ts'
import { noReads } from './rule-reads.ts'

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

async function project(rules?: string) {
  const folder = await mkdtemp(join(tmpdir(), 'nearcloud-rules-'))
  endings.push(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'rules.json')
  if (rules !== undefined) await writeFile(path, rules)
  const lines: LogLine[] = []
  const heard = new Set<() => void>()
  const log = (line: LogLine) => {
    lines.push(line)
    for (const tell of [...heard]) tell()
  }
  /** Resolves with the next line of this kind. */
  const next = (event: string) =>
    new Promise<LogLine>(resolve => {
      const look = () => {
        const line = lines.find(one => one.event === event)
        if (!line) return
        heard.delete(look)
        lines.splice(lines.indexOf(line), 1)
        resolve(line)
      }
      heard.add(look)
      look()
    })
  const open = async () => {
    const book = await openRules(folder, log)
    endings.push(() => book.close())
    return book
  }
  return { folder, path, open, lines, next }
}

const document: Document = { _id: '1', _openid: 'ann' }
const bobReads = (book: RuleBook) => book.mayRead({ kind: 'user', openid: 'bob' }, 'todos', document, noReads)
const open = JSON.stringify({ database: { todos: { read: true } } })
const closed = JSON.stringify({ database: { todos: 'PRIVATE' } })

test('[RULES-4] without a project or a file the defaults hold', async () => {
  const book = await openRules(undefined, () => undefined)
  expect(bobReads(book)).toBe(false)
  expect(book.mayRead({ kind: 'user', openid: 'ann' }, 'todos', document, noReads)).toBe(true)
  book.close()
  expect(bobReads(await (await project()).open())).toBe(false)
})

test('[RULES-5] a broken file stops the start', async () => {
  const { open, path } = await project('{"database": 1}')
  await expect(open()).rejects.toMatchObject({
    code: 'SERVER_CONFIGURATION',
    errMsg: `${path}: database: must be an object`,
  })
})

test('[RULES-6] a changed file is in force at once, under a new version', async () => {
  const files = await project(closed)
  const book = await files.open()
  const before = book.version
  let changes = 0
  book.onChange(() => changes++)
  expect(bobReads(book)).toBe(false)
  await writeFile(files.path, open)
  await files.next('rules.changed')
  expect(bobReads(book)).toBe(true)
  expect(book.version).not.toBe(before)
  expect(changes).toBe(1)
  // as editors do it
  await writeFile(`${files.path}~`, closed)
  await rename(`${files.path}~`, files.path)
  await files.next('rules.changed')
  expect(bobReads(book)).toBe(false)
  expect(book.version).toBe(before)
  expect(changes).toBe(2)
})

test('[RULES-7] a file that breaks or goes leaves the last good rules in force, and is told', async () => {
  const files = await project(open)
  const book = await files.open()
  const { version } = book
  await writeFile(files.path, '{"database": {"todos": {"read": "this"}}}')
  const line = await files.next('rules.broken')
  expect(line.message).toBe(
    `${files.path}: database.todos.read: "this" is not part of the rule language (at character 1) (the last rules stay in force)`,
  )
  expect(bobReads(book)).toBe(true)
  await rm(files.path)
  await files.next('rules.missing')
  expect(bobReads(book)).toBe(true)
  expect(book.version).toBe(version)
  await writeFile(files.path, closed)
  await files.next('rules.changed')
  expect(bobReads(book)).toBe(false)
})

test('[RULES-8] a file that appears is in force', async () => {
  const files = await project()
  const book = await files.open()
  await writeFile(files.path, open)
  await files.next('rules.changed')
  expect(bobReads(book)).toBe(true)
})

test('[SCHEMA-6] a schema is in force with its file, at once', async () => {
  const { path, open, next } = await project('{}')
  const book = await open()
  const faultOf = (title: number | string) =>
    book.checkDocument?.(
      { kind: 'user', openid: 'ann' },
      { collection: 'todos', op: 'create', before: null, after: { _id: 'x', title }, data: null },
    )
  expect(faultOf(7)).toBe(undefined)
  await writeFile(path, JSON.stringify({ schemas: { todos: { properties: { title: { type: 'string' } } } } }))
  await next('rules.changed')
  expect(faultOf(7)).toMatchObject({ path: 'title', keyword: 'type' })
  expect(faultOf('x')).toBe(undefined)
})
