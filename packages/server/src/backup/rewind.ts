import { existsSync } from 'node:fs'
import type { Document, Millis, Write } from '@nearcloud/protocol'
import { DatabaseSync } from '@photostructure/sqlite'
import type { Change } from '../commit/change.ts'
import { LiveEnvironment } from '../commit/live-environment.ts'
import { keyOf } from '../commit/stage.ts'
import { SqliteEngine } from '../engine/sqlite-engine.ts'
import { blobFile } from '../files/disk-blobs.ts'
import { filesCollection } from '../files/file-record.ts'
import { systemClock, systemRandom } from '../host.ts'
import { indexesCollection } from '../indexes/open-index.ts'
import { createJudge } from '../rules/create-judge.ts'
import { defaultRules } from '../rules/rule-set.ts'
import { jobsCollection } from '../triggers/queues/jobs.ts'
import { type BackupProgress, refuse } from './copying.ts'

/** What was taken back. */
export interface Rewound {
  /** Documents and records of files that are as they were; and commits that are undone. */
  readonly documents: number
  readonly commits: number
  /** Files that had been removed since, and whose bytes are gone. */
  readonly lostFiles: number
}

/** An environment, and the first commit after the moment that was asked for. */
interface Reach {
  readonly env: string
  /** Everything behind this version is undone. */
  readonly after: number
}

/**
 * How far each environment has to go back to be as it was at a moment; those that nothing happened to since are left out. Throws
 * SERVER_CONFIGURATION, in one sentence, where history does not reach back so far.
 */
export function reachBack(database: string, at: Millis, only?: string): readonly Reach[] {
  const db = new DatabaseSync(database, { readOnly: true })
  try {
    const known = db.prepare('SELECT env, horizon FROM environments ORDER BY env').all() as unknown as {
      env: string
      horizon: number
    }[]
    if (only !== undefined && !known.some(({ env }) => env === only))
      throw refuse(
        `there is no environment "${only}" in it; there are ${known.map(({ env }) => env).join(', ')}`,
      )
    return known.flatMap(({ env, horizon }) => {
      if (only !== undefined && env !== only) return []
      const first = db
        .prepare(
          'SELECT version, time FROM history WHERE env = ? AND time > ? ORDER BY version, ordinal LIMIT 1',
        )
        .get(env, at) as { version: number; time: number } | undefined
      if (!first) return []
      const after = first.version - 1
      if (after > horizon || horizon === 0) return [{ env, after }]
      throw refuse(
        `the history of "${env}" begins at ${new Date(first.time).toISOString()}: for an earlier moment take a backup that was made sooner after it`,
      )
    })
  } finally {
    db.close()
  }
}

/**
 * Undoes what was committed since, by commits: each document that was changed becomes as it was before the first change. So clients hear of it as
 * of any write, what they had not sent is merged, and texts, indexes and versions go on. What triggers were still to be told of what is undone, and
 * of the undoing, they are not told. Users, messages in queues and indexes stay as they are.
 */
export async function rewind(
  folder: { readonly database: string; readonly files: string },
  reaches: readonly Reach[],
  progress: (progress: BackupProgress) => void,
): Promise<Rewound> {
  const engine = new SqliteEngine({ file: folder.database, random: systemRandom })
  const sum = { documents: 0, commits: 0, lostFiles: 0 }
  try {
    for (const { env, after } of reaches) {
      const judge = createJudge(defaultRules, () => Date.now())
      const environment = new LiveEnvironment({ env, engine, clock: systemClock, judge })
      try {
        const done = await rewindOne(environment, after, folder.files, progress)
        sum.documents += done.documents
        sum.commits += done.commits
        sum.lostFiles += done.lostFiles
      } finally {
        await environment.close()
      }
    }
  } finally {
    await engine.close()
  }
  return sum
}

async function rewindOne(
  environment: LiveEnvironment,
  after: number,
  files: string,
  progress: (progress: BackupProgress) => void,
): Promise<Rewound> {
  const { engine, env } = environment
  const head = await engine.head(env)
  const seen = new Set<string>()
  let [documents, lostFiles] = [0, 0]
  /** Whose unique keys others still had. */
  const refused: Write[] = []
  await environment.texts.open()
  for (let at = after; at < head; ) {
    const changes = (await engine.log(env, at, pageChanges)) ?? []
    at = changes.at(-1)?.version ?? head
    const writes: Write[][] = []
    for (const change of changes) {
      const { collection, id, version } = change
      const key = keyOf(collection, id)
      if (version > head || notRewound.has(collection) || seen.has(key)) continue
      seen.add(key)
      if (isLost(change, files)) lostFiles++
      else writes.push(undoing(environment, change))
    }
    documents += writes.length
    if (await refusalOf(environment, writes.flat()))
      for (const each of writes) if (await refusalOf(environment, each)) refused.push(...each)
    progress({ part: 'documents', done: Math.min(at, head) - after, total: head - after })
  }
  // together they were there before, so together they fit
  const reason = await refusalOf(environment, refused)
  if (reason !== undefined)
    throw refuse(
      `what was there at that moment cannot be there now, perhaps for a unique index that was made since: ${reason}`,
    )
  await passOver(environment)
  return { documents, commits: head - after, lostFiles }
}

function undoing({ texts }: LiveEnvironment, { collection, id, before }: Change): Write[] {
  const remove: Write = { op: 'remove', collection, id }
  if (before === null) return [remove]
  const { _id, ...data } = before
  // the texts of a document go on, and are edited to what they said; without one nothing of the later document stays
  if (texts.isIn(collection)) return [{ op: 'set', collection, id, data }]
  return [remove, { op: 'add', collection, id, data }]
}

/** Why not; undefined when they are. */
async function refusalOf(
  environment: LiveEnvironment,
  writes: readonly Write[],
): Promise<string | undefined> {
  if (writes.length === 0) return undefined
  const { outcome } = await environment.commit({ actor: { kind: 'admin' }, writes })
  return outcome.status === 'accepted' ? undefined : outcome.reason
}

/** The bytes of a file that was removed are removed with it. */
function isLost({ collection, before }: Change, files: string): boolean {
  if (collection !== filesCollection || before === null) return false
  return !existsSync(blobFile(files, (before as Document & { blob: string }).blob))
}

/** Triggers begin after all of it. */
async function passOver({ engine, env }: LiveEnvironment): Promise<void> {
  const place = JSON.stringify({ after: await engine.head(env) })
  for (const [key] of await engine.listState(env, 'trigger-cursor/')) await engine.writeState(env, key, place)
}

/** What was sent since has been carried out, and indexes are changed by their own commands. */
const notRewound: ReadonlySet<string> = new Set([jobsCollection, indexesCollection])
const pageChanges = 200
