import type { Clock, Millis } from '@nearcloud/protocol'
import type { Filter } from '@nearcloud/query'
import type { Environment } from '../commit/environment.ts'
import { findAny } from '../commit/find.ts'
import type { Log } from '../log-line.ts'
import type { OpenIndex } from './open-index.ts'

/**
 * Removes the documents whose date is as long ago as the indexes of their collection say: at the beginning and every
 * minute. It is a commit like any other, made by admin, so clients and triggers hear of it. Returns the way to stop,
 * which waits for the sweep under way.
 */
export function expireDocuments(options: {
  readonly environment: Environment
  readonly clock: Clock
  readonly log: Log
}): () => Promise<void> {
  const { environment, clock, log } = options
  let cancel = () => {}
  let isOver = false

  async function sweep(): Promise<void> {
    try {
      await environment.indexes.open()
      for (const index of environment.indexes.all) if (!isOver) await sweepAlong(index)
    } catch (thrown) {
      log({
        level: 'error',
        event: 'index.expire',
        message: `documents could not expire: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      })
    }
    if (!isOver) cancel = clock.after(sweepEveryMs, again)
  }

  async function sweepAlong({ collection, definition, isBuilding }: OpenIndex): Promise<void> {
    const { expireAfterSeconds, keys } = definition
    if (expireAfterSeconds === undefined || isBuilding) return
    const latest = clock.now() - expireAfterSeconds * 1_000
    if (latest < -longestTime) return // before the first date there is
    // only dates are compared with a date; of a list one is enough, so the earliest counts
    const where: Filter = ['field', keys[0]![0], ['lte', new Date(latest)]]
    const query = { collection, where, orderBy: [], skip: 0 }
    for await (const found of findAny(environment, { kind: 'admin' }, query)) {
      if (isOver) return
      const writes = found.map(({ row: { id } }) => ({ op: 'remove', collection, id }) as const)
      // what was changed meanwhile, so that it does not match any more, is left alone
      await environment.commit({ actor: { kind: 'admin' }, writes, where })
    }
  }

  const again = () => {
    underWay = sweep()
  }
  let underWay = sweep()

  return async () => {
    isOver = true
    cancel()
    await underWay
  }
}

const sweepEveryMs: Millis = 60_000
/** Of a `Date`. */
const longestTime: Millis = 8.64e15
