import type { Snapshot } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { everyOne, type TestClient, TestRig } from './testing/index.ts'

function rigWith(count: number): TestRig {
  const rig = new TestRig()
  for (let i = 0; i < count; i++) rig.server.put('todos', { _id: `t${i}`, n: i })
  return rig
}

/** Frames of checks and their answers, in order. */
function checks(client: TestClient): string[] {
  const heard: string[] = []
  client.network.fate = frame => {
    if (/"type":"(check|digest)"/.test(frame)) heard.push(frame)
    return 'deliver'
  }
  return heard
}

const diverged = ({ events }: TestClient) =>
  events.filter(({ name }) => name === 'diverged').map(({ detail }) => detail)
const here = ({ store }: TestClient) =>
  Object.fromEntries([...store.confirmedDocuments()].map(({ document, version }) => [document._id, version]))

test('[DIVERGE-1] each followed query is compared in its turn, and nothing happens when it is the same', async () => {
  const rig = rigWith(10)
  const ann = await rig.client({ checkMs: 1_000 })
  for (const n of [2, 4, 6]) ann.sync.subscribe(everyOne('todos', ['field', 'n', ['lt', n]]))
  await rig.pass()
  const heard = checks(ann)
  await rig.pass(500 * 3)
  rig.server.put('todos', { _id: 'new', n: 1 })
  rig.server.remove('todos', 't3')
  await rig.pass(1_500 * 6)
  const asked = heard.map(frame => JSON.parse(frame)).filter(({ type }) => type === 'check')
  expect(asked.length).toBeGreaterThanOrEqual(6)
  expect(asked.slice(0, 6).map(({ id }) => id)).toEqual([1, 2, 3, 1, 2, 3])
  expect(heard.length).toBe(asked.length * 2)
  expect(diverged(ann)).toEqual([])
  expect(heard.join('').length / asked.length).toBeLessThan(150)
})

test('[DIVERGE-2] what was lost, what is too much, and what pretends to be newer is put right', async () => {
  const rig = rigWith(10)
  const ann = await rig.client({ checkMs: 1_000 })
  const query = everyOne('todos')
  ann.sync.subscribe(query)
  await rig.pass()
  const right = here(ann)
  const meddle = [
    { gone: [{ collection: 'todos', version: 99, id: 't3' }] },
    { puts: [{ collection: 'todos', version: 1, document: { _id: 'ghost', n: 1 } }] },
    { puts: [{ collection: 'todos', version: 1_000, document: { _id: 't4', n: -1 } }] },
  ]
  for (const step of meddle) {
    await ann.store.confirm(step)
    expect(here(ann)).not.toEqual(right)
    await rig.pass(1_500)
    expect(here(ann)).toEqual(right)
    expect(ann.store.get('todos', 't4')).toEqual({ _id: 't4', n: 4 })
  }
  expect(diverged(ann)).toEqual([
    { collection: 'todos', query, here: 9, there: 10 },
    { collection: 'todos', query, here: 11, there: 10 },
    { collection: 'todos', query, here: 10, there: 10 },
  ])
  expect(ann.namesOf('error')).toEqual([])
  expect(rig.server.violations).toEqual([])
})

test('[DIVERGE-2] a window that shows what pretended to be newer has it afterwards', async () => {
  const rig = rigWith(10)
  const ann = await rig.client({ checkMs: 1_000 })
  ann.sync.subscribe(everyOne('todos', ['field', 'n', ['lt', 5]]))
  const window = everyOne('todos', undefined, { limit: 6, orderBy: [['n', 'asc']] })
  ann.sync.subscribe(window)
  await rig.pass()
  await ann.store.confirm({
    puts: [{ collection: 'todos', version: 1_000, document: { _id: 't4', n: 4, made: 'up' } }],
  })
  rig.server.put('todos', { _id: 't4', n: 5 })
  await rig.pass(3_000)
  expect(diverged(ann)).toHaveLength(1)
  expect(ann.store.get('todos', 't4')).toEqual({ _id: 't4', n: 5 })
  expect(ann.sync.arriving).toEqual([])
  rig.server.put('todos', { _id: 't5', n: 4.5 })
  await rig.pass(100)
  expect(ann.store.get('todos', 't5')).toEqual({ _id: 't5', n: 4.5 })
})

test('[DIVERGE-2] what is let go while it is found to differ is not asked for again', async () => {
  const rig = rigWith(3)
  const ann = await rig.client({ checkMs: 1e9, warmMs: 0 })
  const { close } = ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  const said: string[] = []
  ann.network.fate = (frame, direction) => {
    if (direction === 'up') said.push(frame)
    return 'deliver'
  }
  const confirm = ann.store.confirm.bind(ann.store)
  ann.store.confirm = async step => {
    await confirm(step)
    if (step.subscriptions?.size && !step.gone?.length) close()
  }
  const [session] = rig.server.sessions
  session!.say({ type: 'digest', id: 1, version: rig.server.version, count: 7, sum: '0'.repeat(16) })
  await rig.pass(10)
  expect(said.filter(frame => frame.includes('"subscribe"'))).toEqual([])
})

test('[DIVERGE-2] it is put right in one step, with pending writes over it', async () => {
  const rig = rigWith(250)
  const ann = await rig.client({ checkMs: 1_000 })
  ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  ann.network.fate = frame => (frame.includes('"push"') ? 'drop' : 'deliver')
  const changes = [['mine', 'set', true]] as const
  await ann.sync.executor.commit({ writes: [{ op: 'update', collection: 'todos', id: 't7', changes }] })
  const counts: number[] = []
  const next = ({ docs }: Snapshot) => counts.push(docs.length)
  ann.sync.executor.watch(everyOne('todos'), { next, error: () => undefined })
  await rig.pass()
  const gone = Array.from({ length: 200 }, (_, i) => ({
    collection: 'todos',
    version: 999,
    id: `t${i + 10}`,
  }))
  await ann.store.confirm({ gone })
  await rig.pass(1_500)
  expect(counts).toEqual([250, 50, 250])
  expect(ann.store.get('todos', 't7')).toMatchObject({ n: 7, mine: true })
  expect(ann.sync.arriving).toEqual([])
})

test('[DIVERGE-3] windows, what is arriving and what is beside it are not compared', async () => {
  const rig = rigWith(10)
  const ann = await rig.client({ checkMs: 1_000 })
  ann.sync.subscribe(everyOne('todos', undefined, { limit: 3 }))
  await rig.pass()
  const heard = checks(ann)
  await rig.pass(5_000)
  expect(heard).toEqual([])
  ann.sync.subscribe(everyOne('todos', ['field', 'n', ['lt', 5]]))
  await rig.pass()
  ann.network.fate = frame => {
    if (frame.includes('"check"')) heard.push(frame)
    return frame.includes('"snapshot"') ? 'drop' : 'deliver'
  }
  ann.sync.subscribe(everyOne('todos'))
  await rig.pass(5_000)
  expect(heard).toEqual([])
})

test('[DIVERGE-3] an answer about something else is no answer', async () => {
  const rig = rigWith(3)
  const ann = await rig.client({ checkMs: 1e9 })
  ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  const [session] = rig.server.sessions
  const { version } = rig.server
  const wrong = { type: 'digest', count: 7, sum: '0'.repeat(16) } as const
  session!.say({ ...wrong, id: 1, version: version + 1 })
  session!.say({ ...wrong, id: 1, version: version - 1 })
  session!.say({ ...wrong, id: 9, version })
  await rig.pass()
  expect(diverged(ann)).toEqual([])
  session!.say({ ...wrong, id: 1, version })
  await rig.pass()
  expect(diverged(ann)).toHaveLength(1)
})

test('[READ-6] what a refused query had is not left to another that goes in the same moment', async () => {
  const rig = rigWith(3)
  const ann = await rig.client({ checkMs: 1e9, warmMs: 0 })
  ann.sync.subscribe(everyOne('todos', undefined, { limit: 2 }))
  const { close } = ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  const [session] = rig.server.sessions
  ann.network.fate = frame => (frame.includes('"subscribe"') ? 'drop' : 'deliver')
  session!.say({ type: 'digest', id: 2, version: rig.server.version, count: 7, sum: '0'.repeat(16) })
  await rig.pass(1)
  expect(ann.sync.arriving).toHaveLength(2)
  const confirm = ann.store.confirm.bind(ann.store)
  ann.store.confirm = async step => {
    ann.store.confirm = confirm
    close()
    rig.clock.advance(1)
    await confirm(step)
  }
  const error = { code: 'DATABASE_PERMISSION_DENIED', errMsg: 'no' } as const
  session!.say({ type: 'denied', id: 4, error })
  await rig.pass(1)
  expect(ann.sync.arriving).toEqual([])
  expect(here(ann)).toEqual({})
})
