import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { testFolder } from './scenario/folder.ts'
import { startServer } from './scenario/server.ts'

const guides = resolve(import.meta.dirname, '../../../docs/guide')
/** Every page with a program: its files beside `rules.json`, `app.js` and `output`. */
const pages = {
  'getting-started.md': ['cloudfunctions/pay/index.js'],
  'database.md': ['cloudfunctions/prepare/index.js'],
  'transactions.md': ['cloudfunctions/open/index.js', 'cloudfunctions/transfer/index.js'],
  'triggers.md': ['onOrder', 'askOpinion', 'report'].flatMap(name => [
    `cloudfunctions/${name}/config.json`,
    `cloudfunctions/${name}/index.js`,
  ]),
  'offline.md': [],
  'conflicts.md': [],
  'editors.md': [],
  'rxdb.md': [],
  'text.md': [],
  'identity.md': ['cloudfunctions/login/index.js'],
  'files.md': ['cloudfunctions/publish/index.js'],
  'functions.md': [
    'cloudfunctions/award/index.js',
    'cloudfunctions/board/config.json',
    'cloudfunctions/board/index.js',
  ],
}

test('every page of the guide with a program is run', () => {
  const withProgram = readdirSync(guides).filter(name => page(name).has('app.js'))
  expect(withProgram.sort()).toEqual(Object.keys(pages).sort())
})

test.each(Object.entries(pages))(
  '%s is true: its project, its functions and its app do what it says',
  async (name, own) => {
    const files = page(name)
    expect([...files.keys()].sort()).toEqual(['app.js', ...own, 'output', 'rules.json'].sort())
    // inside this package, so that the app finds the others by name, built as users have them
    const dist = resolve(import.meta.dirname, '../dist')
    mkdirSync(dist, { recursive: true })
    const project = mkdtempSync(join(dist, 'guide-'))
    onTestFinished(() => rmSync(project, { recursive: true, force: true }))
    for (const [file, text] of files) {
      mkdirSync(dirname(join(project, file)), { recursive: true })
      writeFileSync(join(project, file), text)
    }
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
    for (const file of own)
      writeFileSync(join(project, dirname(file), 'package.json'), '{ "main": "index.js" }')
    const server = await startServer({ rules: null, project })
    expect(await run(join(project, 'app.js'), server.url, testFolder('guide'))).toBe(files.get('output'))
  },
)

function page(name: string): Map<string, string> {
  return filesOf(readFileSync(join(guides, name), 'utf8'))
}

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
