import { expect, test } from 'vitest'
import type { Deed } from './deeds.ts'
import { judge } from './judge.ts'
import type { SavedState } from './saved-state.ts'

/** Two writers, and what a server has that decided all of it. */
function world() {
  const deeds: Deed[] = [
    { id: 1, kind: 'add', token: 'a-hello' },
    { id: 2, kind: 'make', doc: 'one' },
    { id: 3, kind: 'bump', doc: 'one', token: 'a-1' },
    { id: 4, kind: 'batch', doc: 'one', token: 'a-2' },
    { id: 5, kind: 'edit', token: 'a-hello' },
    { id: 6, kind: 'refused', token: 'a-3' },
    { id: 7, kind: 'count' },
  ]
  const others: Deed[] = [
    { id: 1, kind: 'add', token: 'b-hello' },
    { id: 2, kind: 'bump', doc: 'one', token: 'b-1' },
    { id: 3, kind: 'remove', token: 'b-hello' },
  ]
  const documents = {
    log: new Map<string, Record<string, unknown>>([['one', { count: 3, list: ['a-1', 'b-1', 'a-2'] }]]),
    notes: new Map<string, Record<string, unknown>>([['a-hello', { edits: 1 }]]),
    parts: new Map<string, Record<string, unknown>>([['a-2', {}]]),
    boards: new Map<string, Record<string, unknown>>([['board', { items: [{ id: 'a', n: 1 }] }]]),
    closed: new Map<string, Record<string, unknown>>(),
  }
  const saved = {
    damage: [] as string[],
    documents,
    receipts: new Set(['a-hello', 'b-hello']),
    lastMutations: new Map([
      ['client-a', 7],
      ['client-b', 3],
    ]),
    clientOf: new Map([
      ['notes/a-hello', 'client-a'],
      ['notes/b-hello', 'client-b'],
    ]),
    head: 7,
  } satisfies SavedState
  const accounts = [
    { name: 'a', deeds, acknowledged: new Set([1, 2, 3, 4]) },
    { name: 'b', deeds: others, acknowledged: new Set([1, 2, 3]) },
  ]
  return { saved, accounts, documents }
}

const spoilt: Readonly<Record<string, [spoil: (parts: ReturnType<typeof world>) => void, words: RegExp]>> = {
  'an acknowledged mutation that is not decided': [
    ({ saved, documents }) => {
      saved.lastMutations.set('client-b', 1)
      documents.log.set('one', { count: 2, list: ['a-1', 'a-2'] })
      documents.notes.set('b-hello', { edits: 0 })
    },
    /^b: acknowledged and lost: 2, 3$/,
  ],
  'a decided mutation without its effect': [
    ({ documents }) => documents.log.set('one', { count: 2, list: ['a-1', 'a-2'] }),
    /^log\/one: count is 2, not 3$/,
  ],
  'an increase that happened twice': [
    ({ documents }) => documents.log.set('one', { count: 4, list: ['a-1', 'b-1', 'a-2'] }),
    /^log\/one: count is 4, not 3$/,
  ],
  'a push that happened twice': [
    ({ documents }) => documents.log.set('one', { count: 3, list: ['a-1', 'b-1', 'a-2', 'b-1'] }),
    /^log\/one\.list: 1 are there twice$/,
  ],
  'pushes of one writer out of order': [
    ({ documents }) => documents.log.set('one', { count: 3, list: ['a-2', 'b-1', 'a-1'] }),
    /^log\/one\.list: the pushes of a are out of order$/,
  ],
  'half a batch': [({ documents }) => documents.parts.clear(), /^parts: missing a-2$/],
  'an element that counted twice': [
    ({ documents }) => documents.boards.set('board', { items: [{ id: 'a', n: 2 }] }),
    /^board: all count 2, not 1$/,
  ],
  'what was refused': [({ documents }) => documents.closed.set('a-3', {}), /^closed: not expected a-3$/],
  'what was removed': [
    ({ documents }) => documents.notes.set('b-hello', { edits: 0 }),
    /^notes: not expected b-hello$/,
  ],
  'more than was made': [
    ({ saved }) => saved.lastMutations.set('client-b', 4),
    /^b: 4 mutations are decided, and 3 were made$/,
  ],
  'a client that began anew': [
    ({ saved }) => saved.clientOf.set('notes/a-9', 'client-c'),
    /^a is known as 2 clients$/,
  ],
  'a trigger that ran for nothing': [
    ({ saved }) => saved.receipts.add('a-77'),
    /^a trigger ran for what is not there: a-77$/,
  ],
  'damage that the database tells of': [({ saved }) => saved.damage.push('a torn page'), /^a torn page$/],
}

test('[CRASH-2] what was acknowledged, and some of what was under way, each once, is right', () => {
  const { saved, accounts } = world()
  expect(judge(saved, accounts)).toEqual([])
  const undecided = accounts.map(account => ({ ...account, acknowledged: new Set<number>() }))
  expect(judge(saved, undecided)).toEqual([])
})

test.each(Object.entries(spoilt))('[CRASH-2] the harness sees %s', (_, [spoil, words]) => {
  const parts = world()
  spoil(parts)
  const found = judge(parts.saved, parts.accounts)
  expect(found.filter(each => words.test(each))).toHaveLength(1)
})
