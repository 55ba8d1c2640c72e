import type { Document } from '@nearcloud/protocol'
import { queryToJson } from '@nearcloud/query'
import { aggregationToJson } from '@nearcloud/query/aggregate'
import type { Check, Fuzz } from './fuzz.ts'
import type { Listener } from './listener.ts'
import type { Asker } from './oracle.ts'
import { randomAggregation, totals, weightOf } from './questions.ts'
import { Leak } from './watch.ts'
import { collections } from './world.ts'

export function counts(fuzz: Fuzz, listener: Listener, underWay: Promise<unknown>[]): Check {
  fuzz.count('counts')
  const query = fuzz.query(listener.asker)
  const id = ++fuzz.asks
  listener.say({ type: 'count', id, query: queryToJson(query) })
  underWay.push(listener.until(() => listener.answers.has(id) || !listener.isOpen))
  return () => {
    const answer = listener.answers.get(id)
    if (!answer) return
    fuzz.judgeQuery(listener.asker, query, answer.error === undefined)
    if (answer.error) return
    fuzz.expect(listener.asker, query, found => found.length === answer.result)
  }
}

export function aggregates(fuzz: Fuzz, listener: Listener, underWay: Promise<unknown>[]): Check {
  fuzz.count('aggregates')
  const { world } = fuzz
  const query = fuzz.query(listener.asker)
  const of = { dice: world.dice, openids: world.openids, collections }
  const aggregation = randomAggregation(of, query, name => world.lawOf(name), listener.asker)
  const id = ++fuzz.asks
  listener.say({ type: 'aggregate', id, aggregation: aggregationToJson(aggregation) })
  underWay.push(listener.until(() => listener.answers.has(id) || !listener.isOpen))
  return () => {
    const answer = listener.answers.get(id)
    if (!answer) return
    if (answer.error && answer.error.code !== 'DATABASE_PERMISSION_DENIED')
      throw new Error(`${JSON.stringify(aggregation)}: ${JSON.stringify(answer.error)}`)
    if (aggregation.stages[1] !== totals) return
    const plain = { ...query, orderBy: [], skip: 0 }
    fuzz.judgeQuery(listener.asker, plain, answer.error === undefined)
    if (answer.error) return
    const [told] = answer.result as readonly { count: number; weight: number; secrets: unknown[] }[]
    fuzz.expect(listener.asker, query, found =>
      found.length === 0
        ? told === undefined
        : told?.count === found.length &&
          told.weight === weightOf(found) &&
          told.secrets.length === found.length,
    )
  }
}

export function checks(fuzz: Fuzz, listener: Listener, underWay: Promise<unknown>[]): Check | undefined {
  const complete = [...listener.subscriptions].filter(
    ([, { state, query }]) => state === 'complete' && query.limit === undefined,
  )
  if (complete.length === 0) return undefined
  fuzz.count('digests')
  const [id, { query }] = fuzz.world.dice.pick(complete)
  listener.digests.delete(id)
  listener.say({ type: 'check', id })
  underWay.push(Promise.resolve())
  return () => {
    // one may not come: documents change too fast
    const digest = listener.digests.get(id)
    if (digest) fuzz.expect(listener.asker, query, found => found.length === digest.count)
  }
}

/** In the server's own process, as functions for a user and other doors ask. */
export function gets(fuzz: Fuzz, underWay: Promise<unknown>[]): Check {
  fuzz.count('gets')
  const asker = fuzz.anyone()
  const query = fuzz.query(asker)
  let documents: readonly Document[] | undefined
  let total: number | undefined
  const executor = fuzz.world.server.executorFor(actorOf(asker))
  const counts = fuzz.world.dice.below(2) === 0
  const asking = counts
    ? executor.run({ verb: 'count', query }).then(answer => {
        total = answer.total
      })
    : executor.run({ verb: 'get', query }).then(answer => {
        documents = answer.documents
      })
  underWay.push(asking.catch(denied))
  return () => {
    fuzz.judgeQuery(asker, query, documents !== undefined || total !== undefined)
    if (total !== undefined) fuzz.expect(asker, query, found => found.length === total)
    for (const { secret } of documents ?? [])
      if (!fuzz.world.watch.isTold(asker, String(secret)))
        throw new Leak(`${String(secret)} was given to ${JSON.stringify(asker)}`)
    if (documents && fuzz.isQuiet && query.limit === undefined)
      fuzz.expect(asker, query, found => found.length === documents!.length)
  }
}

/** A watch that is open during this round. */
export function watches(fuzz: Fuzz, underWay: Promise<unknown>[]): Check {
  fuzz.count('watches')
  const asker = fuzz.anyone()
  const query = fuzz.query(asker)
  const heard: string[] = []
  let isRefused = false
  const watching = new Promise<void>(resolve => {
    const { close } = fuzz.world.server.executorFor(actorOf(asker)).watch(query, {
      next: snapshot => {
        heard.push(JSON.stringify(snapshot.docs))
        resolve()
      },
      error: error => {
        isRefused = heard.length === 0
        heard.push(String(error))
        resolve()
      },
    })
    fuzz.closing.push(close)
  })
  underWay.push(watching)
  return async () => {
    for (const close of fuzz.closing.splice(0)) await close()
    if (fuzz.isQuiet) fuzz.judgeQuery(asker, query, !isRefused)
    for (const text of heard)
      for (const [secret] of text.matchAll(/~s\d+~/g))
        if (!fuzz.world.watch.isTold(asker, secret))
          throw new Leak(`${secret} was shown to ${JSON.stringify(asker)}`)
  }
}

function actorOf(asker: Asker) {
  return asker === null ? ({ kind: 'stranger' } as const) : ({ kind: 'user', ...asker } as const)
}

function denied(thrown: unknown): void {
  if ((thrown as { code?: string }).code !== 'DATABASE_PERMISSION_DENIED') throw thrown
}
