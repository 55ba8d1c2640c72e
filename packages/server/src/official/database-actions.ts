import { normalise, type Value } from '@nearcloud/protocol'
import type { Aggregate, CollectionReference, Database, FieldWishes, QueryReference } from '@nearcloud/query'
import { command as _ } from '@nearcloud/query'
import type { Action, Caller, Params } from './official-call.ts'
import { conditionFrom, elementFrom, idNamedBy } from './wire/conditions.ts'
import { readEjson, writeEjson } from './wire/ejson.ts'
import { fieldsOf, invalid, isFields, listOf, textOf } from './wire/shapes.ts'
import { type WireStage, withStages } from './wire/stages.ts'
import { updateFrom } from './wire/updates.ts'

/** The database of `wx-server-sdk` and `@cloudbase/node-sdk`, by the names they call it by. */
export const databaseActions: Readonly<Record<string, Action>> = {
  async 'database.insertDocument'(caller, params) {
    const documents = listOf(params.data, 'data').map(each => fieldsOf(ejsonOf(each, 'data'), 'data'))
    const collection = collectionOf(caller, params)
    const { _ids: insertedIds } = await collection.add({ data: documents })
    return { data: { insertedIds } }
  },

  async 'database.getDocument'(caller, params) {
    const { data } = await queryFrom(caller, params).get()
    const { limit, offset } = params
    return { data: { list: data.map(document => writeEjson(document as Value)), limit, offset } }
  },

  async 'database.calculateDocument'(caller, params) {
    const { total } = await narrowed(collectionOf(caller, params), params).count()
    return { data: { total } }
  },

  async 'database.modifyDocument'(caller, params) {
    const collection = collectionOf(caller, params)
    const id = idNamedBy(conditionOf(params))
    const data = ejsonOf(params.data, 'data')
    if (params.merge === false || params.upsert === true) {
      if (id === undefined) throw invalid('a document is set by its _id')
      const { stats } = await collection.doc(id).set({ data: fieldsOf(data, 'data') })
      return { data: { updated: stats.updated, ...(stats.created > 0 && { upsert_id: id }) } }
    }
    const changes = { data: updateFrom(data) }
    const { stats } =
      id === undefined
        ? await narrowed(collection, params).update({ ...changes, multi: params.multi !== false })
        : await collection.doc(id).update(changes)
    return { data: { updated: stats.updated } }
  },

  async 'database.modifyAndReturnDoc'(caller, params) {
    const changes = { data: updateFrom(ejsonOf(params.data, 'data')) }
    const once = async (database: Database) => {
      const collection = collectionIn(database, params)
      const { data } = await narrowed(collection, params).limit(1).get()
      const id = data[0]?._id
      if (id === undefined) return { updated: 0, doc: null }
      const { stats } = await collection.doc(id).update(changes)
      const after = await collection.where({ _id: id }).limit(1).get()
      return { updated: stats.updated, doc: after.data[0] ? writeEjson(after.data[0] as Value) : null }
    }
    const { transactionId } = params
    if (transactionId !== undefined) return { data: await once(databaseOf(caller, params)) }
    return { data: await caller.transactions.run(once) }
  },

  async 'database.removeDocument'(caller, params) {
    const collection = collectionOf(caller, params)
    const id = idNamedBy(conditionOf(params))
    const { stats } =
      id === undefined
        ? await narrowed(collection, params).remove({ multi: params.multi !== false })
        : await collection.doc(id).remove()
    return { data: { deleted: stats.removed } }
  },

  async 'database.aggregateDocuments'(caller, params) {
    const stages = listOf(params.stages, 'stages').map((stage): WireStage => {
      const { stageKey, stageValue } = fieldsOf(stage, 'a stage')
      return [textOf(stageKey, 'stageKey'), ejsonOf(stageValue, 'stageValue')]
    })
    const { list } = await aggregated(collectionOf(caller, params), stages).end()
    return { data: { list: list.map(document => writeEjson(document as Value)) } }
  },

  async 'database.addCollection'(caller, params) {
    await caller.database.createCollection(textOf(params.collectionName, 'collectionName'))
    return {}
  },

  async 'database.startTransaction'(caller) {
    return { transactionId: await caller.transactions.start() }
  },

  async 'database.commitTransaction'(caller, params) {
    await caller.transactions.commit(params.transactionId)
    return {}
  },

  async 'database.abortTransaction'(caller, params) {
    await caller.transactions.rollback(params.transactionId)
    return {}
  },
}

/** A text of extended JSON. */
function ejsonOf(text: unknown, name: string): unknown {
  return readEjson(textOf(text, name))
}

function databaseOf({ database, transactions }: Caller, { transactionId }: Params): Database {
  return transactionId === undefined ? database : transactions.get(transactionId)
}

function collectionOf(caller: Caller, params: Params): CollectionReference {
  return collectionIn(databaseOf(caller, params), params)
}

function collectionIn(database: Database, { collectionName }: Params): CollectionReference {
  return database.collection(textOf(collectionName, 'collectionName'))
}

/** Undefined where there is none: SDKs leave it out, or say ''. */
function conditionOf({ query }: Params): unknown {
  return query === undefined || query === '' ? undefined : ejsonOf(query, 'query')
}

function narrowed(collection: CollectionReference, params: Params): QueryReference {
  const condition = conditionOf(params)
  return condition === undefined ? collection : collection.where(conditionFrom(condition))
}

function queryFrom(caller: Caller, params: Params): QueryReference {
  const { order, offset, limit, projection } = params
  let query = narrowed(collectionOf(caller, params), params)
  if (order !== undefined)
    for (const [path, direction] of Object.entries(fieldsOf(ejsonOf(order, 'order'), 'order')))
      query = query.orderBy(path, direction === -1 ? 'desc' : 'asc')
  if (projection !== undefined) query = query.field(wishesFrom(ejsonOf(projection, 'projection')))
  if (offset !== undefined) query = query.skip(offset as number)
  return limit === undefined ? query : query.limit(limit as number)
}

/** `{ a: 1, list: { $slice: 2 } }`. */
export function wishesFrom(given: unknown): FieldWishes {
  const fields = fieldsOf(given, 'a projection')
  return Object.fromEntries(
    Object.keys(fields).map(path => {
      const wish = fields[path]
      if (!isFields(wish)) return [path, wish as 0 | 1]
      if ('$slice' in wish) return [path, _.project.slice(wish.$slice as number)]
      if ('$elemMatch' in wish) return [path, _.project.elemMatch(elementFrom(wish.$elemMatch))]
      throw invalid(`a projection of "${path}" that is not known`)
    }),
  )
}

function aggregated(collection: CollectionReference, stages: readonly WireStage[]): Aggregate {
  return withStages(collection.aggregate(), stages)
}

/** What a function is called with: JSON, or nothing. */
export function eventFrom(given: unknown): Value {
  return normalise(given ?? {}, { name: 'data', keys: 'call' })
}
