import { trace } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startProject } from '../functions/testing/start-project.ts'
import { connectRaw } from '../testing/connect-raw.ts'
import { clientId } from '../testing/raw-client.ts'
import { mutationOf } from '../testing/scenario.ts'

const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
beforeAll(() => void trace.setGlobalTracerProvider(provider))
afterAll(() => trace.disable())

const follows = `const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async event => {
  const [{ docId }] = event.dataList
  await cloud.callFunction({ name: 'counts', data: { docId } })
}`
const counts = `const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async ({ docId }) => {
  await cloud.database().collection('seen').add({ data: { docId } })
}`

test('[OPS-7] a trace goes from a client’s write, by its mutation, through the trigger and its functions to what they write', async () => {
  const config = {
    triggers: [{ name: 'on', type: 'database', config: { collection: 'todos', events: ['add'] } }],
  }
  const { server } = await startProject(onTestFinished, {
    'rules.json': JSON.stringify({ database: { todos: { read: true, write: 'doc.text != "canary-no"' } } }),
    'cloudfunctions/follows/index.js': follows,
    'cloudfunctions/follows/config.json': JSON.stringify(config),
    'cloudfunctions/counts/index.js': counts,
  })
  const client = await connectRaw(server)
  await client.hello({ client: clientId('a') })
  const add = (id: string, text: string) => ({ op: 'add', collection: 'todos', id, data: { text } }) as const
  client.push(mutationOf(1, [add('x', 'canary')]), mutationOf(2, [add('y', 'canary-no')]))
  await client.next('pushed')
  const seen = server.database().collection('seen')
  await expect.poll(async () => (await seen.count()).total, { timeout: 20_000 }).toBe(1)
  await expect.poll(() => named('nearcloud.trigger').length, { timeout: 20_000 }).toBe(1)

  const mutation = (id: number) =>
    named('nearcloud.commit').find(
      ({ attributes: a }) => a['nearcloud.mutation'] === id && a['nearcloud.client'] === clientId('a'),
    )!
  const [write, refused] = [mutation(1), mutation(2)]
  expect(write.attributes).toMatchObject({ 'nearcloud.code': 'OK', 'nearcloud.version': 1 })
  expect(refused.attributes['nearcloud.code']).toBe('DATABASE_PERMISSION_DENIED')
  const [trigger] = named('nearcloud.trigger')
  const [inner, outer] = named('nearcloud.function')
  const effect = named('nearcloud.commit').find(({ attributes: a }) => a['nearcloud.actor'] === 'function')!
  const chain = [write, trigger!, outer!, inner!, effect]
  expect(chain.map(span => span.attributes['nearcloud.function'])).toEqual([
    undefined,
    'follows',
    'follows',
    'counts',
    undefined,
  ])
  expect(new Set(chain.map(span => span.spanContext().traceId)).size).toBe(1)
  expect(chain.slice(1).map(span => span.parentSpanContext?.spanId)).toEqual(
    chain.slice(0, -1).map(span => span.spanContext().spanId),
  )
  expect(refused.spanContext().traceId).not.toBe(write.spanContext().traceId)
  const all = exporter
    .getFinishedSpans()
    .map(({ name, attributes, status }) => JSON.stringify([name, attributes, status]))
  expect(all.filter(text => text.includes('canary'))).toEqual([])
})

test('[OPS-22] a request over HTTP goes on with the trace it names, in its commits and in the functions it calls', async () => {
  const { server } = await startProject(onTestFinished, {
    'rules.json': JSON.stringify({
      database: { todos: { read: true, write: true } },
      functions: { '*': { invoke: true } },
    }),
    'cloudfunctions/counts/index.js': counts,
  })
  const json = { 'content-type': 'application/json' }
  const post = async (path: string, body: object, headers: Record<string, string> = {}) =>
    (
      await fetch(`${server.url}${path}`, {
        method: 'POST',
        headers: { ...json, ...headers },
        body: JSON.stringify(body),
      })
    ).json() as Promise<Record<string, string>>
  const { accessToken } = await post('/cloud/v1/auth/anonymous', {})
  const user = { authorization: `Bearer ${accessToken}` }
  const add = '/cloud/v1/collections/todos/documents'
  const traceId = (n: number) => String(n).repeat(32)
  const traceparent = (n: number) => `00-${traceId(n)}-${'b'.repeat(16)}-01`
  const ofTrace = (n: number) =>
    exporter.getFinishedSpans().filter(span => span.spanContext().traceId === traceId(n))
  // two at once are told apart
  await Promise.all([
    post(add, { data: { n: 1 } }, { ...user, traceparent: traceparent(1) }),
    post(add, { data: { n: 2 } }, { ...user, traceparent: traceparent(2) }),
    post(
      add,
      { data: { n: 3 } },
      { ...user, traceparent: `${traceparent(3)}-of-a-later-version`.replace('00', '01') },
    ),
  ])
  for (const n of [1, 2, 3]) {
    expect(
      ofTrace(n).map(({ name }) => name),
      `${n}`,
    ).toEqual(['nearcloud.commit'])
    expect(ofTrace(n)[0]!.parentSpanContext).toMatchObject({ spanId: 'b'.repeat(16), isRemote: true })
  }
  await post('/functions/counts', { docId: 'x' }, { ...user, traceparent: traceparent(4) })
  expect(
    ofTrace(4)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['nearcloud.commit', 'nearcloud.function'])
  const before = exporter.getFinishedSpans().length
  for (const odd of [
    '',
    'x',
    `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
    `00-${traceId(5)}-${'0'.repeat(16)}-01`,
    `ff-${traceId(5)}-${'b'.repeat(16)}-01`,
    `00-${traceId(5)}-${'b'.repeat(16)}-01x`,
    `00-${'A'.repeat(32)}-${'b'.repeat(16)}-01`,
    '0'.repeat(5_000),
  ])
    await post(add, { data: {} }, { ...user, traceparent: odd })
  const made = exporter.getFinishedSpans().slice(before)
  expect(made).toHaveLength(8)
  expect(made.every(span => span.parentSpanContext === undefined)).toBe(true)
})

test('[OPS-22] so does what the official SDKs ask, as users and as the operator, in transactions too', async () => {
  const { server } = await startProject(onTestFinished, {
    'rules.json': JSON.stringify({ database: { todos: { read: true, write: true } } }),
    'cloudfunctions/counts/index.js': counts,
  })
  const traceId = (n: number) => `e${String(n).repeat(31)}`
  const traced = (n: number) => ({ traceparent: `00-${traceId(n)}-${'b'.repeat(16)}-01` })
  const ask = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    const answer = (await (await fetch(`${server.url}${path}`, init)).json()) as Record<string, string>
    expect(answer, JSON.stringify(body)).not.toHaveProperty('code')
    return answer
  }
  const { access_token: token } = await ask('/auth/v1/signin/anonymously', {})
  const user = { authorization: `Bearer ${token}` }
  const home = '/v1/database/instances/(default)/databases/(default)'
  const documents = `${home}/collections/todos/documents`
  await ask(documents, { data: [{ n: 1 }] }, { ...user, ...traced(1) })
  const web = { access_token: token, collectionName: 'todos', data: { n: 2 } }
  await ask('/web', { action: 'database.addDocument', ...web }, traced(2))
  // the second of a user is not in the trace of its first
  for (const n of [3, 4]) {
    const { transactionId } = await ask(`${home}/transactions`, {}, { ...user, ...traced(n) })
    await ask(documents, { data: [{ n }], transactionId }, { ...user, ...traced(n) })
    await ask(`${home}/transactions/${transactionId}/commit`, {}, { ...user, ...traced(n) })
  }
  const { secretId, secretKey } = server.sdk
  const operator = { authorization: `Bearer ${secretId}.${secretKey}` }
  const admin = (n: number, body: object) =>
    ask('/admin', { envName: 'default', collectionName: 'todos', ...body }, { ...operator, ...traced(n) })
  // two at once are told apart
  await Promise.all(
    [5, 6].map(n => admin(n, { action: 'database.insertDocument', data: [JSON.stringify({ n })] })),
  )
  for (const n of [7, 8]) {
    const { transactionId } = await admin(n, { action: 'database.startTransaction' })
    const data = [JSON.stringify({ n })]
    await admin(n, { action: 'database.insertDocument', data, transactionId })
    await admin(n, { action: 'database.commitTransaction', transactionId })
  }
  const called = { action: 'functions.invokeFunction', function_name: 'counts' }
  await admin(9, { ...called, request_data: JSON.stringify({ docId: 'x' }) })

  const ofTrace = (n: number) =>
    exporter.getFinishedSpans().filter(span => span.spanContext().traceId === traceId(n))
  const namesOf = (n: number) =>
    ofTrace(n)
      .map(({ name }) => name)
      .sort()
  for (const n of [1, 2, 3, 4, 5, 6, 7, 8]) expect(namesOf(n), `${n}`).toEqual(['nearcloud.commit'])
  expect(namesOf(9)).toEqual(['nearcloud.commit', 'nearcloud.function'])
})

test('[OPS-23] a page of another origin may say its trace at every door for pages', async () => {
  const trigger = { name: 'hook', type: 'http', config: { path: '/hook', cors: ['https://app.example'] } }
  const { server } = await startProject(onTestFinished, {
    'cloudfunctions/hook/index.js': 'exports.main = async () => "well"',
    'cloudfunctions/hook/config.json': JSON.stringify({ triggers: [trigger] }),
  })
  const doors = {
    GET: ['/sync/parts/x', '/files/x'],
    POST: [
      ...['/cloud/v1/collections/todos/documents', '/functions/counts', '/hook', '/sync/poll'],
      ...['/auth/token', '/auth/password/sign-in', '/auth/v1/signin', '/web', '/v1/functions/counts'],
      '/v1/storages/delete-objects',
      '/v1/database/instances/a/databases/b/transactions',
    ],
  }
  for (const [method, paths] of Object.entries(doors))
    for (const path of paths) {
      const { headers, status } = await fetch(`${server.url}${path}`, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://app.example',
          'access-control-request-method': method,
          'access-control-request-headers': 'traceparent,tracestate',
        },
      })
      expect(status, path).toBe(204)
      expect(headers.get('access-control-allow-origin'), path).toMatch(/^(\*|https:\/\/app\.example)$/)
      const allowed = headers.get('access-control-allow-headers')?.toLowerCase().split(/, ?/)
      expect(allowed, path).toEqual(expect.arrayContaining(['traceparent', 'tracestate']))
    }
})

function named(name: string): readonly ReadableSpan[] {
  return exporter.getFinishedSpans().filter(span => span.name === name)
}
