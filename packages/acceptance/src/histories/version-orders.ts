import { type Anomaly, type AnomalyName, isLocalRead, type Transaction, wordsOf } from './transaction.ts'

/** Who appended a value. */
export interface Writer {
  readonly number: number
  readonly list: string
  /** Which of the values it appended to this list, and of how many. */
  readonly nth: number
  readonly of: number
}

/** What one transaction read of one list, before its own appends. */
export interface Seen {
  readonly number: number
  readonly list: string
  /** How many values of the list's order it surely had: 0 or more. */
  readonly sure: number
  /** How many it may have had: the value behind them it had not. */
  readonly most: number
}

/** What reads say of the lists, and what is wrong with single reads and writes. */
export interface VersionOrders {
  readonly writers: ReadonlyMap<string, Writer>
  /** Of each list: its values in the order they came, as the longest read has them. */
  readonly orders: ReadonlyMap<string, readonly string[]>
  readonly seen: readonly Seen[]
  readonly anomalies: readonly Anomaly[]
}

export function versionOrdersOf(history: readonly Transaction[]): VersionOrders {
  const anomalies: Anomaly[] = []
  const blame = (name: AnomalyName, number: number, words: string) =>
    void anomalies.push({ name, words: `${words}: ${wordsOf(history[number]!, number)}` })
  const writers = writersIn(history, blame)
  const reads = outerReads(history, blame)
  const orders = new Map<string, readonly string[]>()
  for (const { number, list, values } of reads)
    if (!isLocalRead(history[number]!) && values.length >= (orders.get(list)?.length ?? 0))
      orders.set(list, values)
  for (const [list, order] of orders)
    order.forEach((value, at) => {
      const [before, writer] = [writers.get(order[at - 1] ?? ''), writers.get(value)]
      if (before && writer && before.number === writer.number && before.nth > writer.nth)
        blame('incompatible order', writer.number, `${list} has its appends in another order`)
    })
  const seen: Seen[] = []
  for (const read of reads) {
    checkValues(history, writers, read, blame)
    seen.push(seenOf(history, writers, orders.get(read.list) ?? [], read, blame))
  }
  return { writers, orders, seen, anomalies }
}

type Blame = (name: AnomalyName, number: number, words: string) => void

interface OuterRead {
  readonly number: number
  readonly list: string
  readonly values: readonly string[]
}

function writersIn(history: readonly Transaction[], blame: Blame): Map<string, Writer> {
  const writers = new Map<string, Writer>()
  history.forEach(({ ops }, number) => {
    const counts = new Map<string, number>()
    const appends = ops.filter(([kind]) => kind === 'append')
    for (const [, list] of appends) counts.set(list, (counts.get(list) ?? 0) + 1)
    const nth = new Map<string, number>()
    for (const [, list, value] of appends) {
      if (writers.has(value as string)) blame('duplicate', number, `${value} is appended twice`)
      nth.set(list, (nth.get(list) ?? 0) + 1)
      writers.set(value as string, { number, list, nth: nth.get(list)!, of: counts.get(list)! })
    }
  })
  return writers
}

/** What those that ended well read, without what they had appended before; what contradicts itself is blamed. */
function outerReads(history: readonly Transaction[], blame: Blame): OuterRead[] {
  return history.flatMap(({ ops, outcome }, number): OuterRead[] => {
    if (outcome !== 'ok') return []
    const known = new Map<string, readonly string[]>()
    const appended = new Map<string, string[]>()
    const appends = new Set(ops.flatMap(([kind, , of]) => (kind === 'append' ? [of] : [])))
    for (const [kind, list, of] of ops) {
      const own = appended.get(list) ?? []
      if (kind === 'append') {
        appended.set(list, [...own, of])
        continue
      }
      const outer = of.slice(0, of.length - own.length)
      const before = known.get(list)
      const isSame = (some: readonly string[], other: readonly string[]) =>
        some.length === other.length && some.every((value, at) => value === other[at])
      if (of.length < own.length || !isSame(of.slice(outer.length), own))
        blame('internal', number, `${list} lacks what the transaction itself appended`)
      else if (before && !isSame(before, outer)) blame('internal', number, `${list} changed before its eyes`)
      else if (outer.some(value => appends.has(value)))
        blame('internal', number, `${list} has what the transaction appended later`)
      else known.set(list, outer)
    }
    return [...known].map(([list, values]) => ({ number, list, values }))
  })
}

function checkValues(
  history: readonly Transaction[],
  writers: ReadonlyMap<string, Writer>,
  { number, list, values }: OuterRead,
  blame: Blame,
): void {
  if (new Set(values).size < values.length) blame('duplicate', number, `${list} has a value twice`)
  for (const value of values) {
    const writer = writers.get(value)
    if (!writer || writer.list !== list) blame('garbage read', number, `nobody appended ${value} to ${list}`)
    else if (history[writer.number]!.outcome === 'failed' && !isOwn(history, number, writer))
      blame('G1a', number, `${list} has ${value} of a transaction that failed`)
  }
}

function seenOf(
  history: readonly Transaction[],
  writers: ReadonlyMap<string, Writer>,
  order: readonly string[],
  read: OuterRead,
  blame: Blame,
): Seen {
  const { number, list, values } = read
  let most = 0
  while (most < values.length && values[most] === order[most]) most++
  let sure = most
  if (isLocalRead(history[number]!)) {
    // what it has of its own at the end may be on its way
    while (sure > 0 && isOwn(history, number, writers.get(values[sure - 1]!))) sure--
    const strangers = values.slice(most).filter(value => !isOwn(history, number, writers.get(value)))
    if (strangers.length > 0)
      blame('incompatible order', number, `${list} has ${strangers[0]} where others have ${order[most]}`)
  } else if (most < values.length)
    blame('incompatible order', number, `${list} has ${values[most]} where others have ${order[most]}`)
  const last = sure > 0 ? writers.get(values[sure - 1]!) : undefined
  if (last && last.nth < last.of && last.number !== number)
    blame('G1b', number, `${list} ends in the middle of what #${last.number} appended`)
  return { number, list, sure, most }
}

/** Of the same session, which may see what it did itself before anybody else does. */
function isOwn(history: readonly Transaction[], number: number, writer: Writer | undefined): boolean {
  const { session, local } = history[number]!
  return local !== undefined && writer !== undefined && history[writer.number]!.session === session
}
