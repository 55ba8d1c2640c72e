import * as Y from 'yjs'

export interface OpenTextDoc {
  /** What is known: states and updates (V1), in any order in which each stands on those before it. */
  readonly updates?: readonly Uint8Array[]
  /** The id this replica writes under: a fresh random one of 32 bits for each opened document, never stored, never used again. */
  readonly clientId: number
  /** False keeps what was deleted. */
  readonly collect?: boolean
}

/** A Yjs document of one field: loaded first, its client id given afterwards, no dice thrown for a guid. */
export function openTextDoc({ updates = [], clientId, collect = true }: OpenTextDoc): Y.Doc {
  const doc = new Y.Doc({ guid: 'field', gc: collect })
  doc.clientID = 0
  if (updates.length > 0)
    transactQuietly(doc, () => {
      for (const update of updates) Y.applyUpdate(doc, update)
    })
  doc.clientID = clientId
  return doc
}

/**
 * One transaction after which the replica does not tidy formats up: editors do that, and the time it takes grows with the
 * text.
 */
export function transactQuietly(doc: Y.Doc, work: () => void, origin: unknown = null): void {
  Y.transact(
    doc,
    transaction => {
      work()
      transaction.local = true
      // what an update moved is moved for local edits as well
      for (const type of doc.share.values()) if (type._searchMarker) type._searchMarker.length = 0
    },
    origin,
  )
}

/**
 * The root that an editor must use, by its name (`doc.getText(name)`): the one that shows something, else one that ever did.
 * Undefined in a document nobody wrote.
 */
export function pinnedRoot(doc: Y.Doc): string | undefined {
  return visibleRoot(doc) ?? rootsOf(doc)[0]
}

/** The root that shows something. */
export function visibleRoot(doc: Y.Doc): string | undefined {
  return rootsOf(doc).find(name => isVisible(doc.share.get(name)!))
}

/** Names of the roots that anything was ever written in. */
export function rootsOf(doc: Y.Doc): string[] {
  const written = [...doc.share].filter(([, type]) => type._start !== null || type._map.size > 0)
  return written.map(([name]) => name)
}

function isVisible(type: AnyType): boolean {
  for (let item = type._start; item !== null; item = item.right) if (!item.deleted) return true
  for (const item of type._map.values()) if (!item.deleted) return true
  return false
}

/** The characters of a document's text: of its pinned root, else none. Formats and embedded values are no characters. */
export function plainOf(doc: Y.Doc): string {
  const root = pinnedRoot(doc)
  return root === undefined ? '' : charactersOf(doc.get(root))
}

/** Several updates (V1) as one. They may be in any order. */
export function mergeUpdates(updates: readonly Uint8Array[]): Uint8Array {
  return updates.length === 1 ? updates[0]! : Y.mergeUpdates([...updates])
}

/** The update (V1) that writes `text` into a field nobody wrote, under `clientId`. */
export function updateFromPlain(text: string, options: { clientId: number; root: string }): Uint8Array {
  const doc = openTextDoc({ clientId: options.clientId })
  if (text !== '') doc.getText(options.root).insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

// biome-ignore lint/suspicious/noExplicitAny: what Yjs itself calls a type of whatever events
export type AnyType = Y.AbstractType<any>

/** The characters in a type and, for types within it, theirs, in order; blocks end with a line. */
export function charactersOf(type: AnyType): string {
  let text = ''
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted) continue
    if (item.content instanceof Y.ContentString) text += item.content.str
    else if (item.content instanceof Y.ContentType) {
      const inner = charactersOf(item.content.type)
      text += item.content.type instanceof Y.XmlText ? inner : `${inner}\n`
    }
  }
  return text
}
