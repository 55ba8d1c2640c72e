import { replicateNearcloud } from '@nearcloud/rxdb'
import { createRxDatabase, type RxCollection } from 'rxdb/plugins/core'
import { getRxStorageDexie } from 'rxdb/plugins/storage-dexie'
import { type Todo, todoSchema } from './todo-schema.ts'

let todos: RxCollection<Todo>
let replication: ReturnType<typeof replicateNearcloud<Todo>>
const refused: string[] = []
const errors: string[] = []

/** What the test does in a page: an app on RxDB, with its documents in IndexedDB. */
const rx = {
  /** The replication is there afterwards, not yet in step. */
  async open(url: string, token: string): Promise<void> {
    const database = await createRxDatabase({ name: 'app', storage: getRxStorageDexie() })
    const collections = await database.addCollections({ todos: { schema: todoSchema } })
    todos = collections.todos as RxCollection<Todo>
    replication = replicateNearcloud<Todo>({ collection: todos, url, token: () => token, retryTime: 100 })
    replication.refused$.subscribe(({ id, code }) => refused.push(`${id} ${code}`))
    replication.error$.subscribe(error => errors.push(String(error)))
  },

  inStep: () => replication.awaitInSync(),

  add: async (todo: Todo): Promise<void> => void (await todos.insert(todo)),

  change: async (id: string, fields: Partial<Todo>): Promise<void> =>
    void (await (await todos.findOne(id).exec(true)).incrementalPatch(fields)),

  remove: async (id: string): Promise<void> => void (await (await todos.findOne(id).exec(true)).remove()),

  /** What a page would show: titles and numbers, by id. */
  async shown(): Promise<Record<string, string>> {
    const documents = await todos.find({ sort: [{ _id: 'asc' }] }).exec()
    return Object.fromEntries(documents.map(({ _id, title, n }) => [_id, `${title} ${n ?? ''}`.trim()]))
  },

  told: () => ({ refused, errors }),
}

declare global {
  interface Window {
    rx: typeof rx
  }
}

window.rx = rx
