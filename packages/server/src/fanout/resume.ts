import type { Version } from '@nearcloud/protocol'
import { nextTurn } from '../engine/turn.ts'
import type { Feed } from './feed.ts'

/**
 * `changesSince(from)`: reads the history after `from` up to `head` and notes what concerns the feed. History has every
 * document as it was, so it tells what the client could see at `from`. False when it is gone, or too much to tell.
 */
export async function resumeFrom(feed: Feed, from: Version, head: Version): Promise<boolean> {
  const { engine, env } = feed.fanout.environment
  let at = from
  while (at < head && feed.isOpen) {
    const changes = await engine.log(env, at, pageChanges)
    if (!changes) return false
    for (const change of changes) {
      if (change.version > head) break
      const { collection, before, after } = change
      if (change.client === feed.client) feed.noteOwn(change)
      else if (feed.followed.matches(collection, before) || feed.followed.matches(collection, after))
        feed.note(change)
    }
    if (feed.isOverfull) return false
    at = Math.max(changes.at(-1)?.version ?? head, at + 1)
    await nextTurn()
  }
  return true
}

const pageChanges = 500
