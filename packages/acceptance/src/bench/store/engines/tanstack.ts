import {
  and,
  BTreeIndex,
  type Collection,
  createCollection,
  createIndexedDB,
  createLiveQueryCollection,
  eq,
  gt,
  indexedDBCollectionOptions,
  queryOnce,
} from '@tanstack/db'
import type { Item } from '../engine.ts'
import { offer } from '../offer.ts'

/** Its collection on IndexedDB, with an index on each of both fields: it has no compound ones. */
let items: Collection<Item, string>

offer({
  async open() {
    const db = await createIndexedDB({ name: 'bench', version: 1, stores: ['items'] })
    items = createCollection(
      indexedDBCollectionOptions<Item, string>({ db, name: 'items', getKey: item => item._id }),
    ) as unknown as Collection<Item, string>
    await items.preload()
    items.createIndex(row => row.status, { indexType: BTreeIndex })
    items.createIndex(row => row.age, { indexType: BTreeIndex })
  },
  insertMany: async many => void (await items.insert([...many]).isPersisted.promise),
  insert: item => items.insert(item).isPersisted.promise,
  get: async id => items.get(id),
  indexed: (status, age) =>
    queryOnce(q =>
      q
        .from({ item: items })
        .where(({ item }) => and(eq(item.status, status), gt(item.age, age)))
        .orderBy(({ item }) => item.age)
        .limit(20),
    ),
  unindexed: (level, score) =>
    queryOnce(q =>
      q
        .from({ item: items })
        .where(({ item }) => and(eq(item.level, level), gt(item.score, score)))
        .orderBy(({ item }) => item.score)
        .limit(20),
    ),
  count: async () => items.size,
  update: (id, title) =>
    items.update(id, draft => {
      ;(draft as { title: string }).title = title
    }).isPersisted.promise,
  async live(status, age, next) {
    const live = createLiveQueryCollection({
      startSync: true,
      query: q =>
        q
          .from({ item: items })
          .where(({ item }) => and(eq(item.status, status), gt(item.age, age)))
          .orderBy(({ item }) => item.age)
          .limit(20),
    })
    await live.preload()
    const tell = () => next(live.toArray as unknown as readonly Item[])
    const subscription = live.subscribeChanges(tell)
    tell()
    return () => subscription.unsubscribe()
  },
})
