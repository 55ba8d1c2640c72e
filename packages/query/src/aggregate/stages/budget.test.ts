import { CloudError } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { CountedSource, numbered } from '../../testing/counted-source.ts'
import type { Expression, Stage } from '../../types.ts'
import type { AggregationBudget } from './meter.ts'
import { aggregate } from './run.ts'

const one: Expression = ['value', 1]

function run(
  stages: readonly Stage[],
  source: CountedSource,
  budget: Partial<AggregationBudget> = {},
  now = () => 0,
) {
  return aggregate({ collection: 'c', stages }, { source, now, random: () => 0, budget })
}

async function limitOf(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(CloudError)
  expect((error as CloudError).code).toBe('DATABASE_REQUEST_FAILED')
  return (error as CloudError).details.limit
}

test('[STAGE-23] too many stages, those of lookups included', async () => {
  const inner: Stage = [
    'lookup',
    {
      from: 'd',
      as: 'x',
      let: [],
      pipeline: [
        ['limit', 1],
        ['limit', 1],
      ],
    },
  ]
  const source = new CountedSource({ c: numbered(1) })
  expect(await limitOf(run([inner, ['limit', 1]], source, { stages: 3 }))).toBe('stages')
  expect(source.asked).toEqual([])
  expect(await run([inner, ['limit', 1]], source, { stages: 4 })).toHaveLength(1)
})

test('[STAGE-23] too many documents read, those of lookups included', async () => {
  const join: Stage = ['lookup', { from: 'd', as: 'x', localField: 'a', foreignField: 'b' }]
  const collections = { c: numbered(10, () => ({ a: 1 })), d: numbered(10, () => ({ b: 1 })) }
  expect(await limitOf(run([['count', 'n']], new CountedSource(collections), { documents: 9 }))).toBe(
    'documents',
  )
  expect(await limitOf(run([join], new CountedSource(collections), { documents: 19 }))).toBe('documents')
  expect(await run([join], new CountedSource(collections), { documents: 20 })).toHaveLength(10)
})

test('[STAGE-23] too many documents in one stage', async () => {
  const list = { c: [{ _id: 1, a: Array.from({ length: 30 }, (_each, i) => i) }] }
  const unwind: Stage = ['unwind', { path: 'a', keepEmpty: false }]
  const holding: readonly Stage[] = [
    ['sort', [['a', 'asc']]],
    ['group', { by: ['path', 'a'], fields: [] }],
    ['sample', 30],
    ['bucketAuto', { by: ['path', 'a'], buckets: 3, fields: [] }],
  ]
  for (const stage of holding) {
    expect(await limitOf(run([unwind, stage], new CountedSource(list), { documents: 29 }))).toBe('documents')
    expect((await run([unwind, stage], new CountedSource(list), { documents: 30 })).length).toBeGreaterThan(0)
  }
  expect(await limitOf(run([unwind], new CountedSource(list), { documents: 29 }))).toBe('documents')
  expect(
    await run([unwind, ['sort', [['a', 'asc']]], ['limit', 5]], new CountedSource(list), { documents: 30 }),
  ).toHaveLength(5)
})

test('[STAGE-23] too many bytes held at one time', async () => {
  const text = { c: numbered(20, () => ({ text: 'x'.repeat(1_000) })) }
  const budget = { bytes: 10_000 }
  const holding: readonly Stage[] = [
    ['sort', [['text', 'asc']]],
    ['sample', 20],
    ['group', { by: ['path', '_id'], fields: [['t', 'last', ['path', 'text']]] }],
    ['group', { by: one, fields: [['t', 'push', ['path', 'text']]] }],
    ['bucketAuto', { by: one, buckets: 2, fields: [] }],
  ]
  for (const stage of holding)
    expect(
      await limitOf(
        run(
          [['skip', 0], ['unwind', { path: 'text', keepEmpty: false }], stage],
          new CountedSource(text),
          budget,
        ),
      ),
    ).toBe('bytes')
  expect(await limitOf(run([], new CountedSource(text), budget))).toBe('bytes')
  const passing: readonly Stage[] = [
    ['group', { by: one, fields: [['t', 'last', ['path', 'text']]] }],
    ['count', 'n'],
    ['limit', 5],
  ]
  for (const stage of passing) expect(await run([stage], new CountedSource(text), budget)).not.toEqual([])
  const few = await run(
    [
      ['unwind', { path: 'text', keepEmpty: false }],
      ['sort', [['_id', 'desc']]],
      ['limit', 2],
    ],
    new CountedSource(text),
    {
      bytes: 30_000,
    },
  )
  expect(few.map(({ _id }) => _id)).toEqual([19, 18])
})

test('[STAGE-23] a document that doubles at every stage ends early', async () => {
  const double: Stage = [
    'addFields',
    [
      [
        'a',
        [
          'list',
          [
            ['path', 'a'],
            ['path', 'a'],
          ],
        ],
      ],
    ],
  ]
  const error = run(
    Array.from({ length: 60 }, () => double),
    new CountedSource({ c: numbered(1, () => ({ a: 'text' })) }),
  )
  expect(await limitOf(error)).toBe('bytes')
})

test('[STAGE-23] a value nested deeper than a document can be is refused', async () => {
  const deeper: Stage = ['addFields', [['a', ['object', [['a', ['path', 'a']]]]]]]
  const source = new CountedSource({ c: numbered(1, () => ({ a: 1 })) })
  await expect(
    run(
      Array.from({ length: 70 }, () => deeper),
      source,
    ),
  ).rejects.toThrow('nested deeper than 64')
})

test('[STAGE-23] the time is over, in whichever stage', async () => {
  const pages = new CountedSource({ c: numbered(100) }, 10)
  let time = 0
  expect(await limitOf(run([['count', 'n']], pages, { timeMs: 5 }, () => time++))).toBe('timeMs')
  expect(pages.pages).toBeLessThan(10)
  const list = { c: [{ _id: 1, a: Array.from({ length: 500 }, (_each, i) => i) }] }
  time = 0
  const unwinding = run(
    [
      ['unwind', { path: 'a', keepEmpty: false }],
      ['count', 'n'],
    ],
    new CountedSource(list),
    { timeMs: 5 },
    () => time++,
  )
  expect(await limitOf(unwinding)).toBe('timeMs')
})
