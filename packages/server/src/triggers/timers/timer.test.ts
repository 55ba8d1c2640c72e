import { CloudError } from '@nearcloud/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { MemoryEngine } from '../../testing/memory-engine.ts'
import { type Life, live } from '../testing/open-triggers.ts'

const start = Date.parse('2026-03-01T00:00:00Z')

function timer(config: string, part: object = {}): object {
  return { name: 'tick', type: 'timer', config, timeZone: 'UTC', ...part }
}

/** Slots its function was run for, tries that failed too. */
function slotsOf({ invocations }: Life): string[] {
  return invocations.map(({ data }) => (data as { Time: string }).Time.slice(11))
}

async function open(...[story]: Parameters<typeof live>): Promise<Life> {
  const opened = await live({ at: start, ...story })
  onTestFinished(() => opened.end())
  return opened
}

test('[TIMER-4] it runs once for each slot, as a trigger without a person, with the original’s event', async () => {
  const opened = await open({ declared: [timer('*/10 * * * * * *', { message: 'hello' })] })
  await opened.pass(31_000)
  expect(slotsOf(opened)).toEqual(['00:00:10Z', '00:00:20Z', '00:00:30Z'])
  expect(opened.invocations[0]).toMatchObject({
    name: 'greet',
    source: 'wx_trigger',
    actor: { kind: 'function', name: 'trigger:tick', depth: 0 },
    data: { Type: 'Timer', TriggerName: 'tick', Time: '2026-03-01T00:00:10Z', Message: 'hello' },
  })
  expect(opened.invocations[0]!.actor).not.toHaveProperty('openid')
})

test('[TIMER-5] when it runs next is told at the start and can be asked', async () => {
  const opened = await open({
    declared: [timer('0 0 2 1 * * *'), { ...timer('0 0 0 1 1 * 2020'), name: 'past' }],
  })
  const next = Date.parse('2026-03-01T02:00:00Z')
  expect(opened.triggers.timers()).toEqual([
    { function: 'greet', name: 'tick', expression: '0 0 2 1 * * *', next },
    { function: 'greet', name: 'past', expression: '0 0 0 1 1 * 2020', next: undefined },
  ])
  expect(opened.lines.map(({ event, message }) => [event, message])).toEqual([
    ['timer.next', 'next run: 2026-03-01T02:00:00.000Z'],
    ['timer.next', 'the timer never runs again'],
  ])
})

test('[TIMER-6] a slot that was run is not run again after a restart, one that was cut short is, with the same name', async () => {
  const engine = new MemoryEngine()
  const declared = [timer('0 */10 * * * * *')]
  const first = await live({ engine, declared, at: start, run: async () => {} })
  await first.pass(601_000)
  await first.end()
  const second = await live({ engine, declared, at: start + 610_000, run: () => new Promise(() => {}) })
  expect(slotsOf(second)).toEqual([])
  await second.pass(600_000)
  expect(slotsOf(second)).toEqual(['00:20:00Z'])
  await second.end()
  const third = await open({ engine, declared, at: start + 1_220_000 })
  expect(slotsOf(third)).toEqual(['00:20:00Z'])
  expect(third.invocations[0]!.once).toBe(second.invocations[0]!.once)
  await third.pass(100_000)
  expect(slotsOf(third)).toEqual(['00:20:00Z'])
})

test('[TIMER-7] of slots that were missed the last one is made up for, or none, and never more', async () => {
  const dayMs = 86_400_000
  for (const [missed, expected] of [
    [undefined, ['2026-03-08T02:00:00Z']],
    ['skip', []],
  ] as const) {
    const engine = new MemoryEngine()
    const declared = [timer('0 0 2 * * * *', missed && { missed })]
    await (await live({ engine, declared, at: start })).end()
    const later = await open({ engine, declared, at: start + 7 * dayMs + 5 * 3_600_000 })
    await later.pass(5_000)
    expect(later.invocations.map(({ data }) => (data as { Time: string }).Time)).toEqual(expected)
    expect(later.lines.filter(({ event }) => event === 'timer.missed').length).toBe(1)
  }
})

test('[TIMER-7] a timer that is new, or was declared otherwise, has missed nothing', async () => {
  const engine = new MemoryEngine()
  await (await live({ engine, declared: [timer('0 0 2 * * * *')], at: start })).end()
  const later = await open({ engine, declared: [timer('0 30 2 * * * *')], at: start + 10 * 86_400_000 })
  await later.pass(5_000)
  expect(later.invocations).toEqual([])
})

test('[TIMER-8] it does not overlap itself, and what was due meanwhile is run once; where it may, every slot runs', async () => {
  for (const [overlap, expected] of [
    [false, ['00:00:10Z', '00:00:40Z']],
    [true, ['00:00:10Z', '00:00:20Z', '00:00:30Z', '00:00:40Z']],
  ] as const) {
    const ends: (() => void)[] = []
    const opened = await open({
      declared: [timer('*/10 * * * * * *', { overlap })],
      run: () => new Promise(resolve => ends.push(resolve)),
    })
    await opened.pass(45_000)
    expect(opened.invocations.length).toBe(overlap ? 4 : 1)
    ends[0]!()
    await opened.settle()
    expect(slotsOf(opened)).toEqual(expected)
  }
})

test('[TIMER-9] a clock that is set back an hour brings no slot again, one that is set forward makes up for one', async () => {
  const opened = await open({ declared: [timer('0 */10 * * * * *')] })
  await opened.pass(1_250_000)
  expect(slotsOf(opened)).toEqual(['00:10:00Z', '00:20:00Z'])
  opened.clock.set(opened.clock.now() - 3_600_000)
  await opened.pass(4_200_000)
  expect(slotsOf(opened)).toEqual(['00:10:00Z', '00:20:00Z', '00:30:00Z'])
  opened.clock.set(Date.parse('2026-03-01T04:05:00Z'))
  await opened.pass(60_000)
  expect(slotsOf(opened).slice(3)).toEqual(['04:00:00Z'])
})

test('[TIMER-9] a clock that had been wrong by years does not silence a timer for years', async () => {
  const engine = new MemoryEngine()
  const declared = [timer('0 */10 * * * * *')]
  await (await live({ engine, declared, at: Date.parse('2090-01-01T00:00:00Z') })).end()
  const opened = await open({ engine, declared })
  await opened.pass(601_000)
  expect(slotsOf(opened)).toEqual(['00:10:00Z'])
  expect(opened.lines.filter(({ event }) => event === 'timer.clock').length).toBe(1)
})

test('[TIMER-10] a run that fails is tried again until the next slot, and is a dead letter then', async () => {
  const opened = await open({
    declared: [timer('*/3 * * * * * *')],
    run: async () => {
      throw new CloudError('FUNCTIONS_EXECUTE_FAIL', { errMsg: 'no' })
    },
  })
  await opened.pass(7_000)
  expect(slotsOf(opened)).toEqual(['00:00:03Z', '00:00:03Z', '00:00:03Z', '00:00:06Z', '00:00:06Z'])
  expect(await opened.triggers.deadLetters()).toMatchObject([
    { trigger: 'tick', id: '2026-03-01T00:00:03Z', tries: 3 },
  ])
})

test('[TIMER-6] wherever the power goes, a slot that was run to its end is not run twice but for the one whose end was not kept', async () => {
  const declared = [timer('*/10 * * * * * *')]
  for (let cut = 1; cut < 12; cut++) {
    const engine = new MemoryEngine()
    await (await live({ engine, declared, at: start })).end()
    let steps = 0
    engine.beforeCommit = () => {
      if (++steps >= cut) throw new Error('the power is gone')
    }
    const first = await live({ engine, declared, at: start + 5_000 })
    await first.pass(40_000)
    await first.end()
    engine.beforeCommit = () => {}
    const second = await live({ engine, declared, at: start + 50_500 })
    await second.pass(20_000)
    await second.end()
    const [before, after] = [slotsOf(first), slotsOf(second)]
    expect(new Set(before).size, `cut at ${cut}`).toBe(before.length)
    expect(new Set(after).size, `cut at ${cut}`).toBe(after.length)
    expect(before.filter(slot => after.includes(slot)).length, `cut at ${cut}`).toBeLessThanOrEqual(1)
    expect(after.slice(-2), `cut at ${cut}`).toEqual(['00:01:00Z', '00:01:10Z'])
  }
})
