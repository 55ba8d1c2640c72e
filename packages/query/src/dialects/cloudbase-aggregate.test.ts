import { expect, test, vi } from 'vitest'
import { MemoryExecutor } from '../testing/memory-executor.ts'
import type { Run } from '../types.ts'
import { CloudbaseError, createCloudbaseDatabase } from './index.ts'

// what a stage means is not the dialect's to know
vi.mock('../expression-hook.ts', async original => ({
  ...(await original<object>()),
  loadAggregation: async () => ({ stagesFrom: (steps: unknown) => steps }),
}))

function open(answer: () => object) {
  const asked: Run[] = []
  const executor = new MemoryExecutor()
  executor.run = async run => {
    asked.push(run)
    return { documents: [], total: 0, fromCache: false, ...answer() }
  }
  const db = createCloudbaseDatabase(executor, { newId: () => 'r', side: 'server' })
  return { asked, collection: db.collection('c') }
}

test('[DIALECT-7] CloudBase: an aggregation has the same stages, and what comes out of it is data', async () => {
  const { asked, collection } = open(() => ({ results: [{ n: 1 }] }))
  const aggregation = collection.aggregate()
  const stages =
    'addFields bucket bucketAuto count geoNear group limit lookup match project replaceRoot sample skip sort sortByCount unwind'
  expect(Object.keys(aggregation)).toEqual(expect.arrayContaining([...stages.split(' '), 'end']))
  expect(aggregation).not.toHaveProperty('done')
  expect(await aggregation.match({ a: 1 }).sort({ a: -1 }).limit(1).end()).toEqual({
    data: [{ n: 1 }],
    requestId: 'r',
  })
  await collection.where({ b: 2 }).aggregate().count('n').end()
  expect(asked).toMatchObject([
    {
      aggregation: {
        collection: 'c',
        stages: [
          ['match', { a: 1 }],
          ['sort', { a: -1 }],
          ['limit', 1],
        ],
      },
    },
    {
      aggregation: {
        stages: [
          ['where', ['field', 'b', ['eq', 2]]],
          ['count', 'n'],
        ],
      },
    },
  ])
  const refused = open(() => {
    throw new Error('no room')
  })
  const failure = refused.collection.aggregate().end()
  await expect(failure).rejects.toBeInstanceOf(CloudbaseError)
  await expect(failure).rejects.toMatchObject({ code: 'SYS_ERR', message: 'no room', requestId: 'r' })
})
