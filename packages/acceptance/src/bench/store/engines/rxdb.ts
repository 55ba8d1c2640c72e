import { createRxDatabase, type RxCollection, type RxJsonSchema } from 'rxdb/plugins/core'
import { getRxStorageDexie } from 'rxdb/plugins/storage-dexie'
import type { Item } from '../engine.ts'
import { offer } from '../offer.ts'

/** Without dev-mode and validation, one instance: as its documentation says for speed. */
type Row = Omit<Item, '_id'> & { id: string }

const text = { type: 'string', maxLength: 60 } as const
const schema: RxJsonSchema<Row> = {
  version: 0,
  primaryKey: 'id',
  type: 'object',
  properties: {
    id: { type: 'string', maxLength: 40 },
    title: { type: 'string' },
    status: text,
    age: { type: 'number', minimum: 0, maximum: 1_000, multipleOf: 1 },
    level: { type: 'string' },
    score: { type: 'number' },
    owner: { type: 'object' },
    tags: { type: 'array', items: { type: 'string' } },
    done: { type: 'boolean' },
    note: { type: 'string' },
  },
  required: ['id', 'status', 'age'],
  indexes: [['status', 'age']],
} as unknown as RxJsonSchema<Row>

let items: RxCollection<Row>

const rowOf = ({ _id, ...rest }: Item): Row => ({ id: _id, ...rest })

const find = (status: string, age: number) =>
  items.find({
    selector: { status, age: { $gt: age } },
    sort: [{ status: 'asc' }, { age: 'asc' }],
    limit: 20,
    index: ['status', 'age'],
  })

offer({
  async open() {
    const database = await createRxDatabase({
      name: 'bench',
      storage: getRxStorageDexie(),
      multiInstance: false,
      eventReduce: true,
    })
    items = (await database.addCollections({ items: { schema } })).items as RxCollection<Row>
  },
  insertMany: many => items.bulkInsert(many.map(rowOf)).then(() => undefined),
  insert: item => items.insert(rowOf(item)),
  get: async id => (await items.findOne(id).exec())?.toJSON(),
  indexed: async (status, age) => (await find(status, age).exec()).map(found => found.toJSON()),
  unindexed: async (level, score) =>
    (
      await items
        .find({ selector: { level, score: { $gt: score } }, sort: [{ score: 'asc' }], limit: 20 })
        .exec()
    ).map(found => found.toJSON()),
  count: () => items.count().exec(),
  update: async (id, title) => (await items.findOne(id).exec())?.incrementalPatch({ title }),
  live: (status, age, next) =>
    new Promise(resolve => {
      const subscription = find(status, age).$.subscribe(found => {
        next(found.map(each => ({ _id: each.id, title: each.title })))
        resolve(() => subscription.unsubscribe())
      })
    }),
})
