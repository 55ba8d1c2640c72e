import type { Document, Version } from '@nearcloud/protocol'
import { keyOf } from '../commit/stage.ts'
import type { FeedWindow } from './feed-window.ts'
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
  const told = telling.windows.map(window => ({ window, ...window.tell() }))
  for (const each of told) for (const [key, item] of windowItems(telling, each)) items.set(key, item)
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
  const isReadable = after !== null && mayRead(collection, after)
  if (isReadable && (isOwn || followed.matches(collection, after)))
    return putItem(collection, lastVersion, afterText!)
  // what a window still shows is the window's to tell
  if (isReadable && followed.isInWindow(collection, id, 'fresh')) return undefined
  if (before && (isOwn || followed.matches(collection, before)) && mayRead(collection, before))
    return goneItem(collection, lastVersion, id)
  return undefined
}

function* windowItems(
  { followed, mayRead, to }: Telling,
  { window, before, left }: { window: FeedWindow } & ReturnType<FeedWindow['tell']>,
): Iterable<[key: string, item: string]> {
  const { collection } = window.query
  for (const [id, { version, text }] of window.told)
    if (before.get(id)?.version !== version) yield [keyOf(collection, id), putItem(collection, version, text)]
  for (const [id, document] of left) {
    // what another query shows is told through that one
    const isReadable = document !== null && mayRead(collection, document)
    if (isReadable && (followed.matches(collection, document) || followed.isInWindow(collection, id, 'any')))
      continue
    yield [keyOf(collection, id), goneItem(collection, to, id)]
  }
}

/** Each of three bytes at most, and a document of a megabyte may come on top: below the limit of a frame. */
const partCharacters = 2_000_000
