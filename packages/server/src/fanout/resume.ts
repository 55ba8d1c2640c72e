import { type DocId, type Document, decodeTrusted, type Version } from '@nearcloud/protocol'
import { type Change, changeOf } from '../commit/change.ts'
import { keyOf } from '../commit/stage.ts'
import { nextTurn } from '../engine/turn.ts'
import type { Feed } from './feed.ts'
import type { PendingChange } from './pending-changes.ts'

/**
 * `changesSince(from)`: reads the history after `from` up to `head` and notes what concerns the feed. History has every
 * document as it was, so it tells what the client could see at `from`. False when it is gone, or too much to tell, or when
 * what rules read has changed, so that the client may have to see other documents than those that changed.
 */
export async function resumeFrom(feed: Feed, from: Version, head: Version): Promise<boolean> {
  const { judge } = feed.reading
  let isSameView = true
  const own = new Set<string>()
  const isTold = await readHistory(feed, from, head, change => {
    const { collection, before, after } = change
    if (judge.readsOthers && judge.concernedBy(change)?.(feed.actor)) isSameView = false
    const key = keyOf(collection, change.id)
    if (change.client === feed.client) {
      own.add(key)
      feed.noteOwn(change)
    } else if (
      own.has(key) || // as it is now: what it was may be told by no rule of that time
      feed.followed.matches(collection, before) ||
      feed.followed.matches(collection, after)
    )
      feed.note(change)
  })
  return isTold && isSameView
}

/**
 * Notes the documents that the client's own mutations changed after `from`, as they are now: its next change message
 * says that those mutations are in it. False when history no longer tells which documents these are.
 */
export async function recallOwn(feed: Feed, from: Version, head: Version): Promise<boolean> {
  const { engine, env } = feed.fanout.environment
  const own = new Map<string, Change>()
  const isTold = await readHistory(feed, from, head, change => {
    if (change.client === feed.client) own.set(keyOf(change.collection, change.id), change)
  })
  for (const change of own.values()) {
    const [row] = await engine.get(env, change.collection, [change.id])
    if (row?.version === change.version) feed.noteOwn(change)
    else
      feed.noteOwn(
        changeOf({
          ...change,
          version: row?.version ?? feed.fanout.head,
          beforeText: change.afterText ?? change.beforeText,
          afterText: row?.text ?? null,
        }),
      )
  }
  return isTold
}

/** The same for documents that the client itself named, whoever changed them: as they are now, if it may read them. */
export async function recallNamed(
  feed: Feed,
  documents: readonly (readonly [collection: string, id: DocId])[],
): Promise<void> {
  const { engine, env } = feed.fanout.environment
  for (const [collection, id] of documents) {
    if (collection.startsWith('_')) continue
    const [row] = await engine.get(env, collection, [id])
    if (!row || !feed.isOpen) continue
    const { version, text } = row
    const nobody = {
      dataType: 'update',
      actor: { kind: 'admin' },
      client: null,
      time: 0,
      ordinal: 0,
    } as const
    feed.noteOwn(changeOf({ ...nobody, version, collection, id, beforeText: text, afterText: text }))
  }
}

/**
 * Brings what waits to be told up to the last commit: what happened to a document while no followed query matched it was
 * not noted. True when all that could be found out was; what a commit that is not published did stays in doubt.
 */
export async function lookAgain({ fanout }: Feed, doubtful: readonly PendingChange[]): Promise<boolean> {
  const { engine, env } = fanout.environment
  let isClear = true
  for (const change of doubtful) {
    const [row] = await engine.get(env, change.collection, [change.id])
    const version = row?.version ?? fanout.head
    if (version > fanout.head) {
      isClear = false
      continue
    }
    change.isDoubtful = false
    if (version <= change.lastVersion) continue
    change.lastVersion = version
    change.afterText = row?.text ?? null
    change.after = row ? (decodeTrusted(row.text) as Document) : null
  }
  return isClear
}

async function readHistory(
  feed: Feed,
  from: Version,
  head: Version,
  note: (change: Change) => void,
): Promise<boolean> {
  const { engine, env } = feed.fanout.environment
  let at = from
  while (at < head && feed.isOpen) {
    const changes = await engine.log(env, at, pageChanges)
    if (!changes) return false
    for (const change of changes) {
      if (change.version > head) break
      note(change)
    }
    if (feed.isOverfull) return false
    at = Math.max(changes.at(-1)?.version ?? head, at + 1)
    await nextTurn()
  }
  return true
}

const pageChanges = 500
