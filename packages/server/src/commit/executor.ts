import { CloudError, checkCollectionName, errorFromData, limits, type Write } from '@nearcloud/protocol'
import {
  type Answer,
  type Commit,
  type Committed,
  compileProjection,
  type Executor,
  type Query,
  type Run,
} from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import { runAggregation } from './aggregate.ts'
import { changeMatching } from './change-matching.ts'
import type { EffectNames } from './effect-names.ts'
import type { Decision, Environment } from './environment.ts'
import { askedBy, countAll, explain, findFirst } from './find.ts'
import { watch } from './watch.ts'

/** The database as one actor sees it: the three verbs over the commit pipeline. */
export function createExecutor(environment: Environment, actor: Actor, effects?: EffectNames): Executor {
  return {
    run: question => run(environment, actor, question),
    commit: asked => commit(environment, actor, asked, effects),
    watch: (query, observer) => watch(environment, actor, query, observer),
  }
}

async function run(environment: Environment, actor: Actor, asked: Run): Promise<Answer> {
  if (asked.verb === 'aggregate') {
    const results = await runAggregation(environment, actor, asked.aggregation)
    return { documents: [], total: results.length, fromCache: false, results }
  }
  if (asked.verb === 'indexes') {
    checkMayIndex(actor, asked.collection)
    await environment.indexes.open()
    const indexes = environment.indexes.of(asked.collection).map(({ definition }) => definition)
    return { documents: [], total: 0, fromCache: false, indexes }
  }
  if (asked.verb === 'explain') {
    checkMayIndex(actor, asked.query.collection)
    const explanation = await explain(environment, actor, await askedBy(environment, actor, asked.query))
    return { documents: [], total: 0, fromCache: false, explanation }
  }
  const query = await askedBy(environment, actor, asked.query)
  if (asked.verb === 'count') {
    const total = await countAll(environment, actor, query)
    return { documents: [], total, fromCache: false }
  }
  const found = (await findFirst(environment, actor, query)).map(each => each.document)
  const documents = query.fields ? found.map(compileProjection(query.fields)) : found
  return { documents, total: documents.length, fromCache: false }
}

async function commit(
  environment: Environment,
  actor: Actor,
  asked: Commit,
  effects: EffectNames | undefined,
): Promise<Committed> {
  if ('writes' in asked) {
    const { writes } = asked
    return summary(
      await decide(environment, actor, { writes, ...(effects && { once: effects.nextOfWrites(writes) }) }),
    )
  }
  if ('collection' in asked) {
    checkMayIndex(actor, asked.collection)
    if ('createIndex' in asked) await environment.createIndex(asked.collection, asked.createIndex)
    else await environment.dropIndex(asked.collection, asked.dropIndex)
    return { ids: [], updated: 0, removed: 0, created: 0, pending: false }
  }
  const { first, change } = asked
  const target = await askedBy(environment, actor, asked.target)
  let total: Committed = { ids: [], updated: 0, removed: 0, created: 0, pending: false }
  const { collection } = target
  const once = effects?.nextOfChange(collection, change)
  const decisions = changeMatching({
    ...{ environment, actor, target, first, once },
    decide(ids, name) {
      const writes = ids.map(
        (id): Write =>
          change === 'remove'
            ? { op: 'remove', collection, id }
            : { op: 'update', collection, id, changes: change },
      )
      const request = { writes, where: target.where, ...(name !== undefined && { once: name }) }
      return decide(environment, actor, request)
    },
  })
  for await (const decision of decisions) total = add(total, summary(decision))
  return total
}

/** How documents are found, and how many were looked at, is not for users. */
function checkMayIndex(actor: Actor, collection: string): void {
  checkCollectionName(collection)
  if (actor.kind === 'admin' || actor.kind === 'function') return
  throw new CloudError('DATABASE_PERMISSION_DENIED', {
    errMsg: `${collection}: indexes and explain are for functions and the operator`,
  })
}

async function decide(
  environment: Environment,
  actor: Actor,
  request: { writes: readonly Write[]; where?: Query['where']; once?: string },
): Promise<Decision> {
  if (request.writes.length > limits.batchWrites)
    throw new CloudError('INVALID_PARAM', { errMsg: `more than ${limits.batchWrites} writes at once` })
  const decision = await environment.commit({ actor, ...request })
  if (decision.outcome.status === 'accepted') return decision
  const { code, reason, details } = decision.outcome
  throw errorFromData({ code, errMsg: reason, details })
}

function summary({ effects }: Decision): Committed {
  let [updated, removed, created] = [0, 0, 0]
  for (const { existed, exists } of effects)
    if (existed && exists) updated++
    else if (existed) removed++
    else if (exists) created++
  return { ids: effects.map(effect => effect.id), updated, removed, created, pending: false }
}

function add(a: Committed, b: Committed): Committed {
  return {
    ids: [...a.ids, ...b.ids],
    updated: a.updated + b.updated,
    removed: a.removed + b.removed,
    created: a.created + b.created,
    pending: false,
  }
}
