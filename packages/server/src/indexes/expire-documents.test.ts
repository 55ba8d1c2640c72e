import type { Document, DocumentData, Write } from '@nearcloud/protocol'
import type { IndexDefinition } from '@nearcloud/query'
import { expect, onTestFinished, test } from 'vitest'
import type { Environment } from '../commit/environment.ts'
import { nextTurn } from '../engine/turn.ts'
import type { LogLine } from '../log-line.ts'
import { openHouse, tokenOf } from '../testing/local-house.ts'
import type { ManualClock } from '../testing/manual-clock.ts'
import { clientId } from '../testing/raw-client.ts'
import { admin, openWorld } from '../testing/scenario.ts'
import { expireDocuments } from './expire-documents.ts'

const add = (id: Document['_id'], data: DocumentData): Write => ({ op: 'add', collection: 'todos', id, data })
const expiring = (path: string, expireAfterSeconds: number): IndexDefinition => ({
  name: `${path}_expires`,
  keys: [[path, 1]],
  unique: false,
  expireAfterSeconds,
})

function sweeping(world: { environment: Environment; clock: ManualClock }): LogLine[] {
  const logged: LogLine[] = []
  onTestFinished(expireDocuments({ ...world, log: line => logged.push(line) }))
  return logged
}

test('[EXPIRE-1] a document is removed so long after its date, within a minute, and everybody hears of it', async () => {
  const house = await openHouse()
  const { environment, clock, heard, documents } = house
  await environment.createIndex('todos', expiring('at', 100))
  const follower = house.connect()
  await follower.hello({ client: clientId('f'), token: tokenOf('alice') })
  follower.subscribe(1)
  await follower.next('snapshot')
  sweeping(house)
  await environment.commit({
    actor: admin,
    writes: [
      add('soon', { at: new Date(clock.now()), public: true }),
      add('later', { at: new Date(clock.now() + 60_001), public: true }),
    ],
  })
  expect((await follower.next('changes')).items.length).toBe(2)
  heard.length = 0
  /** In parts, so that the follower is heard of. */
  const passMinute = async () => {
    for (let part = 0; part < 6; part++) {
      clock.advance(10_000)
      follower.send({ type: 'ping' })
      await follower.next('pong')
    }
  }
  await passMinute()
  expect(heard).toEqual([])
  await passMinute()
  expect((await follower.next('changes')).items).toEqual([['todos', 4, null, 'soon']])
  expect(heard).toMatchObject([{ dataType: 'remove', id: 'soon', actor: { kind: 'admin' }, client: null }])
  await passMinute()
  expect((await follower.next('changes')).items).toEqual([['todos', 5, null, 'later']])
  expect(await documents()).toEqual([])
})

test('[EXPIRE-2] what is no date never expires; of several dates the earliest counts', async () => {
  const world = openWorld()
  const { environment, clock, documents, heard } = world
  await environment.createIndex('todos', expiring('of.at', 10))
  const [old, young] = [new Date(clock.now() - 10_000), new Date(clock.now() - 9_999)]
  const lasting = [
    young,
    null,
    0,
    clock.now() - 1e9,
    '2001-01-01',
    true,
    [],
    [young, 'x'],
    { at: old },
    [[old]],
  ]
  const expired = [old, new Date(0), new Date(-1e12), [young, old], ['x', 3, old]]
  const writes = [...lasting, ...expired].map((at, n) => add(n, { of: { at } }))
  const others = [add('none', {}), add('scalar', { of: 3 }), add('list', { of: [{ at: young }] })]
  await environment.commit({
    actor: admin,
    writes: [...writes, ...others, add('inner', { of: [{ at: old }] })],
  })
  heard.length = 0
  sweeping(world)
  while (heard.length < expired.length + 1) await nextTurn()
  expect((await documents()).map(({ _id }) => _id)).toEqual([...lasting.keys(), 'list', 'none', 'scalar'])
})

test('[EXPIRE-3] a document that is given another date before its removal is decided stays', async () => {
  const world = openWorld()
  const { environment, clock, documents } = world
  await environment.createIndex('todos', expiring('at', 0))
  const writes = ['kept', 'gone', 'also kept'].map(id => add(id, { at: new Date(clock.now()) }))
  await environment.commit({ actor: admin, writes })
  const { commit } = environment
  const renewed: Promise<unknown>[] = []
  environment.commit = request => {
    const changes = [['at', 'set', new Date(clock.now() + 1_000)]] as const
    for (const id of ['kept', 'also kept'])
      renewed.push(
        commit.call(environment, {
          actor: admin,
          writes: [{ op: 'update', collection: 'todos', id, changes }],
        }),
      )
    environment.commit = commit
    const decided = environment.commit(request)
    renewed.push(decided)
    return decided
  }
  sweeping(world)
  while (renewed.length < 3) await nextTurn()
  await Promise.all(renewed)
  expect((await documents()).map(({ _id }) => _id)).toEqual(['also kept', 'kept'])
})

test('[EXPIRE-4] many expire in several commits, also when the server begins', async () => {
  const world = openWorld()
  const { environment, clock, engine, documents } = world
  await environment.createIndex('todos', expiring('at', 1e300))
  await environment.createIndex('todos', { ...expiring('at', 1), name: 'at' })
  const writes = Array.from({ length: 450 }, (_, n) => add(n, { at: new Date(clock.now() - 2_000) }))
  await environment.commit({ actor: admin, writes: [...writes, add('x', {})] })
  const { commits } = engine
  const logged = sweeping(world)
  while ((await engine.size('test', 'todos')) > 1) await nextTurn()
  expect(engine.commits - commits).toBeGreaterThan(3)
  expect(await documents()).toEqual([{ _id: 'x' }])
  expect(logged).toEqual([])
})

test('[EXPIRE-5] a sweep that fails is told, and the next one comes', async () => {
  const world = openWorld()
  const { environment, clock, engine } = world
  await environment.createIndex('todos', expiring('at', 1))
  await environment.commit({ actor: admin, writes: [add('x', { at: new Date(0) })] })
  engine.beforeCommit = () => {
    throw new Error('disk on fire')
  }
  const logged = sweeping(world)
  while (logged.length === 0) await nextTurn()
  expect(logged).toMatchObject([{ event: 'index.expire', level: 'error' }])
  engine.beforeCommit = () => {}
  await nextTurn()
  clock.advance(60_000)
  while ((await engine.size('test', 'todos')) > 0) await nextTurn()
})
