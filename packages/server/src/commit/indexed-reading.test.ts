import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Document,
  decodeTrusted,
  GeoPoint,
  normalise,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import { evaluate, type Filter, type IndexDefinition, type Query, type Test } from '@nearcloud/query'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import type { Engine, ScanPlan } from '../engine/engine.ts'
import { SqliteEngine } from '../engine/sqlite-engine.ts'
import { nextTurn } from '../engine/turn.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { OpenJudge } from '../testing/open-judge.ts'
import { admin, alice, openWorld } from '../testing/scenario.ts'
import { LiveEnvironment } from './live-environment.ts'

const folder = mkdtempSync(join(tmpdir(), 'nearcloud-reading-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))

/** Pages of two, so that walks go over many. */
class ShortPagedMemory extends MemoryEngine {
  override scan(env: string, plan: ScanPlan) {
    return super.scan(env, { ...plan, pageSize: 2 })
  }
}
class ShortPagedSqlite extends SqliteEngine {
  override scan(env: string, plan: ScanPlan) {
    return super.scan(env, { ...plan, pageSize: 2 })
  }
}

const long = 'x'.repeat(1_100)
const scalar = fc.constantFrom<Value>(
  ...[null, 0, 1, 2, 3, 'a', 'b', 'ab', true, new Date(1), `${long}x`, `${long}y`, `${long}z`],
)
const value = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
)
/** Without lists an index gives an order. */
const plain = fc.dictionary(fc.constantFrom('a', 'b', 'c'), scalar)
const fields = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value)
const id = fc.oneof(fc.nat(30), fc.constantFrom('p', 'q', 'r', 's'))
const path = fc.constantFrom('a', 'b', 'c', '_id')
const condition: fc.Arbitrary<Test> = fc.oneof(
  fc.tuple(fc.constant('eq' as const), scalar),
  fc.tuple(fc.constantFrom('gt' as const, 'gte' as const, 'lt' as const, 'lte' as const), scalar),
  fc.tuple(fc.constant('in' as const), fc.array(scalar, { maxLength: 3 })),
  fc.tuple(
    fc.constant('and' as const),
    fc.tuple(
      fc.tuple(fc.constantFrom('gt' as const, 'gte' as const), scalar),
      fc.tuple(fc.constantFrom('lt' as const, 'lte' as const), scalar),
    ),
  ),
)
const where: fc.Arbitrary<Filter> = fc
  .array(fc.tuple(fc.constant('field' as const), path, condition), { maxLength: 2 })
  .map(list => ['and', list])
const query: fc.Arbitrary<Query> = fc.record(
  {
    collection: fc.constant('todos'),
    where,
    orderBy: fc.array(fc.tuple(path, fc.constantFrom('asc' as const, 'desc' as const)), { maxLength: 2 }),
    skip: fc.nat(2),
    limit: fc.integer({ min: 1, max: 6 }),
  },
  { requiredKeys: ['collection', 'where', 'orderBy', 'skip'] },
)
const indexes: fc.Arbitrary<readonly IndexDefinition[]> = fc
  .array(
    fc.uniqueArray(fc.tuple(path, fc.constantFrom(1 as const, -1 as const)), {
      minLength: 1,
      maxLength: 3,
      selector: ([at]) => at,
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map(list => list.map((keys, n) => ({ name: `i${n}`, keys, unique: false })))
const writesOf = (fields: fc.Arbitrary<object>) =>
  fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.tuple(id, fields).map(([id, data]) => write({ op: 'set', id, data })) },
      { weight: 1, arbitrary: id.map(id => write({ op: 'remove', id })) },
    ),
    { minLength: 5, maxLength: 40 },
  )
const writes = fc.oneof(...[plain, fields].map(writesOf).map(each => fc.tuple(each, each)))

/** Asks for the first documents in the order of an index, or the other way round. */
function firstAlong({ keys }: IndexDefinition, isBackwards: boolean): Query {
  const orderBy = keys.map(([path, kind]) => [path, (kind === 1) === isBackwards ? 'desc' : 'asc'] as const)
  return { collection: 'todos', where: ['and', []], orderBy, skip: 1, limit: 3 }
}

function write(
  part: { op: 'set'; id: Write['id']; data: object } | { op: 'remove'; id: Write['id'] },
): Write {
  return normalise({ ...part, collection: 'todos' } as never) as unknown as Write
}

let environments = 0
async function answersTheSame(
  engine: Engine,
  before: readonly Write[],
  after: readonly Write[],
  definitions: readonly IndexDefinition[],
  queries: readonly Query[],
): Promise<{ ordered: number; indexed: number }> {
  const clock = new ManualClock()
  const environment = new LiveEnvironment({
    env: `e${environments++}`,
    engine,
    clock,
    judge: new OpenJudge(),
  })
  const executor = environment.executorFor(admin)
  await environment.commit({ actor: admin, writes: before })
  for (const createIndex of definitions) await executor.commit({ createIndex, collection: 'todos' })
  for (const write of after) await environment.commit({ actor: admin, writes: [write] })
  const everything: Document[] = []
  for await (const page of engine.scan(environment.env, { collection: 'todos' }))
    for (const { text } of page) everything.push(decodeTrusted(text) as Document)
  let [ordered, indexed] = [0, 0]
  for (const query of queries) {
    const { documents } = await executor.run({ verb: 'get', query })
    expect(documents).toEqual(evaluate(query, everything))
    const { skip: _skip, limit: _limit, ...all } = query
    const { total } = await executor.run({ verb: 'count', query })
    expect(total).toBe(evaluate({ ...all, skip: 0 }, everything).length)
    const { explanation } = await executor.run({ verb: 'explain', query })
    expect(explanation!.returned).toBe(documents.length)
    if (explanation!.ordered) ordered++
    if (explanation!.plan === 'index') indexed++
  }
  return { ordered, indexed }
}

for (const [name, open, numRuns] of [
  ['MemoryEngine', () => new ShortPagedMemory(), 120],
  ['SqliteEngine', () => new ShortPagedSqlite({ file: join(folder, 'a.db'), random }), 40],
] as const)
  test(`[FIND-5] with whatever indexes, a query is answered as without (${name})`, async () => {
    const engine = open()
    let [ordered, indexed] = [0, 0]
    const queries = fc.array(query, { minLength: 4, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(writes, indexes, queries, async ([before, after], indexes, queries) => {
        const along = indexes.map((index, n) => firstAlong(index, n % 2 === 0))
        const used = await answersTheSame(engine, before, after, indexes, [...queries, ...along])
        ordered += used.ordered
        indexed += used.indexed
      }),
      { numRuns },
    )
    expect(ordered).toBeGreaterThan(numRuns / 20)
    expect(indexed).toBeGreaterThan(numRuns)
    await engine.close()
  })

const ask = (where: Filter, part: Partial<Query> = {}): Query => ({
  collection: 'todos',
  where,
  orderBy: [],
  skip: 0,
  ...part,
})
const indexOn = (...keys: IndexDefinition['keys'][number][]): IndexDefinition => ({
  name: keys.map(([path]) => path).join('_'),
  keys,
  unique: false,
})

/** A thousand documents: n 0 to 999, user u0 to u9. */
async function withThousand(...definitions: IndexDefinition[]) {
  const world = openWorld()
  const executor = world.environment.executorFor(admin)
  const all = Array.from({ length: 1_000 }, (_, n) =>
    write({
      op: 'set',
      id: `t${String(n).padStart(3, '0')}`,
      data: { n, user: `u${n % 10}`, public: n < 500 },
    }),
  )
  await world.environment.commit({ actor: admin, writes: all })
  for (const createIndex of definitions) await executor.commit({ createIndex, collection: 'todos' })
  const explain = async (query: Query) => (await executor.run({ verb: 'explain', query })).explanation
  return { ...world, executor, explain }
}

test('[FIND-6] an explanation tells what was looked at', async () => {
  const { explain } = await withThousand(indexOn(['user', 1], ['n', -1]), indexOn(['n', 1]))
  const answeredBy = 'server'
  expect(await explain(ask(['field', '_id', ['in', ['t001', 't002', 'x']]]))).toEqual({
    plan: 'id',
    ordered: false,
    examined: 2,
    returned: 2,
    answeredBy,
  })
  expect(await explain(ask(['field', 'public', ['eq', true]], { limit: 5 }))).toMatchObject({
    plan: 'scan',
    ordered: false,
    returned: 5,
  })
  expect(await explain(ask(['field', 'n', ['lt', 50]]))).toEqual({
    plan: 'index',
    index: 'n',
    ordered: false,
    examined: 50,
    returned: 50,
    answeredBy,
  })
  expect(await explain(ask(['field', 'user', ['eq', 'u3']], { orderBy: [['n', 'desc']], limit: 5 }))).toEqual(
    {
      plan: 'index',
      index: 'user_n',
      ordered: true,
      examined: 5,
      returned: 5,
      answeredBy,
    },
  )
  expect(await explain(ask(['and', []], { orderBy: [['n', 'desc']], skip: 3, limit: 5 }))).toEqual({
    plan: 'index',
    index: 'n',
    ordered: true,
    examined: 8,
    returned: 5,
    answeredBy,
  })
  expect(await explain(ask(['and', []], { orderBy: [['n', 'desc']] }))).toMatchObject({ plan: 'scan' })
})

test('[FIND-6] an index whose rows have one key is read by _id up to the limit', async () => {
  const { explain } = await withThousand(indexOn(['user', 1]))
  expect(await explain(ask(['field', 'user', ['eq', 'u3']], { limit: 5 }))).toMatchObject({
    plan: 'index',
    examined: 5,
    returned: 5,
  })
})

test('[FIND-6] neighbouring keys are not one: both are read before the first by _id is known', async () => {
  const world = openWorld()
  for (const [id, d] of [
    [0, true],
    [1, false],
  ] as const)
    await world.environment.commit({
      actor: admin,
      writes: [{ op: 'add', collection: 'todos', id, data: { d } }],
    })
  const executor = world.environment.executorFor(admin)
  await executor.commit({ createIndex: indexOn(['d', 1]), collection: 'todos' })
  const query = ask(['field', 'd', ['in', [true, false]]], { limit: 1 })
  expect((await executor.run({ verb: 'get', query })).documents).toEqual([{ _id: 0, d: true }])
})

test('[FIND-6] an index that is being built is not read', async () => {
  const { environment, explain } = await withThousand()
  const created = environment.createIndex('todos', indexOn(['n', 1]))
  const query = ask(['field', 'n', ['lt', 50]])
  for (let n = 0; n < 3; n++) await environment.commit({ actor: admin, writes: [] })
  expect(environment.indexes.of('todos')).toMatchObject([{ isBuilding: true }])
  expect(await explain(query)).toMatchObject({ plan: 'scan', returned: 50 })
  await created
  expect(await explain(query)).toMatchObject({ plan: 'index', returned: 50 })
})

test('[FIND-6] an index gives nobody what they may not read', async () => {
  const { environment } = await withThousand(indexOn(['n', 1]))
  const query = ask(['field', 'n', ['gte', 490]], { orderBy: [['n', 'asc']], limit: 50 })
  const { documents } = await environment.executorFor(alice).run({ verb: 'get', query })
  expect(documents.map(({ n }) => n)).toEqual([490, 491, 492, 493, 494, 495, 496, 497, 498, 499])
})

test('[FIND-7] a document that moves from before a walk to behind it is not missed', async () => {
  const engine = new (class extends ShortPagedMemory {
    atPage = async (_page: number) => {}
    override async *scan(env: string, plan: ScanPlan) {
      let page = 0
      for await (const rows of super.scan(env, plan)) {
        yield rows
        if (plan.index) await this.atPage(++page)
      }
    }
  })()
  const { environment } = openWorld(engine)
  const all = Array.from({ length: 20 }, (_, n) => write({ op: 'set', id: n, data: { n } }))
  await environment.commit({ actor: admin, writes: all })
  await environment.createIndex('todos', indexOn(['n', 1]))
  engine.atPage = async page => {
    const [ahead, behind] = [19 - page, page - 1]
    const writes = [
      write({ op: 'set', id: ahead, data: { n: -ahead } }),
      write({ op: 'set', id: behind, data: { n: 50 } }),
    ]
    if (page <= 4) await environment.commit({ actor: admin, writes })
  }
  const executor = environment.executorFor(admin)
  const ids = (documents: readonly Document[]) =>
    documents.map(({ _id }) => _id).sort((a, b) => Number(a) - Number(b))
  const { documents } = await executor.run({ verb: 'get', query: ask(['field', 'n', ['gte', -100]]) })
  expect(ids(documents)).toEqual(all.map(({ id }) => id))
  const first = ask(['field', 'n', ['gte', -100]], { orderBy: [['n', 'asc']], limit: 4 })
  await environment.commit({ actor: admin, writes: all })
  const answer = await executor.run({ verb: 'get', query: first })
  expect(answer.documents.map(({ n }) => n)).toEqual([-18, -17, 0, 1])
})

test('[FIND-7] a change of everything along an index changes each document once', async () => {
  const { executor, documents } = await withThousand(indexOn(['n', 1]))
  const target = ask(['field', 'n', ['gte', 0]])
  const done = await executor.commit({ target, first: false, change: [['n', 'inc', 5]] })
  expect(done.updated).toBe(1_000)
  expect((await documents()).map(({ n }) => n)).toEqual(Array.from({ length: 1_000 }, (_, n) => n + 5))
})

test('[FIND-7] the rows of an index that is dropped stay until walks along it end', async () => {
  const { environment, engine } = await withThousand(indexOn(['n', 1]))
  const counted = environment
    .executorFor(admin)
    .run({ verb: 'count', query: ask(['field', 'n', ['gte', 0]]) })
  const dropped = environment.dropIndex('todos', 'n')
  expect((await counted).total).toBe(1_000)
  await dropped
  while ((await engine.listState('test', 'index.')).length > 0) await nextTurn()
})

test('[FIND-8] the nearest are found through an index of places', async () => {
  const { executor, explain, environment } = await withThousand()
  const place = (n: number) => new GeoPoint((n % 40) / 10, n / 400)
  const writes = Array.from({ length: 1_000 }, (_, n) => write({ op: 'set', id: n, data: { at: place(n) } }))
  await environment.commit({ actor: admin, writes })
  const nearest = (part: object) =>
    ask(['field', 'at', ['geoNear', { geometry: new GeoPoint(2, 1), ...part }]], { skip: 2, limit: 10 })
  const queries = [{}, { maxDistance: 30_000 }, { minDistance: 50_000 }, { maxDistance: 100 }].map(nearest)
  const get = (query: Query) => executor.run({ verb: 'get', query })
  const before = await Promise.all(queries.map(get))
  await executor.commit({ createIndex: indexOn(['at', '2dsphere']), collection: 'todos' })
  expect(await Promise.all(queries.map(get))).toEqual(before)
  expect(before.map(({ total }) => total)).toEqual([10, 10, 10, 0])
  for (const query of queries.slice(0, 2)) {
    const explanation = await explain(query)
    expect(explanation).toMatchObject({ plan: 'index', index: 'at', returned: 10 })
    expect(explanation!.examined).toBeLessThan(200)
  }
})
