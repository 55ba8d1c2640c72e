import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { testFolder } from './scenario/folder.ts'
import { startServer } from './scenario/server.ts'

const guide = resolve(import.meta.dirname, '../../../docs/guide/getting-started.md')

test('getting-started.md is true: its project, its function and its app do what it says', async () => {
  const files = filesOf(readFileSync(guide, 'utf8'))
  expect([...files.keys()].sort()).toEqual(['app.js', 'cloudfunctions/pay/index.js', 'output', 'rules.json'])
  // inside this package, so that the app finds the others by name, built as users have them
  const dist = resolve(import.meta.dirname, '../dist')
  mkdirSync(dist, { recursive: true })
  const project = mkdtempSync(join(dist, 'guide-'))
  onTestFinished(() => rmSync(project, { recursive: true, force: true }))
  for (const [name, text] of files) {
    mkdirSync(dirname(join(project, name)), { recursive: true })
    writeFileSync(join(project, name), text)
  }
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(project, 'cloudfunctions/pay/package.json'), '{ "main": "index.js" }')
  const server = await startServer({ rules: null, project })
  expect(await run(join(project, 'app.js'), server.url, testFolder('cafe'))).toBe(files.get('output'))
})

/** Fences whose language is followed by a name. */
function filesOf(page: string): Map<string, string> {
  const fences = page.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)
  return new Map([...fences].map(fence => [fence[1]!, fence[2]!]))
}

function run(...words: string[]): Promise<string> {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let complained = ''
  child.stdout.on('data', chunk => (said += chunk))
  child.stderr.on('data', chunk => (complained += chunk))
  return new Promise((done, fail) => {
    child.once('error', fail)
    child.once('close', code =>
      code === 0 ? done(said) : fail(new Error(`it ended with ${code}: ${complained}`)),
    )
  })
}
