/**
 * What understands texts: Yjs, handed in by the platform and loaded when the first text is there, since most apps begin
 * without. Updates are V1.
 */
export interface TextRuntime {
  /** A replica that writes under a client id of its own: 32 random bits. */
  open(updates: readonly Uint8Array[], clientId: number): TextReplica
  merge(updates: readonly Uint8Array[]): Uint8Array
  /** The same without what is of no use any more. */
  compact(updates: readonly Uint8Array[]): Uint8Array
  /** What whoever has these updates knows. */
  vectorOf(updates: readonly Uint8Array[]): Uint8Array
  /** The state every text begins with, on every replica. */
  beginningOf(content: string): Uint8Array
}

/** One text, alive. */
export interface TextReplica {
  /** For the editor. */
  readonly doc: unknown
  readonly ytext: unknown
  readonly plain: string
  /** Equal on replicas that show the same. */
  readonly hash: string
  /** Another type was written first elsewhere: an editor bound to this one writes into nothing. */
  readonly isMisplaced: boolean
  /** Takes over an edit made elsewhere; `onEdit` does not hear of it. */
  apply(update: Uint8Array): void
  /** Makes it say `text` by the smallest edits, as an edit made here. */
  replaceAll(text: string): void
  onEdit(listener: (update: Uint8Array) => void): () => void
  /** An `Awareness` for the editor; made when it is first asked for. */
  readonly awareness: TextAwareness
  close(): void
}

/** Cursors and names of those who have a text open. */
export interface TextAwareness {
  /** What an editor's binding takes. */
  readonly object: unknown
  /** What this side says of itself, now and whenever it changes. Returns the way to stop. */
  onState(listener: (state: unknown) => void): () => void
  /** What the others say of themselves: all of them, by names that last. */
  setOthers(others: readonly { readonly peer: string; readonly state: unknown }[]): void
}
