import { grouped } from './grouped.ts'
import { isLocalRead, type Transaction } from './transaction.ts'
import type { VersionOrders } from './version-orders.ts'

/**
 * Why one transaction came before another: it appended before it (ww), it was read by it (wr), it read what was there before it (rw),
 * it was of the same session and before it, it had ended before the other began.
 */
export type EdgeKind = 'ww' | 'wr' | 'rw' | 'session' | 'realtime'

export interface Edge {
  readonly to: number
  readonly kind: EdgeKind
}

/** Transactions have their numbers; nodes above stand for moments, so that "ended before it began" needs few edges. */
export type Graph = readonly (readonly Edge[])[]

export function graphOf(history: readonly Transaction[], versions: VersionOrders): Graph {
  const graph: Edge[][] = history.map(() => [])
  const add = (from: number, to: number, kind: EdgeKind) => {
    if (from !== to) graph[from]!.push({ to, kind })
  }
  const writerAt = (list: string, at: number) => versions.writers.get(versions.orders.get(list)?.[at] ?? '')
  for (const [list, order] of versions.orders)
    for (let at = 1; at < order.length; at++) {
      const [before, after] = [writerAt(list, at - 1), writerAt(list, at)]
      if (before && after) add(before.number, after.number, 'ww')
    }
  for (const { number, list, sure, most } of versions.seen) {
    const [last, next] = [writerAt(list, sure - 1), writerAt(list, most)]
    if (last) add(last.number, number, 'wr')
    if (next) add(number, next.number, 'rw')
  }
  const happened = [...history.keys()].filter(number => didHappen(history, versions, number))
  addMoments(graph, history, happened, 'realtime', number => !isLocalRead(history[number]!))
  for (const numbers of grouped(happened, number => history[number]!.session).values())
    addMoments(graph, history, numbers, 'session', () => true)
  // a device's writes are decided in the order in which it made them
  const last = new Map<string, number>()
  const writes = happened.filter(number => history[number]!.local && !isLocalRead(history[number]!))
  for (const number of writes.sort((a, b) => history[a]!.local!.hereAt - history[b]!.local!.hereAt)) {
    const { session } = history[number]!
    const before = last.get(session)
    if (before !== undefined) add(before, number, 'session')
    last.set(session, number)
  }
  return graph
}

/** It ended well, or somebody saw some of it. */
export function didHappen(
  history: readonly Transaction[],
  { writers, orders }: VersionOrders,
  number: number,
): boolean {
  const { ops, outcome } = history[number]!
  return (
    outcome === 'ok' ||
    ops.some(
      ([kind, list, of]) =>
        kind === 'append' && writers.get(of)?.number === number && (orders.get(list) ?? []).includes(of),
    )
  )
}

/** What had ended comes before what began afterwards; where `follows` says no, nothing has to come before it. */
function addMoments(
  graph: Edge[][],
  history: readonly Transaction[],
  numbers: readonly number[],
  kind: EdgeKind,
  follows: (number: number) => boolean,
): void {
  const begins = numbers.map(number => ({ at: history[number]!.begun, number, isEnd: false }))
  const ends = numbers
    .filter(number => history[number]!.outcome === 'ok')
    .map(number => ({ at: history[number]!.ended, number, isEnd: true }))
  const moments = [...begins, ...ends].sort((a, b) => a.at - b.at || Number(a.isEnd) - Number(b.isEnd))
  let last: number | undefined
  for (const { number, isEnd } of moments) {
    if (!isEnd) {
      if (last !== undefined && follows(number)) graph[last]!.push({ to: number, kind })
      continue
    }
    const moment = graph.push([]) - 1
    if (last !== undefined) graph[last]!.push({ to: moment, kind })
    graph[number]!.push({ to: moment, kind })
    last = moment
  }
}
