import type { CloudError } from '@nearcloud/protocol'
import { keepRemovals } from './keep-removals.ts'
import type { Job } from './record-log.ts'
import type { SegmentHead } from './records.ts'
import type { Segments } from './segments.ts'
import type { State } from './state.ts'
import type { Payload, Storage } from './storage.ts'

export interface ReserveOptions {
  readonly storage: Storage
  readonly bytes: number
  /** Of the segments that are room. */
  readonly name: number
  /** The text of a segment with these documents. */
  textOf(head: SegmentHead, documents: string): string
  /** As the log writes a text; and in how many records one of so many units is. */
  toPieces(text: string): readonly Payload[]
  pieceCount(units: number): number
  /** Lets the host have its turn. */
  pause(): Promise<void>
  /** The records it was found in, if it is there already. */
  readonly held: readonly number[]
  readonly segments: Segments
  readonly state: State
}

/** It is loaded apart; none where none is wished for, or it could not be loaded. */
export type ReserveInTime = Promise<Reserve | undefined> | false | 0 | undefined

/**
 * Room on a medium that is given back when the medium is full, part by part, so that what makes room can still be written: removals, what
 * the server has decided, what is forgotten, a fold. Each part is a segment that nothing names: whoever does not know it drops it.
 *
 * Everything else is written only while all of it is there, or together with what is missing.
 */
export class Reserve {
  readonly #storage: Storage
  readonly #parts: number
  /** How many records a part is. */
  readonly #partRecords: number
  readonly #makePart: () => Promise<readonly Payload[]>
  readonly #options: ReserveOptions
  readonly keep = keepRemovals<Job>
  #held: readonly number[]

  constructor(options: ReserveOptions) {
    const { storage, bytes, name, toPieces, pieceCount, pause, held } = options
    this.#options = options
    const textOf = (content: string) => options.textOf({ name, collection: '', size: 0 }, `"${content}"`)
    this.#storage = storage
    this.#parts = Math.ceil(bytes / partBytes)
    const length = Math.ceil(bytes / this.#parts)
    this.#partRecords = pieceCount(textOf('').length + length)
    this.#makePart = async () => {
      await pause()
      const text = textOf(noise(length))
      await pause()
      const part = toPieces(text)
      await pause()
      return part
    }
    this.#held = held
  }

  /** As the storage's. `isRelief`: it may have the reserve. */
  async append(payloads: readonly Payload[], isRelief: boolean): Promise<readonly number[]> {
    if (isRelief) return this.#appendRelief(payloads)
    const missing = Math.ceil(this.#parts - this.#held.length / this.#partRecords)
    if (missing <= 0) return this.#storage.append(payloads)
    const part = await this.#makePart()
    const room = Array.from({ length: missing }, () => part).flat()
    const sequences = await this.#storage.append([...payloads, ...room])
    this.#held = [...this.#held, ...sequences.slice(payloads.length)]
    return sequences.slice(0, payloads.length)
  }

  /**
   * Segments of collections of which nothing is left become empty ones of the same name, which takes next to no room: what the log still says of
   * them comes to nothing in the end, with their documents or without. False: there is none, or no room even for that.
   */
  async emptySegments(): Promise<boolean> {
    const { segments, state, textOf, toPieces } = this.#options
    const dead = segments.live.filter(
      ({ size, collection }) =>
        size > 0 &&
        !state.collections.isWaiting(collection) &&
        state.collections.of(collection).confirmed.size === 0,
    )
    if (dead.length === 0) return false
    const heads = dead.map(({ name, collection }) => ({ name, collection, size: 0 }))
    const pieces = heads.map(head => toPieces(textOf(head, '')))
    try {
      const sequences = [...(await this.append(pieces.flat(), true))]
      const emptied = heads.map((head, at) => ({
        ...head,
        sequences: sequences.splice(0, pieces[at]!.length),
      }))
      segments.live = segments.live.map(segment => emptied[dead.indexOf(segment)] ?? segment)
      await this.#storage.drop(dead.flatMap(segment => segment.sequences))
      return true
    } catch {
      return false
    }
  }

  async #appendRelief(payloads: readonly Payload[]): Promise<readonly number[]> {
    for (;;) {
      const held = this.#held
      try {
        return await this.#storage.append(payloads, { isRelief: held.length === 0 })
      } catch (thrown) {
        if (held.length === 0 || (thrown as Partial<CloudError>).code !== 'STORE_FULL') throw thrown
      }
      const kept = Math.max(0, held.length - this.#partRecords)
      this.#held = held.slice(0, kept)
      await this.#storage.drop(held.slice(kept))
    }
  }
}

/**
 * Larger than what Chromium's IndexedDB keeps among its other records (64 KiB, packed): what is in a file of its own the quota sees given
 * back, unless the page has read it since it was loaded.
 */
const partBytes = 81_920

/** Text that no medium makes smaller. */
function noise(length: number): string {
  let text = ''
  for (let state = 1; text.length < length; text += state.toString(36))
    state = (state * 48_271) % 2_147_483_647
  return text.slice(0, length)
}
