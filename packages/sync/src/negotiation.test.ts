import { readFileSync } from 'node:fs'
import { frameFor, isKnownIn, protocolVersion, type UpMessage } from '@nearcloud/protocol'
import { misfit } from '@nearcloud/protocol/testing'
import { MemoryMedium } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { everyOne, TestRig } from './testing/index.ts'

const add = (id: string, data = {}) => ({ op: 'add', collection: 'todos', id, data }) as const
const older = Array.from({ length: protocolVersion - 1 }, (_, n) => n + 1)

function shapeOf(version: number) {
  const file = new URL(`../../protocol/src/shapes/version-${version}.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')).up
}

test.each(older)(
  '[NEGOTIATE-1] a server of version %i is spoken to in its words alone, and everything it knows works',
  async newest => {
    const rig = new TestRig()
    rig.server.spoken = { oldest: 1, newest, isTold: true }
    for (let n = 0; n < 250; n++) rig.server.put('todos', { _id: `there${n}`, list: [{ _id: 'e', x: 0 }] })
    const ann = await rig.client({ isStarted: false, checkMs: 1_000 })
    const said: string[] = []
    ann.network.fate = (frame, direction) => {
      if (direction === 'up') said.push(frame)
      return 'deliver'
    }
    ann.sync.start()
    const following = ann.sync.subscribe(everyOne('todos'), { priority: 'low' })
    await rig.pass(1_000)
    ann.sync.subscribe(everyOne('others'), { priority: 'high' })
    await ann.sync.executor.commit({ writes: [add('mine')] })
    await ann.sync.executor.commit({
      writes: [{ op: 'update', collection: 'todos', id: 'there7', changes: [['list.0.x', 'set', 1]] }],
    })
    await rig.pass(10_000)
    expect(ann.sync.state).toBe('online')
    expect(ann.store.outbox.size).toBe(0)
    expect(rig.server.get('todos', 'there7')).toMatchObject({ list: [{ x: 1 }] })
    expect(ann.namesOf('error', 'rejected')).toEqual([])
    expect(rig.server.violations).toEqual([])
    const hellos = said.filter(frame => frame.startsWith('{"type":"hello"'))
    expect(hellos.map(frame => JSON.parse(frame).protocol)).toEqual([protocolVersion, newest])
    const shape = shapeOf(newest)
    const inIt = said.slice(said.indexOf(hellos[1]!))
    for (const frame of inIt) expect(misfit(shape, JSON.parse(frame)), frame).toBeUndefined()
    expect(new Set(inIt.map(frame => JSON.parse(frame).type))).toContain('push')
    following.close()
  },
)

test.each(older)('[NEGOTIATE-1] what version %i has no shape for is not said in it', version => {
  const types = (of: number) =>
    (shapeOf(of).either as { type: { exactly: UpMessage['type'] } }[]).map(each => each.type.exactly)
  const known = new Set(types(version))
  for (const type of types(protocolVersion)) expect(isKnownIn(version, type), type).toBe(known.has(type))
})

test.each(older)(
  '[NEGOTIATE-1] every field that came later is left out of what version %i is told',
  version => {
    const query = { collection: 'todos', where: ['and', []], orderBy: [], skip: 0 }
    const write = {
      op: 'update',
      collection: 'todos',
      id: 'x',
      changes: [['a.0', 'set', 1, [[0, '', '0'.repeat(16), 1]]]],
    }
    const mutation = { id: 1, nonce: 'n', base: 0, time: 0, writes: [write] }
    const said = [
      {
        type: 'hello',
        protocol: version,
        env: '',
        client: '0'.repeat(32),
        version: 0,
        seen: 0,
        subscriptions: [{ id: 1, query, complete: false, priority: 'low', after: 'x' }],
        clock: 0,
        fetch: 0,
      },
      { type: 'subscribe', id: 2, query, priority: 'high' },
      { type: 'push', mutations: [mutation] },
    ]
    for (const message of said) {
      expect(misfit(shapeOf(protocolVersion), message)).toBeUndefined()
      const frame = frameFor(version, JSON.stringify(message))
      expect(misfit(shapeOf(version), JSON.parse(frame!)), message.type).toBeUndefined()
    }
  },
)

test('[NEGOTIATE-2] a server that does not say what it speaks is asked one version after the other', async () => {
  const rig = new TestRig()
  rig.server.spoken = { oldest: 1, newest: 1, isTold: false }
  const ann = await rig.client()
  await ann.sync.executor.commit({ writes: [add('mine')] })
  await rig.pass(10_000)
  expect(ann.sync.state).toBe('online')
  expect(rig.server.all('todos')).toHaveLength(1)
  expect(ann.namesOf('error')).toEqual([])
})

test('[NEGOTIATE-3] what an older server has no answer to is refused by name, and the rest goes on', async () => {
  const rig = new TestRig()
  rig.server.spoken = { oldest: 1, newest: 1, isTold: true }
  const ann = await rig.client()
  await rig.pass(1_000)
  const asked = ann.sync.executor.run({
    verb: 'aggregate',
    aggregation: { collection: 'todos', stages: [['limit', 1]] } as never,
  })
  await expect(asked).rejects.toMatchObject({ code: 'UPGRADE_NEEDED' })
  await ann.sync.executor.commit({ writes: [add('mine')] })
  await rig.pass(1_000)
  expect(rig.server.all('todos')).toHaveLength(1)
})

test.each([
  ['too new for us', { oldest: protocolVersion + 1, newest: protocolVersion + 2, isTold: true }],
  ['too old for us', { oldest: 0, newest: 0, isTold: true }],
  ['nonsense', { oldest: 0, newest: 0, isTold: false }],
])(
  '[NEGOTIATE-4] a server that shares no version (%s) is told of by an event; writes and reads go on here, and nothing is lost when the app is upgraded',
  async (_what, spoken) => {
    const rig = new TestRig()
    const medium = new MemoryMedium()
    const ann = await rig.client({ medium })
    ann.sync.subscribe(everyOne('todos'))
    await ann.sync.executor.commit({ writes: [add('before')] })
    await rig.pass(1_000)
    rig.server.spoken = spoken
    for (const session of [...rig.server.sessions]) session.close()
    await rig.pass(60_000)
    expect(
      ann.events
        .filter(({ name }) => name === 'error')
        .map(({ detail }) => (detail as { code: string }).code),
    ).toEqual(['UPGRADE_NEEDED'])
    const attempts = ann.network.attempts
    await ann.sync.executor.commit({ writes: [add('while', { n: 1 })] })
    const read = await ann.sync.executor.run({ verb: 'get', query: everyOne('todos') })
    expect(read.documents.map(document => document._id)).toEqual(['before', 'while'])
    await rig.pass(60 * 60_000)
    expect(ann.network.attempts).toBe(attempts)
    expect(ann.store.outbox.size).toBe(1)
    await ann.stop()

    // the app of the day after speaks what the server speaks
    rig.server.spoken = { oldest: 1, newest: protocolVersion, isTold: true }
    const upgraded = await rig.client({ medium })
    await rig.pass(1_000)
    expect(upgraded.store.outbox.size).toBe(0)
    expect(rig.server.all('todos').map(document => document._id)).toEqual(['before', 'while'])
  },
)

test('[NEGOTIATE-5] after a while ours is tried again: the server may have been updated', async () => {
  const rig = new TestRig()
  rig.server.spoken = { oldest: 1, newest: 3, isTold: true }
  const ann = await rig.client()
  await rig.pass(1_000)
  const hellos: number[] = []
  ann.network.fate = (frame, direction) => {
    if (direction === 'up' && frame.startsWith('{"type":"hello"')) hellos.push(JSON.parse(frame).protocol)
    return 'deliver'
  }
  const again = async (ms: number) => {
    await rig.pass(ms)
    for (const session of [...rig.server.sessions]) session.close()
    await rig.pass(1_000)
  }
  await again(1_000)
  expect(hellos).toEqual([3])
  rig.server.spoken = { oldest: 1, newest: protocolVersion, isTold: true }
  await again(600_000)
  expect(hellos).toEqual([3, protocolVersion])
})
