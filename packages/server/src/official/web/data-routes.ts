import type { Value } from '@nearcloud/protocol'
import type { CollectionReference, Database } from '@nearcloud/query'
import type { Context, Hono } from 'hono'
import type { Actor } from '../../actor.ts'
import { ejsonOf, readEjson, reviveEjson } from '../wire/ejson.ts'
import { fieldsOf, listOf } from '../wire/shapes.ts'
import { stagesOf, withStages } from '../wire/stages.ts'
import { add, change, narrowedBy, queryFrom, remove } from './collection-work.ts'
import type { UserTransactions } from './user-transactions.ts'
import { bodyOf, type WebDoor } from './web-door.ts'

export interface DataRoutesOptions {
  readonly door: WebDoor
  readonly transactions: Pick<UserTransactions, 'get'>
  databaseFor(actor: Actor): Database
}

/** What is asked of a collection. */
interface Asked {
  readonly collection: CollectionReference
  readonly database: Database
  /** Of the body. */
  readonly parameters: Readonly<Record<string, unknown>>
  readonly c: Context
}

/**
 * `/v1/database/instances/(default)/databases/(default)/collections/<name>/documents`: the database of `@cloudbase/js-sdk`, as its user
 * sees it under the rules.
 */
export function addDataRoutes(app: Hono, { door, transactions, databaseFor }: DataRoutesOptions): void {
  door.open(app, '/v1/database/*')
  const home = '/v1/database/instances/:instance/databases/:database/collections/:collection/documents'
  const route = (method: 'GET' | 'POST' | 'PATCH', path: string, work: (asked: Asked) => Promise<unknown>) =>
    app.on(method, `${home}${path}`, c =>
      door.answer(c, async () => {
        const actor = await door.userOf(c)
        const { transactionId, ...parameters } = method === 'GET' ? c.req.query() : await parametersOf(c)
        const database =
          (transactionId ?? '') === '' ? databaseFor(actor) : transactions.get(actor, transactionId)
        return work({ collection: database.collection(c.req.param('collection')!), database, parameters, c })
      }),
    )

  route('GET', '', async ({ collection, c }) => {
    if (c.req.query('count') === 'true')
      return { total: (await narrowedBy(collection, askedFor(c, 'query')).count()).total }
    const [offset, limit] = ['offset', 'limit'].map(name => numberAskedFor(c, name))
    const [query, order, projection] = ['query', 'order', 'projection'].map(name => askedFor(c, name))
    const { data } = await queryFrom(collection, { query, order, projection, offset, limit }).get()
    return {
      list: data.map(document => ejsonOf(document as Value)),
      offset: offset ?? 0,
      limit: limit ?? 100,
    }
  })

  route('GET', '/:id', async ({ collection, c }) => {
    const { data } = await narrowedBy(collection, { _id: c.req.param('id') })
      .limit(1)
      .get()
    return data[0] === undefined ? null : ejsonOf(data[0] as Value)
  })

  route('POST', '', async ({ collection, database, parameters: { data } }) => ({
    insertedIds: await add(database, collection, listOf(data, 'data')),
  }))

  route('PATCH', '', async ({ collection, parameters }) => {
    const { updated, made } = await change(collection, parameters)
    return { matched: updated, updated, ...(made !== undefined && { upserted_id: made, upsert_id: made }) }
  })

  route('POST', '/remove', async ({ collection, parameters }) => ({
    deleted: await remove(collection, parameters),
  }))

  route('POST', '/aggregations', async ({ collection, parameters: { pipeline } }) => {
    const { list } = await withStages(collection.aggregate(), stagesOf(pipeline)).end()
    return { list: list.map(document => ejsonOf(document as Value)) }
  })
}

/** The body, its extended JSON read. */
async function parametersOf(c: Context): Promise<Readonly<Record<string, unknown>>> {
  return fieldsOf(reviveEjson(await bodyOf(c)), 'a request')
}

/** A parameter of the address, which is a text of extended JSON. */
function askedFor(c: Context, name: string): unknown {
  const text = c.req.query(name)
  return text === undefined || text === '' ? undefined : readEjson(text)
}

function numberAskedFor(c: Context, name: string): number | undefined {
  const text = c.req.query(name)
  return text === undefined ? undefined : Number(text)
}
