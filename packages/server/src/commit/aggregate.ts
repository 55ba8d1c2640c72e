import { type DocumentData, fractionFrom } from '@nearcloud/protocol'
import type { Aggregation } from '@nearcloud/query'
import {
  type AggregationBudget,
  aggregate,
  bindAggregation,
  readsOf,
  type Source,
} from '@nearcloud/query/aggregate'
import type { Actor } from '../actor.ts'
import type { Environment } from './environment.ts'
import { askedBy, findAll, findFirst } from './find.ts'

/**
 * What a pipeline makes of the documents this actor may read: its own collection's, and those of every collection it looks
 * up. Throws DATABASE_PERMISSION_DENIED before anything is read unless the actor may ask for all of them;
 * DATABASE_REQUEST_FAILED with `details.limit` when it costs too much.
 */
export async function runAggregation(
  environment: Environment,
  actor: Actor,
  asked: Aggregation,
): Promise<readonly DocumentData[]> {
  const aggregation = actor.kind === 'user' ? bindAggregation(asked, actor.openid) : asked
  for (const read of readsOf(aggregation)) await askedBy(environment, actor, read)
  const { clock, random } = environment
  return aggregate(aggregation, {
    source: sourceFor(environment, actor),
    now: () => clock.now(),
    random: () => fractionFrom(random),
    ...(actor.kind === 'user' && { budget: budgetOfUsers }),
  })
}

/** Everything read on the way is filtered for the actor, document by document. */
function sourceFor(environment: Environment, actor: Actor): Source {
  return {
    async *find(query) {
      if (query.limit !== undefined || query.skip > 0 || query.orderBy.length > 0) {
        yield (await findFirst(environment, actor, query)).map(found => found.document)
        return
      }
      for await (const page of findAll(environment, actor, query)) yield page.map(found => found.document)
    },
  }
}

/** A person's question may not keep the server from the others'. */
const budgetOfUsers: Partial<AggregationBudget> = { documents: 200_000, bytes: 64_000_000, timeMs: 10_000 }
