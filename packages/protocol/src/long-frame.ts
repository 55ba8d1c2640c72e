import { CloudError } from './errors.ts'
import { readDown } from './frames.ts'
import type { DownOf, Item, SnapshotItem } from './messages.ts'

type Listing = DownOf<'snapshot'> | DownOf<'changes'>

/** Some of what a frame lists. */
export interface Piece {
  readonly items: readonly (Item | SnapshotItem)[]
  /** As they stand in the frame, with commas between. */
  readonly text: string
  readonly isLast: boolean
}

/**
 * A long frame of documents, read one piece after the other instead of all at once. `message` is what it says besides, without its
 * items.
 */
export class LongFrame {
  readonly message: Listing
  readonly #frame: string
  readonly #end: number
  #at: number

  private constructor(frame: string, head: string, end: number) {
    this.message = readDown(JSON.parse(head + frame.slice(end))) as Listing
    this.#frame = frame
    this.#end = end
    this.#at = head.length
  }

  /** Undefined for a frame that is to be read as a whole. Throws PROTOCOL_ERROR. */
  static of(frame: string): LongFrame | undefined {
    const head = headPattern.exec(frame)?.[0]
    if (head === undefined || frame.includes('],"window')) return undefined
    const end = head.startsWith('{"type":"s') ? frame.lastIndexOf('],"done":') : frame.length - 2
    // where both stand as they are, and no window, the grammar of JSON leaves nothing else for them to be
    return end > head.length && endPattern.test(frame.slice(end))
      ? new LongFrame(frame, head, end)
      : undefined
  }

  /** The next items, of about so many characters; one at least. Undefined when there are no more. Throws PROTOCOL_ERROR. */
  next(characters: number): Piece | undefined {
    const end = this.#end
    if (this.#at >= end) return undefined
    let stop = this.#at + characters
    for (let tries = 0; tries < mostTries && stop < end; tries++) {
      stop = this.#placeFrom(stop)
      if (stop >= end) break
      const piece = this.#until(stop)
      if (piece) return piece
      stop += 2 // what stands between two items may stand within one as well
    }
    const rest = this.#until(end)
    if (!rest)
      throw new CloudError('PROTOCOL_ERROR', { errMsg: 'the server sent something that is not JSON' })
    return rest
  }

  /** What is a piece by itself ends where an item ends: nothing in the middle of one is complete. */
  #until(stop: number): Piece | undefined {
    const text = this.#frame.slice(this.#at, stop)
    let items: unknown
    try {
      items = JSON.parse(`[${text}]`)
    } catch {
      return undefined
    }
    const read = readDown({ ...this.message, items }) as Listing
    this.#at = stop + 1
    return { items: read.items, text, isLast: stop === this.#end }
  }

  /** Where from here on one item may end, and the next begin behind a comma. */
  #placeFrom(from: number): number {
    for (let at = from; ; at += 2) {
      at = this.#frame.indexOf('],[', at)
      if (at < 0 || at >= this.#end) return this.#end
      itemMark.lastIndex = at + 2
      if (itemMark.test(this.#frame)) return at + 1
    }
  }
}

const headPattern =
  /^\{"type":(?:"snapshot","id":\d+,"version":\d+|"changes","from":\d+,"to":\d+(?:,"viewKey":"[^"\\]*")?(?:,"lastMutation":\d+)?),"items":\[/
const endPattern = /^\](?:,"done":\d+,"total":\d+,"last":(?:true|false))?\}$/
/** `[version,{`, or `[collection,version,`. */
const itemMark = /\[(?:\d+,\{|"[^"\\]*",\d+,)/y
/** Then the rest is read at once. */
const mostTries = 8
