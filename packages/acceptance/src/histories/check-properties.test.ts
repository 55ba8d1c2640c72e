import fc from 'fast-check'
import { expect, test } from 'vitest'
import { check } from './check.ts'
import { type RegisterOp, registerAnomalies } from './registers.ts'
import { type FlawName, flawNames, simulatedHistory } from './testing/simulated-history.ts'
import { isRead, type Op, type Transaction } from './transaction.ts'

const lists = ['x', 'y']
const interval = fc.tuple(fc.nat(12), fc.integer({ min: 1, max: 8 }))

/** Up to four transactions that read any prefix of what the lists became, and a last one that reads all. */
const smallHistory = fc
  .array(
    fc.record({
      interval,
      outcome: fc.constantFrom('ok', 'ok', 'ok', 'unknown', 'failed'),
      ops: fc.array(fc.tuple(fc.boolean(), fc.constantFrom(...lists), fc.nat(3)), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .chain(all =>
    fc.tuple(
      fc.constant(all),
      fc.infiniteStream(fc.nat(1_000)).map(stream => stream.take(24)),
    ),
  )
  .map(([all, dice]): Transaction[] => {
    const throws = [...dice]
    const ranked = new Map<string, (readonly [rank: number, value: string])[]>(lists.map(list => [list, []]))
    all.forEach(({ ops, outcome }, number) => {
      ops.forEach(([isAppend, list], nth) => {
        const rank = throws.pop() ?? 0
        if (isAppend && (outcome === 'ok' || (outcome === 'unknown' && rank % 2 === 0)))
          ranked.get(list)!.push([rank, `${number}.${nth}`])
      })
    })
    const became = new Map(
      [...ranked].map(([list, values]) => [list, values.sort(([a], [b]) => a - b).map(([, value]) => value)]),
    )
    const history = all.map(({ interval: [begun, lasts], outcome, ops }, number): Transaction => {
      const outer = new Map<string, readonly string[]>()
      const own = new Map<string, string[]>(lists.map(list => [list, []]))
      return {
        session: `s${number}`,
        outcome: outcome as Transaction['outcome'],
        begun,
        ended: begun + lasts,
        ops: ops.map(([isAppend, list, length], nth): Op => {
          if (isAppend) {
            own.get(list)!.push(`${number}.${nth}`)
            return ['append', list, `${number}.${nth}`]
          }
          const seen = outer.get(list) ?? became.get(list)!.slice(0, length)
          outer.set(list, seen)
          return ['read', list, [...seen, ...own.get(list)!]]
        }),
      }
    })
    const end: Op[] = lists.map(list => ['read', list, became.get(list)!])
    return [...history, { session: 'last', outcome: 'ok', begun: 100, ended: 101, ops: end }]
  })

test('[CONSISTENT-5] of small histories nothing is found exactly when some order in time explains them', () => {
  const met = { explained: 0, not: 0 }
  fc.assert(
    fc.property(smallHistory, history => {
      const isExplained = explained(history)
      met[isExplained ? 'explained' : 'not']++
      expect(check(history).length === 0).toBe(isExplained)
    }),
    { numRuns: 3_000, seed: 9 },
  )
  expect(met.explained).toBeGreaterThan(300)
  expect(met.not).toBeGreaterThan(300)
})

/** By trying all orders of all that may have happened. */
function explained(history: readonly Transaction[]): boolean {
  const go = (left: readonly Transaction[], state: ReadonlyMap<string, readonly string[]>): boolean => {
    if (left.every(({ outcome }) => outcome === 'unknown')) return true
    return left.some(next => {
      if (left.some(other => other.outcome === 'ok' && other.ended < next.begun)) return false
      const rest = left.filter(each => each !== next)
      const after = new Map(state)
      for (const op of next.ops) {
        const here = after.get(op[1]) ?? []
        if (op[0] === 'append') after.set(op[1], [...here, op[2]])
        else if (next.outcome === 'ok' && here.join() !== op[2].join()) return false
      }
      return go(rest, after)
    })
  }
  return go(
    history.filter(({ outcome }) => outcome !== 'failed'),
    new Map(),
  )
}

const smallRegister = fc
  .array(fc.tuple(fc.boolean(), interval, fc.nat(4), fc.constantFrom('ok', 'ok', 'unknown')), {
    minLength: 1,
    maxLength: 6,
  })
  .map(all =>
    all.map(([isWrite, [begun, lasts], of, outcome], number): RegisterOp => {
      const written = all.flatMap(([isOne], at) => (isOne ? [`v${at}`] : []))
      const value = isWrite ? `v${number}` : (written[of] ?? null)
      const ended = outcome === 'unknown' && isWrite ? Number.MAX_VALUE : begun + lasts
      return {
        kind: isWrite ? 'write' : 'read',
        register: 'r',
        value,
        begun,
        ended,
        outcome: isWrite ? (outcome as 'ok') : 'ok',
      }
    }),
  )

test('[CONSISTENT-5] of small registers nothing is found exactly when some order in time explains them', () => {
  const met = { explained: 0, not: 0 }
  fc.assert(
    fc.property(smallRegister, ops => {
      const isExplained = isRegister(ops, null)
      met[isExplained ? 'explained' : 'not']++
      expect(registerAnomalies(ops).length === 0).toBe(isExplained)
    }),
    { numRuns: 3_000, seed: 9 },
  )
  expect(met.explained).toBeGreaterThan(300)
  expect(met.not).toBeGreaterThan(300)
})

function isRegister(left: readonly RegisterOp[], value: string | null): boolean {
  if (left.every(({ outcome }) => outcome === 'unknown')) return true
  return left.some(next => {
    if (left.some(other => other.ended < next.begun)) return false
    if (next.kind === 'read' && next.value !== value) return false
    return isRegister(
      left.filter(each => each !== next),
      next.kind === 'write' ? next.value : value,
    )
  })
}

test('[CONSISTENT-3] nothing is found in histories of a server and devices that do as they promise', () => {
  const met = { reads: 0, unknown: 0, stale: 0 }
  for (let seed = 1; seed <= 300; seed++) {
    const history = simulatedHistory({ seed })
    expect(check(history), `seed ${seed}`).toEqual([])
    for (const { ops, outcome, local } of history) {
      if (outcome === 'unknown') met.unknown++
      if (local && ops.some(isRead)) met.reads++
    }
  }
  expect(met.reads).toBeGreaterThan(1_000)
  expect(met.unknown).toBeGreaterThan(300)
})

const expected: Record<FlawName, readonly string[]> = {
  'reads an older moment': ['G-single-realtime', 'G2-realtime'],
  'does not look after what was read': ['lost update', 'G-single', 'G2'],
  'reads each list at another moment': ['G-single'],
  'shows what is not committed': ['G1a', 'G1b', 'G-single'],
  'loses what was acknowledged': ['lost write', 'torn transaction'],
  'does half of what it was asked': ['torn transaction', 'lost write'],
  'does it twice': ['duplicate'],
  'does it later than it says': ['G-single-realtime', 'lost write', 'G0-realtime'],
  'a device forgets what waits': ['read your writes'],
  'a device goes back': ['monotonic reads', 'G-single-session'],
  'a device takes half of a commit': ['G-single', 'G1b'],
  'a device sends in another order': ['G0-session'],
}

test.each(flawNames)('[CONSISTENT-6] a system that %s is found out', flaw => {
  let foundOut = 0
  const names = new Set<string>()
  for (let seed = 1; seed <= 60; seed++) {
    const found = check(simulatedHistory({ seed, flaw }))
    if (found.length > 0) foundOut++
    for (const { name } of found) names.add(name)
  }
  expect(foundOut).toBeGreaterThan(20)
  expect(
    expected[flaw].some(name => names.has(name)),
    [...names].join(),
  ).toBe(true)
})
