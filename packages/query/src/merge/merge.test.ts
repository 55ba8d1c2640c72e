import {
  type Document,
  type DocumentData,
  isPlainObject,
  normalise,
  type PathChange,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { segmentsOf, valueAt } from '../paths.ts'
import type { Applied, Stored } from '../types.ts'
import { applyWrite } from '../update/apply.ts'

/** The server's side of one document: every write gets the next version. */
class Server {
  stored: Stored | null
  version = 1
  readonly superseded: string[] = []

  constructor(data?: DocumentData) {
    this.stored = data ? { doc: normalise({ _id: 'x', ...data }) as Document, stamps: {} } : null
  }

  write(write: Write, author: { base: number; time: number }): Applied {
    this.version++
    const applied = applyWrite(this.stored, write, { ...author, version: this.version, now: 1_000_000 })
    if (applied.touched) this.stored = applied.after
    this.superseded.push(...applied.superseded)
    return applied
  }

  update(author: { base: number; time: number }, ...changes: PathChange[]): Applied {
    return this.write({ op: 'update', collection: 'c', id: 'x', changes }, author)
  }

  set(author: { base: number; time: number }, data: DocumentData): Applied {
    return this.write({ op: 'set', collection: 'c', id: 'x', data: normalise(data) as DocumentData }, author)
  }

  get data(): Record<string, Value> {
    const { _id, ...data } = this.stored!.doc
    return data
  }
}

/** Has seen the first version only, and edits at `time`. */
const offline = (time: number) => ({ base: 1, time })

test('[MERGE-1] two authors change different fields: both changes are there', () => {
  const server = new Server({ a: 0, o: { x: 0, y: 0 } })
  server.update(offline(20), ['a', 'set', 1], ['o.x', 'set', 1])
  server.update(offline(10), ['o.y', 'set', 2])
  expect(server.data).toEqual({ a: 1, o: { x: 1, y: 2 } })
})

test('[MERGE-2] of two edits apart of one field the later one stays, in whichever order they arrive', () => {
  for (const [first, second] of [
    [10, 20],
    [20, 10],
  ] as const) {
    const server = new Server({ a: 0 })
    server.update(offline(first), ['a', 'set', first])
    server.update(offline(second), ['a', 'set', second])
    expect(server.data).toEqual({ a: 20 })
    expect(server.superseded).toEqual(first === 20 ? ['a'] : [])
  }
})

test('[MERGE-3] who had seen an edit overwrites it, whatever any clock says', () => {
  const server = new Server({ a: 0 })
  server.update(offline(99_999), ['a', 'set', 'the clock runs fast'])
  server.update({ base: server.version, time: 5 }, ['a', 'set', 'I had read that'])
  expect(server.data).toEqual({ a: 'I had read that' })
})

test('[MERGE-4] only the overtaken path is superseded, the rest of the update is made', () => {
  const server = new Server({ a: 0, b: 0 })
  server.update(offline(20), ['a', 'set', 'newer'])
  const { superseded } = server.update(offline(10), ['a', 'set', 'older'], ['b', 'set', 'kept'])
  expect(superseded).toEqual(['a'])
  expect(server.data).toEqual({ a: 'newer', b: 'kept' })
})

test('[MERGE-5] a whole value replaced keeps the newer edits inside it', () => {
  const server = new Server({ o: { x: 0, y: 0 } })
  server.update(offline(20), ['o.x', 'set', 'newer'], ['o.gone', 'set', 1])
  server.update(offline(30), ['o.gone', 'remove', null])
  server.update(offline(10), ['o', 'set', { x: 'older', y: 'older', gone: 'older', z: 1 }])
  expect(server.data).toEqual({ o: { x: 'newer', y: 'older', z: 1 } })
})

test('[MERGE-6] an edit inside a value that was replaced later is superseded', () => {
  const server = new Server({ o: { x: 0 } })
  server.update(offline(20), ['o', 'set', { y: 1 }])
  expect(server.update(offline(10), ['o.x', 'set', 1]).superseded).toEqual(['o.x'])
  expect(server.data).toEqual({ o: { y: 1 } })
})

test('[MERGE-7] a removed field comes back only by a later edit', () => {
  const server = new Server({ a: 0 })
  server.update(offline(20), ['a', 'remove', null])
  server.update(offline(10), ['a', 'set', 'older'])
  expect(server.data).toEqual({})
  server.update(offline(30), ['a', 'set', 'later'])
  expect(server.data).toEqual({ a: 'later' })
})

test('[MERGE-8] a later edit inside a value that a concurrent edit made a scalar wins, in whichever order', () => {
  const inside = (server: Server) => server.update(offline(20), ['o.x', 'set', 1])
  const around = (server: Server) => server.update(offline(10), ['o', 'set', 5])
  const [one, other] = [new Server({ o: {} }), new Server({ o: {} })]
  around(one)
  inside(one)
  inside(other)
  around(other)
  expect([one.data, other.data]).toEqual([{ o: { x: 1 } }, { o: { x: 1 } }])
  expect(() => one.update({ base: one.version, time: 1 }, ['o.x.y', 'set', 1])).toThrow(
    "Cannot create field 'y'",
  )
})

test('[MERGE-9] counters add up, and are never superseded', () => {
  const server = new Server({ n: 5 })
  server.update(offline(20), ['n', 'inc', 1])
  server.update(offline(10), ['n', 'inc', 2])
  expect(server.data).toEqual({ n: 8 })
})

test('[MERGE-10] a counter does not destroy what a concurrent set put in its place', () => {
  const server = new Server({ n: 5 })
  server.update(offline(10), ['n', 'set', 'many'])
  expect(() => server.update(offline(20), ['n', 'inc', 1])).toThrow(
    expect.objectContaining({ code: 'DATABASE_REQUEST_FAILED' }),
  )
  expect(server.data).toEqual({ n: 'many' })
  server.update(offline(30), ['o', 'set', 1])
  expect(() => server.update(offline(40), ['o.k', 'push', [1]])).toThrow("Cannot create field 'k'")
})

test('[MERGE-11] everything pushed is there, once; a set has no value twice', () => {
  const server = new Server({})
  server.update(offline(20), ['list', 'push', ['a1', 'a2']], ['tags', 'addToSet', ['g', 'h']])
  server.update(offline(10), ['list', 'push', ['b1']], ['tags', 'addToSet', ['h', 'i']])
  expect(server.data).toEqual({ list: ['a1', 'a2', 'b1'], tags: ['g', 'h', 'i'] })
})

test('[MERGE-12] a document set replaces what is older, and fields edited later survive', () => {
  const server = new Server({ a: 0, b: 0, _openid: 'me' })
  server.update(offline(20), ['a', 'set', 'newer'])
  server.set(offline(10), { a: 'older', c: 1 })
  expect(server.data).toEqual({ a: 'newer', c: 1, _openid: 'me' })
  expect(server.set(offline(5), { d: 1 }).superseded).toEqual([''])
  expect(server.update(offline(8), ['q', 'set', 1]).superseded).toEqual(['q'])
  server.set(offline(30), { e: 1 })
  expect(server.data).toEqual({ e: 1, _openid: 'me' })
})

test('[MERGE-13] of two sets that create one document the later one stays', () => {
  const server = new Server()
  server.set(offline(20), { by: 'b' })
  server.set(offline(10), { by: 'a' })
  expect(server.data).toEqual({ by: 'b' })
})

test('[MERGE-14] a removal wins over any edit, and what arrives later finds nothing', () => {
  const server = new Server({ a: 0 })
  server.write({ op: 'remove', collection: 'c', id: 'x' }, offline(10))
  expect(server.update(offline(20), ['a', 'set', 1])).toMatchObject({ touched: false, after: null })
  expect(server.write({ op: 'remove', collection: 'c', id: 'x' }, offline(20)).touched).toBe(false)
})

test('[MERGE-45] a document that was removed and added again is another one: older edits do not get into it', () => {
  const server = new Server({ a: 0 })
  server.write({ op: 'remove', collection: 'c', id: 'x' }, offline(10))
  server.write({ op: 'add', collection: 'c', id: 'x', data: { a: 'new' } }, { base: 2, time: 30 })
  expect(server.update(offline(20), ['a', 'set', 'old'], ['b', 'set', 'old']).superseded).toEqual(['a', 'b'])
  expect(server.set(offline(20), { c: 'old' }).superseded).toEqual([''])
  server.update(offline(40), ['b', 'set', 'later'])
  expect(server.data).toEqual({ a: 'new', b: 'later' })
})

test('[MERGE-45] a field that was removed and set again keeps what was set, against every older edit', () => {
  const server = new Server({ a: 0 })
  server.update(offline(20), ['a', 'remove', null])
  server.update(offline(30), ['a', 'set', 'again'])
  expect(server.update(offline(25), ['a', 'remove', null]).superseded).toEqual(['a'])
  expect(server.update(offline(10), ['a.x', 'set', 1]).superseded).toEqual(['a.x'])
  expect(server.data).toEqual({ a: 'again' })
})

test('[MERGE-15] stamps are kept for assigned paths alone, one each, and those inside a replaced value go', () => {
  const server = new Server({ o: {} })
  server.update(offline(10), ['o.x', 'set', 1], ['o.y', 'remove', null], ['n', 'inc', 1], ['l', 'push', [1]])
  expect(server.stored!.stamps).toEqual({ 'o.x': [2, 10], 'o.y': [2, 10] })
  server.update(offline(20), ['o', 'set', {}])
  expect(server.stored!.stamps).toEqual({ o: [3, 20] })
  server.update({ base: Infinity, time: 30 }, ['toString', 'set', 1])
  expect(Object.keys(server.stored!.stamps)).toEqual(['o', 'toString'])
})

// ---- any schedule of several authors ---------------------------------------------------------------------------

const scalars = [1, 2, [1]]
/** What each path may be set to: of its own kind, so that no edit has to displace a value around it. */
const values: Readonly<Record<string, readonly unknown[]>> = {
  o: [{}, { x: { z: 7 }, k: 1 }],
  'o.x': [{}, { z: 8 }],
  'o.x.z': scalars,
  'o.y': scalars,
  p: [{}, { q: { r: 9 } }],
  'p.q': [{}, { r: 6, k: 1 }],
  'p.q.r': scalars,
}
const setOf = (anything: boolean) =>
  fc
    .constantFrom(...Object.keys(values))
    .chain(path =>
      fc.tuple(
        fc.constant(path),
        fc.constant('set' as const),
        fc.constantFrom(...values[path]!, ...(anything ? scalars : [])),
      ),
    )
const removeOf = fc.tuple(
  fc.constantFrom(...Object.keys(values)),
  fc.constant('remove' as const),
  fc.constant(null),
)
const replaceOf = fc.tuple(
  fc.constant(''),
  fc.constant('set' as const),
  fc.constantFrom({ o: { y: 3 } }, { p: {}, k: 1 }),
)

interface Step {
  readonly author: number
  readonly time: number
  readonly change: readonly [string, 'set' | 'remove', unknown]
}

/** Steps with all their times different, and two orders of arrival that keep each author's own. */
function scheduleOf(anything: boolean) {
  const assignment = fc.oneof(
    { weight: 4, arbitrary: setOf(anything) },
    { weight: 2, arbitrary: removeOf },
    { weight: 1, arbitrary: replaceOf },
  )
  return fc
    .tuple(
      fc.array(fc.tuple(fc.nat(2), assignment), { maxLength: 12 }),
      fc.infiniteStream(fc.nat(2)),
      fc.infiniteStream(fc.nat(2)),
    )
    .map(([list, one, other]) => {
      const steps: Step[] = list.map(([author, change], i) => ({ author, change, time: 10 + i }))
      return { steps, arrivals: [shuffled(steps, one), shuffled(steps, other)] }
    })
}

function shuffled(steps: readonly Step[], picks: Iterator<number>): Step[] {
  const queues = [0, 1, 2].map(author => steps.filter(step => step.author === author))
  const order: Step[] = []
  while (order.length < steps.length) {
    const next = queues[picks.next().value as number]!.shift()
    if (next) order.push(next)
  }
  return order
}

function arrive(steps: readonly Step[]): Server {
  const server = new Server({ o: { x: { z: 0 }, y: {} }, p: { q: {} } })
  for (const { time, change } of steps) {
    const [path, operator, value] = change
    if (path === '') server.set(offline(time), value as DocumentData)
    else server.update(offline(time), [path, operator, normalise(value)])
  }
  return server
}

/** The same by the plainest means: one after the other by time, each on what is there. */
function inOrderOfTime(steps: readonly Step[]): unknown {
  let root: Record<string, unknown> = { o: { x: { z: 0 }, y: {} }, p: { q: {} } }
  for (const { change } of [...steps].sort((a, b) => a.time - b.time)) {
    const [path, operator, value] = change
    if (path === '') {
      root = structuredClone(value) as Record<string, unknown>
      continue
    }
    const segments = [...segmentsOf(path)]
    const last = segments.pop()!
    let at = root
    for (const segment of segments) {
      if (!isPlainObject(at[segment] as Value)) {
        if (operator === 'remove') break
        at[segment] = {}
      }
      at = at[segment] as Record<string, unknown>
    }
    if (operator === 'set') at[last] = structuredClone(value)
    else if (valueAt(root as Value, path) !== undefined) delete at[last]
  }
  return root
}

/** Without empty objects: whether a parent stays behind when all in it is gone depends on who came first. */
function pruned(value: unknown): unknown {
  if (!isPlainObject(value as Value)) return value
  const kept = Object.entries(value as object)
    .map(([key, field]) => [key, pruned(field)] as const)
    .filter(([, field]) => !isPlainObject(field as Value) || Object.keys(field as object).length > 0)
  return Object.fromEntries(kept)
}

test('[MERGE-16] assignments made apart end the same in every order of arrival: as if made in the order of their times', () => {
  fc.assert(
    fc.property(scheduleOf(false), ({ steps, arrivals }) => {
      const expected = pruned(inOrderOfTime(steps))
      for (const order of arrivals) expect(pruned(arrive(order).data)).toEqual(expected)
    }),
    { numRuns: 500 },
  )
})

test('[MERGE-17] after any history an author who has seen it all gets what was written', () => {
  fc.assert(
    fc.property(scheduleOf(true), fc.constantFrom('o', 'p', 'k'), ({ arrivals }, path) => {
      const server = arrive(arrivals[0]!)
      const { superseded } = server.update({ base: server.version, time: 0 }, [path, 'set', 'mine'])
      expect([superseded, server.data[path]]).toEqual([[], 'mine'])
    }),
  )
})

test('[MERGE-18] stamps are for paths somebody assigned, and never older than the commit', () => {
  fc.assert(
    fc.property(scheduleOf(true), ({ arrivals: [order] }) => {
      const server = arrive(order!)
      const assigned = new Set(order!.map(({ change: [path] }) => path))
      for (const [path, [version]] of Object.entries(server.stored!.stamps)) {
        expect(assigned.has(path)).toBe(true)
        expect(version).toBeLessThanOrEqual(server.version)
      }
    }),
  )
})

test('[MERGE-19] among any edits elsewhere counters are exact, every push is there once and in its author’s order', () => {
  const edit = fc.oneof(
    fc.integer({ min: -5, max: 5 }).map(n => ['count.n', 'inc', n] as const),
    fc.constant(['list', 'push', null] as const),
    fc.integer({ min: 0, max: 4 }).map(n => ['tags', 'addToSet', [n]] as const),
    fc.constantFrom('o', 'o.x', 'count.other').map(path => [path, 'set', 1] as const),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(100), edit), { maxLength: 30 }), steps => {
      const server = new Server({ count: { n: 0 }, o: {} })
      let sum = 0
      const tags = new Set<number>()
      const pushed: string[][] = [[], [], []]
      for (const [author, time, [path, operator, argument]] of steps) {
        const value = operator === 'push' ? [`${author}-${pushed[author]!.length}`] : argument
        if (operator === 'push') pushed[author]!.push(...(value as string[]))
        if (operator === 'inc') sum += argument
        if (operator === 'addToSet') for (const tag of argument) tags.add(tag)
        server.update(offline(time), [path, operator, value as Value])
      }
      expect((server.data.count as { n: number }).n).toBe(sum)
      expect(server.data.tags ?? []).toEqual([...tags])
      const list = (server.data.list ?? []) as string[]
      expect(list.length).toBe(pushed.flat().length)
      for (const [author, own] of pushed.entries())
        expect(list.filter(text => text.startsWith(`${author}-`))).toEqual(own)
    }),
  )
})

test('[MERGE-20] the latest of all edits made apart is there in every order of arrival, whatever it displaces', () => {
  fc.assert(
    fc.property(scheduleOf(true), ({ steps, arrivals }) => {
      const latest = steps[steps.length - 1]
      if (!latest) return
      const [path, operator, value] = latest.change
      for (const order of arrivals) {
        const found = path === '' ? arrive(order).data : valueAt(arrive(order).stored!.doc, path)
        expect(found).toEqual(operator === 'remove' ? undefined : value)
      }
    }),
    { numRuns: 300 },
  )
})
