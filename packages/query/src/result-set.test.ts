import type { DocId, Document } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { evaluate } from './evaluate.ts'
import { type DocumentChange, ResultSet } from './result-set.ts'
import type { DocChange, Query } from './types.ts'

function query(parts: Partial<Query> = {}): Query {
  return { collection: 'c', where: ['field', 'in', ['eq', true]], orderBy: [['n', 'asc']], skip: 0, ...parts }
}

function doc(id: string, n: number, rest: object = {}): Document {
  return { _id: id, in: true, n, ...rest }
}

function never(): never {
  throw new Error('no refill is needed here')
}

function shape(changes: readonly DocChange[]): string[] {
  return changes.map(({ queueType, dataType, docId }) => `${queueType} ${dataType} ${docId}`)
}

test('[RESULT-1] a change that concerns nothing gives nothing, and the result is the same array', () => {
  const set = new ResultSet(query({ limit: 1 }))
  const first = set.reset([doc('a', 1), doc('b', 2)])
  const out = { _id: 'z', in: false, n: 0 }
  expect(set.change([{ id: 'z', before: null, after: out, dataType: 'add' }], never)).toEqual([])
  expect(set.documents).toBe(first)
})

test('[RESULT-2] documents enter, change and leave', () => {
  const set = new ResultSet(query())
  set.reset([doc('a', 1), doc('b', 2)])
  const entered = doc('c', 0)
  expect(shape(set.change([{ id: 'c', before: null, after: entered, dataType: 'add' }], never))).toEqual([
    'enqueue add c',
  ])
  expect(set.documents.map(({ _id }) => _id)).toEqual(['c', 'a', 'b'])
  const changed = doc('a', 5, { tags: [1] })
  expect(set.change([{ id: 'a', before: doc('a', 1), after: changed, dataType: 'update' }], never)).toEqual([
    {
      id: 0,
      queueType: 'update',
      dataType: 'update',
      docId: 'a',
      doc: changed,
      updatedFields: { n: 5, tags: [1] },
      removedFields: [],
    },
  ])
  expect(set.documents.map(({ _id }) => _id)).toEqual(['c', 'b', 'a'])
  const out = { _id: 'b', in: false }
  expect(
    shape(set.change([{ id: 'b', before: doc('b', 2), after: out, dataType: 'replace' }], never)),
  ).toEqual(['dequeue replace b'])
  const [gone] = set.change([{ id: 'c', before: entered, after: null, dataType: 'remove' }], never)
  expect(gone).toMatchObject({ queueType: 'dequeue', dataType: 'remove', doc: entered })
})

test('[RESULT-3] updated and removed fields are named at the deepest path', () => {
  const set = new ResultSet(query())
  const before = doc('a', 1, { o: { x: 1, y: { z: 2 } }, list: [1, { k: 1 }], short: [1], at: new Date(1) })
  const after = doc('a', 1, {
    o: { y: { z: 3 }, w: {} },
    list: [1, { k: 2 }],
    short: [1, 2],
    at: new Date(1),
  })
  set.reset([before])
  const [change] = set.change([{ id: 'a', before, after, dataType: 'update' }], never)
  expect(change!.updatedFields).toEqual({ 'o.y.z': 3, 'o.w': {}, 'list.1.k': 2, short: [1, 2] })
  expect(change!.removedFields).toEqual(['o.x'])
})

test('[RESULT-4] a window pushes out what no longer fits, and takes in what does', () => {
  const set = new ResultSet(query({ limit: 2 }))
  const [a, b, c, d] = [doc('a', 1), doc('b', 2), doc('c', 3), doc('d', 0)]
  set.reset([a, b, c])
  expect(shape(set.change([{ id: 'd', before: null, after: d, dataType: 'add' }], never))).toEqual([
    'dequeue limit b',
    'enqueue add d',
  ])
  expect(
    shape(set.change([{ id: 'd', before: d, after: null, dataType: 'remove' }], () => [a, b, c])),
  ).toEqual(['dequeue remove d', 'enqueue limit b'])
})

test('[RESULT-4] a window that loses documents asks for others when those behind it are used up, not before', () => {
  const set = new ResultSet(query({ limit: 3 }))
  const all = Array.from({ length: 20 }, (_, n) => doc(`d${n}`, n))
  set.reset(all.slice(0, set.wanted))
  let refills = 0
  for (let n = 0; n < 10; n++) {
    const gone = all.shift()!
    const changes = set.change([{ id: gone._id, before: gone, after: null, dataType: 'remove' }], () => {
      refills++
      return all.slice(0, set.wanted)
    })
    expect(shape(changes)).toEqual([`dequeue remove ${gone._id}`, `enqueue limit d${n + 3}`])
  }
  expect(refills).toBe(2)
})

test('[RESULT-4] a document behind the window may change and go without anybody hearing of it', () => {
  const set = new ResultSet(query({ limit: 1 }))
  const shown = set.reset([doc('a', 1), doc('b', 2), doc('c', 3)])
  expect(
    set.change([{ id: 'b', before: doc('b', 2), after: doc('b', 2.5), dataType: 'update' }], never),
  ).toEqual([])
  expect(set.change([{ id: 'c', before: doc('c', 3), after: null, dataType: 'remove' }], never)).toEqual([])
  expect(set.documents).toEqual(shown)
})

test('[RESULT-5] a document that moves out of its window by its own change leaves by the limit', () => {
  const set = new ResultSet(query({ limit: 1 }))
  const [a, b] = [doc('a', 1), doc('b', 2)]
  set.reset([a, b])
  const moved = doc('a', 9)
  expect(
    shape(set.change([{ id: 'a', before: a, after: moved, dataType: 'update' }], () => [moved, b])),
  ).toEqual(['dequeue limit a', 'enqueue limit b'])
})

test('[RESULT-6] after any commits the result is what the query would answer, and docChanges lead there', () => {
  const change = fc.record({
    id: fc.integer({ min: 0, max: 12 }).map(n => `d${n}`),
    kind: fc.constantFrom('put', 'put', 'put', 'out', 'remove'),
    n: fc.integer({ min: 0, max: 6 }),
    x: fc.integer({ min: 0, max: 2 }),
  })
  const window = fc.constantFrom<Partial<Query>>(
    {},
    { limit: 1 },
    { limit: 3 },
    { skip: 2 },
    { skip: 1, limit: 2 },
    { fields: { x: true } },
  )
  fc.assert(
    fc.property(
      window,
      fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 12 }),
      (parts, commits) => {
        const asked = query(parts)
        const set = new ResultSet(asked)
        const all = new Map<DocId, Document>()
        const { fields: _, ...whole } = asked
        const first = Number.isFinite(set.wanted) ? { limit: set.wanted } : {}
        const told = new Map<DocId, Document>()
        set.reset([])
        for (const commit of commits) {
          const changes: DocumentChange[] = commit.map(({ id, kind, n, x }) => {
            const before = all.get(id) ?? null
            const after = kind === 'remove' ? null : { _id: id, in: kind === 'put', n, x }
            if (after) all.set(id, after)
            else all.delete(id)
            return { id, before, after, dataType: !after ? 'remove' : before ? 'update' : 'add' }
          })
          const runsOut = set.runsOut(changes)
          let refills = 0
          const docChanges = set.change(changes, () => {
            refills++
            return evaluate({ ...whole, skip: 0, ...first }, all.values())
          })
          expect(refills > 0).toBe(runsOut)
          for (const { queueType, docId, doc: told1 } of docChanges) {
            expect(told.has(docId)).toBe(queueType !== 'enqueue')
            if (queueType === 'dequeue') told.delete(docId)
            else told.set(docId, told1)
          }
          expect(set.documents).toEqual(evaluate(asked, all.values()))
          expect(new Map(set.documents.map(each => [each._id, each]))).toEqual(told)
        }
      },
    ),
    { numRuns: 200 },
  )
})
