import type { Document, DocumentData, Write } from '@nearcloud/protocol'
import type { IndexDefinition } from '@nearcloud/query'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { admin, alice, mutationOf, openWorld, type World } from '../testing/scenario.ts'

const email: IndexDefinition = { name: 'email', keys: [['email', 1]], unique: true }
const set = (id: Document['_id'], data: DocumentData): Write => ({ op: 'set', collection: 'todos', id, data })
const update = (
  id: string,
  path: string,
  ...change: ['set', string] | ['remove', null] | ['rename', string]
) => ({ op: 'update', collection: 'todos', id, changes: [[path, ...change]] }) as Write
const remove = (id: string): Write => ({ op: 'remove', collection: 'todos', id })

/** With `a` who has the address `a@x`, and `b` who has `b@x`. */
async function withAddresses(): Promise<World> {
  const world = openWorld()
  await world.environment.createIndex('todos', email)
  const writes = [set('a', { email: 'a@x' }), set('b', { email: 'b@x' })]
  await world.environment.commit({ actor: admin, writes })
  return world
}

/** Each commit is one letter: `+` accepted, `E` a duplicate key. All of them arrive together. */
async function together(world: World, commits: readonly (readonly Write[])[]): Promise<string> {
  const decisions = await Promise.all(
    commits.map(writes => world.environment.commit({ actor: admin, writes })),
  )
  return decisions
    .map(({ outcome }) =>
      outcome.status === 'accepted' ? '+' : outcome.reason.includes('E11000') ? 'E' : '?',
    )
    .join('')
}

const addresses = async (world: World) =>
  Object.fromEntries((await world.documents()).map(({ _id, email: address }) => [_id, address]))

test('[INDEX-10] a key another document holds is refused, in words that name index and collection', async () => {
  const world = await withAddresses()
  const { outcome } = await world.environment.commit({ actor: admin, writes: [set('c', { email: 'a@x' })] })
  expect(outcome).toEqual({
    id: 0,
    status: 'rejected',
    code: 'DATABASE_REQUEST_FAILED',
    reason: 'E11000 duplicate key error: another document of todos has this key of the unique index "email"',
    details: { collection: 'todos', index: 'email' },
  })
  expect(await addresses(world)).toEqual({ a: 'a@x', b: 'b@x' })
})

for (const [title, commits, letters, left] of [
  [
    'an add',
    [[set('c', { email: 'c@x' })], [set('d', { email: 'b@x' })]],
    '+E',
    { a: 'a@x', b: 'b@x', c: 'c@x' },
  ],
  [
    'two of a group',
    [[set('c', { email: 'c' })], [set('d', { email: 'c' })]],
    '+E',
    { a: 'a@x', b: 'b@x', c: 'c' },
  ],
  ['an update', [[update('a', 'email', 'set', 'b@x')]], 'E', { a: 'a@x', b: 'b@x' }],
  ['an update to its own', [[update('a', 'email', 'set', 'a@x')]], '+', { a: 'a@x', b: 'b@x' }],
  [
    'a key that was freed by a removal',
    [[remove('a')], [update('b', 'email', 'set', 'a@x')]],
    '++',
    { b: 'a@x' },
  ],
  [
    'a key that was freed by an update',
    [[update('a', 'email', 'set', 'z')], [update('b', 'email', 'set', 'a@x')]],
    '++',
    { a: 'z', b: 'a@x' },
  ],
  [
    'a key that is not freed, since that is refused',
    [[update('a', 'email', 'set', 'b@x')], [set('c', { email: 'a@x' })]],
    'EE',
    { a: 'a@x', b: 'b@x' },
  ],
  [
    'removed and added again',
    [[remove('a')], [set('c', { email: 'a@x' })], [set('a', { email: 'a@x' })], [set('a', { email: 'y' })]],
    '++E+',
    { a: 'y', b: 'b@x', c: 'a@x' },
  ],
  [
    'unset and taken',
    [
      [update('a', 'email', 'remove', null)],
      [set('c', { email: 'a@x' })],
      [update('a', 'email', 'set', 'a@x')],
    ],
    '++E',
    { a: undefined, b: 'b@x', c: 'a@x' },
  ],
  [
    'renamed away and taken',
    [
      [update('a', 'email', 'rename', 'old')],
      [set('c', { email: 'a@x' })],
      [update('a', 'old', 'rename', 'email')],
    ],
    '++E',
    { a: undefined, b: 'b@x', c: 'a@x' },
  ],
  [
    'exchanged in one batch',
    [[update('a', 'email', 'set', 'b@x'), update('b', 'email', 'set', 'a@x')]],
    '+',
    { a: 'b@x', b: 'a@x' },
  ],
  [
    'twice in one batch',
    [[set('c', { email: 'c' }), set('d', { email: 'c' })], [set('e', { email: 'c' })]],
    'E+',
    { a: 'a@x', b: 'b@x', e: 'c' },
  ],
  [
    'taken and left in one batch',
    [[set('c', { email: 'a@x' }), set('c', { email: 'c' })]],
    '+',
    { a: 'a@x', b: 'b@x', c: 'c' },
  ],
  [
    'none at all',
    [[set('c', {})], [set('d', { n: 1 })]],
    '++',
    { a: 'a@x', b: 'b@x', c: undefined, d: undefined },
  ],
  ['null', [[set('c', { email: null })], [set('d', { email: null })]], '+E', { a: 'a@x', b: 'b@x', c: null }],
  [
    'an element of a list',
    [[set('c', { email: ['x', 'b@x'] })], [set('c', { email: ['x', 'x'] })], [set('d', { email: 'x' })]],
    'E+E',
    { a: 'a@x', b: 'b@x', c: ['x', 'x'] },
  ],
] as [string, Write[][], string, Record<string, unknown>][])
  test(`[INDEX-11] of a group each is held against those before it: ${title}`, async () => {
    const world = await withAddresses()
    const { commits: before } = world.engine
    expect(await together(world, commits)).toBe(letters)
    expect(await addresses(world)).toEqual(left)
    expect(world.engine.commits - before).toBe(letters.includes('+') ? 1 : 0)
  })

test('[INDEX-11] a refused mutation of a client is taken out, the others go on', async () => {
  const world = await withAddresses()
  await world.environment.openClient('c', 'alice', 0)
  const mutations = [
    mutationOf(1, [set('c', { email: 'a@x' })]),
    mutationOf(2, [set('d', { email: 'd' })]),
    mutationOf(3, [set('e', { email: 'd' })]),
  ]
  const decisions = await Promise.all(
    mutations.map(mutation => world.environment.commit({ actor: alice, client: { id: 'c', mutation } })),
  )
  expect(decisions.map(({ outcome }) => outcome.status)).toEqual(['rejected', 'accepted', 'rejected'])
  const again = await world.environment.commit({ actor: alice, client: { id: 'c', mutation: mutations[0]! } })
  expect(again.outcome).toEqual(decisions[0]!.outcome)
})

test('[INDEX-11] what arrives together is decided as it would be one by one', async () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const key = fc.constantFrom(
    'a@x',
    'b@x',
    'k',
    'l',
    'm',
    null,
    `${'长'.repeat(400)}1`,
    `${'长'.repeat(400)}2`,
  )
  const value = fc.oneof(
    { weight: 4, arbitrary: key },
    { weight: 1, arbitrary: fc.array(key, { maxLength: 2 }) },
  )
  const write = fc.oneof(
    fc.tuple(id, value).map(([id, email]) => set(id, { email })),
    fc.tuple(id, value).map(([id, email]) => update(id, 'email', 'set', email as string)),
    id.map(id => update(id, 'email', 'rename', 'old')),
    id.map(id => update(id, 'old', 'rename', 'email')),
    id.map(remove),
  )
  const commits = fc.array(fc.array(write, { minLength: 1, maxLength: 3 }), { minLength: 5, maxLength: 25 })
  let refused = 0
  await fc.assert(
    fc.asyncProperty(commits, async commits => {
      const [one, all] = [await withAddresses(), await withAddresses()]
      let letters = ''
      for (const writes of commits) letters += await together(one, [writes])
      expect(await together(all, commits)).toBe(letters)
      expect(await all.documents()).toEqual(await one.documents())
      refused += letters.split('E').length - 1
    }),
    { numRuns: 60 },
  )
  expect(refused).toBeGreaterThan(20)
})

test('[INDEX-11] a chain in which every answer raises the next question is decided all the same', async () => {
  const world = openWorld()
  await world.environment.createIndex('todos', { name: 'n', keys: [['n', 1]], unique: true })
  const steps = Array.from({ length: 45 }, (_, n) => 2 ** n)
  const held = steps.map(step => set(`held${step}`, { n: step }))
  await world.environment.commit({ actor: admin, writes: [...held, set('p', { n: 0 })] })
  const { commits: before } = world.engine
  const walk = [...steps, 0.5].map((step): Write[] => [
    { op: 'update', collection: 'todos', id: 'p', changes: [['n', 'inc', step]] },
  ])
  expect(await together(world, walk)).toBe(`${'E'.repeat(45)}+`)
  expect((await world.documents()).find(({ _id }) => _id === 'p')).toEqual({ _id: 'p', n: 0.5 })
  expect(world.engine.commits - before).toBe(1)
})

test('[INDEX-12] long values that only begin the same are two keys', async () => {
  const world = await withAddresses()
  const long = (end: string) => `${'长'.repeat(2_000)}${end}`
  expect(
    await together(world, [
      [set('c', { email: long('c') })],
      [set('d', { email: long('d') })],
      [set('e', { email: long('c') })],
    ]),
  ).toBe('++E')
  // and once they are stored
  expect(
    await together(world, [
      [set('e', { email: long('d') })],
      [update('c', 'email', 'set', long('d'))],
      [update('c', 'email', 'set', long('e'))],
      [set('e', { email: long('c') })],
      [set('f', { email: long('e') })],
    ]),
  ).toBe('EE++E')
})

test('[INDEX-13] several fields are one key; a document without any of them has none', async () => {
  const world = openWorld()
  const keys = [
    ['of.user', 1],
    ['day', -1],
  ] as const
  await world.environment.createIndex('todos', { name: 'i', keys, unique: true })
  const commits = [
    set('a', { of: { user: 'u' }, day: 1 }),
    set('b', { of: { user: 'u' }, day: 2 }),
    set('c', { of: { user: 'v' }, day: 2 }),
    set('d', { day: 2, of: { user: 'u' } }),
    set('e', { day: 2 }),
    set('f', { day: 2, of: {} }),
    set('g', {}),
    set('h', { of: {} }),
  ]
  expect(
    await together(
      world,
      commits.map(write => [write]),
    ),
  ).toBe('+++E+E++')
})

test('[INDEX-14] a unique index of documents that share a key is not made, and names two of them', async () => {
  const { environment } = openWorld()
  const many = Array.from({ length: 500 }, (_, n) => set(n, { email: `${n === 444 ? 3 : n}@x` }))
  await environment.commit({ actor: admin, writes: many })
  await expect(environment.createIndex('todos', email)).rejects.toMatchObject({
    code: 'DATABASE_REQUEST_FAILED',
    errMsg: expect.stringContaining('E11000 duplicate key'),
    details: { collection: 'todos', index: 'email', ids: [3, 444] },
  })
  expect(environment.indexes.all).toEqual([])
  const { outcome } = await environment.commit({ actor: admin, writes: [set('x', { email: '5@x' })] })
  expect(outcome.status).toBe('accepted')
  await environment.commit({ actor: admin, writes: [set(444, {}), set('x', {})] })
  await environment.createIndex('todos', email)
})

test('[INDEX-14] while it is built, what is written is held against what is in it, and the rest is found', async () => {
  const world = openWorld(new MemoryEngine())
  const many = Array.from({ length: 900 }, (_, n) => set(n, { email: `${n}@x` }))
  await world.environment.commit({ actor: admin, writes: many })
  const created = world.environment.createIndex('todos', email)
  while ((await world.engine.readState('test', 'index.built.2')) === undefined)
    expect(await together(world, [[set('t', {})]])).toBe('+')
  expect(await together(world, [[set('x', { email: '0@x' })], [set('y', { email: '899@x' })]])).toBe('E+')
  await expect(created).rejects.toMatchObject({ details: { ids: ['y', 899] } })
})
