import { createStore } from 'tinybase'
import { createIndexes, type Indexes } from 'tinybase/indexes'
import { createIndexedDbPersister } from 'tinybase/persisters/persister-indexed-db'
import type { Item } from '../engine.ts'
import { offer } from '../offer.ts'

/** Rows of cells in memory; a save writes the whole table. Nested values are JSON in a cell, which is what cells take. */
const store = createStore()
const persister = createIndexedDbPersister(store, 'bench')
let indexes: Indexes

const rowOf = ({ _id, owner, tags, ...rest }: Item) => ({
  ...rest,
  owner: JSON.stringify(owner),
  tags: JSON.stringify(tags),
})

type Row = Record<string, string | number | boolean>

function itemOf(id: string): Item {
  const { owner, tags, ...rest } = store.getRow('items', id) as Row
  return { _id: id, ...rest, owner: JSON.parse(String(owner)), tags: JSON.parse(String(tags)) } as Item
}

/** The slices are sorted by age: the first 20 above. */
function indexed(status: string, age: number): Item[] {
  const ids = indexes.getSliceRowIds('byStatus', status)
  let [low, high] = [0, ids.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((store.getCell('items', ids[middle]!, 'age') as number) <= age) low = middle + 1
    else high = middle
  }
  return ids.slice(low, low + 20).map(itemOf)
}

offer({
  writes: 10,
  async open() {
    await persister.load()
    indexes = createIndexes(store)
    indexes.setIndexDefinition('byStatus', 'items', 'status', 'age')
  },
  async insertMany(items) {
    store.setTable('items', Object.fromEntries(items.map(item => [item._id, rowOf(item)])))
    await persister.save()
  },
  async insert(item) {
    store.setRow('items', item._id, rowOf(item))
    await persister.save()
  },
  get: async id => (store.hasRow('items', id) ? itemOf(id) : undefined),
  indexed: async (status, age) => indexed(status, age),
  async unindexed(level, score) {
    const found: [id: string, score: number][] = []
    store.forEachRow('items', id => {
      const row = store.getRow('items', id)
      if (row.level === level && (row.score as number) > score) found.push([id, row.score as number])
    })
    return found
      .sort((a, b) => a[1] - b[1])
      .slice(0, 20)
      .map(([id]) => itemOf(id))
  },
  count: async () => store.getRowCount('items'),
  async update(id, title) {
    store.setCell('items', id, 'title', title)
    await persister.save()
  },
  async live(status, age, next) {
    const tell = () => next(indexed(status, age))
    const listeners = [
      indexes.addSliceRowIdsListener('byStatus', status, tell),
      store.addCellListener('items', null, 'title', (_, __, id) => {
        if (store.getCell('items', id, 'status') === status) tell()
      }),
    ]
    tell()
    return () => {
      indexes.delListener(listeners[0]!)
      store.delListener(listeners[1]!)
    }
  },
})
