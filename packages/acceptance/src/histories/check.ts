import { cyclesIn } from './cycles.ts'
import { graphOf } from './graph.ts'
import { lostWrites } from './lost-writes.ts'
import { sessionAnomalies } from './sessions.ts'
import { type Anomaly, type Transaction, wordsOf } from './transaction.ts'
import { versionOrdersOf } from './version-orders.ts'

/**
 * What a history of list appends has that no strictly serializable server has: as if every transaction happened at one moment between its
 * beginning and its end. Reads of devices may be of an earlier moment, but of one moment, and what a session sees only grows.
 *
 * It is as complete as its last reads: the order of a list is that of its longest read, so each list is read at the end.
 */
export function check(history: readonly Transaction[]): Anomaly[] {
  const versions = versionOrdersOf(history)
  const cycles = cyclesIn(graphOf(history, versions), node => node < history.length)
  return [
    ...versions.anomalies,
    ...lostWrites(history, versions),
    ...sessionAnomalies(history),
    ...cycles.map(({ name, path }): Anomaly => {
      const steps = path
        .map(([node, kind], at) => {
          const before = path[at - 1]?.[1]
          if (node >= history.length) return before === kind ? '' : `→ ${kind} `
          return `${wordsOf(history[node]!, node)} → ${kind} `
        })
        .join('')
      return { name, words: `${steps}the first again` }
    }),
  ]
}
