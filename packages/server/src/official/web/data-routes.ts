import type { Value } from '@nearcloud/protocol'
import type { CollectionReference, Database, QueryReference } from '@nearcloud/query'
import type { Context, Hono } from 'hono'
import type { Actor } from '../../actor.ts'
import { wishesFrom } from '../database-actions.ts'
import { conditionFrom, idNamedBy } from '../wire/conditions.ts'
import { ejsonOf, readEjson, reviveEjson } from '../wire/ejson.ts'
import { fieldsOf, invalid, isFields, listOf, textOf } from '../wire/shapes.ts'
import { stagesOf, withStages } from '../wire/stages.ts'
import { updateFrom } from '../wire/updates.ts'
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
    const query = narrowedBy(collection, askedFor(c, 'query'))
    if (c.req.query('count') === 'true') return { total: (await query.count()).total }
    const { data } = await withWishes(query, c).get()
    return {
      list: data.map(document => ejsonOf(document as Value)),
      offset: Number(c.req.query('offset') ?? 0),
      limit: Number(c.req.query('limit') ?? 100),
    }
  })

  route('GET', '/:id', async ({ collection, c }) => {
    const { data } = await collection
      .where({ _id: c.req.param('id')! })
      .limit(1)
      .get()
    return data[0] === undefined ? null : ejsonOf(data[0] as Value)
  })

  route('POST', '', async ({ collection, database, parameters: { data } }) => {
    const documents = listOf(data, 'data').map(each => fieldsOf(readIfText(each), 'data'))
    if (documents.length === 1) {
      const { _id } = await collection.add({ data: documents[0]! })
      return { insertedIds: [_id] }
    }
    const { _ids } = await database.batch(batch => {
      for (const document of documents) batch.collection(collection.name).add({ data: document })
    })
    return { insertedIds: _ids }
  })

  route('PATCH', '', async ({ collection, parameters: { query, data: said, multi, upsert } }) => {
    const data = readIfText(said)
    const id = idNamedBy(query)
    if (upsert === true) {
      if (id === undefined) throw invalid('a document is set by its _id')
      const { stats } = await collection.doc(id).set({ data: fieldsOf(data, 'data') })
      const made = stats.created > 0 && { upserted_id: id, upsert_id: id }
      return { matched: stats.updated, updated: stats.updated, ...made }
    }
    const changes = { data: updateFrom(data) }
    const { stats } =
      id === undefined
        ? await narrowedBy(collection, query).update({ ...changes, multi: multi !== false })
        : await collection.doc(id).update(changes)
    return { matched: stats.updated, updated: stats.updated }
  })

  route('POST', '/remove', async ({ collection, parameters: { query, multi } }) => {
    const id = idNamedBy(query)
    const { stats } =
      id === undefined
        ? await narrowedBy(collection, query).remove({ multi: multi !== false })
        : await collection.doc(id).remove()
    return { deleted: stats.removed }
  })

  route('POST', '/aggregations', async ({ collection, parameters: { pipeline } }) => {
    const { list } = await withStages(collection.aggregate(), stagesOf(pipeline)).end()
    return { list: list.map(document => ejsonOf(document as Value)) }
  })
}

/** The body, its extended JSON read. */
async function parametersOf(c: Context): Promise<Readonly<Record<string, unknown>>> {
  return fieldsOf(reviveEjson(await bodyOf(c)), 'a request')
}

/** In a transaction the SDK sends the text of what it cannot read itself, as server dates. */
function readIfText(given: unknown): unknown {
  return typeof given === 'string' ? readEjson(given) : given
}

/** A parameter of the address, which is a text of extended JSON. */
function askedFor(c: Context, name: string): unknown {
  const text = c.req.query(name)
  return text === undefined || text === '' ? undefined : readEjson(text)
}

function narrowedBy(collection: CollectionReference, condition: unknown): QueryReference {
  return condition === undefined ? collection : collection.where(conditionFrom(condition))
}

function withWishes(asked: QueryReference, c: Context): QueryReference {
  let query = asked
  for (const each of listOf(askedFor(c, 'order') ?? [], 'order')) {
    const { field, direction } = fieldsOf(each, 'an order')
    query = query.orderBy(textOf(field, 'field'), direction as 'asc' | 'desc')
  }
  const projection = askedFor(c, 'projection')
  if (isFields(projection) && Object.keys(projection).length > 0) query = query.field(wishesFrom(projection))
  const [offset, limit] = [c.req.query('offset'), c.req.query('limit')]
  if (offset !== undefined) query = query.skip(Number(offset))
  return limit === undefined ? query : query.limit(Number(limit))
}
