import { grouped } from './grouped.ts'
import { type Anomaly, isLocalRead, isRead, type Transaction, wordsOf } from './transaction.ts'

/** What a device promises about its own copy: all that it wrote is in what it reads, and nothing that it read goes away. */
export function sessionAnomalies(history: readonly Transaction[]): Anomaly[] {
  const bySession = grouped(history.keys(), number => {
    const { session, local } = history[number]!
    return local && session
  })
  return [...bySession.values()].flatMap(numbers => {
    const reads = numbers
      .filter(number => isLocalRead(history[number]!))
      .sort((a, b) => history[a]!.begun - history[b]!.begun)
    const writes = numbers
      .filter(number => !isLocalRead(history[number]!))
      .sort((a, b) => history[a]!.local!.hereAt - history[b]!.local!.hereAt)
    return [...unreadWrites(history, reads, writes), ...stepsBack(history, reads)]
  })
}

function unreadWrites(
  history: readonly Transaction[],
  reads: readonly number[],
  writes: readonly number[],
): Anomaly[] {
  const anomalies: Anomaly[] = []
  const written = new Map<string, string[]>()
  let next = 0
  for (const number of reads) {
    const { begun, ops } = history[number]!
    for (; next < writes.length && history[writes[next]!]!.local!.hereAt < begun; next++) {
      const write = history[writes[next]!]!
      if (write.outcome === 'failed') continue
      for (const [kind, list, of] of write.ops)
        if (kind === 'append') {
          const values = written.get(list)
          if (values) values.push(of)
          else written.set(list, [of])
        }
    }
    for (const [, list, values] of ops.filter(isRead)) {
      const shown = new Set(values)
      const missing = written.get(list)?.find(value => !shown.has(value))
      if (missing !== undefined)
        anomalies.push({
          name: 'read your writes',
          words: `its own ${missing} is missing: ${wordsOf(history[number]!, number)}`,
        })
    }
  }
  return anomalies
}

function stepsBack(history: readonly Transaction[], reads: readonly number[]): Anomaly[] {
  const anomalies: Anomaly[] = []
  const refused = new Set(
    history.flatMap(({ outcome, ops }) => (outcome === 'failed' ? ops.map(([, , of]) => of) : [])),
  )
  const lastShown = new Map<string, { readonly values: readonly string[]; readonly ended: number }>()
  for (const number of reads) {
    const { begun, ended, ops } = history[number]!
    for (const [, list, values] of ops.filter(isRead)) {
      const before = lastShown.get(list)
      lastShown.set(list, { values, ended })
      if (!before || before.ended > begun) continue
      const shown = new Set(values)
      const gone = before.values.find(value => !shown.has(value) && !refused.has(value))
      if (gone !== undefined)
        anomalies.push({
          name: 'monotonic reads',
          words: `${gone} was there before: ${wordsOf(history[number]!, number)}`,
        })
    }
  }
  return anomalies
}
