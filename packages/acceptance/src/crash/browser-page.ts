import { DexieStorage, nextTask } from '@nearcloud/browser'
import type { Filter, Query } from '@nearcloud/query'
import { openStore, type Store } from '@nearcloud/store'

/** What a page found in its store when it opened it. */
export interface FoundInPage {
  /** How many documents there are of those that are numbered from 0 on, and the first number that is missing. */
  readonly documents: number
  readonly missing: number
  /** How often the document that counts was counted up. */
  readonly counted: number
  readonly pending: number
  readonly lost: string | undefined
}

/**
 * The page that is killed. Each write makes a document and counts another one up, and every fifth is a text that is longer than the
 * others together.
 */
const page = {
  async open(): Promise<FoundInPage> {
    store = await openStore({
      storage: new DexieStorage('crash'),
      random: size => crypto.getRandomValues(new Uint8Array(size)),
      pause: nextTask,
    })
    const documents = store.run({ verb: 'get', query: all }).documents.filter(({ _id }) => _id !== counter)
    let missing = 0
    while (store.get(collection, `d${missing}`)) missing++
    next = missing
    return {
      documents: documents.length,
      missing,
      counted: Number(store.get(collection, counter)?.n ?? 0),
      pending: store.outbox.size,
      lost: store.damage?.lost,
    }
  },

  /** Writes until it is killed; `told` hears how many writes are durable. */
  async write(): Promise<never> {
    for (;;) {
      const n = next++
      const data = { n, text: 'x'.repeat(n % 5 === 0 ? 4_000 : 50) }
      const { durable } = store.commit(
        [
          { op: 'add', collection, id: `d${n}`, data },
          n === 0
            ? { op: 'add', collection, id: counter, data: { n: 1 } }
            : { op: 'update', collection, id: counter, changes: [['n', 'inc', 1]] },
        ],
        { time: Date.now() },
      )
      const isAlone = n % 3 === 0
      const acknowledged = durable.then(() => window.told(n + 1))
      if (isAlone) await acknowledged
    }
  },

  /** Folds again and again, so that many kills come in the middle of it. */
  async fold(): Promise<never> {
    for (;;) await store.compact()
  },
}

let store: Store
let next = 0
const collection = 'things'
const counter = 'counter'
const where: Filter = ['and', []]
const all: Query = { collection, where, orderBy: [], skip: 0 }

declare global {
  interface Window {
    crashPage: typeof page
    told(durable: number): void
  }
}

window.crashPage = page
