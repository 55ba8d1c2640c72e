import type { Confirmed, Store } from '@nearcloud/store'
import type { LongMessages } from './long-messages.ts'

/** How long work is done where the host wants its turn every few milliseconds. */
export interface InPieces {
  /** So many characters of a frame are read, and of a first result take effect, at a time. */
  readonly characters: number
  /** Lets the host have its turn, where it is time for that, and goes on soon. */
  pause(): Promise<void>
  /** `longMessages`: brought by who wants pauses, so that nobody else loads it. */
  readonly long: LongMessages
}

/**
 * Shows `visit` all that the server has said of a collection, until it answers true. Nothing is confirmed meanwhile but that nobody
 * follows what it takes away: messages wait.
 */
export async function eachInPieces(
  store: Pick<Store, 'confirmedDocuments'>,
  collection: string,
  inPieces: InPieces | undefined,
  visit: (confirmed: Confirmed) => unknown,
): Promise<void> {
  let seen = 0
  for (const confirmed of store.confirmedDocuments(collection)) {
    if (visit(confirmed) === true) return
    if (inPieces && ++seen % atOnce === 0) await inPieces.pause()
  }
}

const atOnce = 200
