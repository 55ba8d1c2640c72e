import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { testFolder } from './scenario/folder.ts'

/** Functions that never end, whatever they are doing; the second has a program beside it. */
const functions = {
  loops: 'exports.main = () => { for (;;); }',
  spawns:
    "exports.main = event => { require('node:child_process').spawn('/bin/sleep', [event.word]); return new Promise(() => {}) }",
  waits: 'exports.main = () => new Promise(() => setInterval(() => {}, 1000))',
}

test.skipIf(process.platform !== 'linux').each(['namespaces', 'permissions'] as const)(
  '[JAIL-7] a server that is killed leaves no process of a function behind (%s)',
  async isolation => {
    const project = testFolder('orphans')
    const word = String(100 + Math.random())
    for (const [name, code] of Object.entries(functions)) {
      const folder = join(project, 'cloudfunctions', name)
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'index.js'), code)
      writeFileSync(join(folder, 'config.json'), '{"timeout":60,"allow":["childProcesses"]}')
    }
    const server = JSON.stringify(pathToFileURL(serverFile()).href)
    const program = `
const { createServer } = await import(${server})
const server = await createServer({ dataFolder: '${join(project, 'data')}', project: '${project}', isolation: '${isolation}' })
for (const name of ${JSON.stringify(Object.keys(functions))})
  server.callFunction({ name, data: { word: '${word}' } }).catch(() => {})
process.stdout.write('called')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    // the word of the one, and the folders that all of them were told
    const theirs = () => [...running(word), ...running(join(project, 'cloudfunctions'))]
    await expect.poll(() => running(word).length, { timeout: 20_000 }).toBe(1)
    await expect.poll(() => theirs().length, { timeout: 20_000 }).toBeGreaterThanOrEqual(4)
    await killed(child)
    await expect.poll(theirs, { timeout: 30_000 }).toEqual([])
  },
)

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Processes of this machine, but for the test's own, that were started with these words. */
function running(words: string): string[] {
  return readdirSync('/proc').filter(pid => {
    if (!/^\d+$/.test(pid)) return false
    try {
      const isGone = /^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
      const said = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      return !isGone && said.includes(words) && !said.includes('--input-type=module')
    } catch {
      return false
    }
  })
}

/** As users have it: a program of its own runs what was built. */
function serverFile(): string {
  return join(dirname(import.meta.dirname), '../server/dist/index.js')
}
