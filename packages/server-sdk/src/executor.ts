import {
  CloudError,
  type Document,
  type DocumentData,
  decodeTrusted,
  mutationToJson,
  toJson,
} from '@nearcloud/protocol'
import {
  type Answer,
  type Commit,
  type Committed,
  type Executor,
  type Explanation,
  type IndexDefinition,
  loadAggregation,
  queryToJson,
} from '@nearcloud/query'
import type { AggregateResult, AskVerb, GetResult } from './channel.ts'
import { ask } from './runtime.ts'

type Ask = (verb: AskVerb, text: string) => Promise<unknown>

/** A function's executor: every verb is a question to the server, which judges it. */
export const serverExecutor = executorOver(ask)

/** An executor whose questions go to the server by way of `ask`. */
export function executorOver(ask: Ask): Executor {
  return {
    async run(run): Promise<Answer> {
      const nothing = { documents: [], total: 0, fromCache: false }
      switch (run.verb) {
        case 'get':
        case 'count': {
          const answer = (await ask(run.verb, JSON.stringify(queryToJson(run.query)))) as GetResult
          const documents = answer.documents.map(text => decodeTrusted(text) as Document)
          return { documents, total: answer.total, fromCache: false }
        }
        case 'aggregate': {
          const { aggregationToJson } = await loadAggregation()
          const json = aggregationToJson(run.aggregation)
          const { text } = (await ask(run.verb, JSON.stringify(json))) as AggregateResult
          return { ...nothing, results: decodeTrusted(text) as readonly DocumentData[] }
        }
        case 'explain': {
          const explanation = await ask(run.verb, JSON.stringify(queryToJson(run.query)))
          return { ...nothing, explanation: explanation as Explanation }
        }
        case 'indexes': {
          const indexes = await ask(run.verb, JSON.stringify({ collection: run.collection }))
          return { ...nothing, indexes: indexes as readonly IndexDefinition[] }
        }
      }
    },

    async commit(commit): Promise<Committed> {
      if ('collection' in commit) return changeIndexes(ask, commit)
      const answer =
        'writes' in commit ? await ask('push', pushFrame(commit)) : await ask('change', changeText(commit))
      return answer as Committed
    },

    watch(): never {
      throw new CloudError('WATCH_FAILED', {
        errMsg: 'watch:fail a cloud function cannot watch: it reads and ends',
      })
    },
  }
}

async function changeIndexes(ask: Ask, commit: Extract<Commit, { collection: string }>): Promise<Committed> {
  const { collection } = commit
  if ('createIndex' in commit)
    await ask('createIndex', JSON.stringify({ collection, index: commit.createIndex }))
  else await ask('dropIndex', JSON.stringify({ collection, name: commit.dropIndex }))
  return { ids: [], updated: 0, removed: 0, created: 0, pending: false }
}

function pushFrame({ writes }: Extract<Commit, { writes: unknown }>): string {
  const mutation = mutationToJson({ id: 1, nonce: '', base: 0, time: 0, writes })
  return JSON.stringify({ type: 'push', mutations: [mutation] })
}

function changeText({ target, first, change }: Extract<Commit, { target: unknown }>): string {
  const changes =
    change === 'remove'
      ? null
      : change.map(([path, operator, argument]) => [path, operator, toJson(argument)])
  return JSON.stringify({ query: queryToJson(target), first, changes })
}
