import { type DocumentData, fractionFrom, fromJson } from '@nearcloud/protocol'
import { type Aggregation, type Answer, loadAggregation } from '@nearcloud/query'
import type { LocalFirstOptions } from './executor.ts'
import { isUnreachable, lastMutation } from './requests.ts'

/**
 * An aggregation is answered here when everything it reads is in step here; else the server is asked, after the writes
 * made before; without one the answer is of what is here.
 */
export async function answerAggregation(options: LocalFirstOptions, asked: Aggregation): Promise<Answer> {
  const { store, subscriptions, requests } = options
  const { aggregationToJson, bindAggregation, readsOf } = await loadAggregation()
  const { openid } = store.checkpoint
  const aggregation = openid === undefined ? asked : bindAggregation(asked, openid)
  if (readsOf(aggregation).every(read => subscriptions.covering(read)))
    return here(options, aggregation, false)
  if (!options.isReachable()) return here(options, aggregation, true)
  try {
    const question = { type: 'aggregate', aggregation: aggregationToJson(aggregation) } as const
    const results = fromJson(await requests.ask(question, lastMutation(store)))
    return answerOf(results as readonly DocumentData[], false)
  } catch (error) {
    if (isUnreachable(error)) return here(options, aggregation, true)
    throw error
  }
}

async function here(
  { store, serverClock, random }: LocalFirstOptions,
  aggregation: Aggregation,
  fromCache: boolean,
): Promise<Answer> {
  const { aggregate } = await loadAggregation()
  const results = await aggregate(aggregation, {
    source: {
      async *find(query) {
        yield store.run({ verb: 'get', query }).documents
      },
    },
    now: () => serverClock.now(),
    random: () => fractionFrom(random),
  })
  return answerOf(results, fromCache)
}

function answerOf(results: readonly DocumentData[], fromCache: boolean): Answer {
  return { documents: [], total: results.length, fromCache, results }
}
