import { buildPlanted } from '../mutants/build-planted.ts'
import { mutant } from '../mutants/mutant.ts'

/** The `nearcloud` command with a database that syncs less than it has to, in a folder: what the harness must find. */
export async function buildWeakServer(folder: string, synchronous: 'NORMAL' | 'OFF'): Promise<string> {
  const file = 'server/src/engine/sqlite-database.ts'
  const weak = mutant(
    'weak server',
    [file, 'PRAGMA synchronous = FULL', `PRAGMA synchronous = ${synchronous}`],
    [file, `pragma(db, 'synchronous') === 2`, 'true'],
  )
  return buildPlanted(folder, { entry: 'cli/src/main.ts', mutant: weak })
}
