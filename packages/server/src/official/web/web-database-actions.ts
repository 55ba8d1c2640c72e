import type { Json, Value } from '@nearcloud/protocol'
import type { CollectionReference, Database } from '@nearcloud/query'
import type { Actor } from '../../actor.ts'
import { idNamedBy } from '../wire/conditions.ts'
import { ejsonOf, readEjson, writeEjson } from '../wire/ejson.ts'
import { fieldsOf, listOf, textOf } from '../wire/shapes.ts'
import { type WireStage, withStages } from '../wire/stages.ts'
import { add, change, narrowedBy, type Parameters, queryFrom, remove } from './collection-work.ts'
import type { UserTransactions } from './user-transactions.ts'

/** Who asks, and what of: the database, or what a transaction sees of it. */
export interface WebAsked {
  readonly actor: Actor & { readonly kind: 'user' }
  readonly parameters: Parameters
  readonly transactions: UserTransactions
  readonly database: Database
}

type WebAction = (asked: WebAsked) => Promise<object>

/** The database of `@cloudbase/js-sdk` whose `endPointMode` is `CLOUD_API`, by the names it calls it by. */
export const webDatabaseActions: Readonly<Record<string, WebAction>> = {
  async 'database.addDocument'(asked) {
    const { data, _id: id } = asked.parameters
    const list = Array.isArray(data)
      ? data
      : [id === undefined ? data : { ...fieldsOf(data, 'data'), _id: id }]
    const insertedIds = await add(asked.database, collectionOf(asked), list)
    return { data: { _id: insertedIds[0], insertedIds } }
  },

  async 'database.queryDocument'(asked) {
    const { data } = await queryFrom(collectionOf(asked), asked.parameters).get()
    const { offset = 0, limit = 100 } = asked.parameters
    return { data: { list: data.map(document => datesPlain(ejsonOf(document as Value))), offset, limit } }
  },

  async 'database.countDocument'(asked) {
    const { total } = await narrowedBy(collectionOf(asked), asked.parameters.query).count()
    return { data: { total } }
  },

  async 'database.updateDocument'(asked) {
    const { updated, made } = await change(collectionOf(asked), asked.parameters)
    return { data: { updated, ...(made !== undefined && { upserted_id: made, upsert_id: made }) } }
  },

  async 'database.deleteDocument'(asked) {
    return { data: { deleted: await remove(collectionOf(asked), asked.parameters) } }
  },

  async 'database.aggregate'(asked) {
    const stages = listOf(asked.parameters.stages, 'stages').map((stage): WireStage => {
      const { stageKey, stageValue } = fieldsOf(stage, 'a stage')
      return [textOf(stageKey, 'stageKey'), readEjson(textOf(stageValue, 'stageValue'))]
    })
    const { list } = await withStages(collectionOf(asked).aggregate(), stages).end()
    return { data: { list: JSON.stringify(list.map(document => writeEjson(document as Value))) } }
  },

  async 'database.startTransaction'({ actor, transactions }) {
    return { transactionId: await transactions.start(actor) }
  },

  async 'database.commitTransaction'({ actor, transactions, parameters }) {
    await transactions.commit(actor, parameters.transactionId)
    return {}
  },

  async 'database.abortTransaction'({ actor, transactions, parameters }) {
    await transactions.rollback(actor, parameters.transactionId)
    return {}
  },

  /** Of a document by its id the text of it, or `null`; of a query that of a list. */
  async 'database.getInTransaction'(asked) {
    const { parameters } = asked
    const isOfOne = idNamedBy(parameters.query) !== undefined && parameters.limit === undefined
    const { data } = await queryFrom(collectionOf(asked), parameters).get()
    const texts = data.map(document => writeEjson(document as Value))
    return { data: isOfOne ? (texts[0] ?? 'null') : `[${texts.join()}]` }
  },

  async 'database.updateDocInTransaction'(asked) {
    const { updated, made } = await change(collectionOf(asked), asked.parameters)
    const upserted = made !== undefined && { upserted: JSON.stringify([{ index: 0, _id: made }]) }
    return { updated: String(updated), ...upserted }
  },

  async 'database.insertDocInTransaction'(asked) {
    const [id] = await add(asked.database, collectionOf(asked), [asked.parameters.data])
    return { inserted: '1', ok: '1', _id: id }
  },

  async 'database.deleteDocInTransaction'(asked) {
    return { deleted: String(await remove(collectionOf(asked), asked.parameters)) }
  },
}

function collectionOf({ database, parameters }: WebAsked): CollectionReference {
  return database.collection(textOf(parameters.collectionName, 'collectionName'))
}

/** This way the SDK reads a date from its number alone. */
function datesPlain(tree: Json): Json {
  if (tree === null || typeof tree !== 'object') return tree
  if (Array.isArray(tree)) return tree.map(datesPlain)
  const fields = tree as { readonly [key: string]: Json }
  const { $date: date } = fields
  if (date !== undefined) return { $date: Number((date as { $numberLong: string }).$numberLong) }
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, datesPlain(value)]))
}
