import type { DocId, Patch, Version } from '@nearcloud/protocol'

/*
 * The two messages that carry documents are built as text: documents travel as they are stored, never parsed and
 * serialised again. Every other message is small.
 */

/** A document a client gets. */
export function putItem(collection: string, version: Version, text: string): string {
  return `[${JSON.stringify(collection)},${version},${text}]`
}

/** What the document of version `base` became. */
export function patchItem(
  collection: string,
  version: Version,
  base: Version,
  id: DocId,
  { set, removed }: Patch,
): string {
  const gone = removed.length > 0 ? `,${JSON.stringify(removed)}` : ''
  return `[${JSON.stringify(collection)},${version},${base},${JSON.stringify(set)},${JSON.stringify(id)}${gone}]`
}

/** A document of a snapshot, whose collection its reader knows. */
export function snapshotItem(version: Version, text: string): string {
  return `[${version},${text}]`
}

/** A document a client no longer has. */
export function goneItem(collection: string, version: Version, id: DocId): string {
  return `[${JSON.stringify(collection)},${version},null,${JSON.stringify(id)}]`
}

export function changesFrame(message: {
  from: Version
  to: Version
  /** Absent: as before, for who knows that it may be. */
  viewKey?: string | undefined
  lastMutation?: number | undefined
  items: readonly string[]
  windows: readonly (readonly [subscription: number, ids: readonly DocId[]])[]
}): string {
  const { from, to, viewKey, lastMutation, items, windows } = message
  return (
    `{"type":"changes","from":${from},"to":${to}` +
    `${viewKey === undefined ? '' : `,"viewKey":${JSON.stringify(viewKey)}`}` +
    `${lastMutation === undefined ? '' : `,"lastMutation":${lastMutation}`}` +
    `,"items":[${listed(items)}]` +
    `${windows.length === 0 ? '' : `,"windows":${JSON.stringify(windows)}`}}`
  )
}

/** Large texts are not copied: many readers may wait for the same. */
function listed(items: readonly string[]): string {
  const characters = items.reduce((sum, item) => sum + item.length, 0)
  if (characters < fewCharacters) return items.join(',')
  let list = ''
  for (const item of items) list += list === '' ? item : `,${item}`
  return list
}

const fewCharacters = 65_536

export function snapshotFrame(message: {
  id: number
  version: Version
  items: readonly string[]
  window?: readonly DocId[]
  done: number
  total: number
  last: boolean
}): string {
  const { id, version, items, window, done, total, last } = message
  return (
    `{"type":"snapshot","id":${id},"version":${version},"items":[${items.join(',')}]` +
    `${window ? `,"window":${JSON.stringify(window)}` : ''}` +
    `,"done":${done},"total":${total},"last":${last}}`
  )
}
