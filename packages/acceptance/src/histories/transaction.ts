/**
 * What a session did as one thing, as it saw it from outside: reads and appends of lists in their order. Every value is appended once
 * in a whole history.
 */
export interface Transaction {
  readonly session: string
  readonly ops: readonly Op[]
  /** `unknown`: nobody was told; it may have happened, or may still happen. `failed`: it never happens. */
  readonly outcome: 'ok' | 'failed' | 'unknown'
  /** When it was asked for, on one clock for all. */
  readonly begun: number
  /** When its end was told: of a write, that it is decided. Of what is unknown it is not looked at. */
  readonly ended: number
  /**
   * Of a device with a copy of its own. Its reads may be of an earlier moment, and show its own appends that are still on their way.
   * Of a write: `hereAt`, when the device had it; all that it reads from then on shows it.
   */
  readonly local?: { readonly hereAt: number }
}

export type Op =
  | readonly [kind: 'append', list: string, value: string]
  | readonly [kind: 'read', list: string, values: readonly string[]]

/** What may not be in a history, by the names that the literature has for it. */
export interface Anomaly {
  readonly name: AnomalyName
  readonly words: string
}

export const anomalyNames = [
  // of one read
  'garbage read',
  'duplicate',
  'internal',
  'incompatible order',
  'G1a',
  'G1b',
  // of writes
  'lost write',
  'torn transaction',
  'lost update',
  // cycles
  'G0',
  'G1c',
  'G-single',
  'G2',
  // cycles that are some only when what one session does, or what ends before something else begins, comes first
  'G0-session',
  'G1c-session',
  'G-single-session',
  'G2-session',
  'G0-realtime',
  'G1c-realtime',
  'G-single-realtime',
  'G2-realtime',
  // of a device
  'read your writes',
  'monotonic reads',
  // of a register
  'not linearizable',
] as const

export type AnomalyName = (typeof anomalyNames)[number]

export function isRead(op: Op): op is Extract<Op, { 0: 'read' }> {
  return op[0] === 'read'
}

export function isLocalRead({ local, ops }: Transaction): boolean {
  return local !== undefined && ops.some(isRead)
}

/** For people: `3 w1 append l0 a7, read l1 [a1 a2]`. */
export function wordsOf(transaction: Transaction, number: number): string {
  const ops = transaction.ops.map(([kind, list, of]) =>
    kind === 'append' ? `append ${list} ${of}` : `read ${list} [${shortened(of as readonly string[])}]`,
  )
  const outcome = transaction.outcome === 'ok' ? '' : ` (${transaction.outcome})`
  return `#${number} of ${transaction.session}: ${ops.join(', ')}${outcome}`
}

function shortened(values: readonly string[]): string {
  return values.length > 6 ? `… ${values.length - 4} …, ${values.slice(-4).join(' ')}` : values.join(' ')
}
