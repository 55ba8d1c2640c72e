import type { Document } from '@nearcloud/protocol'
import type { IndexDefinition } from '../types.ts'

/** What an index holds of one document. */
export interface IndexKeys {
  /**
   * Ascending, each once: texts whose characters are bytes (0 to 255), so that `<` between them, and the order of their
   * bytes, is the order of the index.
   */
  readonly keys: readonly string[]
  /** An array is involved: the keys may be several, and do not stand for the whole of what they came from. */
  readonly isMultikey: boolean
}

export function compileIndexKeys(_definition: IndexDefinition): (document: Document) => IndexKeys {
  throw new Error('not yet')
}
