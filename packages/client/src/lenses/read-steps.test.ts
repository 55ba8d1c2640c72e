import type { CloudError } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { lenses } from './index.ts'

const split = { up: () => ({}), down: () => '' }

test.each<[string, unknown, string]>([
  ['no object', 5, 'by collection'],
  ['no list', { todos: {} }, 'a list'],
  ['no collection', { 'a b': [] }, 'collection'],
  ['no lens', { todos: [{}] }, 'todos[0]: a lens is one of'],
  ['nothing', { todos: [undefined] }, 'a lens is one of'],
  ['two at once', { todos: [{ add: 'a', rename: 'b', to: 'c', default: 1 }] }, 'rename has no "add"'],
  ['a word too many', { todos: [{ add: 'a', default: 1, type: 'number' }] }, 'add has no "type"'],
  ['no default', { todos: [{ add: 'a' }] }, 'add has a default'],
  ['a default that cannot be stored', { todos: [{ add: 'a', default: new Map() }] }, 'todos[0]'],
  ['no new name', { todos: [{ rename: 'a' }] }, 'a new name is one name'],
  ['a new place', { todos: [{ rename: 'a', to: 'b.c' }] }, 'stays in its object'],
  ['the id', { todos: [{ rename: '_id', to: 'id' }] }, '"_id"'],
  ['the owner', { todos: [{ rename: 'owner', to: '_openid' }] }, '"_openid"'],
  ['a list', { todos: [{ remove: 'list.0' }] }, 'lists'],
  ['a prototype', { todos: [{ rename: 'a', to: '__proto__' }] }, 'todos[0]'],
  ['an empty name', { todos: [{ add: '', default: 1 }] }, 'todos[0]'],
  [
    'two fields to one name',
    {
      todos: [
        { rename: 'a', to: 'c' },
        { rename: 'b', to: 'c' },
      ],
    },
    'cannot both be "c"',
  ],
  [
    'a field twice',
    {
      todos: [
        { rename: 'a', to: 'b' },
        { rename: 'a', to: 'c' },
      ],
    },
    'no "a" any more',
  ],
  [
    'a field in one that is gone',
    { todos: [{ remove: 'a' }, { add: 'a.b', default: 1 }] },
    'meaning for older',
  ],
  ['another meaning', { todos: [{ remove: 'a' }, { add: 'a', default: 1 }] }, 'meaning for older apps'],
  ['no parts', { todos: [{ split: 'a', into: [], ...split }] }, 'into'],
  ['no way back', { todos: [{ split: 'a', into: ['b'], up: split.up }] }, 'up and down'],
  ['one part twice', { todos: [{ split: 'a', into: ['b', 'b'], ...split }] }, 'cannot both'],
  [
    'too many',
    { todos: Array.from({ length: 201 }, (_, n) => ({ add: `f${n}`, default: 1 })) },
    'more than 200',
  ],
])('[LENS-10] lenses() refuses %s', (_what, given, words) => {
  const thrown = (() => {
    try {
      return lenses(given as never)
    } catch (error) {
      return error as CloudError
    }
  })()
  expect(thrown).toMatchObject({ code: 'INVALID_PARAM', errMsg: expect.stringContaining(words) })
})
