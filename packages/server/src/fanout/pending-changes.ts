import type { DocId, Document, Version } from '@nearcloud/protocol'
import type { Change } from '../commit/change.ts'
import { keyOf } from '../commit/stage.ts'

/** All that happened to one document between two versions: what it was, and what it is. */
export interface PendingChange {
  readonly collection: string
  readonly id: DocId
  /** Before the first of them. */
  before: Document | null
  /** The commit that made `before`, where that is known. */
  base: Version | undefined
  firstVersion: Version
  /** After the last of them. */
  after: Document | null
  afterText: string | null
  lastVersion: Version
  /** One of them was asked by the client itself, or the client has to be told of the document. */
  isOwn: boolean
  /** The client's own mutation did one of them. */
  isWritten: boolean
  /** Something may have happened to it since that nobody here followed then, and somebody follows now. */
  isDoubtful: boolean
}

/**
 * Changes that wait to be told, one for each document: a slow reader gets the latest state. They may be noted in any
 * order, and more than once.
 */
export class PendingChanges {
  readonly #byDocument = new Map<string, PendingChange>()
  #characters = 0
  #mayHaveDoubtful = false

  get size(): number {
    return this.#byDocument.size
  }

  /** What they would take on the wire, about. */
  get characters(): number {
    return this.#characters
  }

  note(change: Change, isOwn: boolean): void {
    const key = keyOf(change.collection, change.id)
    const known = this.#byDocument.get(key)
    this.#characters += (change.afterText?.length ?? 0) - (known?.afterText?.length ?? 0)
    if (!known) {
      this.#byDocument.set(key, {
        collection: change.collection,
        id: change.id,
        before: change.before,
        base: change.beforeVersion,
        firstVersion: change.version,
        after: change.after,
        afterText: change.afterText,
        lastVersion: change.version,
        isOwn,
        isWritten: isOwn && change.client !== null,
        isDoubtful: false,
      })
      return
    }
    known.isOwn ||= isOwn
    known.isWritten ||= isOwn && change.client !== null
    if (change.version < known.firstVersion) {
      known.before = change.before
      known.base = change.beforeVersion
      known.firstVersion = change.version
    }
    if (change.version > known.lastVersion) {
      known.after = change.after
      known.afterText = change.afterText
      known.lastVersion = change.version
    }
  }

  /** From now on documents are followed that match. What waits may be older than what is there. */
  doubt(collection: string, matches: (document: Document) => boolean): void {
    for (const each of this.#byDocument.values())
      each.isDoubtful ||= each.collection === collection && each.after !== null && matches(each.after)
    this.#mayHaveDoubtful = this.#byDocument.size > 0
  }

  get doubtful(): readonly PendingChange[] {
    const found = this.#mayHaveDoubtful ? this.all.filter(each => each.isDoubtful) : []
    this.#mayHaveDoubtful = found.length > 0
    return found
  }

  get all(): readonly PendingChange[] {
    return [...this.#byDocument.values()]
  }

  /** Takes all of them, the client's own last. */
  take(): readonly PendingChange[] {
    const { all } = this
    this.#byDocument.clear()
    this.#characters = 0
    if (all.length < 2) return all
    return [...all.filter(each => !each.isOwn), ...all.filter(each => each.isOwn)]
  }
}
