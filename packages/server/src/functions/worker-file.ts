import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { CloudError } from '@nearcloud/protocol'

/**
 * The program of a function's process: the compiled one, also when this code runs from its sources, since Node has to
 * run it as it is. So tests that start functions want a build before them; `pnpm test` makes one.
 *
 * Throws SERVER_CONFIGURATION when it was not built.
 */
export function workerFile(): string {
  const resolved = createRequire(import.meta.url).resolve('@nearcloud/server-sdk/worker')
  const compiled = join(dirname(dirname(resolved)), 'dist/worker.js')
  if (existsSync(compiled)) return compiled
  throw new CloudError('SERVER_CONFIGURATION', {
    errMsg: `the program that runs cloud functions is not built (${compiled}): run "pnpm run build" first`,
  })
}
