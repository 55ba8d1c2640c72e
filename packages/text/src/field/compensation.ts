import { assert } from '@nearcloud/protocol'
import * as Y from 'yjs'
import { addDeletions, type Deletions, withDeletions } from '../gate/deletions.ts'
import { openTextDoc, rootsOf, transactQuietly } from '../replica.ts'
import { shownBy } from '../text-hash.ts'

export interface Refused {
  /** Everything before, oldest first. */
  readonly earlier: readonly Uint8Array[]
  readonly refused: readonly Uint8Array[]
  readonly serverId: number
  /** The live document, in which the refused updates are. */
  readonly doc: Y.Doc
  /** What the live document emits meanwhile. */
  readonly collect: (work: () => void) => Uint8Array | undefined
  readonly rootOf: (doc: Y.Doc, name: string) => Y.Text | Y.XmlFragment
}

/**
 * Takes refused updates back in the live document, and gives one update with those and their inverse.
 *
 * They are undone on a copy that still has what they deleted. The inverse alone is then made in the live document, which
 * collects what it deletes: so of what was refused only lengths are left, there and in what is given out, and what the
 * refused updates had deleted comes back as a copy by the server. When undoing is not exact the whole text is written
 * anew.
 */
export function compensationOf({ earlier, refused, serverId, doc, collect, rootOf }: Refused): Uint8Array {
  const shadow = openTextDoc({ updates: earlier, clientId: serverId, collect: false })
  const before = Y.encodeStateVector(shadow)
  const wanted = shown(shadow)
  const undo = new Y.UndoManager(shadow, {
    trackedOrigins: new Set([refused]),
    captureTimeout: Number.MAX_SAFE_INTEGER,
  })
  transactQuietly(
    shadow,
    () => {
      for (const update of refused) Y.applyUpdate(shadow, update)
    },
    refused,
  )
  const between = Y.encodeStateVector(shadow)
  undo.undo()
  undo.destroy()
  if (shown(shadow) !== wanted) rewrite(shadow, earlier, rootOf)
  assert(shown(shadow) === wanted, 'a refused edit is taken back exactly')
  const inverse = Y.encodeStateAsUpdate(shadow, between)
  shadow.destroy()
  const emitted = collect(() => transactQuietly(doc, () => Y.applyUpdate(doc, inverse)))
  const deletions: Deletions = new Map()
  for (const update of refused) addDeletions(update, deletions)
  if (emitted !== undefined) addDeletions(emitted, deletions)
  return withDeletions(Y.encodeStateAsUpdate(doc, before), deletions)
}

function shown(doc: Y.Doc): string {
  const shownRoots = rootsOf(doc).map(name => `${JSON.stringify(name)}:${shownBy(doc.share.get(name)!)}`)
  return shownRoots
    .filter(root => !root.endsWith(':[]'))
    .sort()
    .join()
}

/** Every root anew, copied from a document that never saw what was refused. */
function rewrite(shadow: Y.Doc, earlier: readonly Uint8Array[], rootOf: Refused['rootOf']): void {
  const prior = openTextDoc({ updates: earlier, clientId: 0 })
  Y.transact(shadow, () => {
    for (const name of rootsOf(shadow)) {
      const from = rootOf(prior, name)
      const to = rootOf(shadow, name)
      to.delete(0, to.length)
      if (to instanceof Y.Text && from instanceof Y.Text)
        to.applyDelta(copyOf(from.toDelta()), { sanitize: false })
      else if (to instanceof Y.XmlFragment && from instanceof Y.XmlFragment)
        to.insert(
          0,
          from.toArray().map(child => child.clone() as Y.XmlElement | Y.XmlText),
        )
      copyAttributes(from, to)
    }
  })
  prior.destroy()
}

interface DeltaPart {
  readonly insert: unknown
  readonly attributes?: Readonly<Record<string, unknown>>
}

/** Types within the text are copied; a type belongs to one document. */
function copyOf(delta: readonly DeltaPart[]): DeltaPart[] {
  return delta.map(part =>
    part.insert instanceof Y.AbstractType ? { ...part, insert: part.insert.clone() } : part,
  )
}

/** Attributes of the root itself, which only some editors use. */
function copyAttributes(from: Y.Text | Y.XmlFragment, to: Y.Text | Y.XmlFragment): void {
  if (!(from instanceof Y.Text && to instanceof Y.Text)) return
  const wanted = from.getAttributes() as Record<string, unknown>
  for (const name of Object.keys(to.getAttributes()))
    if (!Object.hasOwn(wanted, name)) to.removeAttribute(name)
  for (const [name, value] of Object.entries(wanted)) to.setAttribute(name, value)
}
