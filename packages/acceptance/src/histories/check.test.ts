import { expect, test } from 'vitest'
import { check } from './check.ts'
import { registerAnomalies } from './registers.ts'
import { anomalyNames, type Op, type Transaction } from './transaction.ts'

const append = (list: string, value: string): Op => ['append', list, value]
const read = (list: string, values: string): Op => ['read', list, values.split('')]

/** At a moment that many share, by a session of its own. */
let sessions = 0
function at(
  [begun, ended]: readonly [number, number],
  ...ops: readonly Op[]
): Transaction & { by(session: string): Transaction } {
  const transaction: Transaction = { session: `s${sessions++}`, begun, ended, ops, outcome: 'ok' }
  return Object.assign(transaction, {
    by: (session: string) => ({ ...transaction, session }),
  })
}
const once: readonly [number, number] = [0, 10]
const last: readonly [number, number] = [100, 101]
const on = (session: string, hereAt: number, transaction: Transaction): Transaction => ({
  ...transaction,
  session,
  local: { hereAt },
})
const failed = (transaction: Transaction): Transaction => ({ ...transaction, outcome: 'failed' })
const unknown = (transaction: Transaction): Transaction => ({ ...transaction, outcome: 'unknown' })

/** One history for each anomaly, with nothing else in it that has a name of its own; some are two things by nature. */
const examples: readonly (readonly [names: readonly string[], history: readonly Transaction[]])[] = [
  [['garbage read'], [at(once, read('x', '1'))]],
  [['duplicate'], [at(once, append('x', '1')), at(last, read('x', '11'))]],
  [['internal'], [at(once, append('x', '1'), read('x', '')), at(last, read('x', '1'))]],
  [
    ['internal'],
    [at(once, append('x', '1')), at(once, read('x', ''), read('x', '1')), at(last, read('x', '1'))],
  ],
  [['internal'], [at(once, read('x', '1'), append('x', '1')), at(last, read('x', '1'))]],
  [
    ['incompatible order'],
    [
      at(once, append('x', '1')),
      at(once, append('x', '2')),
      at(once, read('x', '2')),
      at(last, read('x', '12')),
    ],
  ],
  [
    ['incompatible order', 'G1b'],
    [at(once, append('x', '1'), append('x', '2')), at(last, read('x', '21'))],
  ],
  [['G1a'], [failed(at(once, append('x', '1'))), at(last, read('x', '1'))]],
  [
    ['G1b', 'G-single'],
    [at(once, append('x', '1'), append('x', '2')), at(once, read('x', '1')), at(last, read('x', '12'))],
  ],
  [['lost write'], [at(once, append('x', '1')), at(last, read('x', ''))]],
  [
    ['torn transaction'],
    [unknown(at(once, append('x', '1'), append('y', '2'))), at(last, read('x', '1'), read('y', ''))],
  ],
  [
    ['lost update', 'G-single'],
    [
      at(once, read('x', ''), append('x', '1')),
      at(once, read('x', ''), append('x', '2')),
      at(last, read('x', '12')),
    ],
  ],
  [
    ['G0'],
    [
      at(once, append('x', '1'), append('y', '1y')),
      at(once, append('x', '2'), append('y', '2y')),
      at(last, read('x', '12'), ['read', 'y', ['2y', '1y']]),
    ],
  ],
  [
    ['G1c'],
    [
      at(once, append('x', '1'), read('y', '2')),
      at(once, append('y', '2'), read('x', '1')),
      at(last, read('x', '1'), read('y', '2')),
    ],
  ],
  [
    ['G-single'],
    [
      at(once, append('x', '1'), append('y', '2')),
      at(once, read('x', '1'), read('y', '')),
      at(last, read('x', '1'), read('y', '2')),
    ],
  ],
  [
    ['G2'],
    [
      at(once, read('x', ''), append('y', '1')),
      at(once, read('y', ''), append('x', '2')),
      at(last, read('x', '2'), read('y', '1')),
    ],
  ],
  [['G0-realtime'], [at([0, 1], append('x', '1')), at([2, 3], append('x', '2')), at(last, read('x', '21'))]],
  [['G1c-realtime'], [at([0, 1], read('x', '1')), at([2, 3], append('x', '1')), at(last, read('x', '1'))]],
  [
    ['G-single-realtime'],
    [at([0, 1], append('x', '1')), at([2, 3], read('x', '')), at(last, read('x', '1'))],
  ],
  [
    ['G2-realtime'],
    [
      at([0, 9], read('x', ''), append('y', '1')),
      at([0, 1], append('x', '2')),
      at([2, 3], read('y', ''), append('z', '3')),
      at([0, 9], read('z', ''), append('w', '4')),
      at([4, 5], read('w', '4')),
      at(last, read('x', '2'), read('y', '1'), read('z', '3'), read('w', '4')),
    ],
  ],
  [
    ['G0-session'],
    [
      on('d', 1, at([0, 50], append('x', '1'))),
      on('d', 2, at([1, 50], append('x', '2'))),
      at(last, read('x', '21')),
    ],
  ],
  [
    ['G1c-session'],
    [
      on('d', 1, at([0, 50], append('x', '1'))),
      on('d', 2, at([1, 50], append('y', '2'))),
      at([1, 40], read('y', '2'), append('z', '3')),
      at([1, 45], read('z', '3'), append('x', '4')),
      at(last, read('x', '41'), read('y', '2'), read('z', '3')),
    ],
  ],
  [
    ['G-single-session'],
    [
      at([0, 50], append('x', '1')),
      at([0, 50], append('y', '2'), read('x', '1')),
      on('d', 11, at([10, 11], read('y', '2'))),
      on('d', 13, at([12, 13], read('x', ''))),
      at(last, read('x', '1'), read('y', '2')),
    ],
  ],
  [
    ['G2-session'],
    [
      at([0, 50], append('x', '1')),
      at([0, 50], append('y', '2')),
      on('d', 11, at([10, 11], read('x', '1'))),
      on('d', 13, at([12, 13], read('y', ''))),
      on('e', 11, at([10, 11], read('y', '2'))),
      on('e', 13, at([12, 13], read('x', ''))),
      at(last, read('x', '1'), read('y', '2')),
    ],
  ],
  [
    ['read your writes'],
    [
      on('d', 1, at([0, 50], append('x', '1'))),
      on('d', 3, at([2, 3], read('x', ''))),
      at(last, read('x', '1')),
    ],
  ],
  [
    ['monotonic reads', 'G-single-session'],
    [
      at([0, 50], append('x', '1')),
      on('d', 11, at([10, 11], read('x', '1'))),
      on('d', 13, at([12, 13], read('x', ''))),
      at(last, read('x', '1')),
    ],
  ],
]

test.each(examples)('[CONSISTENT-2] a history with %j is found to have it', (names, history) => {
  expect([...new Set(check(history).map(({ name }) => name))].sort()).toEqual([...names].sort())
})

test('[CONSISTENT-2] each anomaly that has a name has a history', () => {
  const shown = new Set([...examples.flatMap(([names]) => names), 'not linearizable'])
  expect([...anomalyNames].filter(name => !shown.has(name))).toEqual([])
})

const good: readonly (readonly [what: string, history: readonly Transaction[]])[] = [
  ['nothing', []],
  [
    'what happens at once, in either order',
    [
      at([0, 9], append('x', '1')),
      at([1, 8], append('x', '2')),
      at([2, 7], read('x', '2')),
      at(last, read('x', '21')),
    ],
  ],
  [
    'an unknown outcome that happened much later',
    [
      unknown(at([0, 1], append('x', '1'))),
      at([2, 3], read('x', '')),
      at([4, 5], read('x', '1')),
      at(last, read('x', '1')),
    ],
  ],
  [
    'unknown and failed ones that never happened',
    [
      unknown(at(once, append('x', '1'), append('y', '2'))),
      failed(at(once, append('x', '3'))),
      at(last, read('x', ''), read('y', '')),
    ],
  ],
  [
    'a transaction that reads what it appended',
    [
      at(once, append('x', '1'), read('x', '1'), append('x', '2'), read('x', '12')),
      at(last, read('x', '12')),
    ],
  ],
  [
    'a device that is behind, and shows its own',
    [
      at([0, 1], append('x', '1')),
      on('d', 3, at([2, 90], append('x', '2'))),
      on('d', 5, at([4, 5], read('x', '2'))),
      at([10, 11], append('x', '3')),
      on('d', 13, at([12, 13], read('x', '12'))),
      on('d', 92, at([91, 92], read('x', '132'))),
      at(last, read('x', '132')),
    ],
  ],
  [
    'a device whose write was refused and left',
    [
      failed(on('d', 3, at([2, 20], append('x', '2')))),
      on('d', 5, at([4, 5], read('x', '2'))),
      on('d', 31, at([30, 31], read('x', ''))),
      at(last, read('x', '')),
    ],
  ],
]

test.each(good)('[CONSISTENT-3] nothing is found in %s', (_, history) => {
  expect(check(history)).toEqual([])
})

const op = (kind: 'read' | 'write', value: string | null, begun: number, ended: number) =>
  ({ kind, register: 'r', value, begun, ended, outcome: 'ok' }) as const
const never = Number.MAX_VALUE

test.each([
  ['garbage read', [op('read', 'a', 0, 1)]],
  ['G1a', [{ ...op('write', 'a', 0, 1), outcome: 'failed' as const }, op('read', 'a', 2, 3)]],
  ['not linearizable', [op('read', 'a', 0, 1), op('write', 'a', 2, 3)]],
  ['not linearizable', [op('write', 'a', 0, 1), op('read', null, 2, 3)]],
  ['not linearizable', [op('write', 'a', 0, 1), op('write', 'b', 2, 3), op('read', 'a', 4, 5)]],
  [
    'not linearizable',
    [
      op('write', 'a', 0, 9),
      op('write', 'b', 0, 9),
      op('read', 'a', 1, 2),
      op('read', 'b', 3, 4),
      op('read', 'a', 5, 6),
    ],
  ],
])('[CONSISTENT-4] a register with %j is found to have it: %#', (name, ops) => {
  expect(registerAnomalies(ops).map(each => each.name)).toEqual([name])
})

test.each([
  ['nobody wrote', [op('read', null, 0, 1)]],
  ['two wrote at once', [op('write', 'a', 0, 9), op('write', 'b', 1, 8), op('read', 'b', 10, 11)]],
  [
    'a write of which nobody knows shows late',
    [
      { ...op('write', 'a', 0, never), outcome: 'unknown' as const },
      op('read', null, 2, 3),
      op('read', 'a', 4, 5),
    ],
  ],
  [
    'a write was overruled',
    [
      op('write', 'a', 0, 1),
      { ...op('write', 'b', 2, 3), outcome: 'unknown' as const },
      op('read', 'a', 4, 5),
    ],
  ],
])('[CONSISTENT-4] nothing is found where %s', (_, ops) => {
  expect(registerAnomalies(ops)).toEqual([])
})
