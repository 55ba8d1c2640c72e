import type { DocId, TextId } from '@nearcloud/protocol'
import type { Actor } from '../actor.ts'

/** What a commit did to one text. Published after it holds, in the order of decisions. */
export type TextChange = TextPlaceOf & {
  /** Which of the texts that were at the path, one after the other. */
  readonly text: TextId
  readonly actor: Actor
  /** The client whose mutation did it, where one did. */
  readonly client: string | null
  /** What the request said of where it came from. */
  readonly origin: object | undefined
} & (
    | { readonly kind: 'begun' }
    | {
        readonly kind: 'edited'
        /** One Yjs update (V1): what everybody else lacks. */
        readonly update: Uint8Array
        /**
         * Its author lacks it as well: the edit was refused, and this holds it with its inverse; or the value was written as a
         * whole. Otherwise who made it has it already.
         */
        readonly isNewToAuthor: boolean
      }
    /** The field or its document is gone, or another text begins there. */
    | { readonly kind: 'ended' }
  )

export interface TextPlaceOf {
  readonly collection: string
  readonly id: DocId
  readonly path: string
}
