import type { DocId, Version } from '@nearcloud/protocol'
import type { Engine, StoredRow } from '../engine/engine.ts'
import type { Indexes } from '../indexes/indexes.ts'
import { type Plan, scanOf } from './plan.ts'

/** Where documents are read. */
export interface Shelves {
  readonly env: string
  readonly engine: Engine
  readonly indexes: Indexes
}

export interface Looking {
  /** Rows in a page, at most. */
  readonly pageSize?: number
  /** In `_id` order only: begin behind this id. */
  readonly after?: DocId
  /** Set by the reader: what a walk along an index has not come to is not wanted. */
  isEnough?: boolean
}

/**
 * Rows of which everything is that the plan's query wants, by pages, each document once; by `_id` or, along an index, by
 * its keys, and then without a key those documents that moved behind the walk. To be begun in the turn in which the
 * plan was made: until it ends the rows of the index stay.
 */
export async function* candidates(
  shelves: Shelves,
  collection: string,
  plan: Plan,
  looking: Looking = {},
): AsyncIterable<readonly StoredRow[]> {
  const { env, engine, indexes } = shelves
  const { pageSize, after } = looking
  const scan = {
    ...scanOf(collection, plan),
    ...(pageSize && { pageSize }),
    ...(after !== undefined && { after }),
  }
  if (plan.kind !== 'index') {
    yield* engine.scan(env, scan)
    return
  }
  const endWalk = indexes.beginWalk(plan.index)
  try {
    const since = await engine.head(env)
    const met = new Set<DocId>()
    for await (const rows of engine.scan(env, scan)) {
      yield rows.filter(({ id }) => !met.has(id) && met.add(id))
      if (looking.isEnough) break
    }
    yield* movedDocuments(shelves, collection, since, met)
  } finally {
    endWalk()
  }
}

/** What was written since and not met: it may have gone from before the walk to behind it. */
async function* movedDocuments(
  { env, engine }: Shelves,
  collection: string,
  since: Version,
  met: ReadonlySet<DocId>,
): AsyncIterable<readonly StoredRow[]> {
  const head = await engine.head(env)
  const moved = new Set<DocId>()
  for (let after = since; after < head; ) {
    const changes = await engine.log(env, after, changesAtOnce)
    if (!changes?.length) break
    for (const { collection: of, id } of changes) if (of === collection && !met.has(id)) moved.add(id)
    after = changes.at(-1)!.version
  }
  if (moved.size === 0) return
  const rows = await engine.get(env, collection, [...moved])
  yield rows.filter(row => row !== null)
}

const changesAtOnce = 1_000
