import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { testFolder, testProject } from './scenario/folder.ts'
import { openTo } from './scenario/server.ts'

/** A server's process that may make no code of texts: where it listens, or how it ended. */
async function started(rules: object): Promise<{ url: string | undefined; said: string }> {
  const main = resolve(import.meta.dirname, '../../cli/dist/main.js')
  const child = spawn(
    process.execPath,
    [main, 'start', '--project', testProject(rules), '--data', join(testFolder('data'), 'data')],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '--disable-proto=throw --disallow-code-generation-from-strings' },
    },
  )
  const ended = new Promise<void>(done => child.once('exit', () => done()))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let said = ''
  return new Promise(found => {
    const hear = (chunk: Buffer) => {
      said += chunk.toString()
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]
      if (url !== undefined) found({ url, said })
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    void ended.then(() => found({ url: undefined, said }))
  })
}

test('[SCHEMA-7] a server that may make no code of texts signs in, writes and counts under rules', async () => {
  const { url, said } = await started(openTo('todos'))
  expect(url, said).toBeDefined()
  const json = { 'content-type': 'application/json' }
  const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const init = { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) }
    return (await (await fetch(`${url}/cloud/v1${path}`, init)).json()) as Record<string, unknown>
  }
  const { accessToken } = await post('/auth/anonymous', {})
  const user = { authorization: `Bearer ${accessToken}` }
  await post('/collections/todos/documents', { data: { text: 'aaa' } }, user)
  const where = '["field","text",["eq",{"$regularExpression":{"pattern":"^a+$","options":""}}]]'
  const body = { where: JSON.parse(where) as unknown }
  expect(await post('/collections/todos/count', body, user)).toEqual({ total: 1 })
})

test('[SCHEMA-7] rules with a schema are refused there in one sentence', async () => {
  const { url, said } = await started({ ...openTo('todos'), schemas: { todos: { type: 'object' } } })
  expect(url).toBeUndefined()
  expect(said.trim().split('\n')).toEqual([
    expect.stringMatching(/^nearcloud: .*rules\.json: schemas\.todos: a schema is compiled to code/),
  ])
})
