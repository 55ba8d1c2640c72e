import * as Y from 'yjs'
import { replaceCharacters } from '../field/replace-characters.ts'
import { mergeUpdates, openTextDoc, pinnedRoot, plainOf } from '../replica.ts'
import { textHash } from '../text-hash.ts'
import { beginningOf } from './beginning.ts'
import { ReplicaAwareness } from './replica-awareness.ts'

/** One text, alive on a device: what an editor is bound to. */
export class TextReplica {
  readonly doc: Y.Doc
  /** The name of its type: the one that was written first, else ours. */
  readonly root: string
  readonly ytext: Y.Text
  #awareness: ReplicaAwareness | undefined

  constructor(updates: readonly Uint8Array[], clientId: number) {
    this.doc = openTextDoc({ updates, clientId })
    this.root = pinnedRoot(this.doc) ?? 'text'
    this.ytext = this.doc.getText(this.root)
  }

  /** What the field says. */
  get plain(): string {
    return plainOf(this.doc)
  }

  /** Equal on replicas that show the same. */
  get hash(): string {
    return textHash(this.doc)
  }

  /** Another type was written first elsewhere: an editor bound to this one writes into nothing. */
  get isMisplaced(): boolean {
    const pinned = pinnedRoot(this.doc)
    return pinned !== undefined && pinned !== this.root
  }

  /** Does it stand on edits that are not here? */
  get isIncomplete(): boolean {
    const { pendingStructs, pendingDs } = this.doc.store
    return pendingStructs !== null || pendingDs !== null
  }

  /** Takes over an edit (V1) made elsewhere; `onEdit` does not hear of it. */
  apply(update: Uint8Array): void {
    Y.applyUpdate(this.doc, update, elsewhere)
  }

  /** Makes it say `text` by the smallest edits, as an edit made here. */
  replaceAll(text: string): void {
    this.doc.transact(() => replaceCharacters(this.ytext, text))
  }

  /** Everything in one update (V1). */
  state(): Uint8Array {
    return Y.encodeStateAsUpdate(this.doc)
  }

  vector(): Uint8Array {
    return Y.encodeStateVector(this.doc)
  }

  /** Called with every edit made here, as an update (V1). Returns the way to stop. */
  onEdit(listener: (update: Uint8Array) => void): () => void {
    const heard = (update: Uint8Array, origin: unknown) => {
      if (origin !== elsewhere) listener(update)
    }
    this.doc.on('update', heard)
    return () => this.doc.off('update', heard)
  }

  /** Made when it is first asked for. */
  get awareness(): ReplicaAwareness {
    this.#awareness ??= new ReplicaAwareness(this.doc)
    return this.#awareness
  }

  close(): void {
    this.#awareness?.close()
    this.doc.destroy()
  }
}

const elsewhere = { name: 'made elsewhere' }

/** What a client needs to have texts; it is loaded apart, since most apps begin without. */
export const textRuntime = {
  /** `clientId`: a fresh random one of 32 bits. */
  open: (updates: readonly Uint8Array[], clientId: number) => new TextReplica(updates, clientId),
  /** Several edits as one. */
  merge: mergeUpdates,
  /** The same without what is of no use any more. */
  compact(updates: readonly Uint8Array[]): Uint8Array {
    const replica = new TextReplica(updates, 0)
    const state = replica.state()
    replica.close()
    return state
  },
  /** What whoever has these updates knows. */
  vectorOf: (updates: readonly Uint8Array[]) => Y.encodeStateVectorFromUpdate(mergeUpdates(updates)),
  /** What a text begins with, on every replica. */
  beginningOf,
}
