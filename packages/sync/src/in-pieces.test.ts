import { settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { everyOne, type TestClient, TestRig } from './testing/index.ts'

const todos = everyOne('todos')
const some = everyOne('todos', ['field', 'n', ['gte', 100]])
const documents = 450

/** A host that has its turn when a test says so. */
class Host {
  readonly #goOn: (() => void)[] = []
  readonly pause = () => new Promise<void>(resolve => void this.#goOn.push(resolve))

  get isWaitedFor(): boolean {
    return this.#goOn.length > 0
  }

  async turn(): Promise<void> {
    for (const resolve of this.#goOn.splice(0)) resolve()
    await settle()
  }
}

/** Turns, and time where nobody waits for one, until nothing happens any more; before each turn `deed` hears its number. */
async function live(rig: TestRig, host: Host, deed: (turn: number) => void = () => undefined) {
  let turns = 0
  for (let quiet = 0; quiet < 3; quiet++) {
    for (; host.isWaitedFor; turns++) {
      deed(turns)
      await host.turn()
      quiet = 0
    }
    await rig.pass(6_000)
  }
  return turns
}

function filled(): TestRig {
  const rig = new TestRig()
  for (let n = 0; n < documents; n++)
    rig.server.put('todos', { _id: `t${String(n).padStart(3, '0')}`, n, filler: '],["x'.repeat(10) })
  return rig
}

const shown = ({ store }: TestClient) =>
  store.run({ verb: 'get', query: { ...todos, orderBy: [['_id', 'asc']] } }).documents
const there = (rig: TestRig) => rig.server.find(todos, '').sort((a, b) => (a._id < b._id ? -1 : 1))

/** What may happen in a pause. */
const deeds: Readonly<Record<string, (rig: TestRig, ann: TestClient) => unknown>> = {
  'a cut': (_, ann) => ann.network.cut(),
  'a write here': (_, ann) => {
    const write = { op: 'update', collection: 'todos', id: 't200', changes: [['n', 'inc', 1]] } as const
    if (ann.store.get('todos', 't200')) void ann.sync.executor.commit({ writes: [write] })
  },
  'changes there': rig => {
    rig.server.put('todos', { _id: 't001', n: -1 })
    rig.server.put('todos', { _id: 't449', n: -1 })
    rig.server.put('todos', { _id: 'new', n: 5 })
    rig.server.remove('todos', 't300')
  },
  'other rights': (rig, ann) => {
    rig.server.viewKey = 'another'
    ann.network.cut()
  },
  'another query': (_, ann) => {
    const other = ann.sync.subscribe(some)
    other.close()
  },
}

async function beginning(host: Host, isHere: boolean) {
  const rig = filled()
  const first = await rig.client()
  const holding = first.sync.subscribe(todos)
  if (isHere) await rig.pass()
  else holding.close()
  await first.stop()
  if (isHere) {
    rig.server.viewKey = 'view-2' // all of it is compared
    rig.server.put('todos', { _id: 't007', n: -7 })
    rig.server.remove('todos', 't008')
  }
  const ann = await rig.client({
    medium: first.medium,
    isStarted: false,
    pieceCharacters: 1_000,
    pause: host.pause,
  })
  ann.sync.subscribe(todos)
  ann.sync.start()
  await rig.pass()
  return { rig, ann }
}

for (const [what, isHere] of [
  ['comes', false],
  ['is compared', true],
] as const)
  test.each(Object.entries(deeds))(
    `[SUB-5] a query that ${what} in pieces ends as on the server, whatever happens in any pause: %s`,
    async (_, deed) => {
      const host = new Host()
      const plain = await beginning(host, isHere)
      const turns = await live(plain.rig, host)
      expect(turns).toBeGreaterThan(isHere ? 3 : 20)
      for (let at = 0; at < turns; at += Math.ceil(turns / 12)) {
        const each = new Host()
        const { rig, ann } = await beginning(each, isHere)
        await live(rig, each, turn => turn === at && void deed(rig, ann))
        expect(ann.sync.state, `pause ${at}`).toBe('online')
        expect(shown(ann), `pause ${at}`).toEqual(there(rig))
        expect(ann.store.outbox.size).toBe(0)
        expect([rig.server.violations, ann.namesOf('error')]).toEqual([[], []])
        await ann.stop()
      }
    },
  )

test('[SUB-5] let go in any pause, it is not kept as complete', async () => {
  for (let at = 0; at < 40; at += 3) {
    const rig = filled()
    const host = new Host()
    const ann = await rig.client({ pieceCharacters: 1_000, pause: host.pause, warmMs: 0 })
    const following = ann.sync.subscribe(todos)
    await rig.pass()
    await live(rig, host, turn => turn === at && void following.close())
    for (const { complete, letGo } of ann.store.subscriptions.values())
      expect(complete && letGo === undefined, `pause ${at}`).toBe(false)
    expect([rig.server.violations, ann.namesOf('error')]).toEqual([[], []])
    await ann.stop()
  }
})

test('[SUB-5] stopped in any pause, it goes on behind what is durable', async () => {
  for (let at = 0; at < 30; at += 4) {
    const host = new Host()
    const { rig, ann } = await beginning(host, false)
    for (let turn = 0; turn < at; turn++) await host.turn()
    let isOver = false
    const stopped = ann.stop().then(() => {
      isOver = true
    })
    while (!isOver) {
      await host.turn()
      await rig.pass()
    }
    await stopped
    const again = await rig.client({ medium: ann.medium })
    again.sync.subscribe(todos)
    await rig.pass(1_000)
    expect(shown(again)).toEqual(there(rig))
    await again.stop()
  }
})

test('[SUB-5] a long change message is one step, and what is written while it is read lies over it', async () => {
  const rig = filled()
  const host = new Host()
  const ann = await rig.client({ pieceCharacters: 1_000, pause: host.pause })
  ann.sync.subscribe(todos)
  await live(rig, host)
  ann.network.cut()
  for (const { _id, n } of there(rig))
    rig.server.put('todos', { _id, n: Number(n) + 1_000, filler: 'y'.repeat(40) })
  const counts = new Set<number>()
  ann.store.watch(everyOne('todos', ['field', 'n', ['gte', 1_000]]), {
    next: ({ docs }) => counts.add(docs.length),
  })
  const write = { op: 'update', collection: 'todos', id: 't009', changes: [['n', 'inc', 5]] } as const
  await live(rig, host, turn => turn === 4 && void ann.store.commit([write], { time: 1_700_000_000_000 }))
  await rig.pass(60_000)
  expect([...counts].filter(count => count > 0 && count < documents)).toEqual([])
  expect(counts.has(documents)).toBe(true)
  expect(shown(ann)[9]).toMatchObject({ n: 1_014 })
  expect(rig.server.violations).toEqual([])
})

test('[PUSH-17] much that waits is sent with a pause between two frames, and not more at once than takes effect at once', async () => {
  const rig = new TestRig()
  const host = new Host()
  const ann = await rig.client({ pieceCharacters: 1_000, pause: host.pause, isStarted: false })
  for (let n = 0; n < 950; n++)
    ann.store.commit([{ op: 'add', collection: 'todos', id: `n${n}`, data: { n } }], {
      time: 1_700_000_000_000,
    })
  await rig.pass()
  let [sent, most, inTurn] = [0, 0, 0]
  ann.network.fate = (frame, direction) => {
    if (direction === 'up' && frame.includes('"push"')) {
      sent += JSON.parse(frame.slice(frame.indexOf('{'))).mutations.length
      most = Math.max(most, sent - (950 - ann.store.outbox.size))
      expect(++inTurn).toBeLessThanOrEqual(2) // one that was due, and one behind what came
    }
    return 'deliver'
  }
  ann.sync.start()
  await rig.pass()
  await live(rig, host, () => {
    inTurn = 0
  })
  expect(sent).toBe(950)
  expect(most).toBeLessThanOrEqual(300)
  expect(ann.store.outbox.size).toBe(0)
  expect(rig.server.find(todos, '')).toHaveLength(950)
  expect(rig.server.violations).toEqual([])
})
