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

function named(name: string): readonly ReadableSpan[] {
  return exporter.getFinishedSpans().filter(span => span.name === name)
}
