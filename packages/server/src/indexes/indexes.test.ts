import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Document, type DocumentData, decodeTrusted, type Write } from '@nearcloud/protocol'
import type { IndexDefinition } from '@nearcloud/query'
import { compileIndexKeys } from '@nearcloud/query/indexes'
import { afterAll, describe, expect, test } from 'vitest'
import { LiveEnvironment } from '../commit/live-environment.ts'
import type { Engine } from '../engine/engine.ts'
import { SqliteEngine } from '../engine/sqlite-engine.ts'
import { nextTurn } from '../engine/turn.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { OpenJudge } from '../testing/open-judge.ts'
import { admin, alice, openWorld } from '../testing/scenario.ts'

const folder = mkdtempSync(join(tmpdir(), 'nearcloud-indexes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newFile = () => join(folder, `${files++}.db`)
const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))

const liveOn = (engine: Engine) =>
  new LiveEnvironment({ env: 'test', engine, clock: new ManualClock(), judge: new OpenJudge() })
const indexOn = (path: string, part: Partial<IndexDefinition> = {}): IndexDefinition => ({
  name: path,
  keys: [[path, 1]],
  unique: false,
  ...part,
})
const set = (id: Document['_id'], data: DocumentData): Write => ({ op: 'set', collection: 'todos', id, data })
const remove = (id: Document['_id']): Write => ({ op: 'remove', collection: 'todos', id })
const fill = (environment: LiveEnvironment, count: number, data: (n: number) => DocumentData) =>
  environment.commit({ actor: admin, writes: Array.from({ length: count }, (_, n) => set(n, data(n))) })

/** Key and id of every row of an index, as the engine has them. */
async function rowsOf(environment: LiveEnvironment, name: string): Promise<string[]> {
  await environment.indexes.open()
  const index = environment.indexes.of('todos').find(each => each.definition.name === name)!
  const walk = { number: index.number, ranges: [{ from: '' }], direction: 'asc' } as const
  const rows: string[] = []
  for await (const page of environment.engine.scan('test', { collection: 'todos', index: walk }))
    for (const { key, id } of page) rows.push(JSON.stringify([key, id]))
  return rows.sort()
}

/** The same, as the documents say. */
async function rowsWanted(environment: LiveEnvironment, definition: IndexDefinition): Promise<string[]> {
  const keysOf = compileIndexKeys(definition)
  const rows: string[] = []
  for await (const page of environment.engine.scan('test', { collection: 'todos' }))
    for (const { text, id } of page)
      for (const key of keysOf(decodeTrusted(text) as Document).keys) rows.push(JSON.stringify([key, id]))
  return rows.sort()
}

for (const [name, open] of [
  ['MemoryEngine', () => new MemoryEngine()],
  ['SqliteEngine', () => new SqliteEngine({ file: newFile(), random })],
] as const)
  describe(name, () => {
    test('[INDEX-1] the rows of an index are what its documents say, whatever was written', async () => {
      const environment = liveOn(open())
      const definitions: IndexDefinition[] = [
        indexOn('n'),
        {
          name: 'both',
          keys: [
            ['list.x', -1],
            ['n', 1],
          ],
          unique: false,
        },
        indexOn('name', { unique: true }),
      ]
      let seed = 7
      const dice = (sides: number) => {
        seed = (seed * 48_271) % 2_147_483_647
        return seed % sides
      }
      const values = [1, 'a', null, [1, 2], [], true, new Date(5), { x: 1 }]
      const random = (): DocumentData => ({
        ...(dice(4) && { n: values[dice(values.length)]! }),
        ...(dice(3) && { list: [{ x: dice(3) }, { x: dice(3) }] }),
        ...(dice(2) && { name: `n${dice(40)}` }),
      })
      for (const definition of definitions.slice(0, 2)) await environment.createIndex('todos', definition)
      await environment.createIndex('todos', definitions[2]!)
      for (let round = 0; round < 60; round++) {
        const asked = Array.from({ length: 1 + dice(4) }, () => {
          const writes = Array.from({ length: 1 + dice(3) }, (): Write => {
            const id = dice(25)
            const kind = dice(5)
            if (kind === 0) return remove(id)
            if (kind > 2) return set(id, random())
            const changes = [
              ['n', 'set', dice(9)],
              ['list', 'push', { values: [{ x: dice(5) }] }],
            ] as const
            return { op: 'update', collection: 'todos', id, changes: changes.slice(0, kind) as never }
          })
          return environment.commit({ actor: admin, writes })
        })
        await Promise.all(asked)
      }
      for (const definition of definitions) {
        const rows = await rowsOf(environment, definition.name)
        expect(rows.length).toBeGreaterThan(5)
        expect(rows).toEqual(await rowsWanted(environment, definition))
      }
      await environment.engine.close()
    })

    test('[INDEX-2] documents that were there are added, and what is written meanwhile is in it', async () => {
      const environment = liveOn(open())
      await fill(environment, 700, n => ({ n: n % 10 }))
      const created = environment.createIndex('todos', indexOn('n'))
      for (let n = 0; n < 40; n++) {
        void environment.commit({ actor: admin, writes: [set(n * 17, { n: 'moved' }), remove(n * 17 + 1)] })
        await environment.commit({
          actor: admin,
          writes: [set(1_000 + n, { n: 'new' }), set(n, { n: [n, -n] })],
        })
      }
      await created
      expect(await rowsOf(environment, 'n')).toEqual(await rowsWanted(environment, indexOn('n')))
      expect(environment.indexes.of('todos')[0]).toMatchObject({
        isBuilding: false,
        multikey: new Set(['n']),
      })
      await environment.engine.close()
    })
  })

test('[INDEX-3] other commits are decided while an index is built', async () => {
  const { environment } = openWorld()
  await fill(environment, 1_000, n => ({ n }))
  let isReady = false
  const created = environment.createIndex('todos', indexOn('n')).then(() => {
    isReady = true
  })
  const readyAfter: boolean[] = []
  for (let n = 0; n < 4; n++) {
    await environment.commit({ actor: admin, writes: [set('x', { n })] })
    readyAfter.push(isReady)
  }
  expect(readyAfter).toEqual([false, false, false, false])
  await created
})

test('[INDEX-4] a build that was cut off goes on at the next start', async () => {
  const file = newFile()
  const first = new SqliteEngine({ file, random })
  const before = liveOn(first)
  await fill(before, 1_000, n => ({ n: n % 7, list: [n, n + 1] }))
  const definition: IndexDefinition = {
    name: 'i',
    keys: [
      ['list', 1],
      ['n', 1],
    ],
    unique: false,
  }
  const created = before.createIndex('todos', definition)
  while ((await first.readState('test', 'index.built.2')) === undefined) await nextTurn()
  await before.close()
  await expect(created).rejects.toMatchObject({ code: 'CLOSED' })
  await first.close()

  const engine = new SqliteEngine({ file, random })
  const after = liveOn(engine)
  await after.commit({ actor: admin, writes: [set(999, { n: 'changed' }), remove(3), set(4, { list: [] })] })
  expect(after.indexes.of('todos')).toMatchObject([{ isBuilding: true }])
  await after.resumeIndexes()
  await after.createIndex('todos', definition)
  expect(after.indexes.of('todos')).toMatchObject([{ isBuilding: false, multikey: new Set(['list']) }])
  expect(await rowsOf(after, 'i')).toEqual(await rowsWanted(after, definition))
  expect(await engine.listState('test', 'index.built.')).toEqual([])
  await after.close()
  await engine.close()
})

test('[INDEX-4] that an index has several keys of a document is known after a restart', async () => {
  const file = newFile()
  const first = new SqliteEngine({ file, random })
  const before = liveOn(first)
  await before.createIndex('todos', indexOn('n'))
  await before.commit({ actor: admin, writes: [set('x', { n: [0, 10] })] })
  await before.commit({ actor: admin, writes: [set('x', { n: 3 }), set('y', { n: [0, 10] })] })
  await before.close()
  await first.close()
  const engine = new SqliteEngine({ file, random })
  const after = liveOn(engine)
  const where = [
    'and',
    [
      ['field', 'n', ['gt', 1]],
      ['field', 'n', ['lt', 5]],
    ],
  ] as const
  const query = { collection: 'todos', where, orderBy: [], skip: 0 }
  const { documents } = await after.executorFor(admin).run({ verb: 'get', query })
  expect(documents.map(({ _id }) => _id)).toEqual(['x', 'y'])
  await engine.close()
})

test('[INDEX-5] the same index twice is one; its name with other keys is refused', async () => {
  const { environment, heard, engine } = openWorld()
  await Promise.all([
    environment.createIndex('todos', indexOn('n')),
    environment.createIndex('todos', indexOn('n')),
  ])
  const { commits } = engine
  await environment.createIndex('todos', indexOn('n'))
  expect(engine.commits).toBe(commits)
  expect(heard.map(({ collection, id, dataType }) => [collection, id, dataType])).toEqual([
    ['_indexes', 'todos/n', 'add'],
    ['_indexes', 'todos/n', 'update'],
  ])
  for (const other of [
    indexOn('n', { keys: [['m', 1]] }),
    indexOn('n', { keys: [['n', -1]] }),
    indexOn('n', { unique: true }),
    indexOn('n', { expireAfterSeconds: 1 }),
  ])
    await expect(environment.createIndex('todos', other)).rejects.toMatchObject({
      code: 'DATABASE_REQUEST_FAILED',
      errMsg: 'another index of todos is called "n": drop it first',
    })
})

test('[INDEX-5] a collection has 64 indexes at most', async () => {
  const { environment } = openWorld()
  for (let n = 0; n < 64; n++) await environment.createIndex('todos', indexOn(`f${n}`))
  await expect(environment.createIndex('todos', indexOn('one_more'))).rejects.toMatchObject({
    code: 'DATABASE_REQUEST_FAILED',
    errMsg: 'todos has 64 indexes already',
  })
  await environment.createIndex('todos', indexOn('f5'))
  await environment.createIndex('notes', indexOn('one_more'))
})

for (const [what, collection, definition] of [
  ['no definition', 'todos', null],
  ['no keys', 'todos', { name: 'x', keys: [], unique: false }],
  ['keys that are none', 'todos', { name: 'x', keys: [['__proto__', 1]], unique: false }],
  ['a direction that is none', 'todos', { name: 'x', keys: [['a', 'up']], unique: false }],
  ['a name that is none', 'todos', { name: '../x', keys: [['a', 1]], unique: false }],
  ['a name too long', 'todos', { name: 'x'.repeat(500), keys: [['a', 1]], unique: false }],
  ['more than it may say', 'todos', { name: 'x', keys: [['a', 1]], unique: false, number: 1 }],
  ['seconds that are none', 'todos', { name: 'x', keys: [['a', 1]], unique: false, expireAfterSeconds: -1 }],
  ['a collection of the server', '_indexes', { name: 'x', keys: [['a', 1]], unique: false }],
  ['a collection that is none', '__proto__', { name: 'x', keys: [['a', 1]], unique: false }],
  ['a path in a collection', 'a/b', { name: 'x', keys: [['a', 1]], unique: false }],
] as [string, string, never][])
  test(`[INDEX-6] a hostile index is refused and leaves nothing: ${what}`, async () => {
    const { environment, heard } = openWorld()
    const createIndex = { createIndex: definition, collection }
    await expect(environment.executorFor(admin).commit(createIndex)).rejects.toMatchObject({
      code: 'INVALID_PARAM',
    })
    expect(heard).toEqual([])
    expect(environment.indexes.all).toEqual([])
  })

test('[INDEX-6] a document with too many keys is refused; one that is there refuses the index', async () => {
  const { environment, documents } = openWorld()
  const long = Array.from({ length: 1_001 }, (_, n) => n)
  await environment.commit({ actor: admin, writes: [set('long', { n: long }), set('a', { n: 1 })] })
  await expect(environment.createIndex('todos', indexOn('n'))).rejects.toMatchObject({
    code: 'DATABASE_REQUEST_FAILED',
  })
  expect(environment.indexes.all).toEqual([])
  await environment.createIndex('todos', indexOn('m'))
  const { outcome } = await environment.commit({ actor: admin, writes: [set('a', { m: long })] })
  expect(outcome).toMatchObject({ status: 'rejected', code: 'DATABASE_REQUEST_FAILED' })
  expect(await documents()).toEqual([
    { _id: 'a', n: 1 },
    { _id: 'long', n: long },
  ])
})

test('[INDEX-7] what says which indexes there are is written by createIndex and dropIndex alone', async () => {
  const { environment } = openWorld()
  await environment.createIndex('todos', indexOn('n'))
  const write: Write = { op: 'remove', collection: '_indexes', id: 'todos/n' }
  const { outcome } = await environment.commit({ actor: admin, writes: [write] })
  expect(outcome).toMatchObject({ status: 'rejected', code: 'DATABASE_PERMISSION_DENIED' })
  expect(environment.indexes.of('todos').length).toBe(1)
})

test('[INDEX-8] a dropped index is gone with its rows, and its name is free; dropping none is nothing', async () => {
  const { environment, engine } = openWorld()
  await fill(environment, 30, n => ({ n, m: n }))
  await environment.createIndex('todos', indexOn('n'))
  const { number } = environment.indexes.of('todos')[0]!
  await environment.dropIndex('todos', 'n')
  await environment.createIndex('todos', indexOn('n', { keys: [['m', -1]] }))
  await environment.close()
  const walk = { number, ranges: [{ from: '' }], direction: 'asc' } as const
  for await (const page of engine.scan('test', { collection: 'todos', index: walk })) expect(page).toEqual([])
  const again = liveOn(engine)
  expect((await rowsOf(again, 'n')).length).toBe(30)
  await again.dropIndex('todos', 'other') // nothing to drop is nothing
})

test('[INDEX-8] rows that a process left behind are removed at the next start', async () => {
  const { environment, engine } = openWorld()
  await fill(environment, 3, n => ({ n }))
  await environment.createIndex('todos', indexOn('n'))
  const { number } = environment.indexes.of('todos')[0]!
  const endWalk = environment.indexes.beginWalk(environment.indexes.of('todos')[0]!)
  await environment.dropIndex('todos', 'n')
  for (let n = 0; n < 5; n++) await nextTurn()
  const walk = { number, ranges: [{ from: '' }], direction: 'asc' } as const
  const rows = async () => {
    let count = 0
    for await (const page of engine.scan('test', { collection: 'todos', index: walk })) count += page.length
    return count
  }
  expect(await rows()).toBe(3)
  const next = liveOn(engine)
  await next.resumeIndexes()
  while ((await rows()) > 0) await nextTurn()
  await next.close()
  expect(await engine.listState('test', 'index.')).toEqual([])
  endWalk()
})

test('[INDEX-8] an index that is dropped while it is built is never ready', async () => {
  const { environment } = openWorld()
  await fill(environment, 1_000, n => ({ n }))
  const created = environment.createIndex('todos', indexOn('n'))
  const dropped = environment.dropIndex('todos', 'n')
  await expect(created).rejects.toMatchObject({ code: 'DATABASE_REQUEST_FAILED' })
  await dropped
  expect(environment.indexes.all).toEqual([])
})

test('[INDEX-9] only functions and admin ask for indexes and explanations', async () => {
  const { environment } = openWorld()
  const query = { collection: 'todos', where: ['and', []], orderBy: [], skip: 0 } as const
  for (const actor of [alice, { kind: 'stranger' }] as const) {
    const executor = environment.executorFor(actor)
    for (const asked of [
      () => executor.commit({ createIndex: indexOn('n'), collection: 'todos' }),
      () => executor.commit({ dropIndex: 'n', collection: 'todos' }),
      () => executor.run({ verb: 'indexes', collection: 'todos' }),
      () => executor.run({ verb: 'explain', query }),
    ])
      await expect(asked()).rejects.toMatchObject({ code: 'DATABASE_PERMISSION_DENIED' })
  }
  const executor = environment.executorFor({ kind: 'function', name: 'f', depth: 0 })
  await executor.commit({ createIndex: indexOn('n'), collection: 'todos' })
  await executor.commit({ createIndex: indexOn('m', { unique: true }), collection: 'todos' })
  expect((await executor.run({ verb: 'indexes', collection: 'todos' })).indexes).toEqual([
    indexOn('m', { unique: true }),
    indexOn('n'),
  ])
  await executor.commit({ dropIndex: 'm', collection: 'todos' })
  expect((await executor.run({ verb: 'indexes', collection: 'todos' })).indexes).toEqual([indexOn('n')])
})
