import type { Item } from '../engine.ts'
import { offer } from '../offer.ts'

/** IndexedDB with nothing around it; it has no live queries. */
let database: IDBDatabase

offer({
  open: () =>
    new Promise((resolve, reject) => {
      const request = indexedDB.open('bench', 1)
      request.onupgradeneeded = () =>
        request.result.createObjectStore('items', { keyPath: '_id' }).createIndex('both', ['status', 'age'])
      request.onsuccess = () => {
        database = request.result
        resolve()
      }
      request.onerror = () => reject(request.error)
    }),
  insertMany: items => write(store => void items.forEach(item => void store.add(item))),
  insert: item => write(store => void store.add(item)),
  get: id => read(store => store.get(id)),
  indexed: (status, age) =>
    read(store => store.index('both').getAll(IDBKeyRange.bound([status, age], [status, []], true), 20)),
  async unindexed(level, score) {
    const all = await read<Item[]>(store => store.getAll())
    const found = all.filter(item => item.level === level && item.score > score)
    return found.sort((a, b) => a.score - b.score).slice(0, 20)
  },
  count: () => read(store => store.count()),
  update: (id, title) =>
    write(store => {
      const request: IDBRequest<Item> = store.get(id)
      request.onsuccess = () => void store.put({ ...request.result, title })
    }),
})

function write(ask: (store: IDBObjectStore) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction('items', 'readwrite')
    ask(transaction.objectStore('items'))
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error)
  })
}

function read<T>(ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = ask(database.transaction('items').objectStore('items'))
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
