import type { CollectionReference, Database, QueryReference } from '@nearcloud/query'
import { wishesFrom } from '../database-actions.ts'
import { conditionFrom, idNamedBy } from '../wire/conditions.ts'
import { readEjson } from '../wire/ejson.ts'
import { fieldsOf, invalid, isFields, listOf, textOf } from '../wire/shapes.ts'
import { updateFrom } from '../wire/updates.ts'

/*
 * What `@cloudbase/js-sdk` asks of a collection, in whichever of its two ways it came.
 */

export type Parameters = Readonly<Record<string, unknown>>

export function narrowedBy(collection: CollectionReference, condition: unknown): QueryReference {
  return condition === undefined ? collection : collection.where(conditionFrom(condition))
}

/** A query with its `order` (`[{ field, direction }]`), `projection`, `offset` and `limit`. */
export function queryFrom(collection: CollectionReference, parameters: Parameters): QueryReference {
  const { query: condition, order = [], projection, offset, limit } = parameters
  let query = narrowedBy(collection, condition)
  for (const each of listOf(order, 'order')) {
    const { field, direction } = fieldsOf(each, 'an order')
    query = query.orderBy(textOf(field, 'field'), direction as 'asc' | 'desc')
  }
  if (isFields(projection) && Object.keys(projection).length > 0) query = query.field(wishesFrom(projection))
  if (offset !== undefined) query = query.skip(offset as number)
  return limit === undefined ? query : query.limit(limit as number)
}

/** All or none. */
export async function add(
  database: Database,
  { name }: CollectionReference,
  list: readonly unknown[],
): Promise<readonly unknown[]> {
  const documents = list.map(each => fieldsOf(readIfText(each), 'data'))
  if (documents.length === 1) return [(await database.collection(name).add({ data: documents[0]! }))._id]
  const { _ids } = await database.batch(batch => {
    for (const document of documents) batch.collection(name).add({ data: document })
  })
  return _ids
}

/** An update, or with `upsert` a set. `made`: the id of what was not there. */
export async function change(
  collection: CollectionReference,
  { query, data: said, multi, upsert }: Parameters,
): Promise<{ readonly updated: number; readonly made?: string | number }> {
  const data = readIfText(said)
  const id = idNamedBy(query)
  if (upsert === true) {
    if (id === undefined) throw invalid('a document is set by its _id')
    const { stats } = await collection.doc(id).set({ data: fieldsOf(data, 'data') })
    return { updated: stats.updated, ...(stats.created > 0 && { made: id }) }
  }
  const changes = { data: updateFrom(data) }
  const { stats } =
    id === undefined
      ? await narrowedBy(collection, query).update({ ...changes, multi: multi !== false })
      : await collection.doc(id).update(changes)
  return { updated: stats.updated }
}

/** How many there were. */
export async function remove(collection: CollectionReference, { query, multi }: Parameters): Promise<number> {
  const id = idNamedBy(query)
  const { stats } =
    id === undefined
      ? await narrowedBy(collection, query).remove({ multi: multi !== false })
      : await collection.doc(id).remove()
  return stats.removed
}

/** In a transaction the SDK sends the text of what it cannot read itself, as server dates. */
function readIfText(given: unknown): unknown {
  return typeof given === 'string' ? readEjson(given) : given
}
