import type { NearcloudServer } from '@nearcloud/server'
import { createRxDatabase, type RxCollection } from 'rxdb/plugins/core'
import { replicateWithWebsocketServer } from 'rxdb/plugins/replication-websocket'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'
import { onTestFinished } from 'vitest'
import { type Todo, todoSchema } from './todo-schema.ts'

export type { Todo }

let databases = 0

/** A collection of an RxDB app, in memory; closed after the test. */
export async function rxCollection(name = 'todos'): Promise<RxCollection<Todo>> {
  const database = await createRxDatabase({
    name: `rx${databases++}`,
    storage: getRxStorageMemory(),
    multiInstance: false,
  })
  onTestFinished(async () => {
    await database.close()
  })
  const collections = await database.addCollections({ [name]: { schema: todoSchema } })
  return collections[name] as RxCollection<Todo>
}

export interface Person {
  readonly openid: string
  readonly accessToken: string
}

/** Somebody new, by the HTTP API. */
export async function signIn({ url }: Pick<NearcloudServer, 'url'>): Promise<Person> {
  const answer = await fetch(`${url}/cloud/v1/auth/anonymous`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  return (await answer.json()) as Person
}

/** Where a collection is replicated. */
export function rxUrl(
  server: Pick<NearcloudServer, 'url'>,
  collection: string,
  parameters: object = {},
): string {
  const search = new URLSearchParams(parameters as Record<string, string>)
  return `${server.url.replace(/^http/, 'ws')}/rxdb/${encodeURIComponent(collection)}?${search}`
}

/** The stock client of RxDB, as it comes from the registry. */
export async function stockReplica(
  collection: RxCollection<Todo>,
  url: string,
  options: {
    readonly headers?: Record<string, string>
    readonly batchSize?: number
    readonly live?: boolean
  } = {},
) {
  const state = await replicateWithWebsocketServer<Todo, unknown>({
    collection,
    url,
    replicationIdentifier: 'nearcloud',
    live: true,
    batchSize: 50,
    ...options,
  })
  const errors: unknown[] = []
  state.error$.subscribe(error => errors.push(error))
  onTestFinished(async () => {
    await state.cancel()
  })
  return Object.assign(state, { errors })
}

/** Its documents by id, without what is RxDB's own. */
export async function documentsOf(
  collection: RxCollection<Todo>,
): Promise<Record<string, Omit<Todo, '_id'>>> {
  const documents = await collection.find().exec()
  return Object.fromEntries(
    documents.map(each => {
      const { _id, ...rest } = each.toJSON()
      return [_id, rest as Omit<Todo, '_id'>]
    }),
  )
}
