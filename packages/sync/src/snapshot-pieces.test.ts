import type { Progress } from '@nearcloud/query'
import { settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { everyOne, type TestClient, TestRig } from './testing/index.ts'

const todos = everyOne('todos')
const characters = 2_000

function rigWith(documents: number): TestRig {
  const rig = new TestRig()
  rig.server.namesCollections = false
  for (let n = 0; n < documents; n++)
    rig.server.put('todos', {
      _id: `t${String(n).padStart(3, '0')}`,
      n,
      at: new Date(n),
      filler: 'x'.repeat(50),
    })
  return rig
}

const kept = ({ store }: TestClient) => ({
  documents: store.run({ verb: 'get', query: todos }).documents,
  confirmed: store.confirmed('todos', 't007'),
  subscriptions: [...store.subscriptions.values()],
})

test('[SUB-5] a part takes effect in pieces, and what is kept is what the whole part gives', async () => {
  const rig = rigWith(250)
  const [ann, bob] = [await rig.client({ pieceCharacters: characters }), await rig.client()]
  const told: Progress[] = []
  const { ready } = ann.sync.subscribe(todos, { onProgress: progress => told.push(progress) })
  const { ready: bobs } = bob.sync.subscribe(todos)
  await rig.pass()
  await Promise.all([ready, bobs])
  const done = told.map(progress => progress.done)
  expect(done.length).toBeGreaterThan(10)
  expect(done).toEqual([...new Set(done)].sort((a, b) => a - b))
  expect(done[done.length - 1]).toBe(250)
  expect(kept(ann)).toEqual(kept(bob))
  const steps = ann.medium.records.size
  await ann.stop()
  const again = await rig.client({ medium: ann.medium })
  expect(kept(again)).toEqual(kept(bob))
  expect(steps).toBeGreaterThan(bob.medium.records.size)
  expect(rig.server.violations).toEqual([])
})

test('[SUB-5] refused by the store in the middle of a part, it goes on and nothing is missing', async () => {
  for (let step = 1; step < 16; step++) {
    const rig = rigWith(250)
    const ann = await rig.client({ pieceCharacters: characters })
    ann.medium.faultAt(step, 'fail')
    const { ready } = ann.sync.subscribe(todos)
    await rig.pass()
    await rig.pass(60_000)
    await ready
    expect(kept(ann).documents).toHaveLength(250)
    expect(kept(ann).subscriptions.map(({ complete }) => complete)).toEqual([true])
    expect(rig.server.violations).toEqual([])
  }
})

test('[SUB-5] a query that nobody wants any more in the middle of a part, and a window, are as with whole parts', async () => {
  const rig = rigWith(250)
  const ann = await rig.client({ pieceCharacters: characters, warmMs: 1 })
  const following = ann.sync.subscribe(todos, { onProgress: ({ done }) => done > 50 && following.close() })
  const window = { ...everyOne('todos'), orderBy: [['n', 'desc']] as const, limit: 30 }
  const { ready } = ann.sync.subscribe(window)
  await rig.pass()
  await rig.pass(1_000)
  await ready
  expect(ann.store.run({ verb: 'get', query: window }).documents.map(({ n }) => n)).toEqual(
    Array.from({ length: 30 }, (_, at) => 249 - at),
  )
  expect(rig.server.violations).toEqual([])
  expect(ann.namesOf('error')).toEqual([])
})

test('[SUB-6] what a greeting looks at is loaded before it, with pauses; a connection that ended meanwhile is not greeted on', async () => {
  const rig = rigWith(250)
  const first = await rig.client()
  const { ready } = first.sync.subscribe(todos)
  await rig.pass()
  await ready
  await first.store.compact()
  await first.stop()
  const goOn: (() => void)[] = []
  const pause = () => new Promise<void>(resolve => void goOn.push(resolve))
  const ann = await rig.client({ medium: first.medium, isStarted: false, pause })
  const hellos: string[] = []
  ann.network.fate = (frame, direction) => {
    if (direction === 'up' && frame.includes('"hello"')) hellos.push(frame)
    return 'deliver'
  }
  ann.sync.start()
  await rig.pass(0)
  expect([goOn.length, hellos.length]).toEqual([1, 0])
  ann.network.cut()
  await rig.pass(0)
  const steps = async () => {
    for (let turn = 0; turn < 20; turn++) {
      for (const resolve of goOn.splice(0)) resolve()
      await settle()
    }
  }
  await steps()
  expect(hellos).toEqual([])
  await rig.pass(5_000)
  await steps()
  expect(hellos).toHaveLength(1)
  await rig.pass()
  expect(ann.sync.state).toBe('online')
  expect(kept(ann).documents).toHaveLength(250)
  expect(rig.server.violations).toEqual([])
})
