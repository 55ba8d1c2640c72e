import type { Document } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { admin, openWorld } from '../testing/scenario.ts'
import { KnownDocuments } from './known-documents.ts'
import type { Staged } from './stage.ts'

const staged = (n: number, characters = 10): Staged => ({
  stored: { doc: { _id: 'x', n } as Document, stamps: {} },
  text: 'x'.repeat(characters),
  version: n,
})

test('[COMMIT-40] a document that was written a moment ago is not read again, and merges as it is stored', async () => {
  const engine = new MemoryEngine()
  const asked: unknown[] = []
  const get = engine.get.bind(engine)
  engine.get = (env, collection, ids) => {
    asked.push(...ids)
    return get(env, collection, ids)
  }
  const { environment, documents } = openWorld(engine)
  const inc = { op: 'update', collection: 'todos', id: 'a', changes: [['n', 'inc', 1]] } as const
  await environment.commit({
    actor: admin,
    writes: [{ op: 'add', collection: 'todos', id: 'a', data: { n: 0 } }],
  })
  for (let n = 0; n < 5; n++) await environment.commit({ actor: admin, writes: [inc] })
  expect(asked).toEqual(['a'])
  expect(await documents()).toEqual([{ _id: 'a', n: 5 }])
  await environment.commit({ actor: admin, writes: [{ op: 'remove', collection: 'todos', id: 'a' }] })
  const { effects } = await environment.commit({ actor: admin, writes: [inc] })
  expect(effects).toMatchObject([{ existed: false }])
})

test('[COMMIT-40] after a commit the engine refused nothing is known', async () => {
  const engine = new MemoryEngine()
  const { environment, documents } = openWorld(engine)
  const set = (n: number) =>
    environment.commit({
      actor: admin,
      writes: [{ op: 'set', collection: 'todos', id: 'a', data: { n } }],
    })
  await set(1)
  const { commit } = engine
  engine.commit = () => Promise.reject(new Error('the disk is gone'))
  await expect(set(2)).rejects.toThrow('the disk is gone')
  engine.commit = commit
  await environment.commit({
    actor: admin,
    writes: [{ op: 'update', collection: 'todos', id: 'a', changes: [['n', 'inc', 10]] }],
  })
  expect(await documents()).toEqual([{ _id: 'a', n: 11 }])
})

test('[COMMIT-40] what was used longest ago is forgotten first, by size', () => {
  const known = new KnownDocuments(30)
  known.note([
    ['a', staged(1)],
    ['b', staged(2)],
    ['c', staged(3)],
  ])
  expect(known.get('a')?.version).toBe(1)
  known.note([['d', staged(4)]])
  expect(['a', 'b', 'c', 'd'].map(key => known.get(key)?.version)).toEqual([1, undefined, 3, 4])
  known.note([
    ['a', null],
    ['e', staged(5, 1_000)],
  ])
  expect(['a', 'c', 'd', 'e'].map(key => known.get(key))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})
