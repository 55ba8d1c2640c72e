import { createHash } from 'node:crypto'
import { limits, type Write } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Decision, Environment } from './environment.ts'
import { findAny, findFirst } from './find.ts'
import { onceKey } from './once.ts'

export type Ids = readonly Write['id'][]

/** What a change of all that match is decided in. */
export interface MatchingParts {
  readonly environment: Environment
  readonly actor: Actor
  /** As the actor means it. */
  readonly target: Query
  readonly first: boolean
  /** The change is done once under this name. */
  readonly once: string | undefined
  decide(ids: Ids, once: string | undefined): Promise<Decision>
}

/**
 * Changes what a target names when it is called, in parts that are decided whole; yields their decisions.
 *
 * Done once under a name, it goes on where it was cut off: what was decided under it is not asked for again, however the documents
 * are found this time (those that were changed may not match any more), and nothing follows the last part.
 */
export async function* changeMatching(parts: MatchingParts): AsyncIterable<Decision> {
  const { environment, once, decide } = parts
  const earlier = once === undefined ? [] : await decidedBefore(environment, once)
  for (const { decision } of earlier) yield decision
  if (earlier.some(({ isLast }) => isLast)) return
  const isDone = new Set(earlier.flatMap(({ decision }) => decision.effects.map(({ id }) => id)))
  for await (const { ids, isLast } of idsOf(parts, isDone))
    yield await decide(ids, once === undefined ? undefined : nameOf(once, ids, isLast))
}

interface Earlier {
  readonly decision: Decision
  readonly isLast: boolean
}

async function decidedBefore({ engine, env }: Environment, once: string): Promise<readonly Earlier[]> {
  const kept = await engine.listState(env, onceKey(`${once}-`))
  return kept.map(([key, text]) => ({
    decision: JSON.parse(text) as Decision,
    isLast: key === onceKey(nameOf(once, [], true)),
  }))
}

/** The last part ends it, whatever is in it. Another has a name by what is in it: the next may be found in another order. */
function nameOf(once: string, ids: Ids, isLast: boolean): string {
  if (isLast) return `${once}-last`
  return `${once}-${createHash('sha256').update(JSON.stringify(ids)).digest('hex').slice(0, 32)}`
}

async function* idsOf(
  { environment, actor, target, first }: MatchingParts,
  isDone: ReadonlySet<Write['id']>,
): AsyncIterable<{ readonly ids: Ids; readonly isLast: boolean }> {
  if (first || target.limit !== undefined || target.skip > 0) {
    const query = first ? { ...target, limit: 1 } : target
    const ids = (await findFirst(environment, actor, query)).map(found => found.row.id)
    if (ids.length > 0) yield { ids, isLast: true }
    return
  }
  let part: Write['id'][] = []
  let characters = 0
  for await (const page of findAny(environment, actor, target)) {
    for (const { row } of page) {
      if (isDone.has(row.id)) continue
      if (part.length >= limits.batchWrites || characters >= partCharacters) {
        yield { ids: part, isLast: false }
        part = []
        characters = 0
      }
      part.push(row.id)
      characters += row.text.length
    }
  }
  if (part.length > 0) yield { ids: part, isLast: true }
}

/** Documents changed in one transaction stay below this many characters. */
const partCharacters = 16_000_000
