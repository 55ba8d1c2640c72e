import type { DocId, Version } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import { findAll } from '../commit/find.ts'
import { Differences, type Had } from './differences.ts'
import type { Feed } from './feed.ts'
import type { FeedWindow } from './feed-window.ts'
import { goneItem, putItem, snapshotFrame, snapshotItem } from './frames.ts'
import { inParts } from './items.ts'

/** Some items of a snapshot, read together. */
interface Part {
  /** They are at least as new. */
  version: Version
  /** None of them is newer. */
  newest: Version
  items: SnapshotItem[]
  characters: number
}

interface SnapshotItem {
  readonly id: DocId
  /** Undefined: it is not there, whatever was told of it meanwhile. */
  readonly version: Version | undefined
  readonly text: string
}

/** How snapshots and changes are cut. */
export interface Parts {
  /** Of one part of a snapshot, unless a document alone is more. */
  readonly characters: number
  /** Of parts that wait for an exact `total`. */
  readonly heldCharacters: number
  /** Of one part of a change message, unless a document alone is more. */
  readonly changeCharacters: number
}

export const usualParts: Parts = {
  characters: 262_144,
  // its reader has something to do while the rest is read
  heldCharacters: 1_048_576,
  // each of three bytes at most, and a document of a megabyte may come on top: below the limit of a frame
  changeCharacters: 2_000_000,
}

interface SnapshotOptions {
  readonly subscription: number
  readonly query: Query
  isWanted(): boolean
  readonly after?: DocId | undefined
  /** Only what is different from this is sent, and what is gone. */
  readonly had?: Had | undefined
}

/**
 * Sends a query's first result in parts, in `_id` order. No part leaves before the client was told the changes up to when
 * it was read, so that no document arrives with an effect whose mutation is still pending there; and no
 * document leaves of which something newer was told.
 *
 * `total` is exact when the result is small, and not less than the truth before the last part otherwise. With `after` it
 * begins behind that id, and counts from there. Other snapshots may go first at each `yield`.
 *
 * To a client that `had` some of it, what differs is sent, and at the end which of its documents are not there: as of the
 * version at which looking began, since of everything later it is told besides.
 */
export async function* streamSnapshot(
  feed: Feed,
  { subscription, query, isWanted, after, had }: SnapshotOptions,
): AsyncGenerator<void, void> {
  if (!isWanted()) return
  const { environment, parts } = feed.fanout
  const { collection } = query
  const held: Part[] = []
  let heldCharacters = 0
  let total: number | undefined
  let done = 0
  let found = 0
  let sentCharacters = 0

  async function send(part: Part, last: boolean): Promise<void> {
    await feed.reached(part.newest)
    await feed.drained()
    if (!isWanted()) return
    // what the client was told meanwhile is newer: perhaps it is gone
    const items = part.items.filter(
      ({ id, version }) => version === undefined || !feed.first.hasTold(collection, id, version),
    )
    done += part.items.length
    const { version } = part
    const frame = snapshotFrame({
      id: subscription,
      version,
      items: items.map(item => item.text),
      done,
      total: last ? done : total!,
      last,
    })
    if (feed.sink.sendPart) feed.sink.sendPart(frame, sentCharacters)
    else feed.sink.send(frame)
    sentCharacters += frame.length
  }

  let head = feed.fanout.head
  const begun = head
  let part = emptyPart(head)
  function add({ id, version, text }: SnapshotItem): void {
    found++
    if (part.characters + text.length > parts.characters && part.items.length > 0) {
      held.push(part)
      heldCharacters += part.characters
      part = emptyPart(head)
    }
    part.items.push({ id, version, text })
    part.characters += text.length
  }
  const differences = had && new Differences(feed, query, had)
  for await (const page of differences ?? findAll(feed.reading, feed.actor, query, { after })) {
    // what is not there may be gone by what was committed: the client is to be at a version that has that
    const read = await environment.engine.head(environment.env)
    for (const { row } of page) {
      const { id, version } = row
      add({ id, version, text: itemOf(feed, collection, version, row.text) })
      part.newest = Math.max(part.newest, row.version, read)
    }
    if (heldCharacters > parts.heldCharacters) {
      total ??= Math.max(found, await environment.engine.size(environment.env, collection))
      for (const full of held.splice(0)) {
        await send(full, false)
        yield
      }
    }
    yield
    if (!isWanted()) return
    head = feed.fanout.head
    part.version = Math.min(part.version, head)
  }
  // a change of what its reader may not see is told to nobody: it is not for `hasTold` to say that it was
  for (const id of differences?.missing ?? [])
    add({ id, version: undefined, text: goneItem(collection, begun, id) })
  // what was told before the last part is not told as a change of what may not be in it
  part.newest = Math.max(part.newest, await environment.engine.head(environment.env))
  total ??= found
  for (const full of held) {
    await send(full, false)
    yield
  }
  await send(part, true)
}

/** Has the first contents of a query with a limit or a skip sent: with what changes, as of one version with all else. */
export async function* streamWindow(
  feed: Feed,
  window: FeedWindow,
  isWanted: () => boolean,
): AsyncGenerator<void, void> {
  if (!isWanted()) return
  await window.start()
  await feed.until(() => window.isTold || !isWanted())
}

/** What is in a window, as of a version: sent in one go. */
export function* windowFrames(feed: Feed, window: FeedWindow, version: Version): Iterable<string> {
  const { subscription: id, query, told } = window
  const items = [...told.values()].map(each => itemOf(feed, query.collection, each.version, each.text))
  const parts = inParts(items, feed.fanout.parts.characters)
  let done = 0
  for (const [at, part] of parts.entries()) {
    done += part.length
    const last = at === parts.length - 1
    const ids = last && { window: [...told.keys()] }
    yield snapshotFrame({ id, version, items: part, ...ids, done, total: items.length, last })
  }
}

/** Since protocol version 4 a snapshot's reader knows the collection. */
function itemOf({ protocol }: Feed, collection: string, version: Version, text: string): string {
  return protocol < 4 ? putItem(collection, version, text) : snapshotItem(version, text)
}

function emptyPart(version: Version): Part {
  return { version, newest: 0, items: [], characters: 0 }
}
