import type { Clock, Millis } from '@nearcloud/protocol'
import type { Log } from '../log-line.ts'
import type { Engine } from './engine.ts'

/** History as long as a client may stay away and still resume: a week, and at least the last ten thousand versions. */
export const historyHorizon: { readonly ageMs: Millis; readonly keep: number } = {
  ageMs: 7 * 24 * 3_600_000,
  keep: 10_000,
}

/** Prunes at the beginning and every hour. Returns the way to stop, which waits for the one under way. */
export function keepHistoryShort(options: {
  engine: Engine
  env: string
  clock: Clock
  log: Log
}): () => Promise<void> {
  const { engine, env, clock, log } = options
  let cancel = () => {}
  let isOver = false

  async function prune(): Promise<void> {
    try {
      await engine.prune(env, { before: clock.now() - historyHorizon.ageMs, keep: historyHorizon.keep })
    } catch (thrown) {
      log({
        level: 'error',
        event: 'history.prune',
        message: `old history could not be pruned: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      })
    }
    if (!isOver) cancel = clock.after(pruneEveryMs, again)
  }
  const again = () => {
    underWay = prune()
  }
  let underWay = prune()

  return async () => {
    isOver = true
    cancel()
    await underWay
  }
}

const pruneEveryMs: Millis = 3_600_000
