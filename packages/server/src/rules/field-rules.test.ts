import type { Document, Write } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { admin, alice, bob, judgeBy, openWorld } from '../testing/scenario.ts'
import { touchedPaths } from './field-rules.ts'

const rules = {
  people: {
    read: true,
    write: true,
    fields: {
      role: "auth.openid == 'bob'",
      'profile.score': false,
      'address.city': 'doc._openid == auth.openid',
      '*': true,
    },
  },
  closed: { write: true, fields: { title: true, '*': false } },
}
type Change = Extract<Write, { op: 'update' }>['changes'][number]
const person = { role: 'user', profile: { name: 'x', score: 1 }, address: { city: 'Rome', zip: 1 }, n: 1 }

async function worldWith(collection = 'people') {
  const world = openWorld(undefined, judgeBy(rules))
  const data = { _openid: 'alice', ...person }
  await world.environment.commit({ actor: admin, writes: [{ op: 'add', collection, id: 'p', data }] })
  const update = async (actor: typeof alice, ...changes: Change[]) => {
    const write: Write = { op: 'update', collection, id: 'p', changes }
    return (await world.environment.commit({ actor, writes: [write] })).outcome
  }
  return { ...world, update }
}

test('[FIELDRULE-1] a path is written by whom its rule lets, whatever is done to it, and others by everybody', async () => {
  const { update } = await worldWith()
  expect(await update(alice, ['n', 'inc', 1])).toMatchObject({ status: 'accepted' })
  for (const change of [
    ['role', 'set', 'admin'],
    ['role', 'remove', null],
    ['role', 'rename', 'n'],
    ['n', 'rename', 'role'],
    ['role', 'set', 'user'],
    ['role.x', 'remove', null],
  ] as Change[])
    expect(await update(alice, change), JSON.stringify(change)).toMatchObject({
      status: 'rejected',
      code: 'DATABASE_PERMISSION_DENIED',
      details: { path: expect.stringMatching(/^role/), rule: "auth.openid == 'bob'" },
    })
  expect(await update(bob, ['role', 'set', 'admin'])).toMatchObject({ status: 'accepted' })
  expect(await update(alice, ['n', 'inc', 1], ['role', 'set', 'x']), 'one is enough').toMatchObject({
    status: 'rejected',
  })
})

test('[FIELDRULE-2] a rule speaks of everything in its path, and of everything its path is in', async () => {
  const { update } = await worldWith()
  expect(await update(alice, ['profile.name', 'set', 'y'])).toMatchObject({ status: 'accepted' })
  for (const change of [
    ['profile.score', 'inc', 1],
    ['profile', 'remove', null],
    ['profile', 'set', 7],
    ['profile', 'set', { name: 'y' }],
    ['profile', 'set', { name: 'y', score: 2 }],
  ] as Change[])
    expect(await update(alice, change), JSON.stringify(change)).toMatchObject({
      status: 'rejected',
      details: { rule: 'false' },
    })
  expect(await update(alice, ['profile', 'set', { name: 'z', score: 1 }]), 'it stays').toMatchObject({
    status: 'accepted',
  })
  expect(await update(alice, ['address.city', 'set', 'Oslo'])).toMatchObject({ status: 'accepted' })
  expect(await update(bob, ['address.city', 'set', 'Rome'])).toMatchObject({ status: 'rejected' })
  expect(await update(bob, ['address.zip', 'set', 2])).toMatchObject({ status: 'accepted' })
})

test('[FIELDRULE-3] "*" is for paths of which no other rule speaks; the server’s own fields and deletions are nobody’s', async () => {
  const { environment, update } = await worldWith('closed')
  expect(await update(alice, ['title', 'set', 'x'])).toMatchObject({ status: 'accepted' })
  expect(await update(alice, ['n', 'set', 2])).toMatchObject({ status: 'rejected', details: { path: 'n' } })
  const commit = async (write: Write) =>
    (await environment.commit({ actor: alice, writes: [write] })).outcome.status
  const add = { op: 'add', collection: 'closed' } as const
  expect(await commit({ ...add, id: 'a', data: { title: 'x' } }), 'its _openid is the server’s').toBe(
    'accepted',
  )
  expect(await commit({ ...add, id: 'b', data: { title: 'x', more: 1 } })).toBe('rejected')
  expect(
    await commit({ op: 'set', collection: 'closed', id: 'p', data: { title: 'x' } }),
    'takes fields',
  ).toBe('rejected')
  expect(await commit({ op: 'remove', collection: 'closed', id: 'p' })).toBe('accepted')
})

test('[FIELDRULE-4] what is touched is what is named and what is different, as deep as objects go', () => {
  const touched = (before: object | null, after: object | null, data: object | null) =>
    [
      ...touchedPaths({
        collection: 'c',
        op: 'update',
        before: before && ({ _id: 'x', ...before } as Document),
        after: after && ({ _id: 'x', ...after } as Document),
        data: data as never,
      }),
    ].sort()
  expect(touched({ a: { b: 1, c: 2 } }, { a: { b: 1, c: 3 } }, { 'a.c': 3 })).toEqual(['a.c'])
  expect(touched({ a: 1 }, { a: 1 }, { a: 1 })).toEqual(['a'])
  expect(touched({ a: 1 }, { a: { b: 1 } }, { a: { b: 1 } })).toEqual(['a', 'a.b'])
  expect(touched({ a: { b: 1 } }, {}, { a: null })).toEqual(['a', 'a.b'])
  expect(touched({ a: [1, { b: 1 }] }, { a: [1, { b: 2 }] }, { 'a.1.b': 2 })).toEqual(['a'])
  expect(touched(null, { a: { b: {} }, c: new Date(1) }, { a: { b: {} }, c: new Date(1) })).toEqual([
    'a',
    'a.b',
    'c',
  ])
  expect(touched({ constructor: 1 }, { a: 1 }, {})).toEqual(['a', 'constructor'])
})
