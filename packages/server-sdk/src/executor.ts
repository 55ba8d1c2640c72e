import { CloudError, type Document, decodeTrusted, mutationToJson, toJson } from '@nearcloud/protocol'
import { type Answer, type Commit, type Committed, type Executor, queryToJson } from '@nearcloud/query'
import type { GetResult } from './channel.ts'
import { ask } from './runtime.ts'

/** A function's executor: every verb is a question to the server, which judges it. */
export const serverExecutor: Executor = {
  async run(run): Promise<Answer> {
    if (run.verb !== 'get' && run.verb !== 'count')
      throw new CloudError('DATABASE_REQUEST_FAILED', { errMsg: `${run.verb}: not yet` })
    const { verb, query } = run
    const answer = (await ask(verb, JSON.stringify(queryToJson(query)))) as GetResult
    const documents = answer.documents.map(text => decodeTrusted(text) as Document)
    return { documents, total: answer.total, fromCache: false }
  },

  async commit(commit): Promise<Committed> {
    if ('collection' in commit)
      throw new CloudError('DATABASE_REQUEST_FAILED', { errMsg: 'indexes: not yet' })
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
