import { expect, test } from 'vitest'
import { mergeRow } from './merge-row.ts'
import type { Tree } from './shape.ts'

const base: Tree = { title: 'x', n: 1, tags: ['a'], place: { room: 'hall', shelf: { top: true } } }
const with_ = (part: Tree): Tree => ({ ...base, ...part })

test.each<[string, Tree | undefined, Tree | undefined, Tree | undefined, unknown]>([
  ['a new document is added', undefined, undefined, { a: 1 }, { kind: 'add', data: { a: 1 } }],
  ['what is there already stays', base, undefined, base, { kind: 'stay' }],
  ['what is gone on both sides stays gone', undefined, base, undefined, { kind: 'stay' }],
  ['two that were made apart: the first one stays', base, undefined, { title: 'y' }, { kind: 'stay' }],
  ['an edit of a removed one is nothing', undefined, base, with_({ n: 2 }), { kind: 'stay' }],
  ['a removed one is made again by who knew', undefined, undefined, base, { kind: 'add', data: base }],
  ['a known one is removed', base, base, undefined, { kind: 'remove' }],
  ['one that was changed meanwhile is not removed', with_({ n: 2 }), base, undefined, { kind: 'stay' }],
  ['an unknown one is not removed', base, undefined, undefined, { kind: 'stay' }],
  ['a field is set', base, base, with_({ n: 2 }), { kind: 'change', changes: [['n', 'set', 2]] }],
  [
    'fields of an object are fields',
    with_({ place: { room: 'kitchen', shelf: { top: true } } }),
    base,
    with_({ place: { room: 'hall', shelf: { top: false } } }),
    { kind: 'change', changes: [['place.shelf.top', 'set', false]] },
  ],
  [
    'a field is removed, another comes',
    base,
    base,
    { title: 'x', n: 1, tags: ['a'], place: { room: 'hall' }, more: null },
    {
      kind: 'change',
      changes: [
        ['place.shelf', 'remove', null],
        ['more', 'set', null],
      ],
    },
  ],
  ['an array is one value', with_({ tags: ['a', 'b'] }), base, with_({ tags: ['a', 'c'] }), { kind: 'stay' }],
  ['of what both changed the server’s stays', with_({ n: 3 }), base, with_({ n: 2 }), { kind: 'stay' }],
  ['both changed it alike', with_({ n: 2 }), base, with_({ n: 2 }), { kind: 'stay' }],
  [
    'an object in the place of a value that somebody else changed',
    with_({ n: 5 }),
    base,
    with_({ n: { deep: 1 } }),
    { kind: 'stay' },
  ],
  [
    'dates and places are values',
    { at: { $date: 1 }, here: { type: 'Point', coordinates: [1, 2] } },
    { at: { $date: 1 }, here: { type: 'Point', coordinates: [1, 2] } },
    { at: { $date: 2 }, here: { type: 'Point', coordinates: [1, 3] } },
    {
      kind: 'change',
      changes: [
        ['at', 'set', new Date(2)],
        ['here', 'set', expect.objectContaining({ type: 'Point' })],
      ],
    },
  ],
])('[RXDB-2] %s', (_, master, assumed, wanted, expected) => {
  expect(mergeRow(master, assumed, wanted)).toEqual(expected)
})

test.each<[string, Tree | undefined, Tree | undefined, Tree | undefined, Tree, readonly unknown[]]>([
  ['its next value', with_({ n: 2, x: 9 }), base, with_({ n: 3 }), with_({ n: 2 }), [['n', 'set', 3]]],
  ['back to what it was', with_({ n: 2, x: 9 }), base, base, with_({ n: 2 }), [['n', 'set', 1]]],
  [
    'within an object',
    with_({ place: { room: 'loft', shelf: { top: false } } }),
    base,
    base,
    with_({ place: { room: 'loft', shelf: { top: true } } }),
    [['place.room', 'set', 'hall']],
  ],
  ['a field that came and goes', with_({ y: 1, x: 9 }), base, base, with_({ y: 1 }), [['y', 'remove', null]]],
  ['of a document that it made', with_({ x: 9 }), undefined, with_({ n: 3 }), base, [['n', 'set', 3]]],
  ['somebody else came between', with_({ n: 7 }), base, with_({ n: 3 }), with_({ n: 2 }), []],
])(
  '[RXDB-2] a row does not lose against the one before it: %s',
  (_, master, assumed, wanted, own, changes) => {
    const expected = changes.length === 0 ? { kind: 'stay' } : { kind: 'change', changes }
    expect(mergeRow(master, assumed, wanted, own)).toEqual(expected)
  },
)

test('[RXDB-2] what it made and somebody removed it does not make again, and what it made last it may remove', () => {
  expect(mergeRow(undefined, undefined, with_({ n: 2 }), base)).toEqual({ kind: 'stay' })
  expect(mergeRow(with_({ n: 2 }), base, undefined, with_({ n: 2 }))).toEqual({ kind: 'remove' })
  expect(mergeRow(with_({ n: 2, x: 9 }), base, undefined, with_({ n: 2 }))).toEqual({ kind: 'stay' })
})
