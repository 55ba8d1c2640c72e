import type * as Y from 'yjs'

export interface ToCompensate {
  /** Everything before, oldest first. */
  readonly earlier: readonly Uint8Array[]
  readonly refused: readonly Uint8Array[]
  readonly serverId: number
  /** The live document, in which the refused updates are. */
  readonly doc: Y.Doc
  readonly collect: (work: () => void) => Uint8Array | undefined
}

export function compensationOf(_: ToCompensate): Uint8Array | undefined {
  throw new Error('not yet')
}
