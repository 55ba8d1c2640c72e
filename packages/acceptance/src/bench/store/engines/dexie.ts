import { Dexie, liveQuery, type Table } from 'dexie'
import type { Item } from '../engine.ts'
import { offer } from '../offer.ts'

const database = new Dexie('bench')
database.version(1).stores({ items: '_id,[status+age]' })
const items: Table<Item, string> = database.table('items')

const indexed = (status: string, age: number) =>
  items.where('[status+age]').between([status, age], [status, Dexie.maxKey], false).limit(20).toArray()

offer({
  open: async () => void (await database.open()),
  insertMany: many => items.bulkAdd(many).then(() => undefined),
  insert: item => items.add(item),
  get: id => items.get(id),
  indexed,
  async unindexed(level, score) {
    const found = await items.filter(item => item.level === level && item.score > score).toArray()
    return found.sort((a, b) => a.score - b.score).slice(0, 20)
  },
  count: () => items.count(),
  manyLive: true,
  update: (id, title) => items.update(id, { title }),
  live: (status, age, next) =>
    new Promise(resolve => {
      const subscription = liveQuery(() => indexed(status, age)).subscribe(found => {
        next(found)
        resolve(() => subscription.unsubscribe())
      })
    }),
})
