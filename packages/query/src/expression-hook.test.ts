import { afterEach, expect, test, vi } from 'vitest'
import type { Filter } from './types.ts'

/** A process of its own: nothing is loaded yet. */
async function fresh() {
  vi.resetModules()
  const hook = await import('./expression-hook.ts')
  const { compileFilter } = await import('./match/compile.ts')
  return { ...hook, compileFilter }
}

const large: Filter = [
  'expr',
  [
    'call',
    'gt',
    [
      'list',
      [
        ['path', 'n'],
        ['value', 1],
      ],
    ],
  ],
]

afterEach(() => {
  vi.doUnmock('./aggregate/index.ts')
  vi.resetModules()
})

test('[EXPR-42] what computes is loaded when the first query needs it, and not before', async () => {
  const { prepare, compileFilter } = await fresh()
  expect(prepare({ where: ['field', 'n', ['gt', 1]] })).toBeUndefined()
  expect(() => compileFilter(large)).toThrow('loadAggregation')
  await prepare({ where: ['and', [['nor', [large]]]] })
  expect(prepare({ where: large })).toBeUndefined()
  expect([{ _id: 'a', n: 2 }, { _id: 'b' }].map(compileFilter(large))).toEqual([true, false])
})

test('[EXPR-42] when it cannot be fetched the error says so, and the next time it is tried again', async () => {
  vi.doMock('./aggregate/index.ts', () => {
    throw new Error('Failed to fetch dynamically imported module')
  })
  const { loadAggregation, prepare } = await fresh()
  await expect(loadAggregation()).rejects.toMatchObject({ code: 'OFFLINE' })
  await expect(prepare({ where: large })).rejects.toThrow('could not be loaded')
  vi.doUnmock('./aggregate/index.ts')
  await expect(loadAggregation()).resolves.toHaveProperty('aggregate')
})
