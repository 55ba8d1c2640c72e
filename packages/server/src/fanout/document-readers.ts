import type { DocId, Document } from '@nearcloud/protocol'
import type { Published } from '../commit/committer.ts'
import { keyOf } from '../commit/stage.ts'
import type { TextChange } from '../texts/text-change.ts'

/** Somebody to whom it matters what becomes of one document, whatever queries are followed. */
export interface DocumentReader {
  noteDocument(place: { readonly collection: string; readonly id: DocId }, after: Document | null): void
  note(change: TextChange): void
}

/** Who has texts of which document open, or is in its room. */
export class DocumentReaders {
  readonly #byDocument = new Map<string, Set<DocumentReader>>()

  add(document: string, reader: DocumentReader): void {
    const readers = this.#byDocument.get(document)
    if (readers) readers.add(reader)
    else this.#byDocument.set(document, new Set([reader]))
  }

  remove(document: string, reader: DocumentReader): void {
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
  }): readonly DocumentReader[] {
    const readers = this.#byDocument.get(keyOf(collection, id))
    return readers ? [...readers] : []
  }
}
