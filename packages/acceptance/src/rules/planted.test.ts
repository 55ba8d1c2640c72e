import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { buildPlanted } from '../mutants/build-planted.ts'
import { mutant } from '../mutants/mutant.ts'

/** What `pnpm fuzz:rules` says when it runs against a server with such a bug: its exit code, and its words. */
async function fuzzed(change: readonly [file: string, from: string, to: string], operations: number) {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-planted-rules-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const main = await buildPlanted(folder, {
    entry: 'acceptance/src/rules/main.ts',
    mutant: mutant('planted', change),
  })
  const child = spawn(process.execPath, [main, String(operations), '2026'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let words = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text
  })
  child.stdout.resume()
  const code = await new Promise(resolve => child.once('close', resolve))
  return { code, words }
}

const rules = 'server/src/rules'

test.each<[string, readonly [string, string, string], RegExp]>([
  [
    'a document that was as its schema says may be made unlike it',
    [`${rules}/create-judge.ts`, 'fault && !(before && check!(before))', 'fault && !before'],
    /a write that is not allowed/,
  ],
  [
    'a field inside of one with a rule has none',
    [`${rules}/field-rules.ts`, 'one === other || one.startsWith(', 'one === other || other.startsWith('],
    /a write that is not allowed/,
  ],
  [
    'what is taken away is not touched',
    [`${rules}/field-rules.ts`, '[...Object.keys(was), ...Object.keys(is)]', '[...Object.keys(is)]'],
    /a write that is not allowed/,
  ],
  [
    'a replica is told what is there, whoever may read it',
    ['server/src/rxdb/changes-since.ts', 'if (now && (await mayRead(view, now)))', 'if (now)'],
    /was told to a replica/,
  ],
])('[RULEFUZZ-3] the fuzz of rules finds: %s', async (_, change, words) => {
  const found = await fuzzed(change, 2_500)
  expect(found.words).toMatch(words)
  expect(found.code).toBe(1)
})
