import { CloudError, type Write } from '@nearcloud/protocol'
import { expect, onTestFinished, test } from 'vitest'
import type { Invocation } from '../functions/functions.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { admin } from '../testing/scenario.ts'
import { type Life, live } from './testing/open-triggers.ts'

async function open(config: object, story: Partial<Parameters<typeof live>[0]> = {}): Promise<Life> {
  const declared = [{ name: 'onOrder', type: 'database', config: { collection: 'orders', ...config } }]
  const opened = await live({ declared, ...story })
  onTestFinished(() => opened.end())
  return opened
}

async function commit({ world }: Life, ...writes: Write[]): Promise<void> {
  const { outcome } = await world.environment.commit({ actor: admin, writes })
  expect(outcome.status).toBe('accepted')
}

const set = (id: string, data: object): Write => ({
  op: 'set',
  collection: 'orders',
  id,
  data: data as never,
})

function broughtBy({ data }: Invocation): string {
  const { docId, doc } = (data as { data: { docId: string; doc: { n: number } } }).data
  return `${docId}${doc.n}`
}

test('[TRIGGER-2] changes of one document come one after the other, those of several at once, so many as it says', async () => {
  const ends = new Map<string, () => void>()
  const opened = await open(
    { concurrency: 3 },
    { run: invocation => new Promise(resolve => ends.set(broughtBy(invocation), resolve)) },
  )
  for (let n = 0; n < 3; n++) for (const id of ['a', 'b', 'c', 'd']) await commit(opened, set(id, { n }))
  await opened.settle()
  expect([...ends.keys()]).toEqual(['a0', 'b0', 'c0'])
  const finish = async (name: string) => {
    ends.get(name)!()
    await opened.settle()
    return [...ends.keys()].at(-1)
  }
  expect(await finish('b0')).toBe('d0')
  expect(await finish('a0')).toBe('b1')
  expect(await finish('b1')).toBe('a1')
  for (let n = 0; n < 12; n++) {
    for (const end of ends.values()) end()
    await opened.settle()
  }
  for (const id of ['a', 'b', 'c', 'd'])
    expect([...ends.keys()].filter(name => name.startsWith(id))).toEqual([`${id}0`, `${id}1`, `${id}2`])
})

test('[TRIGGER-5] while a document’s event is tried again its later ones wait, those of others do not', async () => {
  let isMended = false
  const opened = await open(
    { concurrency: 1 },
    {
      run: async invocation => {
        if (!isMended && broughtBy(invocation) === 'a0')
          throw new CloudError('FUNCTIONS_EXECUTE_FAIL', { errMsg: 'no' })
      },
    },
  )
  await commit(opened, set('a', { n: 0 }))
  await commit(opened, set('a', { n: 1 }))
  await commit(opened, set('b', { n: 0 }))
  await opened.settle()
  expect(opened.invocations.map(broughtBy)).toEqual(['a0', 'b0'])
  isMended = true
  await opened.pass(1_000)
  expect(opened.invocations.map(broughtBy)).toEqual(['a0', 'b0', 'a0', 'a1'])
})

test('[TRIGGER-4] of events that were done with out of order none is brought again after a restart', async () => {
  const engine = new MemoryEngine()
  const first = await live({
    engine,
    declared: [{ name: 'onOrder', type: 'database', config: { collection: 'orders' } }],
    run: invocation => (broughtBy(invocation) === 'b0' ? new Promise(() => {}) : Promise.resolve()),
  })
  await commit(first, set('a', { n: 0 }), set('b', { n: 0 }), set('c', { n: 0 }))
  await commit(first, set('d', { n: 0 }))
  await first.settle()
  expect(first.invocations.length).toBe(4)
  await first.end()
  // nor after another one, with something new in between
  const declared = [{ name: 'onOrder', type: 'database', config: { collection: 'orders' } }]
  const stuck = (invocation: Invocation): Promise<void> =>
    broughtBy(invocation) === 'b0' ? new Promise(() => {}) : Promise.resolve()
  const second = await live({ engine, declared, at: first.clock.now(), run: stuck })
  await commit(second, set('e', { n: 0 }))
  await second.settle()
  expect(second.invocations.map(broughtBy)).toEqual(['b0', 'e0'])
  await second.end()
  const third = await open({}, { engine, at: second.clock.now() })
  await third.pass(1_000)
  expect(third.invocations.map(broughtBy)).toEqual(['b0'])
  await third.end()
  const fourth = await open({}, { engine, at: third.clock.now() })
  await fourth.pass(1_000)
  expect(fourth.invocations).toEqual([])
})

test('[TRIGGER-9] a condition is asked of the document afterwards, of a removed one as it was', async () => {
  const opened = await open({
    where: { status: 'paid', 'total.sum': { '>': 10, '<=': 100 }, kind: { '!=': 'test' } },
  })
  const paid = (sum: number, part: object = {}) => ({ n: sum, status: 'paid', total: { sum }, ...part })
  await commit(opened, set('a', paid(5)))
  await commit(opened, set('a', paid(11)))
  await commit(opened, set('b', paid(100)))
  await commit(opened, set('c', paid(101)))
  await commit(opened, set('d', paid(50, { status: 'new' })))
  await commit(opened, set('e', paid(51, { kind: 'test' })))
  await commit(opened, { op: 'remove', collection: 'orders', id: 'b' })
  await commit(opened, { op: 'remove', collection: 'orders', id: 'c' })
  await opened.pass(1_000)
  expect(opened.invocations.map(broughtBy)).toEqual(['a11', 'b100', 'b100'])
})

test('[TRIGGER-10] dead letters are listed, brought again, and forgotten', async () => {
  let isMended = false
  const opened = await open(
    {},
    {
      run: async () => {
        if (!isMended) throw new CloudError('FUNCTIONS_EXECUTE_FAIL', { errMsg: 'no' })
      },
    },
  )
  await commit(opened, set('a', { n: 0, x: { y: 1 } }), set('b', { n: 0 }))
  await commit(opened, { op: 'update', collection: 'orders', id: 'a', changes: [['x.y', 'set', 2]] })
  await opened.pass(40_000)
  const letters = await opened.triggers.deadLetters()
  expect(letters.length).toBe(3)
  const trigger = { function: 'greet', name: 'onOrder' }
  const of = (docId: string) => letters.filter(({ event }) => JSON.parse(event).data.docId === docId)
  expect(await opened.triggers.replay(trigger, of('b')[0]!.id)).toBe(false)
  expect((await opened.triggers.deadLetters()).find(({ id }) => id === of('b')[0]!.id)).toMatchObject({
    tries: 6,
  })
  isMended = true
  const [added, updated] = of('a')
  expect(await opened.triggers.replay(trigger, updated!.id)).toBe(true)
  const before = opened.invocations.filter(({ data }) => (data as { id: string }).id === updated!.id)
  expect(before.at(-1)).toEqual(before[0]) // the same event, with dotted paths in it
  expect((before[0]!.data as { data: object }).data).toMatchObject({ updatedFields: { 'x.y': 2 } })
  await opened.triggers.discard(trigger, added!.id)
  expect((await opened.triggers.deadLetters()).map(({ id }) => id)).toEqual([of('b')[0]!.id])
  await expect(opened.triggers.discard(trigger, added!.id)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await expect(opened.triggers.replay({ function: 'x', name: 'y' }, updated!.id)).rejects.toMatchObject({
    code: 'INVALID_PARAM',
  })
})

test('[TRIGGER-10] more than a thousand dead letters of one trigger are not kept', async () => {
  const opened = await open(
    { concurrency: 32 },
    {
      run: async () => {
        throw new CloudError('FUNCTIONS_EXECUTE_FAIL', { errMsg: 'no' })
      },
    },
  )
  await commit(opened, ...Array.from({ length: 1_003 }, (_, n) => set(`o${n}`, { n })))
  for (
    let turns = 0;
    turns < 200 && !opened.lines.some(({ event }) => event === 'trigger.dead.dropped');
    turns++
  )
    await opened.pass(1_000)
  await opened.pass(20_000)
  expect((await opened.triggers.deadLetters()).length).toBe(1_000)
  expect(opened.lines.filter(({ event }) => event === 'trigger.dead.dropped').length).toBe(3)
})
