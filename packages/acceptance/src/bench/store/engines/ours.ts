import { DexieStorage, nextTask } from '@nearcloud/browser'
import { slices } from '@nearcloud/client'
import { adoptJson, type Document, type Json, type PathChange } from '@nearcloud/protocol'
import type { Filter, Query } from '@nearcloud/query'
import { openStore, type Store } from '@nearcloud/store'
import type { Item } from '../engine.ts'
import { offer } from '../offer.ts'

/*
 * The local store on IndexedDB, as an app without a network uses it: single writes go through the outbox; many come as from
 * a server. Documents of a collection are in memory from the first query on.
 */
const collection = 'items'
let store: Store

offer({
  async open() {
    store = await openStore({
      storage: new DexieStorage('bench'),
      random: size => crypto.getRandomValues(new Uint8Array(size)),
      pause: slices(() => performance.now(), nextTask),
      first: [collection], // an app knows what its first page shows
    })
  },
  async insertMany(items) {
    const steps: Promise<void>[] = []
    for (let at = 0; at < items.length; at += 1_000) {
      const puts = items.slice(at, at + 1_000).map((item, n) => ({
        collection,
        version: at + n + 1,
        document: documentOf(item),
      }))
      steps.push(store.confirm({ puts, checkpoint: { version: at + puts.length } }))
      await nextTask() // as they come from a server: storage writes a part while the page makes the next
    }
    await Promise.all(steps)
  },
  insert({ _id: id, ...data }) {
    return write({ op: 'add', collection, id, data: data as unknown as Document })
  },
  get: async id => store.get(collection, id) as unknown as Item | undefined,
  async indexed(status, age) {
    const asked = sorted('status', status, 'age', age)
    await store.load(collection, asked)
    return found(asked)
  },
  unindexed: async (level, score) => found(sorted('level', level, 'score', score)),
  count: async () => store.run({ verb: 'count', query: query(['and', []]) }).total,
  update(id, title) {
    store.get(collection, id)
    const changes: PathChange[] = [['title', 'set', title]]
    return write({ op: 'update', collection, id, changes })
  },
  live: (status, age, next) =>
    new Promise(resolve => {
      const stop = store.watch(sorted('status', status, 'age', age), {
        next({ docs }) {
          next(docs as unknown as readonly Item[])
          resolve(stop)
        },
      })
    }),
  manyLive: true,
  settle: () => store.close(),
})

function write(what: Parameters<Store['commit']>[0][number]): Promise<void> {
  return store.commit([what], { time: Date.now() }).durable
}

function found(asked: Query): readonly Item[] {
  return store.run({ verb: 'get', query: asked }).documents as unknown as readonly Item[]
}

function sorted(path: string, value: string, above: string, than: number): Query {
  const where: Filter = [
    'and',
    [
      ['field', path, ['eq', value]],
      ['field', above, ['gt', than]],
    ],
  ]
  return { ...query(where), orderBy: [[above, 'asc']], limit: 20 }
}

function query(where: Filter): Query {
  return { collection, where, orderBy: [], skip: 0 }
}

/** Checked and frozen, as everything that comes in is. */
function documentOf(item: Item): Document {
  return adoptJson(structuredCopy(item)) as Document
}

function structuredCopy(item: Item): Json {
  return { ...item, owner: { ...item.owner, place: { ...item.owner.place } }, tags: [...item.tags] } as Json
}
