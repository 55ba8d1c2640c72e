import PouchDB from 'pouchdb-browser'
import find from 'pouchdb-find'
import type { Item } from '../engine.ts'
import { offer } from '../offer.ts'

PouchDB.plugin(find)
let database: PouchDB

/** `$gte`: with `$gt`, a compound index and a limit it answers too few. */
const selectorOf = (status: string, age: number) => ({
  selector: { status, age: { $gte: age + 1 } },
  sort: ['status', 'age'],
  limit: 20,
})

offer({
  async open() {
    database = new PouchDB('bench')
    await database.createIndex({ index: { fields: ['status', 'age'] } })
  },
  insertMany: items => database.bulkDocs(items).then(() => undefined),
  insert: item => database.put(item),
  get: id => database.get<Item>(id),
  indexed: async (status, age) => (await database.find<Item>(selectorOf(status, age))).docs,
  async unindexed(level, score) {
    const { docs } = await database.find<Item>({ selector: { level, score: { $gt: score } } })
    return docs.sort((a, b) => a.score - b.score).slice(0, 20)
  },
  count: async () => (await database.allDocs({ startkey: 'item', endkey: 'item￰' })).rows.length,
  update: async (id, title) => database.put({ ...(await database.get<Item>(id)), title }),
  async live(status, age, next) {
    const tell = async () => next((await database.find<Item>(selectorOf(status, age))).docs)
    const changes = database.changes({ since: 'now', live: true }).on('change', tell)
    await tell()
    return () => changes.cancel()
  },
})
