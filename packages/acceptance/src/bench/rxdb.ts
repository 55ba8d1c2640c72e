import { createRxDatabase, type RxJsonSchema, type RxStorage } from 'rxdb/plugins/core'
import { replicateRxCollection } from 'rxdb/plugins/replication'
import type { PageQuestion } from './others.ts'

interface Task {
  id: string
  [field: string]: unknown
}

const schema: RxJsonSchema<Task> = {
  version: 0,
  primaryKey: 'id',
  type: 'object',
  properties: {
    id: { type: 'string', maxLength: 100 },
    title: { type: 'string' },
    done: { type: 'boolean' },
    priority: { type: 'number' },
    owner: { type: 'string' },
    createdAt: { type: 'number' },
    tags: { type: 'array', items: { type: 'string' } },
    note: { type: 'string' },
  },
}

/**
 * Milliseconds of RxDB's first replication of everything at `url` (`servePages`) into a new database: RxDB's own replication
 * with a pull handler of pages of 1,000 over one WebSocket, no validation, no events to other tabs. Throws when documents
 * are missing.
 */
export async function firstSyncOfRxdb(
  url: string,
  documents: number,
  storage: RxStorage<unknown, unknown>,
  Socket: typeof WebSocket,
): Promise<number> {
  const start = performance.now()
  const database = await createRxDatabase({
    name: `bench${Math.random().toString(36).slice(2)}`,
    storage,
    multiInstance: false,
    eventReduce: true,
  })
  const { tasks } = await database.addCollections({ tasks: { schema } })
  const socket = new Socket(url)
  await new Promise(resolve => socket.addEventListener('open', resolve))
  const replication = replicateRxCollection<Task, { after: number }>({
    collection: tasks!,
    replicationIdentifier: 'bench',
    live: false,
    pull: {
      batchSize: 1_000,
      async handler(checkpoint, limit) {
        const question: PageQuestion = { after: checkpoint?.after ?? 0, limit }
        const answer = new Promise<MessageEvent>(resolve =>
          socket.addEventListener('message', resolve, { once: true }),
        )
        socket.send(JSON.stringify(question))
        return JSON.parse((await answer).data as string)
      },
    },
  })
  await replication.awaitInitialReplication()
  const took = performance.now() - start
  const there = await tasks!.count().exec()
  socket.close()
  await database.remove()
  if (there !== documents) throw new Error(`RxDB has ${there} documents`)
  return took
}
