import { type DownOf, type Item, LongFrame, type SnapshotItem } from '@nearcloud/protocol'
import type { InPieces } from './in-pieces.ts'
import type { SessionParts } from './session-parts.ts'

type Snapshot = DownOf<'snapshot'>

/** Messages that are read piece after piece. */
export interface LongMessages {
  /** Undefined for a frame that is to be read as a whole. Throws PROTOCOL_ERROR. */
  of(frame: string): LongFrame | undefined
  readonly snapshot: typeof longSnapshot
  readonly itemsOf: typeof itemsOf
}

export const longMessages: LongMessages = {
  of: frame => LongFrame.of(frame),
  snapshot: longSnapshot,
  itemsOf,
}

/**
 * A long part of a first result, as if the server had sent many smaller ones, each of which takes effect by `effect`: small at first,
 * for what is done the first time takes longest.
 */
async function longSnapshot(
  { subscriptions, inPieces }: Pick<SessionParts, 'subscriptions' | 'inPieces'>,
  message: Snapshot,
  long: LongFrame,
  effect: (piece: Snapshot, text: string | undefined) => Promise<void>,
): Promise<void> {
  const { characters: most, pause } = inPieces!
  const { assembly, done: before } = subscriptions.byId(message.id) ?? {}
  let done = Math.max(0, (before?.done ?? 0) - (assembly?.earlier ?? 0))
  for (let size = done > 0 ? most : fewCharacters; ; size *= 2) {
    await pause()
    // nobody wants the rest any more
    const piece = subscriptions.byId(message.id)?.assembly && long.next(Math.min(size, most))
    if (!piece) return
    const items = piece.items as SnapshotItem[]
    done = piece.isLast ? message.done : Math.min(done + items.length, message.done)
    const text = items.every(item => item.length === 2) ? piece.text : undefined
    await effect({ ...message, items, done, last: message.last && piece.isLast }, text)
  }
}

/** All items of a long change message. */
async function itemsOf(long: LongFrame, { characters, pause }: InPieces): Promise<Item[]> {
  const items: Item[] = []
  for (;;) {
    await pause()
    const piece = long.next(Math.min(fewCharacters, characters))
    if (!piece) return items
    items.push(...(piece.items as Item[]))
  }
}

const fewCharacters = 8_192
