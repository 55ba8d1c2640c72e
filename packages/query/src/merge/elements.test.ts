import { type Document, normalise, type PathChange, type Value, type Write } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Client, Server } from '../testing/replicas.ts'
import { applyWrite } from '../update/apply.ts'
import { checkWrite } from '../update/check-write.ts'
import { guardWrite } from './guards.ts'
import { hashText } from './hash.ts'

const todos = [
  { id: 'a', n: 0 },
  { id: 'b', n: 0 },
  { id: 'c', n: 0 },
]

/** Two clients that have seen the same document, and a server that has it. */
function pair(data: Record<string, unknown>): { server: Server; alice: Client; bob: Client } {
  const server = new Server(data)
  return { server, alice: new Client(server), bob: new Client(server) }
}

test('[MERGE-30] an edit of an element is applied where the element is now', () => {
  for (const move of [
    ['l', 'push', { each: [{ id: 'new' }], position: 0 }],
    ['l', 'push', { each: [], sort: [['id', -1]] }],
    ['l', 'shift', null],
    ['l', 'pull', { where: ['field', 'id', ['eq', 'b']] }],
    ['l', 'set', [{ id: 'x' }, { id: 'c', n: 0, other: true }]],
  ] as unknown as PathChange[]) {
    const { server, alice, bob } = pair({ l: todos })
    alice.update(move)
    bob.update(['l.2.n', 'set', 9])
    alice.send()
    expect(bob.send()).toEqual([])
    const list = server.data.l as readonly { id: string; n?: number }[]
    expect(list.filter(({ n }) => n === 9).map(({ id }) => id)).toEqual(['c'])
  }
})

test('[MERGE-30] however far it moved, and to the nearest of several of one name', () => {
  const others = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `other ${n}` }))
  for (const distance of [1, 7, 8, 9, 10, 40])
    for (const [before, after] of [
      [distance, 0],
      [0, distance],
      [distance, distance + 1],
      [distance + 1, distance],
    ] as const) {
      const { server, alice, bob } = pair({ l: [{ id: 'c', n: 0 }] })
      const list = [...others(before), { id: 'c', n: 0 }, ...others(after)]
      const twice = [{ id: 'c', n: 0 }, ...others(before), { id: 'c', n: 0 }]
      alice.update(['l', 'set', distance % 2 === 0 ? list : twice])
      bob.update(['l.0.n', 'set', 9])
      alice.send()
      expect(bob.send()).toEqual([])
      const found = server.data.l as readonly { id: string; n?: number }[]
      expect(found.flatMap(({ n }, at) => (n === 9 ? [at] : []))).toEqual([distance % 2 === 0 ? before : 0])
    }
})

test('[MERGE-30] an edit of an element that is gone does nothing, and is named in the answer', () => {
  for (const [operator, argument] of [
    ['set', 1],
    ['inc', 1],
    ['push', [1]],
    ['remove', null],
  ] as const) {
    const { server, alice, bob } = pair({ l: todos })
    bob.update(['l.1.m', operator, argument as Value], ['k', 'set', 'kept'])
    alice.update(['l', 'pull', { where: ['field', 'id', ['eq', 'b']] }])
    alice.send()
    expect(bob.send()).toEqual(['l.1.m'])
    expect(server.data).toEqual({ l: [todos[0], todos[2]], k: 'kept' })
  }
})

test('[MERGE-30] also when its author saw the list with a write of their own that was refused', () => {
  const seen = normalise({ _id: 'x', l: [todos[0], todos[1], { id: 'mine' }] }) as Document
  const edited = (change: PathChange): Write =>
    guardWrite({ op: 'update', collection: 'c', id: 'x', changes: [change] }, seen)
  const stored = { doc: normalise({ _id: 'x', l: [...todos, { id: 'mine' }] }) as Document, stamps: {} }
  const context = { base: 5, version: 6, time: 10, now: 10 }
  for (const [change, list] of [
    [
      ['l.2.n', 'set', 9],
      [...todos, { id: 'mine', n: 9 }],
    ],
    [
      ['l.2', 'set', { id: 'mine', n: 9 }],
      [...todos, { id: 'mine', n: 9 }],
    ],
  ] as const) {
    const { after, superseded } = applyWrite(stored, edited(change as unknown as PathChange), context)
    expect([after!.doc.l, superseded]).toEqual([list, []])
  }
  const without = { doc: normalise({ _id: 'x', l: todos }) as Document, stamps: {} }
  const { after, superseded } = applyWrite(without, edited(['l.2.n', 'set', 9]), context)
  expect([after!.doc.l, superseded]).toEqual([todos, ['l.2.n']])
})

test('[MERGE-31] an element is named by _id, id or key; one without a name, or with the name of another, by all it holds', () => {
  for (const list of [
    [{ _id: 1 }, { _id: 2 }],
    [{ key: 'x' }, { key: 'y' }],
    ['p', 'q'],
    [
      { id: 1, a: 1 },
      { id: 1, a: 2 },
    ],
  ]) {
    const { server, alice, bob } = pair({ l: list })
    bob.update(['l.1', 'set', 'mine'])
    alice.update(['l', 'push', { each: ['first'], position: 0 }])
    alice.send()
    bob.send()
    expect(server.data.l).toEqual(['first', list[0], 'mine'])
  }
})

test('[MERGE-31] of elements that are equal each edit takes the nearest that no other has taken', () => {
  const { server, alice, bob } = pair({ l: [5, 5, 7, 5] })
  bob.update(['l.0', 'inc', 1], ['l.1', 'inc', 2], ['l.3', 'inc', 3])
  alice.update(['l', 'push', { each: [9], position: 0 }])
  alice.send()
  bob.send()
  expect(server.data.l).toEqual([9, 6, 7, 7, 8])
})

test('[MERGE-32] while nobody moves elements an index is a place: counters of a list are exact', () => {
  const { server, alice, bob } = pair({ votes: [5, 5, 7] })
  alice.update(['votes.0', 'inc', 1])
  bob.update(['votes.0', 'inc', 1], ['votes.1', 'inc', 1])
  bob.update(['votes.0', 'inc', 1])
  alice.update(['votes', 'push', [0]])
  alice.send()
  expect(bob.send()).toEqual([])
  expect(server.data.votes).toEqual([8, 6, 7, 0])
})

test('[MERGE-32] two edits of different fields of one unnamed element are both there', () => {
  const { server, alice, bob } = pair({ rows: [{ x: 0, y: 0 }] })
  alice.update(['rows.0.x', 'set', 1])
  bob.update(['rows.0.y', 'set', 2])
  alice.send()
  bob.send()
  expect(server.data.rows).toEqual([{ x: 1, y: 2 }])
})

test('[MERGE-33] a named element that was replaced where it stood is gone, whichever came first', () => {
  for (const first of ['inside', 'around']) {
    const { server, alice, bob } = pair({ l: todos })
    alice.update(['l.1', 'set', { id: 'z' }])
    bob.update(['l.1.n', 'set', 9])
    for (const client of first === 'inside' ? [bob, alice] : [alice, bob]) client.send()
    expect(server.data.l).toEqual([todos[0], { id: 'z' }, todos[2]])
  }
})

test('[MERGE-34] stamps follow their elements: an older edit of a moved element is superseded, and of no other', () => {
  const { server, alice, bob } = pair({ l: todos })
  bob.update(['l.1.n', 'set', 'older'], ['l.2.n', 'set', 'older'])
  alice.update(['l.1.n', 'set', 'newer'])
  alice.update(['l', 'push', { each: [{ id: 'new' }], position: 0 }])
  alice.send()
  expect(bob.send()).toEqual(['l.1.n'])
  expect(server.data.l).toEqual([
    { id: 'new' },
    { id: 'a', n: 0 },
    { id: 'b', n: 'newer' },
    { id: 'c', n: 'older' },
  ])
  alice.update(['l', 'pull', { where: ['field', 'id', ['eq', 'b']] }])
  alice.send()
  expect(Object.keys(server.stored!.stamps).sort()).toEqual(['', 'l.$', 'l.2.n'])
})

test('[MERGE-35] a list that is replaced keeps newer edits of its elements where the elements are', () => {
  const { server, alice, bob } = pair({ l: todos })
  alice.update(['l', 'set', [{ id: 'c', n: 1 }, { id: 'q' }]])
  bob.update(['l.2.n', 'set', 9], ['l.0.n', 'set', 9])
  bob.send()
  alice.send()
  expect(server.data.l).toEqual([{ id: 'c', n: 9 }, { id: 'q' }])
  expect(Object.keys(server.stored!.stamps).sort()).toEqual(['', 'l', 'l.0.n'])
})

test('[MERGE-36] a path with several indexes has a guard for each', () => {
  const { server, alice, bob } = pair({ l: [{ id: 1 }, { id: 2, m: [{ key: 'p' }, { key: 'q', z: 0 }] }] })
  bob.update(['l.1.m.1.z', 'inc', 1])
  alice.update(['l', 'shift', null])
  alice.update(['l.0.m', 'push', { each: ['x'], position: 0 }])
  alice.send()
  expect(bob.send()).toEqual([])
  expect(server.data.l).toEqual([{ id: 2, m: ['x', { key: 'p' }, { key: 'q', z: 1 }] }])
})

test('[MERGE-37] an index at or beyond the end, a key of an object and a rename have no guard', () => {
  const document = normalise({ _id: 'x', l: [1], o: { 2: { x: 1 } } }) as Document
  const write: Write = {
    op: 'update',
    collection: 'c',
    id: 'x',
    changes: [
      ['l.1', 'set', 2],
      ['o.2.x', 'set', 2],
      ['l.4.deep.0', 'set', 2],
      ['o.1', 'rename', 'o.7'],
    ],
  }
  expect(guardWrite(write, document)).toEqual(write)
  expect(guardWrite(write, null)).toBe(write)
})

test('[MERGE-37] a guard is small whatever the element, and a second try means what the first did', () => {
  const document = normalise({ _id: 'x', l: [{ text: 'x'.repeat(100_000) }] }) as Document
  const write: Write = { op: 'update', collection: 'c', id: 'x', changes: [['l.0.n', 'inc', 1]] }
  const guarded = guardWrite(write, document)
  expect(JSON.stringify(guarded).length - JSON.stringify(write).length).toBeLessThan(40)
  expect(guardWrite(guarded, normalise({ _id: 'x', l: [1, 2] }) as Document)).toEqual(guarded)
})

test('[MERGE-38] a client shows its edit on the element while the element moves, and on the place while it is edited', () => {
  const { alice, bob } = pair({ l: ['p', 'q'], votes: [5, 5, 7] })
  bob.update(['l.1', 'set', 'mine'], ['votes.0', 'inc', 1])
  alice.update(['l', 'push', { each: ['first'], position: 0 }], ['votes.0', 'inc', 1])
  alice.send()
  bob.receive()
  expect(bob.seen).toMatchObject({ l: ['first', 'p', 'mine'], votes: [7, 5, 7] })
  alice.update(['l', 'pull', { is: ['eq', 'q'] }])
  alice.send()
  bob.receive()
  bob.send()
  bob.receive()
  expect(bob.seen).toEqual(alice.receive())
})

test('[CHECK-9] guards are of indexes in the path, in their order, with a name and a hash of that form', () => {
  const hash = hashText('x')
  const check = (path: string, operator: string, ...guards: unknown[]) =>
    checkWrite({
      op: 'update',
      collection: 'c',
      id: 'x',
      changes: [[path, operator, 1, guards]],
    } as unknown as Write)
  expect(() => check('a.0.b', 'set', [1, 'id', hash, 1])).not.toThrow()
  for (const [path, guards] of [
    ['a.0.b', []],
    ['a.b', [[1, '', hash, 1]]],
    ['0.b', [[0, '', hash, 1]]],
    ['a.0.b', [[2, '', hash, 1]]],
    ['a.0.b', [[7, '', hash, 1]]],
    ['a.0.b', [[1.5, '', hash, 1]]],
    ['a.0.b', [[1, '__proto__', hash, 1]]],
    ['a.0.b', [[1, 'toString', hash, 1]]],
    ['a.0.b', [[1, '', 'nothing', 1]]],
    ['a.0.b', [[1, '', hash, 0]]],
    ['a.0.b', [[1, '', hash, -1]]],
    [
      'a.0.b.1',
      [
        [3, '', hash, 2],
        [1, '', hash, 1],
      ],
    ],
    [
      'a.0.b.1',
      [
        [1, '', hash, 1],
        [1, '', hash, 1],
      ],
    ],
    ['__proto__.0.b', [[1, '', hash, 1]]],
  ] as const)
    expect(() => check(path, 'set', ...guards), JSON.stringify([path, guards])).toThrow(
      expect.objectContaining({ code: 'INVALID_PARAM' }),
    )
  expect(() => check('a.0', 'rename', [1, '', hash, 1])).toThrow()
})

test('[CHECK-9] a thousand changes of one update may have guards', () => {
  const changes = Array.from({ length: 1_001 }, (_, i): PathChange => [`l.${i}`, 'inc', 1])
  const write: Write = { op: 'update', collection: 'c', id: 'x', changes }
  const document = normalise({ _id: 'x', l: changes.map((_, i) => i) }) as Document
  const guarded = guardWrite(write, document)
  expect(guarded).toMatchObject({ changes: { length: 1_001 } })
  expect(() => checkWrite(guarded)).not.toThrow()
  const guards = [[1, '', hashText('x'), 2_000]] as const
  expect(() => checkWrite({ ...write, changes: changes.map(([path]) => [path, 'inc', 1, guards]) })).toThrow(
    '1000',
  )
})

test('[MERGE-39] forged guards reach elements of the document and nothing else, in time that grows with it', () => {
  const elements: Value[] = Array.from({ length: 20_000 }, () => 0)
  const stored = {
    doc: normalise({ _id: 'x', l: elements, o: { p: {} } }) as Document,
    stamps: { 'l.$': [5, 5] as const },
  }
  const guards = [[1, '', hashText('0'), 20_000]] as const
  const changes = Array.from({ length: 1_000 }, (_, i): PathChange => [`l.${i}`, 'set', i, guards])
  const forged: PathChange[] = [
    ['l.5.x', 'set', 1, [[1, 'id', hashText('"no"'), 9]]],
    ['o.0.x', 'set', 1, [[1, '', hashText('{}'), 9]]],
    ['constructor.0.x', 'inc', 1, [[1, '', hashText('{}'), 9]]],
  ]
  const context = { base: 1, version: 6, time: 10, now: 10 }
  const write = (list: PathChange[]): Write => ({ op: 'update', collection: 'c', id: 'x', changes: list })
  const { after } = applyWrite(stored, write(changes), context)
  expect((after!.doc.l as readonly Value[]).slice(0, 1_001)).toEqual([...changes.keys(), 0])
  const { after: same, superseded } = applyWrite(stored, write(forged), context)
  expect([same!.doc, superseded]).toEqual([stored.doc, forged.map(([path]) => path)])
})

test('[MERGE-39] two guards that lead to one element change it once', () => {
  const stored = {
    doc: normalise({ _id: 'x', l: [{ id: 1 }, { id: 2 }] }) as Document,
    stamps: { 'l.$': [5, 5] as const },
  }
  const guards = [[1, 'id', hashText('2'), 9]] as const
  const write: Write = {
    op: 'update',
    collection: 'c',
    id: 'x',
    changes: [
      ['l.0.x', 'set', 1, guards],
      ['l.1', 'set', 2],
    ],
  }
  const { after, superseded } = applyWrite(stored, write, { base: 1, version: 6, time: 10, now: 10 })
  expect([after!.doc.l, superseded]).toEqual([[{ id: 1 }, { id: 2, x: 1 }], ['l.1']])
})

test('[MERGE-40] the hash of a text is the same everywhere, and no two of many texts share one', () => {
  expect([hashText(''), hashText('near'), hashText('云')]).toMatchInlineSnapshot(`
    [
      "ce0113e5d43972f5",
      "f8af71cd9e62952f",
      "f0d041ec56fc7d30",
    ]
  `)
  const hashes = new Set(Array.from({ length: 100_000 }, (_, i) => hashText(`{"n":${i}}`)))
  expect(hashes.size).toBe(100_000)
})

test('[MERGE-30] wherever named elements go, an edit reaches its own or none, and is reported when it reaches none', () => {
  const move = fc.constantFrom<PathChange>(
    ['l', 'push', { each: [{ id: 'new' }], position: 0 }],
    ['l', 'push', { each: [{ id: 'mid' }], position: 1 }],
    ['l', 'push', { each: [], sort: [['id', -1]] }],
    ['l', 'pop', null],
    ['l', 'shift', null],
    ['l', 'pull', { where: ['field', 'id', ['eq', 'b']] }],
    ['l', 'push', [{ id: 'last' }]],
  )
  fc.assert(
    fc.property(fc.array(move, { maxLength: 6 }), fc.nat(2), fc.boolean(), (moves, index, isSent) => {
      const { server, alice, bob } = pair({ l: todos })
      bob.update([`l.${index}.mark`, 'inc', 1])
      for (const each of moves) {
        alice.update(each)
        if (isSent) alice.send()
        alice.receive()
      }
      alice.send()
      const superseded = bob.send()
      const marked = (server.data.l as readonly { id: string; mark?: number }[]).filter(
        ({ mark }) => mark === 1,
      )
      const isThere = (server.data.l as readonly { id: string }[]).some(({ id }) => id === todos[index]!.id)
      expect(marked.map(({ id }) => id)).toEqual(isThere ? [todos[index]!.id] : [])
      expect(superseded).toEqual(isThere ? [] : [`l.${index}.mark`])
    }),
  )
})
