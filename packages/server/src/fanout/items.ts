import type { DocId, Document, Version } from '@nearcloud/protocol'
import { keyOf } from '../commit/stage.ts'
import { decided, type LoadingReads } from '../rules/rule-reads.ts'
import type { FeedWindow } from './feed-window.ts'
import type { Followed } from './followed.ts'
import { goneItem, putItem } from './frames.ts'
import type { PendingChange } from './pending-changes.ts'

/** Who is told. */
export interface Reader {
  readonly followed: Followed
  /** May this client see it? */
  mayRead(collection: string, document: Document): boolean
  /** The item that makes a change of what the client holds; undefined when it may hold something else. */
  patchOf(change: PendingChange): string | undefined
}

/** What it is told of. */
export interface News {
  /** What happened to documents; the client's own last. */
  readonly pending: readonly PendingChange[]
  /** Windows whose contents are different from what was told. */
  readonly windows: readonly FeedWindow[]
}

/** The items of a change message, one for each document, the client's own last. Windows count as told afterwards. */
export function itemsOf(reader: Reader, { pending, windows }: News): readonly string[] {
  // each document is there once, and nothing else tells of it
  if (windows.length === 0) return pending.flatMap(change => toldOf(reader, change)?.item ?? [])
  const items = new Map<string, Told>()
  const offer = (key: string, told: Told) => {
    const other = items.get(key)
    if (other && (other.version > told.version || (other.version === told.version && !told.isPut))) return
    items.delete(key) // to the end
    items.set(key, told)
  }
  const told = windows.map(window => ({ window, ...window.tell() }))
  for (const each of told) offerWindow(reader, each, offer)
  for (const change of pending) {
    const told = toldOf(reader, change)
    if (told) offer(keyOf(change.collection, change.id), told)
  }
  return [...items.values()].map(({ item }) => item)
}

/**
 * Has loaded what the rules read to judge these, so that `itemsOf` need not wait. True when something had to be waited
 * for.
 */
export async function loadReads(
  reader: Reader,
  { pending, windows }: News,
  reads: LoadingReads,
): Promise<boolean> {
  let hasWaited = false
  const look = async (judge: () => unknown) => {
    const judged = decided(reads, judge)
    if (!(judged instanceof Promise)) return
    hasWaited = true
    await judged
  }
  for (const window of windows)
    for (const document of window.leaving) await look(() => reader.mayRead(window.query.collection, document))
  for (const change of pending) await look(() => toldOf(reader, change))
  return hasWaited
}

/** What is said of a document: one query may know less than another, and the later version counts. */
interface Told {
  readonly version: Version
  readonly isPut: boolean
  readonly item: string
}

/** Items of one message each, of at most so many characters unless one alone is more. */
export function inParts(items: readonly string[], mostCharacters: number): readonly (readonly string[])[] {
  const parts: string[][] = [[]]
  let characters = 0
  for (const item of items) {
    if (characters + item.length > mostCharacters && parts.at(-1)!.length > 0) {
      parts.push([])
      characters = 0
    }
    parts.at(-1)!.push(item)
    characters += item.length
  }
  return parts
}

/** A document the client may see now, or the id of one it could see before; nothing about any other. */
function toldOf(reader: Reader, change: PendingChange): Told | undefined {
  const { followed } = reader
  const { collection, id, before, after, afterText, lastVersion, isOwn, isWritten } = change
  const isReadable = after !== null && reader.mayRead(collection, after)
  if (isReadable && (isOwn || followed.matches(collection, after)))
    return put(lastVersion, reader.patchOf(change) ?? putItem(collection, lastVersion, afterText!))
  // what a window still shows is the window's to tell
  if (isReadable && followed.isInWindow(collection, id)) return undefined
  if (before && (isOwn || followed.matches(collection, before)) && reader.mayRead(collection, before))
    return gone(collection, lastVersion, id)
  // its own mutation named it and was accepted: that it is out of sight tells the client nothing else
  if (isWritten && (before || after)) return gone(collection, lastVersion, id)
  return undefined
}

function offerWindow(
  reader: Reader,
  { window, before, left }: { window: FeedWindow } & ReturnType<FeedWindow['tell']>,
  offer: (key: string, told: Told) => void,
): void {
  const { followed } = reader
  const { collection } = window.query
  for (const [id, { version, text }] of window.told)
    if (before.get(id)?.version !== version)
      offer(keyOf(collection, id), put(version, putItem(collection, version, text)))
  for (const [id, { document, version }] of left) {
    // what another query shows is told through that one
    const isReadable = document !== null && reader.mayRead(collection, document)
    const isShown = followed.matches(collection, document) || followed.isInWindow(collection, id)
    if (!isReadable || !isShown) offer(keyOf(collection, id), gone(collection, version, id))
  }
}

function put(version: Version, item: string): Told {
  return { version, isPut: true, item }
}

function gone(collection: string, version: Version, id: DocId): Told {
  return { version, isPut: false, item: goneItem(collection, version, id) }
}
