import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startProject } from '../testing/start-project.ts'

/* The network is open to functions (JAIL-6), so the server's own port is, too. */

const code = `exports.main = async ({ url, doors }) => {
  const told = []
  for (const [method, path] of doors) {
    const response = await fetch(url + path, { method, ...(method === 'POST' && { body: '{}', headers: { 'content-type': 'application/json' } }) })
    told.push([method + ' ' + path, response.status, await response.text()])
  }
  return told
}`

test('[JAIL-8] at the port of its server a function is a stranger: what the operator may ask is refused, and no secret is told', async () => {
  const { server, project } = await startProject(onTestFinished, { 'cloudfunctions/f/index.js': code })
  const doors = [
    ['POST', '/operator/call'],
    ['POST', '/operator/status'],
    ['POST', '/operator/users'],
    ['POST', '/operator/triggers'],
    ['POST', '/operator/documents'],
    ['GET', '/metrics'],
    ['POST', '/admin'],
    ['GET', '/cloud/v1/admin/users'],
    ['GET', '/.nearcloud/keys.json'],
    ['GET', '/../.nearcloud/keys.json'],
  ]
  const { result } = await server.callFunction({ name: 'f', data: { url: server.url, doors } })
  const told = result as [door: string, status: number, body: string][]
  expect(told).toHaveLength(doors.length)
  for (const [door, status, body] of told) {
    // the official SDKs are answered with 200 whatever it is
    const isRefused =
      door === 'POST /admin' ? body.includes('"SIGN_PARAM_INVALID"') : status >= 400 && status < 500
    expect([door, status, isRefused]).toEqual([door, status, true])
  }
  const folder = join(project, '.nearcloud')
  const secrets = readdirSync(folder)
    .filter(name => name === 'keys.json' || name === 'admin-key')
    .flatMap(name => readFileSync(join(folder, name), 'utf8').match(/[\w+/=-]{20,}/g) ?? [])
  expect(secrets.length).toBeGreaterThan(0)
  for (const secret of secrets) expect(JSON.stringify(told)).not.toContain(secret)
})
