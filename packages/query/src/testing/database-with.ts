import { createDatabase, type Database, type DatabaseOptions } from '../builder/database.ts'
import { MemoryExecutor } from './memory-executor.ts'

/** A database in memory that holds these documents; as a function has it, unless `options` say otherwise. */
export async function databaseWith(
  documents: { readonly [collection: string]: readonly object[] },
  options: Partial<DatabaseOptions> = {},
): Promise<Database> {
  let ids = 0
  const database = createDatabase(new MemoryExecutor(5_000), {
    newId: () => `id${++ids}`,
    limits: { default: 100, max: 1_000 },
    side: 'server',
    ...options,
  })
  for (const name of Object.keys(documents))
    await database.collection(name).add({ data: [...documents[name]!] })
  return database
}
