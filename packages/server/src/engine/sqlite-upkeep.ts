import type { Millis } from '@nearcloud/protocol'
import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { type Horizon, historyBytesOf } from './engine.ts'
import { busyMs } from './sqlite-database.ts'
import { forgetOutcomes } from './sqlite-outcomes.ts'
import type { RawEnvironment } from './sqlite-rows.ts'
import type { Statements } from './sqlite-statements.ts'

/*
 * What keeps the file small, in steps short enough to stand between two commits. The callers put each into a transaction
 * of its own, but for `tidy`, which makes its own.
 */

/** See `Engine.prune`. The horizon is raised with what is deleted: nothing that is only partly there is ever read. */
export function pruneHistory(
  statements: Statements,
  env: string,
  { before, maxBytes, upTo }: Horizon,
  limit: number,
): boolean {
  const known = statements.environment.get(env) as RawEnvironment | undefined
  if (!known) return false
  const oldest = statements.oldest.all(env, Math.max(0, limit - 1)) as unknown as OldVersion[]
  let left = known.history
  let cut: OldVersion | undefined
  let bytes = 0
  let cutBytes = 0
  for (const each of oldest) {
    const isTooMuch = left - bytes > maxBytes
    bytes += each.bytes + each.changes * historyBytesOf(0)
    if (each.version > upTo) break
    // a clock that was set back may have left newer versions with older times
    if (!isTooMuch && each.time >= before) continue
    cut = each
    cutBytes = bytes
  }
  if (!cut) return false
  left -= cutBytes
  statements.raiseHorizon.run(cut.version, cutBytes, env)
  statements.prune.run(env, cut.version)
  return cut === oldest.at(-1) && left > 0
}

/** See `Engine.forgetClients`. */
export function forgetClients(
  statements: Statements,
  env: string,
  { before, after, limit }: { before: Millis; after: string; limit: number },
): string | undefined {
  const rows = statements.clientsBehind.all(env, after, limit) as unknown as OldClient[]
  for (const { client, lastMutation, lastSeen, forgotten } of rows) {
    if (lastSeen >= before) continue
    if (forgotten < lastMutation || lastMutation === 0)
      forgetOutcomes(statements, env, client, Number.MAX_SAFE_INTEGER)
    if (lastMutation === 0) statements.dropClient.run(env, client)
    else if (forgotten < lastMutation) statements.forgetClient.run(env, client)
  }
  return rows.length === limit ? rows.at(-1)!.client : undefined
}

/**
 * See `Engine.tidy`. A small file is written anew, so that its pages are full again. When nothing is left to give back, the
 * write-ahead log begins anew, too.
 */
export function tidy(db: DatabaseSyncInstance): boolean {
  const free = numberOf(db, 'PRAGMA freelist_count')
  const used = (numberOf(db, 'PRAGMA page_count') - free) * numberOf(db, 'PRAGMA page_size')
  if (used <= smallFile) db.exec('VACUUM')
  else if (free > 0) {
    db.exec(`PRAGMA incremental_vacuum(${pagesAtOnce})`)
    if (free > pagesAtOnce) return true
  }
  // nobody waits for another process that reads (a backup, a check): the log begins anew the next time
  db.exec('PRAGMA busy_timeout = 0')
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } finally {
    db.exec(`PRAGMA busy_timeout = ${busyMs}`)
  }
  return false
}

function numberOf(db: DatabaseSyncInstance, sql: string): number {
  return Number(Object.values(db.prepare(sql).get() as Record<string, unknown>)[0])
}

interface OldVersion {
  version: number
  time: number
  changes: number
  bytes: number
}

interface OldClient {
  client: string
  lastMutation: number
  lastSeen: number
  forgotten: number
}

const pagesAtOnce = 128
/** What is written in some 20 ms. */
const smallFile = 4_194_304
