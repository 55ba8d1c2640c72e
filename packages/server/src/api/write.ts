import { CloudError, errorFromData, limits, type Write } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import type { Decision } from '../commit/environment.ts'
import { askedBy } from '../commit/find.ts'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import type { Asked } from './endpoint.ts'
import type { KeyedWrite, KeyedWrites } from './keyed-writes.ts'

interface WriteParts {
  readonly environment: LiveEnvironment
  readonly keyed: KeyedWrites
}

type WhoAsks = Pick<Asked, 'actor' | 'key'>

/** Decides writes together, once where there is a key. Throws what they are refused with. */
export function decide(parts: WriteParts, asked: WhoAsks, writes: readonly Write[]): Promise<Decision> {
  return decideFound(parts, asked, async () => ({ writes }))
}

/**
 * Decides one write for every document that matches, all of them together: 10,000 at most, more are INVALID_PARAM. `write` is for
 * any of them.
 */
export function decideMatching(
  parts: WriteParts,
  asked: WhoAsks,
  query: Query,
  write: Write,
): Promise<Decision> {
  return decideFound(parts, asked, async () => {
    const { environment } = parts
    const { where } = await askedBy(environment, asked.actor, query)
    const { documents } = await environment.executorFor(asked.actor).run({
      verb: 'get',
      query: { ...query, fields: { _id: true }, limit: limits.batchWrites + 1 },
    })
    if (documents.length > limits.batchWrites)
      throw new CloudError('INVALID_PARAM', {
        errMsg: `more than ${limits.batchWrites} documents match: narrow "where", and ask several times`,
      })
    return { writes: documents.map(({ _id: id }) => ({ ...write, id })), where }
  })
}

async function decideFound(
  { environment, keyed }: WriteParts,
  { actor, key }: WhoAsks,
  find: () => Promise<KeyedWrite>,
): Promise<Decision> {
  const decision = key
    ? await keyed.decide(actor, key, find)
    : await environment.commit({ actor, ...(await find()) })
  if (decision.outcome.status === 'accepted') return decision
  const { code, reason, details } = decision.outcome
  throw errorFromData({ code, errMsg: reason, details })
}

export function summary({ effects }: Decision) {
  const of = (existed: boolean, exists: boolean) =>
    effects.filter(each => each.existed === existed && each.exists === exists).length
  return {
    ids: effects.map(each => each.id),
    created: of(false, true),
    updated: of(true, true),
    removed: of(true, false),
  }
}
