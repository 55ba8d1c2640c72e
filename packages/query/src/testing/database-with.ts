import type { Aggregate } from '../builder/aggregate.ts'
import { createDatabase, type Database, type DatabaseOptions } from '../builder/database.ts'
import { MemoryExecutor } from './memory-executor.ts'

/** A database in memory that holds these documents; as a function has it, unless `options` say otherwise. */
export async function databaseWith(
  documents: { readonly [collection: string]: readonly object[] },
  options: Partial<DatabaseOptions> = {},
): Promise<Database> {
  let ids = 0
  const executor = new MemoryExecutor(5_000)
  const setting = { newId: () => `id${++ids}`, limits: { default: 100, max: 1_000 }, side: 'server' as const }
  const filler = createDatabase(executor, setting)
  for (const name of Object.keys(documents))
    for (const data of documents[name]!) await filler.collection(name).add({ data })
  return createDatabase(executor, { ...setting, ...options })
}

/** What comes out of a pipeline over these documents. */
export async function over(documents: readonly object[], build: (start: Aggregate) => Aggregate) {
  const database = await databaseWith({ c: documents })
  return (await build(database.collection('c').aggregate()).end()).list
}

/** What a pipeline over one document is refused with; `accepted` when it is not. */
export async function refusalOf(build: (start: Aggregate) => Aggregate): Promise<string> {
  const database = await databaseWith({ c: [{ _id: 1, a: [1, 2] }] })
  return build(database.collection('c').aggregate())
    .end()
    .then(
      () => 'accepted',
      (error: Error) => error.message,
    )
}
