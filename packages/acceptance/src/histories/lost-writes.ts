import { didHappen } from './graph.ts'
import { grouped } from './grouped.ts'
import { type Anomaly, isLocalRead, isRead, type Transaction, wordsOf } from './transaction.ts'
import type { Seen, VersionOrders } from './version-orders.ts'

/** Appends that were acknowledged and are not there, or not all of a transaction; transactions that overlooked each other. */
export function lostWrites(history: readonly Transaction[], versions: VersionOrders): Anomaly[] {
  return [...missing(history, versions), ...lostUpdates(history, versions)]
}

function missing(history: readonly Transaction[], versions: VersionOrders): Anomaly[] {
  const places = new Map<string, ReadonlySet<string>>()
  for (const [list, order] of versions.orders) places.set(list, new Set(order))
  const lastRead = lastReads(history)
  const seenByList = grouped(versions.seen, ({ list }) => list)
  return history.flatMap((transaction, number): Anomaly[] => {
    const { ops, outcome, ended } = transaction
    if (outcome === 'failed' || !didHappen(history, versions, number)) return []
    const isReadAfter = (list: string, moment: number) =>
      (lastRead.get(list) ?? Number.NEGATIVE_INFINITY) > moment
    const sights = outcome === 'ok' ? [] : sightsOf(history, versions, seenByList, number)
    const isDue = (list: string) =>
      outcome === 'ok'
        ? isReadAfter(list, ended)
        : // nobody was told that it is done, but somebody has seen some of it
          sights.some(
            each => isReadAfter(list, each.ended) || each.ops.some(op => isRead(op) && op[1] === list),
          )
    const gone = ops.filter(
      ([kind, list, of]) => kind === 'append' && !places.get(list)?.has(of) && isDue(list),
    )
    if (gone.length === 0) return []
    const isTorn = gone.length < ops.filter(([kind]) => kind === 'append').length
    const words = `${gone.map(([, list, value]) => `${value} is not in ${list}`).join(', ')}`
    return [
      {
        name: isTorn ? 'torn transaction' : 'lost write',
        words: `${words}: ${wordsOf(transaction, number)}`,
      },
    ]
  })
}

/** When the last read of each list began that shows what there was by then. */
function lastReads(history: readonly Transaction[]): ReadonlyMap<string, number> {
  const lastRead = new Map<string, number>()
  for (const transaction of history)
    if (transaction.outcome === 'ok' && !isLocalRead(transaction))
      for (const op of transaction.ops)
        if (isRead(op)) lastRead.set(op[1], Math.max(lastRead.get(op[1]) ?? 0, transaction.begun))
  return lastRead
}

/** Those that saw something of it. */
function sightsOf(
  history: readonly Transaction[],
  { orders }: VersionOrders,
  seenByList: ReadonlyMap<string, readonly Seen[]>,
  number: number,
): Transaction[] {
  return history[number]!.ops.flatMap(([kind, list, of]) => {
    const at = kind === 'append' ? (orders.get(list) ?? []).indexOf(of) : -1
    if (at < 0) return []
    const seen = seenByList.get(list) ?? []
    return seen.filter(({ sure }) => sure > at).map(each => history[each.number]!)
  })
}

/** Two that read the same of a list and both appended to it: the later did not see the earlier. */
function lostUpdates(history: readonly Transaction[], { seen }: VersionOrders): Anomaly[] {
  const readers = new Map<string, number>()
  const anomalies: Anomaly[] = []
  for (const { number, list, most } of seen) {
    const transaction = history[number]!
    if (!transaction.ops.some(([kind, of]) => kind === 'append' && of === list)) continue
    const key = `${most} ${list}`
    const other = readers.get(key)
    readers.set(key, number)
    if (other !== undefined)
      anomalies.push({
        name: 'lost update',
        words: `both appended to ${list} what ${most} values led to: ${wordsOf(history[other]!, other)}; ${wordsOf(transaction, number)}`,
      })
  }
  return anomalies
}
