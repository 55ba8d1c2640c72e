import {
  type CloudError,
  type Document,
  makeDocument,
  type PathChange,
  type Value,
} from '@nearcloud/protocol'
import { evaluate, type Filter, type Query, type Snapshot, type Test } from '@nearcloud/query'
import { MemoryExecutor } from '@nearcloud/query/testing'
import { settle } from '@nearcloud/store/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LensedExecutor } from './lensed-executor.ts'
import { readShape } from './read-steps.ts'

/*
 * What an app sees through its lenses is what it would see if the documents were stored as it knows them: any queries, any writes,
 * in any order, over any documents, compared with an executor that has them in the newest shape.
 */
const collection = 'todos'
const shape = readShape(collection, [
  { rename: 'title', to: 'caption' },
  { add: 'priority', default: 2 },
  { remove: 'legacy', default: 'old' },
  {
    split: 'name',
    into: ['first', 'last'],
    up(name: unknown) {
      const [, first, last] = /^([^ ]*)(?: (.*))?$/.exec(name as string)!
      return { first, last }
    },
    down: ({ first, last }: { first?: string; last?: string }) =>
      first === undefined || last === undefined ? first : `${first} ${last}`,
  } as never,
  { rename: 'author.nick', to: 'handle' },
  { add: 'tags', default: [] },
  { add: 'author.stars', default: 3 },
  { rename: 'caption', to: 'text' },
  {
    split: 'done',
    into: ['status'],
    up: (done: unknown) => ({ status: done === true ? 'closed' : 'open' }),
    down: ({ status }: { status?: unknown }) => ({ open: false, closed: true })[status as 'open'],
  },
])
const up = (stored: Document) => shape.up(stored, () => undefined)

// ---- anything an app may ask ----------------------------------------------------------------------------------------

const scalar = fc.constantFrom<Value>(null, 0, 1, 2, 3, 'a', 'b', 'open', 'closed', true)
const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  fc.array(scalar, { maxLength: 2 }) as fc.Arbitrary<Value>,
  fc.dictionary(fc.constantFrom('x', 'stars', 'handle'), scalar, { maxKeys: 2 }) as fc.Arbitrary<Value>,
)
const ids = fc.constantFrom('1', '2', '3')
const word = fc.constantFrom('a', 'b', 'c')
const author = fc.oneof(
  fc.record({ nick: scalar, stars: scalar, x: scalar, handle: scalar }, { requiredKeys: [] }),
  fc.constantFrom<Value>('a', null),
) as fc.Arbitrary<Value>
const name = fc.oneof(
  word,
  fc.tuple(word, word).map(pair => pair.join(' ')),
  fc.constant(5),
)
const stored = fc.record(
  {
    title: value,
    text: scalar,
    priority: scalar,
    legacy: scalar,
    name,
    author,
    tags: value,
    done: fc.boolean(),
    other: value,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Record<string, Value>>

const paths = ['text', 'priority', 'first', 'last', 'author', 'author.handle', 'author.stars', 'author.x']
const path = fc.constantFrom(...paths, 'tags', 'status', 'other', 'other.x', 'text.x', 'tags.0', 'priority.x')
const simpleTest = fc.oneof(
  fc.tuple(fc.constantFrom('eq', 'neq', 'gt', 'gte', 'lt', 'lte'), scalar),
  fc.tuple(fc.constantFrom('in', 'nin'), fc.array(scalar, { maxLength: 2 })),
  fc.tuple(fc.constant('exists'), fc.boolean()),
  fc.tuple(fc.constant('size'), fc.constantFrom(0, 1)),
  fc.tuple(fc.constant('eq'), value),
) as unknown as fc.Arbitrary<Test>
const anyTest = fc.oneof(
  { weight: 4, arbitrary: simpleTest },
  simpleTest.map((inner): Test => ['not', inner]),
  fc.tuple(
    fc.constantFrom('and', 'or'),
    fc.array(simpleTest, { maxLength: 2 }),
  ) as unknown as fc.Arbitrary<Test>,
)
const clause = fc.tuple(fc.constant('field'), path, anyTest) as unknown as fc.Arbitrary<Filter>
const filter = fc.oneof(
  clause,
  fc.tuple(
    fc.constantFrom('and', 'or', 'nor'),
    fc.array(clause, { maxLength: 3 }),
  ) as unknown as fc.Arbitrary<Filter>,
)
const query: fc.Arbitrary<Query> = fc
  .record({
    where: filter,
    orderBy: fc.array(fc.tuple(path, fc.constantFrom('asc', 'desc')), { maxLength: 2 }),
    skip: fc.constantFrom(0, 0, 1),
    limit: fc.constantFrom(undefined, undefined, 1, 2),
    fields: fc.constantFrom(undefined, undefined, { first: true, 'author.handle': true }, { text: false }),
  })
  .map(({ limit, fields, ...rest }) => ({
    collection,
    ...rest,
    ...(limit !== undefined && { limit }),
    ...(fields && { fields }),
  })) as fc.Arbitrary<Query>

const change = fc.oneof(
  fc.tuple(path, fc.constant('set'), value),
  fc.tuple(
    fc.constantFrom('first', 'last', 'status'),
    fc.constant('set'),
    fc.constantFrom('a', 'b', 'open', 'closed'),
  ),
  fc.tuple(path, fc.constant('remove'), fc.constant(null)),
  fc.tuple(path, fc.constantFrom('inc', 'mul', 'min', 'max'), fc.constantFrom(1, 2)),
  fc.tuple(path, fc.constantFrom('push', 'addToSet', 'pullAll'), fc.constantFrom(['a'], [1, 2])),
  fc.tuple(path, fc.constantFrom('pop', 'shift'), fc.constant(null)),
  fc.tuple(path, fc.constant('rename'), path),
) as unknown as fc.Arbitrary<PathChange>
const changes = fc.array(change, { minLength: 1, maxLength: 3 })
const data = fc.record(
  {
    text: value,
    priority: scalar,
    first: word,
    last: word,
    author: fc.record({ handle: scalar, stars: scalar }, { requiredKeys: [] }) as fc.Arbitrary<Value>,
    tags: value,
    status: fc.constantFrom('open', 'closed', 'a'),
    other: value,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Record<string, Value>>

const commit = fc.oneof(
  fc
    .record({ op: fc.constantFrom('add', 'set'), id: ids, data })
    .map(write => ({ writes: [{ collection, ...write }] })),
  fc.record({ id: ids, changes }).map(write => ({ writes: [{ collection, op: 'update', ...write }] })),
  fc.record({ id: ids, changes, data }).map(({ id, changes, data }) => ({
    writes: [
      { collection, op: 'set', id, data },
      { collection, op: 'update', id, changes },
    ],
  })),
  fc
    .record({ where: filter, first: fc.boolean(), change: fc.oneof(changes, fc.constant('remove' as const)) })
    .map(({ where, ...rest }) => ({ target: { collection, where, orderBy: [], skip: 0 }, ...rest })),
) as unknown as fc.Arbitrary<AnyCommit>

// ---- the two ways ---------------------------------------------------------------------------------------------------

/** What a field that was added means where it is missing. */
function withDefaults<T extends Record<string, Value>>(data: T): T {
  const { author } = data
  const isObject = typeof author === 'object' && author !== null && !Array.isArray(author)
  const lacksStars = isObject && !('stars' in author)
  return { priority: 2, tags: [], ...data, ...(lacksStars && { author: { ...author, stars: 3 } }) }
}

type AnyCommit = Parameters<MemoryExecutor['commit']>[0]

function withDefaultsIn(asked: AnyCommit): AnyCommit {
  if (!('writes' in asked)) return asked
  const writes = asked.writes.map(write =>
    'data' in write ? { ...write, data: withDefaults(write.data) } : write,
  )
  return { writes }
}

async function giveDefaults(plain: MemoryExecutor): Promise<void> {
  for (const doc of [...plain.documents(collection)]) {
    const { _id, ...data } = withDefaults(doc)
    await plain.commit({ writes: [{ op: 'set', collection, id: _id, data }] })
  }
}

const outcomeOf = (asked: Promise<unknown>) =>
  asked.catch((thrown: CloudError) => ({ refused: thrown.code, isLens: thrown.details.reason === 'lens' }))

const wordsOf = (docs: Iterable<Document>) => [...docs].sort((a, b) => (a._id < b._id ? -1 : 1))

async function setUp(documents: readonly Record<string, Value>[]) {
  const below = new MemoryExecutor()
  const plain = new MemoryExecutor()
  for (const [at, each] of documents.entries()) {
    const id = String(at + 1)
    await below.commit({ writes: [{ op: 'add', collection, id, data: each }] })
    const { _id, ...seen } = up(makeDocument(id, each))
    await plain.commit({ writes: [{ op: 'add', collection, id, data: seen }] })
  }
  const host = {
    clock: { now: () => 0, after: () => () => undefined },
    random: (length: number) => new Uint8Array(length),
    openid: () => undefined,
    failed: () => undefined,
  }
  const app = new LensedExecutor(below as never, new Map([[collection, shape]]), host)
  return { below, plain, app }
}

const documents = fc.array(stored, { maxLength: 3 })

test('[LENS-2] any query answers what it would answer of documents stored in the newest shape', async () => {
  const counts = { exact: 0, wider: 0 }
  await fc.assert(
    fc.asyncProperty(documents, query, async (given, asked) => {
      const { plain, app } = await setUp(given)
      counts[shape.reading(asked).isExact ? 'exact' : 'wider']++
      const { documents: found } = await app.run({ verb: 'get', query: asked })
      expect(found).toEqual((await plain.run({ verb: 'get', query: asked })).documents)
      const { skip, limit, fields, ...all } = asked
      const count = { verb: 'count', query: { ...all, skip: 0 } } as const
      expect((await app.run(count)).total).toBe((await plain.run(count)).total)
    }),
    { numRuns: 700, seed: 11 },
  )
  expect(counts.exact).toBeGreaterThan(100)
  expect(counts.wider).toBeGreaterThan(100)
})

test('[LENS-2] [LENS-7] any writes leave what they would leave, are watched as such, or are refused and change nothing', async () => {
  const seen = { done: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(
      documents,
      query,
      fc.array(commit, { minLength: 1, maxLength: 4 }),
      async (given, watched, commits) => {
        const { below, plain, app } = await setUp(given)
        const { fields, ...wanted } = { ...watched, skip: 0 }
        const told: Snapshot[] = []
        app.watch(wanted, {
          next: snapshot => told.push(snapshot),
          error: error => expect.unreachable(error.message),
        })
        await settle()
        for (const asked of commits) {
          const before = [...below.documents(collection)]
          const done = await outcomeOf(app.commit(asked))
          if ((done as { isLens?: boolean }).isLens) {
            seen.refused++
            expect([...below.documents(collection)]).toEqual(before)
            continue
          }
          seen.done++
          const wished = await outcomeOf(plain.commit(withDefaultsIn(asked)))
          const isEmpty = 'target' in asked && (wished as { ids?: readonly unknown[] }).ids?.length === 0
          if ('refused' in (done as object)) isEmpty || expect(done).toEqual(wished)
          else expect(done).toMatchObject(countsOf(wished))
          await giveDefaults(plain)
          // lenses do not reach into lists
          if ([...plain.documents(collection)].some(({ author }) => Array.isArray(author))) return
          expect(wordsOf([...below.documents(collection)].map(up))).toEqual(
            wordsOf(plain.documents(collection)),
          )
        }
        expect(told.map(({ id }) => id)).toEqual(told.map((_, at) => at))
        expect(told.at(-1)?.docs).toEqual(evaluate(wanted, plain.documents(collection)))
        checkChanges(told)
      },
    ),
    { numRuns: 700, seed: 11 },
  )
  expect(seen.refused).toBeGreaterThan(50)
  expect(seen.done).toBeGreaterThan(500)
})

test('[LENS-2] what is seen and stored again is what was stored', () => {
  fc.assert(
    fc.property(stored, given => {
      const document = makeDocument('1', given)
      expect(shape.down(up(document), document)).toEqual(document)
    }),
    { numRuns: 500, seed: 7 },
  )
})

function countsOf(committed: unknown) {
  const { updated, removed, created } = committed as { updated: number; removed: number; created: number }
  return { updated, removed, created }
}

/** What each snapshot tells of changes leads from the one before to it. */
function checkChanges(told: readonly Snapshot[]): void {
  const shown = new Map<unknown, Document>()
  for (const { docs, docChanges } of told) {
    for (const { queueType, docId, doc, updatedFields } of docChanges) {
      if (queueType === 'enqueue') expect(shown.has(docId)).toBe(false)
      if (queueType === 'update') {
        expect(shown.get(docId)).not.toEqual(doc)
        const whole = Object.entries(updatedFields!).filter(([path]) => !path.includes('.'))
        expect(doc).toMatchObject(Object.fromEntries(whole))
      }
      if (queueType === 'dequeue') shown.delete(docId)
      else shown.set(docId, doc)
    }
    expect(new Map([...shown].sort())).toEqual(new Map(docs.map(doc => [doc._id, doc] as const).sort()))
  }
}
