import { grouped } from './grouped.ts'
import type { Anomaly } from './transaction.ts'

/** A read or write of one register, which was empty (null) at first. Every value is written once in a whole history. */
export interface RegisterOp {
  readonly kind: 'read' | 'write'
  readonly register: string
  readonly value: string | null
  readonly begun: number
  readonly ended: number
  /** As in a transaction. A write that others may have overruled before anybody saw it is `unknown`, with the time at which it was decided. */
  readonly outcome: 'ok' | 'failed' | 'unknown'
}

interface Zone {
  readonly value: string | null
  /** When the first of its operations had ended, and when the last began. */
  readonly ended: number
  readonly begun: number
}

/**
 * Is each register as if its operations had happened one after the other, each at a moment between its beginning and its end? As
 * values are unique, an operation belongs to its value; a value of which something ended before something else of it began was there
 * all the time between (its zone is firm). No two firm zones may overlap, and no other value fits into one (Gibbons and Korach, 1997).
 */
export function registerAnomalies(ops: readonly RegisterOp[]): Anomaly[] {
  return [...grouped(ops, ({ register }) => register)].flatMap(([register, all]) =>
    anomaliesOf(all).map(({ name, words }) => ({ name, words: `${register}: ${words}` })),
  )
}

function anomaliesOf(ops: readonly RegisterOp[]): Anomaly[] {
  const writes = new Map<string | null, RegisterOp>([[null, initial]])
  for (const op of ops) if (op.kind === 'write') writes.set(op.value, op)
  const anomalies: Anomaly[] = []
  const explained: RegisterOp[] = []
  for (const read of ops) {
    if (read.kind === 'write' || read.outcome !== 'ok') continue
    const write = writes.get(read.value)
    if (!write) anomalies.push({ name: 'garbage read', words: `nobody wrote ${read.value}` })
    else if (write.outcome === 'failed')
      anomalies.push({ name: 'G1a', words: `${read.value} of a write that failed was read` })
    else if (read.ended < write.begun)
      anomalies.push({ name: 'not linearizable', words: `${read.value} was read before it was written` })
    else explained.push(read)
  }
  const reads = grouped(explained, ({ value }) => value)
  const zones = [...writes.values()].flatMap((write): Zone[] => {
    const readers = reads.get(write.value) ?? []
    if (write.outcome !== 'ok' && readers.length === 0) return []
    const ends = write.ended
    return [
      {
        value: write.value,
        ended: Math.min(ends, ...readers.map(read => read.ended)),
        begun: Math.max(write.begun, ...readers.map(read => read.begun)),
      },
    ]
  })
  return [...anomalies, ...conflicts(zones)]
}

function conflicts(zones: readonly Zone[]): Anomaly[] {
  const firm = zones.filter(({ ended, begun }) => ended < begun).sort((a, b) => a.ended - b.ended)
  const anomalies: Anomaly[] = []
  firm.forEach((zone, at) => {
    const next = firm[at + 1]
    if (next && next.ended < zone.begun)
      anomalies.push({
        name: 'not linearizable',
        words: `${zone.value} and ${next.value} both had to be there`,
      })
  })
  for (const loose of zones.filter(({ ended, begun }) => ended >= begun)) {
    const around = firm.find(({ ended, begun }) => ended < loose.begun && loose.ended < begun)
    if (around)
      anomalies.push({
        name: 'not linearizable',
        words: `${loose.value} was there while ${around.value} had to be`,
      })
  }
  return anomalies
}

/** Nothing, from the beginning on. */
const initial: RegisterOp = {
  kind: 'write',
  register: '',
  value: null,
  begun: Number.NEGATIVE_INFINITY,
  ended: Number.NEGATIVE_INFINITY,
  outcome: 'ok',
}
