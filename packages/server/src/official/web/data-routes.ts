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
import { bodyOf, type WebDoor } from './web-door.ts'

/**
 * `/v1/database/instances/(default)/databases/(default)/collections/<name>/documents`: the database of `@cloudbase/js-sdk`, as its user
 * sees it under the rules.
 */
export function addDataRoutes(
  app: Hono,
  { door, databaseFor }: { readonly door: WebDoor; databaseFor(actor: Actor): Database },
): void {
  door.open(app, '/v1/database/*')
  const home = '/v1/database/instances/:instance/databases/:database/collections/:collection/documents'
  const route = (
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    work: (collection: CollectionReference, c: Context, database: Database) => Promise<object>,
  ) =>
    app.on(method, `${home}${path}`, c =>
      door.answer(c, async () => {
        const database = databaseFor(await door.userOf(c))
        return work(database.collection(c.req.param('collection')!), c, database)
      }),
    )

  route('GET', '', async (collection, c) => {
    const query = narrowedBy(collection, askedFor(c, 'query'))
    if (c.req.query('count') === 'true') return { total: (await query.count()).total }
    const { data } = await withWishes(query, c).get()
    return {
      list: data.map(document => ejsonOf(document as Value)),
      offset: Number(c.req.query('offset') ?? 0),
      limit: Number(c.req.query('limit') ?? 100),
    }
  })

  route('POST', '', async (collection, c, database) => {
    const { data } = await parametersOf(c)
    const documents = listOf(data, 'data').map(each => fieldsOf(each, 'data'))
    if (documents.length === 1) {
      const { _id } = await collection.add({ data: documents[0]! })
      return { insertedIds: [_id] }
    }
    const { _ids } = await database.batch(batch => {
      for (const document of documents) batch.collection(collection.name).add({ data: document })
    })
    return { insertedIds: _ids }
  })

  route('PATCH', '', async (collection, c) => {
    const { query, data, multi, upsert } = await parametersOf(c)
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

  route('POST', '/remove', async (collection, c) => {
    const { query, multi } = await parametersOf(c)
    const id = idNamedBy(query)
    const { stats } =
      id === undefined
        ? await narrowedBy(collection, query).remove({ multi: multi !== false })
        : await collection.doc(id).remove()
    return { deleted: stats.removed }
  })

  route('POST', '/aggregations', async (collection, c) => {
    const { pipeline } = await parametersOf(c)
    const { list } = await withStages(collection.aggregate(), stagesOf(pipeline)).end()
    return { list: list.map(document => ejsonOf(document as Value)) }
  })
}

/** The body, its extended JSON read. */
async function parametersOf(c: Context): Promise<Readonly<Record<string, unknown>>> {
  const { transactionId, ...parameters } = fieldsOf(reviveEjson(await bodyOf(c)), 'a request')
  // they are for those who act without rules
  if (transactionId !== undefined) throw invalid('transactions are for functions')
  return parameters
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
