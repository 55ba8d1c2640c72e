import type { Write } from '@nearcloud/protocol'
import type { Job, Keep } from './record-log.ts'

/**
 * When storage has refused what waits: of `waiting`, the removals of what nothing else that is taken back has touched stay, under the
 * next numbers.
 */
export function keepRemovals<Each extends Pick<Job, 'removal'>>(waiting: readonly Each[]): Keep<Each> {
  return (taken, outbox, nextMutation) => {
    const madeBy = new Map(taken.map(mutation => [mutation.nonce, mutation]))
    const removals = waiting.flatMap(each => {
      const made = each.removal && madeBy.get(each.removal.mutation.nonce)
      return made ? [{ each, made }] : []
    })
    const mayStay = new Set(removals.map(({ made }) => made))
    const refused = new Set(
      taken.filter(mutation => !mayStay.has(mutation)).flatMap(({ writes }) => writes.map(documentOf)),
    )
    const kept = removals.filter(({ made }) => made.writes.every(write => !refused.has(documentOf(write))))
    return kept.map(({ each, made }) => {
      const mutation = Object.freeze({ ...made, id: nextMutation + outbox.undurableCount })
      each.removal!.mutation = mutation
      outbox.append(mutation)
      return each
    })
  }
}

function documentOf({ collection, id }: Write): string {
  return JSON.stringify([collection, id])
}
