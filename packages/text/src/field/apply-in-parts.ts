import * as Y from 'yjs'
import { Writer } from '../gate/writer.ts'
import type { TextLimits } from '../limits.ts'
import type { Refusal } from '../refusal.ts'
import { transactQuietly } from '../replica.ts'
import type { Inspection, Part } from './inspection.ts'
import { stepsToPlace } from './place-search.ts'

/**
 * Applies an update that passed the gate, in bounded time: before each part it is known how long Yjs will look for its
 * place. Small updates are applied whole, large ones group by group within one transaction, because a part may have to
 * find its place among those before it. A refusal leaves the document half changed: load it anew.
 */
export function applyInParts(
  doc: Y.Doc,
  update: Uint8Array,
  { parts, deletionsAt }: Inspection,
  limits: TextLimits,
): Refusal | undefined {
  let steps = limits.steps
  const searched = (part: Part) => {
    steps -= stepsToPlace(doc, part, steps)
    return steps >= 0
  }
  if (parts.length === 1 || (parts.length <= wholeParts && !dependsOnItself(parts))) {
    if (!parts.every(searched)) return tooEntangled
    transactQuietly(doc, () => Y.applyUpdate(doc, update))
    return undefined
  }
  let refusal: Refusal | undefined
  transactQuietly(doc, () => {
    for (const group of groupsOf(doc, parts)) {
      if (group === undefined) refusal = { code: 'gap', reason: 'its parts stand on each other in a circle' }
      else if (!group.every(searched)) refusal = tooEntangled
      if (refusal !== undefined) return
      Y.applyUpdate(doc, updateOf(update, group!))
    }
    Y.applyUpdate(doc, new Writer().uint(0).copy(update.subarray(deletionsAt)).take())
  })
  return refusal
}

const tooEntangled: Refusal = { code: 'limit', reason: 'too many edits made apart at one place' }

/** Updates of no more parts are applied whole when none of them has a neighbour among them. */
const wholeParts = 64

/**
 * Parts in an order in which each stands on those before it; a group is a run of one client in which none has a neighbour
 * in the group. Undefined when that cannot go on.
 */
function* groupsOf(doc: Y.Doc, parts: readonly Part[]): Generator<Part[] | undefined> {
  const runs = new Map<number, Part[]>()
  for (const part of parts) {
    const run = runs.get(part.client)
    if (run === undefined) runs.set(part.client, [part])
    else run.push(part)
  }
  const next = new Map<number, number>()
  let left = parts.length
  while (left > 0) {
    let moved = false
    for (const [client, run] of runs)
      for (;;) {
        const from = next.get(client) ?? 0
        const group: Part[] = []
        while (from + group.length < run.length && mayJoin(doc, group, run[from + group.length]!))
          group.push(run[from + group.length]!)
        if (group.length === 0) break
        yield group
        next.set(client, from + group.length)
        left -= group.length
        moved = true
      }
    if (!moved) {
      yield undefined
      return
    }
  }
}

function mayJoin({ store }: Y.Doc, group: readonly Part[], part: Part): boolean {
  if (group.length >= wholeParts) return false
  const start = group[0]?.clock ?? part.clock
  for (const [client, clock] of [
    [part.originClient, part.originClock],
    [part.rightClient, part.rightClock],
    [part.parentClient, part.parentClock],
  ] as const) {
    if (clock < 0) continue
    if (client === part.client ? group.length > 0 && clock >= start : clock >= Y.getState(store, client))
      return false
  }
  return true
}

function dependsOnItself(parts: readonly Part[]): boolean {
  for (const part of parts)
    for (const other of parts)
      if (
        isWithin(other, part.originClient, part.originClock) ||
        isWithin(other, part.rightClient, part.rightClock) ||
        isWithin(other, part.parentClient, part.parentClock)
      )
        return true
  return false
}

function isWithin(part: Part, client: number, clock: number): boolean {
  return client === part.client && clock >= part.clock && clock < part.clock + part.length
}

/** The group as an update of its own, without deletions. */
function updateOf(update: Uint8Array, group: readonly Part[]): Uint8Array {
  const first = group[0]!
  return new Writer()
    .uint(1)
    .uint(group.length)
    .uint(first.client)
    .uint(first.clock)
    .copy(update.subarray(first.start, group.at(-1)!.end))
    .uint(0)
    .take()
}
