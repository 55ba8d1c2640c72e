import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { testProject } from './scenario/folder.ts'
import { startServer } from './scenario/server.ts'

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/guide/http-api.md'), 'utf8')

/** Each command with what it answers, which comes right behind it; `…` there is any text. */
const steps = [...page.matchAll(/^```sh\n([\s\S]*?)^```\n\n```(?:json|output)\n([\s\S]*?)\n```$/gm)].map(
  ([, command, answer]) => ({ command: command!, answer: answer! }),
)

test('http-api.md is true: every command of it answers what it says', async () => {
  expect(steps).toHaveLength(page.match(/^```sh$/gm)!.length)
  const rules = {
    database: { todos: { read: 'doc._openid == auth.openid', write: 'doc._openid == auth.openid' } },
    storage: { read: true, write: 'auth != null' },
    functions: { greet: { invoke: true } },
  }
  const greet = "exports.main = ({ name }) => 'Hello, ' + name"
  const project = testProject(rules)
  mkdirSync(join(project, 'cloudfunctions/greet'), { recursive: true })
  writeFileSync(join(project, 'cloudfunctions/greet/index.js'), greet)
  const server = await startServer({ rules, project })
  let token = ''
  for (const { command, answer } of steps) {
    const said = await run(command, {
      server: server.url,
      api: `${server.url}/cloud/v1`,
      token,
      data: server.dataFolder,
    })
    expect(said).toMatch(patternOf(answer))
    token = /"accessToken":"([^"]+)"/.exec(said)?.[1] ?? token
  }
})

function patternOf(answer: string): RegExp {
  const parts = answer.split('…').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^"]+')}$`)
}

function run(command: string, variables: Readonly<Record<string, string>>): Promise<string> {
  const { PATH = '' } = process.env
  const child = spawn('bash', ['-eu', '-c', command], {
    env: { PATH, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', chunk => (said += chunk))
  return new Promise((done, fail) => {
    child.once('error', fail)
    child.once('close', code =>
      code === 0 ? done(said.trimEnd()) : fail(new Error(`${command} ended with ${code}: ${said}`)),
    )
  })
}
