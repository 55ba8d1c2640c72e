import type { DocId, Document, Version } from '@nearcloud/protocol'
import { keyOf } from '../commit/stage.ts'
import type { FeedWindow, Windowed } from './feed-window.ts'
import type { Followed } from './followed.ts'
import { goneItem, putItem } from './frames.ts'
import type { PendingChange } from './pending-changes.ts'

export interface Telling {
  readonly followed: Followed
  /** May this client see it? */
  mayRead(collection: string, document: Document): boolean
  /** What happened to documents; the client's own last. */
  readonly pending: readonly PendingChange[]
  /** Windows whose contents are different from what was told. */
  readonly windows: readonly FeedWindow[]
  readonly to: Version
}

/** The items of a change message, one for each document, the client's own last. Windows count as told afterwards. */
export function itemsOf(telling: Telling): readonly string[] {
  const items = new Map<string, string>()
  const before = telling.windows.map(window => window.tell())
  telling.windows.forEach((window, n) => {
    for (const [key, item] of windowItems(telling, window, before[n]!)) items.set(key, item)
  })
  for (const change of telling.pending) {
    const item = itemOf(telling, change)
    if (item === undefined) continue
    const key = keyOf(change.collection, change.id)
    items.delete(key) // to the end
    items.set(key, item)
  }
  return [...items.values()]
}

/** Items of one message each, small enough for a frame. */
export function inParts(items: readonly string[]): readonly (readonly string[])[] {
  const parts: string[][] = [[]]
  let characters = 0
  for (const item of items) {
    if (characters + item.length > partCharacters && parts.at(-1)!.length > 0) {
      parts.push([])
      characters = 0
    }
    parts.at(-1)!.push(item)
    characters += item.length
  }
  return parts
}

/** A document the client may see now, or the id of one it could see before; nothing about any other. */
function itemOf({ followed, mayRead }: Telling, change: PendingChange): string | undefined {
  const { collection, id, before, after, afterText, lastVersion, isOwn } = change
  const wasFollowed = isOwn || followed.matches(collection, before)
  const isFollowed = isOwn || followed.matches(collection, after)
  if (after && isFollowed && mayRead(collection, after)) return putItem(collection, lastVersion, afterText!)
  if (followed.isInWindow(collection, id)) return undefined
  if (before && wasFollowed && mayRead(collection, before)) return goneItem(collection, lastVersion, id)
  return undefined
}

function* windowItems(
  { followed, to }: Telling,
  window: FeedWindow,
  before: ReadonlyMap<DocId, Windowed>,
): Iterable<[key: string, item: string]> {
  const { collection } = window.query
  for (const [id, { version, text }] of window.told)
    if (before.get(id)?.version !== version) yield [keyOf(collection, id), putItem(collection, version, text)]
  for (const [id, { document }] of before) {
    // what another query follows is told through that one
    if (window.told.has(id) || followed.isInWindow(collection, id) || followed.matches(collection, document))
      continue
    yield [keyOf(collection, id), goneItem(collection, to, id)]
  }
}

/** Each of three bytes at most, and a document of a megabyte may come on top: below the limit of a frame. */
const partCharacters = 2_000_000
