import type { DocId, Mutation, TextId } from '@nearcloud/protocol'
import { textsBegun } from '@nearcloud/query'

/** Where a text is. */
export interface TextPlace {
  readonly collection: string
  readonly id: DocId
  readonly path: string
}

/** What this device has of a text, as the server has said it: what is pending of it is in the outbox. */
export interface StoredText extends TextPlace {
  readonly text: TextId
  /** What it began with, where it began here: everybody has the same beginning, so it need not be sent. */
  readonly began?: string
  /** Yjs updates (V1, base64), each standing on those before. */
  readonly updates: readonly string[]
}

/** One change of what is here of texts: a text, edits of the text that is here, or null for a text that goes. */
export type TextStep = TextPlace &
  (
    | { readonly put: Pick<StoredText, 'text' | 'began' | 'updates'> | null }
    | { readonly text: TextId; readonly add: string }
  )

/** The texts that are here, the one put longest ago first. */
export class StoredTexts implements Iterable<StoredText> {
  readonly #byKey = new Map<string, StoredText>()

  constructor(texts: Iterable<StoredText>) {
    for (const text of texts) this.#byKey.set(textKey(text), text)
  }

  [Symbol.iterator](): Iterator<StoredText> {
    return this.#byKey.values()
  }

  get size(): number {
    return this.#byKey.size
  }

  get(place: TextPlace): StoredText | undefined {
    return this.#byKey.get(textKey(place))
  }

  /** Edits of another text than the one here come to nothing. */
  apply(step: TextStep): void {
    const { collection, id, path } = step
    const key = textKey(step)
    if ('put' in step) {
      this.#byKey.delete(key)
      if (step.put) this.#byKey.set(key, Object.freeze({ collection, id, path, ...step.put }))
      return
    }
    const known = this.#byKey.get(key)
    if (known?.text === step.text)
      this.#byKey.set(key, Object.freeze({ ...known, updates: Object.freeze([...known.updates, step.add]) }))
  }

  /** The server accepted it: the texts it began are here, and its edits are part of theirs. */
  accepted({ nonce, writes }: Mutation): void {
    for (const write of writes) {
      const { collection, id } = write
      if (write.op === 'text')
        this.apply({ collection, id, path: write.path, text: write.text, add: write.update })
      else
        for (const [path, began] of textsBegun(write))
          this.apply({ collection, id, path, put: { text: nonce, began, updates: [] } })
    }
  }

  /** Those of a document. */
  of(collection: string, id: DocId): readonly StoredText[] {
    return [...this.#byKey.values()].filter(text => text.collection === collection && text.id === id)
  }
}

/** Do these mutations edit the text? */
export function isTextPending(mutations: readonly Mutation[], { collection, id, path }: TextPlace): boolean {
  return mutations.some(({ writes }) =>
    writes.some(
      write =>
        write.op === 'text' && write.collection === collection && write.id === id && write.path === path,
    ),
  )
}

export function textKey({ collection, id, path }: TextPlace): string {
  return JSON.stringify([collection, id, path])
}
