import { Digest, type DocId, type Version } from '@nearcloud/protocol'
import type { Change } from '../commit/change.ts'
import { findAll } from '../commit/find.ts'
import { decided } from '../rules/rule-reads.ts'
import type { Feed } from './feed.ts'
import type { Plain } from './followed.ts'

interface Asked extends Pick<Plain, 'query' | 'matches'> {
  readonly subscription: number
  isWanted(): boolean
}

/**
 * Tells what a followed query has in it for this client, at the very version the client was told last. Documents that
 * change while they are read are counted as they became. Nothing is told when they change faster than that.
 */
export async function* tellDigest(feed: Feed, asked: Asked): AsyncGenerator<void, void> {
  const { subscription, query, isWanted, matches } = asked
  const { fanout, actor, reading } = feed
  const { env, engine, judge, reads } = reading
  if (!isWanted()) return
  const versions = new Map<DocId, Version>()
  let noted: Change[] = []
  const stop = fanout.index.follow(query, { note: change => noted.push(change) })
  try {
    for await (const page of findAll(reading, actor, query)) {
      for (const { row } of page) versions.set(row.id, row.version)
      if (noted.length > maxNoted || !isWanted()) return
      yield
    }
    // what was read may be of commits that nobody was told yet
    const seen = await engine.head(env)
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      await feed.reached(Math.max(seen, fanout.head))
      await feed.drained()
      if (!isWanted()) return
      if (feed.sent === fanout.head) break
      yield
    }
    if (feed.sent !== fanout.head) return
    // nothing waits from here on: what is told is of this version
    for (const { collection, id, version, after } of noted) {
      if ((versions.get(id) ?? 0) > version) continue
      const isThere =
        after && matches(after) && decided(reads, () => judge.mayRead(actor, collection, after, reads))
      if (isThere instanceof Promise) return void isThere.catch(() => undefined)
      if (isThere) versions.set(id, version)
      else versions.delete(id)
    }
    noted = []
    const digest = new Digest()
    for (const [id, version] of versions) digest.add(id, version)
    const { count, sum } = digest
    feed.sink.send(JSON.stringify({ type: 'digest', id: subscription, version: feed.sent, count, sum }))
  } finally {
    stop()
  }
}

const maxNoted = 20_000
const mostAttempts = 20
