import { Hono } from 'hono'
import { expect, onTestFinished, test } from 'vitest'
import { startProject } from '../functions/testing/start-project.ts'
import { systemClock, systemRandom } from '../host.ts'
import { connectRaw } from '../testing/connect-raw.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { clientId } from '../testing/raw-client.ts'
import { mutationOf } from '../testing/scenario.ts'
import { addHealthRoutes, type Health } from './health-routes.ts'
import { signMetricsReader, signOperator } from './operator-token.ts'

const files = {
  'rules.json': JSON.stringify({
    database: { todos: { read: true, write: 'doc.size < 3 && doc._openid == auth.openid' } },
  }),
  'cloudfunctions/greets/index.js':
    'exports.main = async event => { if (event.bad) throw new Error("no"); return 1 }',
}

/** The values of a metric, by the labels that are not the environment. */
function valuesOf(text: string, name: string): Record<string, number> {
  const values: Record<string, number> = {}
  for (const line of text.split('\n')) {
    const [, found, labels, value] = /^([a-z_]+)\{(.*)\} (\S+)$/.exec(line) ?? []
    if (found === name) values[labels!.replace(/,?env="[^"]*"/, '').replace(/^,/, '')] = Number(value)
  }
  return values
}

const get = (url: string, headers: Record<string, string> = {}) => fetch(url, { headers })

test('[OPS-1] metrics are for who has a token of an operator, or one that reads metrics and does nothing else', async () => {
  const clock = new ManualClock()
  const { server } = await startProject(onTestFinished, files, { clock })
  const { dataFolder, url } = server
  const ask = async (token: string | undefined, headers: Record<string, string> = {}) =>
    (await get(`${url}/metrics`, { ...(token && { authorization: `Bearer ${token}` }), ...headers })).status
  const operator = await signOperator(dataFolder, 'default', clock, systemRandom)
  const reader = await signMetricsReader({ dataFolder, lifeMs: 120_000 }, clock)
  expect(await ask(operator)).toBe(200)
  expect(await ask(reader)).toBe(200)
  expect(await ask(undefined)).toBe(404)
  expect(await ask('x'.repeat(5_000))).toBe(404)
  expect(await ask(operator, { origin: url })).toBe(404)
  expect(await ask(await signMetricsReader({ dataFolder, env: 'other', lifeMs: 60_000 }, clock))).toBe(404)
  const users = await fetch(`${url}/operator/users`, {
    method: 'POST',
    headers: { authorization: `Bearer ${reader}` },
    body: '{"act":"list","with":[]}',
  })
  expect(users.status).toBe(404)
  clock.advance(121_000)
  expect(await ask(reader)).toBe(404)
})

test('[OPS-2] they count conversations, subscriptions, verdicts, changes, fan-out, rules, functions and files', async () => {
  const { server } = await startProject(onTestFinished, files, { metrics: { port: 0 } })
  const metrics = async () => (await get(`http://127.0.0.1:${server.metricsPort}/metrics`)).text()
  expect(valuesOf(await metrics(), 'nearcloud_connections')).toEqual({ '': 0 })

  const [a, b] = [await connectRaw(server), await connectRaw(server)]
  await a.hello({ client: clientId('a') })
  await b.hello({ client: clientId('b') })
  b.subscribe(1)
  await b.next('snapshot')
  const add = (id: string, size: number) =>
    ({ op: 'add', collection: 'todos', id, data: { size, title: 'buy milk' } }) as const
  a.push(
    mutationOf(1, [add('x', 1), add('y', 2)]),
    mutationOf(2, [add('z', 9)]),
    mutationOf(3, [add('x', 1)]),
  )
  const { outcomes } = await a.next('pushed')
  await b.next('changes')
  await server.callFunction({ name: 'greets' })
  await server.callFunction({ name: 'greets', data: { bad: true } }).catch(() => undefined)

  const text = await metrics()
  expect(valuesOf(text, 'nearcloud_connections')).toEqual({ '': 2 })
  expect(valuesOf(text, 'nearcloud_subscriptions')).toEqual({ '': 1 })
  const verdicts = valuesOf(text, 'nearcloud_commits_total')
  const codes = outcomes.map(each => (each.status === 'rejected' ? each.code : 'OK'))
  for (const code of ['OK', 'DATABASE_PERMISSION_DENIED', 'DUPLICATE_ID']) {
    expect(codes).toContain(code)
    expect(verdicts[`code="${code}"`]).toBe(codes.filter(each => each === code).length)
  }
  expect(valuesOf(text, 'nearcloud_changes_total')['']).toBe(2)
  expect(valuesOf(text, 'nearcloud_version')['']).toBe(1)
  expect(valuesOf(text, 'nearcloud_commits_waiting')['']).toBe(0)
  expect(valuesOf(text, 'nearcloud_commit_seconds_count')['']).toBeGreaterThan(0)
  expect(valuesOf(text, 'nearcloud_fanout_seconds_count')['']).toBeGreaterThan(1)
  expect(valuesOf(text, 'nearcloud_rule_evaluations_total')['']).toBeGreaterThan(3)
  expect(valuesOf(text, 'nearcloud_rule_seconds_total')['']).toBeGreaterThan(0)
  expect(valuesOf(text, 'nearcloud_document_bytes')['']).toBeGreaterThan(20)
  expect(valuesOf(text, 'nearcloud_storing')['']).toBe(1)
  expect(valuesOf(text, 'nearcloud_function_seconds_count')).toEqual({
    'function="greets",code="OK"': 1,
    'function="greets",code="FUNCTIONS_EXECUTE_FAIL"': 1,
  })
  expect(Object.keys(valuesOf(text, 'nearcloud_event_loop_lag_seconds'))).toHaveLength(3)
  expect(text).not.toContain('milk')
})

test('[OPS-3] an address of their own tells metrics and health to whoever can connect, and nothing else, and no page', async () => {
  const { server } = await startProject(onTestFinished, files, { metrics: { port: 0 }, env: 'shop' })
  const own = `http://127.0.0.1:${server.metricsPort}`
  const answer = await get(`${own}/metrics`)
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  expect(await answer.text()).toContain('nearcloud_version{env="shop"} ')
  expect(await (await get(`${own}/health/ready`)).json()).toEqual({ status: 'ok', env: 'shop' })
  for (const path of ['/', '/sync', '/operator/users', '/files/x', '/functions/greets'])
    expect((await get(own + path)).status, path).toBe(404)
  for (const path of ['/metrics', '/health'])
    expect((await get(own + path, { origin: 'http://localhost:3000' })).status).toBe(404)
  await server.stop()
  await expect(get(`${own}/metrics`)).rejects.toThrow()
})

test('[OPS-4] ready is who takes clients, live is whom a restart would not help', async () => {
  const ask = async (part: Partial<Health>) => {
    const app = new Hono()
    addHealthRoutes(app, { env: 'e', failure: () => undefined, phase: () => 'ok', ...part })
    const each = async (path: string) => {
      const answer = await app.request(path)
      return `${answer.status} ${((await answer.json()) as { status: string }).status}`
    }
    return [await each('/health'), await each('/health/live'), await each('/health/ready')]
  }
  expect(await ask({})).toEqual(['200 ok', '200 ok', '200 ok'])
  expect(await ask({ phase: () => 'starting' })).toEqual(['200 ok', '200 ok', '503 starting'])
  expect(await ask({ phase: () => 'stopping' })).toEqual(['200 ok', '200 ok', '503 stopping'])
  const { CloudError } = await import('@nearcloud/protocol')
  const failure = () => new CloudError('STORE_FAILED', { errMsg: 'x' })
  expect(await ask({ failure })).toEqual(['503 failed', '503 failed', '503 failed'])
  const { server } = await startProject(onTestFinished, files, { clock: systemClock })
  expect((await get(`${server.url}/health/ready`)).status).toBe(200)
})
