import { expect, test } from 'vitest'
import { Stage, type Staged } from './stage.ts'

const staged = (n: number): Staged => ({
  stored: { doc: { _id: `d${n}`, n }, stamps: {} },
  text: `{"_id":"d${n}","n":${n}}`,
  version: 1,
})

test.each([1, 8, 9, 40])(
  'a commit that writes %s documents, each twice, changes each once, in order',
  count => {
    const stage = new Stage(new Map())
    const ids = Array.from({ length: count }, (_, n) => (n % 2 === 0 ? `d${n}` : n))
    for (const id of ids) stage.try('c', id, staged(1), false)
    for (const [n, id] of ids.entries()) stage.try('c', id, staged(n), false)
    expect(ids.map(id => stage.get('c', id)!.stored.doc.n)).toEqual(ids.map((_, n) => n))
    expect(stage.get('c', 'another')).toBeNull()
    expect(stage.changes.map(({ id, after }) => [id, after!.stored.doc.n])).toEqual(
      ids.map((id, n) => [id, n]),
    )
    stage.discard()
    expect([stage.changes, stage.get('c', ids[0]!)]).toEqual([[], null])
    for (const id of ids) stage.try('c', id, staged(7), false)
    stage.accept()
    expect(stage.changes).toEqual([])
    expect(ids.every(id => stage.get('c', id)!.stored.doc.n === 7)).toBe(true)
  },
)
