import type { Published } from '../commit/committer.ts'
import { keyOf } from '../commit/stage.ts'
import type { FeedTexts } from './feed-texts.ts'

/** Who has texts of which document open. */
export class TextReaders {
  readonly #byDocument = new Map<string, Set<FeedTexts>>()

  add(document: string, reader: FeedTexts): void {
    const readers = this.#byDocument.get(document)
    if (readers) readers.add(reader)
    else this.#byDocument.set(document, new Set([reader]))
  }

  remove(document: string, reader: FeedTexts): void {
    const readers = this.#byDocument.get(document)
    if (readers?.delete(reader) && readers.size === 0) this.#byDocument.delete(document)
  }

  /** Documents first: what a commit did to a text is for those who may read the document after it. */
  publish({ changes, texts }: Published): void {
    if (this.#byDocument.size === 0) return
    for (const change of changes)
      for (const reader of this.#of(change)) reader.noteDocument(change, change.after)
    for (const change of texts) for (const reader of this.#of(change)) reader.note(change)
  }

  #of({
    collection,
    id,
  }: {
    readonly collection: string
    readonly id: string | number
  }): readonly FeedTexts[] {
    const readers = this.#byDocument.get(keyOf(collection, id))
    return readers ? [...readers] : []
  }
}
