import { CloudError } from '@nearcloud/protocol'
import { expect, onTestFinished, test } from 'vitest'
import type { Invocation } from '../../functions/functions.ts'
import { MemoryEngine } from '../../testing/memory-engine.ts'
import { type Life, live } from '../testing/open-triggers.ts'
import { type SendOptions, sendJob } from './jobs.ts'

const mails = { name: 'onMail', type: 'queue', config: { queue: 'mails' } }

async function open(story: Partial<Parameters<typeof live>[0]> = {}): Promise<Life> {
  const opened = await live({ declared: [mails], ...story })
  onTestFinished(() => opened.end())
  return opened
}

function send({ world }: Pick<Life, 'world'>, data: string, options: SendOptions & { queue?: string } = {}) {
  return sendJob(world.environment, { queue: 'mails', data, depth: 0, ...options })
}

function dataOf(invocations: readonly Invocation[]): unknown[] {
  return invocations.map(({ data }) => (data as { data: unknown }).data)
}

test('[QUEUE-1] what is sent is brought once, to the function of that queue alone, and is gone', async () => {
  const opened = await open()
  await send(opened, 'other', { queue: 'others' })
  const id = await send(opened, 'a')
  await send(opened, 'b')
  await opened.settle()
  expect(dataOf(opened.invocations).sort()).toEqual(['a', 'b'])
  const iso = new Date(opened.clock.now()).toISOString()
  const ofA = opened.invocations.find(({ data }) => (data as { id: string }).id === id)
  expect(ofA).toMatchObject({
    name: 'greet',
    source: 'wx_trigger',
    data: { Type: 'Queue', id, queue: 'mails', data: 'a', sentAt: iso, dueAt: iso },
  })
  expect((await opened.world.documents('_jobs')).map(({ data }) => data)).toEqual(['other'])
})

test('[QUEUE-2] a message with a delay waits for it, over a restart too', async () => {
  const engine = new MemoryEngine()
  const first = await live({ engine, declared: [mails] })
  await send(first, 'late', { delay: 90_000 })
  await send(first, 'soon', { delay: 1_500 })
  await first.pass(1_000)
  expect(first.invocations).toEqual([])
  await first.pass(1_000)
  expect(dataOf(first.invocations)).toEqual(['soon'])
  await first.end()
  const second = await open({ engine, at: first.clock.now() + 60_000 })
  expect(second.invocations).toEqual([])
  await second.pass(30_000)
  expect(dataOf(second.invocations)).toEqual(['late'])
})

test('[QUEUE-3] so many are brought at once as its trigger says, and all of many', async () => {
  const ends: (() => void)[] = []
  const declared = [{ ...mails, config: { queue: 'mails', concurrency: 3 } }]
  const opened = await open({ declared, run: () => new Promise(resolve => ends.push(resolve)) })
  for (let n = 0; n < 450; n++) await send(opened, `m${n}`)
  await opened.settle()
  expect(opened.invocations.length).toBe(3)
  while (opened.invocations.length < 450 || ends.length > 0) {
    for (const end of ends.splice(0)) end()
    await new Promise(setImmediate)
  }
  expect(new Set(dataOf(opened.invocations)).size).toBe(450)
  await opened.settle()
  expect(await opened.world.documents('_jobs')).toEqual([])
})

test('[QUEUE-4] what was cut short is brought again after the next start; what fails five times is a dead letter, and others do not wait', async () => {
  const engine = new MemoryEngine()
  const first = await live({ engine, declared: [mails], run: () => new Promise(() => {}) })
  const id = await send(first, 'a')
  await first.settle()
  expect(first.invocations.length).toBe(1)
  await first.end()
  const second = await open({
    engine,
    at: first.clock.now(),
    run: async ({ data }) => {
      if ((data as { data: unknown }).data === 'a')
        throw new CloudError('FUNCTIONS_EXECUTE_FAIL', { errMsg: 'no' })
    },
  })
  await send(second, 'b')
  await second.settle()
  expect(dataOf(second.invocations)).toEqual(['a', 'b'])
  await second.pass(10_000)
  expect(dataOf(second.invocations)).toEqual(['a', 'b', 'a', 'a', 'a', 'a'])
  expect(new Set(second.invocations.map(({ once }) => once)).size).toBe(2)
  expect(await second.triggers.deadLetters()).toMatchObject([{ trigger: 'onMail', id, tries: 5 }])
  expect(await second.world.documents('_jobs')).toEqual([])
})

test('[QUEUE-5] a function that sends to its own queue is stopped at depth 16', async () => {
  const opened = await open({
    run: async ({ actor }) => {
      const depth = actor.kind === 'function' ? actor.depth + 1 : 0
      await sendJob(opened.world.environment, { queue: 'mails', data: 'again', depth })
    },
  })
  await send(opened, 'first')
  await opened.pass(2_000)
  expect(opened.invocations.length).toBe(16)
  expect(opened.lines.filter(({ event }) => event === 'trigger.depth').length).toBe(1)
})

test('[QUEUE-6] what is no queue, no delay or no message is refused', async () => {
  const opened = await open()
  const codeOf = async (...[data, options]: [string, (SendOptions & { queue?: string })?]) =>
    send(opened, data, options).then(
      () => 'none',
      (thrown: unknown) => (thrown instanceof CloudError ? thrown.code : String(thrown)),
    )
  for (const queue of ['', '1a', 'a/b', 'x'.repeat(61), '__proto__', 7 as never])
    expect(await codeOf('a', { queue })).toBe('INVALID_PARAM')
  for (const delay of [-1, Number.NaN, Number.POSITIVE_INFINITY, 91 * 86_400_000, '5' as never])
    expect(await codeOf('a', { delay })).toBe('INVALID_PARAM')
  expect(await codeOf('x'.repeat(1_100_000))).toBe('VALUE_REFUSED')
})

test('[QUEUE-7] a queue has one trigger', async () => {
  await expect(live({ declared: [mails, { ...mails, name: 'other' }] })).rejects.toMatchObject({
    code: 'SERVER_CONFIGURATION',
    errMsg: expect.stringContaining('the queue "mails" has two triggers'),
  })
})
