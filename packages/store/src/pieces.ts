import { CloudError } from '@nearcloud/protocol'
import { checksum } from './checksum.ts'
import type { Payload, StoredRecord } from './storage.ts'

/*
 * A text in as many payloads as it needs, none over the medium's limit. `!` and the text's checksum begin one that is all of
 * the text, `2/5!` and the checksum the second piece of five (`.` and `2/5:` in stores from before there were checksums). A crash can lose the last pieces of an append and leave some of a drop: a text counts when all
 * its pieces are there, one after the other.
 */

/** Payloads of a text, each at most `maxBytes` (and that at least 100). */
export function toPieces(text: string, maxBytes: number): readonly Payload[] {
  const sum = checksum(text)
  const maxUnits = unitsIn(maxBytes)
  if (text.length <= maxUnits) return [`!${sum}${text}`]
  const parts: string[] = []
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + maxUnits)
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--
    parts.push(text.slice(at, end))
    at = end
  }
  return parts.map((part, at) => `${at + 1}/${parts.length}!${sum}${part}`)
}

/** How many payloads a text of so many units has, where none of them is half a surrogate pair. */
export function pieceCount(units: number, maxBytes: number): number {
  return Math.ceil(units / unitsIn(maxBytes))
}

/** A UTF-16 unit takes at most three bytes. */
function unitsIn(bytes: number): number {
  return Math.floor((bytes - longestMark) / 3)
}

export interface WholeText {
  readonly text: string
  /** The records it came from. */
  readonly sequences: readonly number[]
  /** The text is what was written: its checksum says so. Undefined: it has none. */
  readonly isIntact: boolean | undefined
}

/** Puts texts together again as records arrive. */
export class PieceReader {
  #texts: string[] = []
  #sequences: number[] = []
  #count = 0
  #sum: string | undefined
  readonly #abandoned: number[] = []

  /** The text that is whole with this record. */
  add({ sequence, payload }: StoredRecord): WholeText | undefined {
    const { number, count, sum, text } = readPiece(payload)
    const isSame = count === this.#count && sum === this.#sum
    const isNext = number === this.#texts.length + 1 && (number === 1 || isSame)
    if (!isNext) this.#abandon()
    if (number !== this.#texts.length + 1) {
      this.#abandoned.push(sequence)
      return undefined
    }
    this.#count = count
    this.#sum = sum
    this.#texts.push(text)
    this.#sequences.push(sequence)
    return number === count ? this.#take(payload as string) : undefined
  }

  /** Records of texts that are not whole. Call it after the last record. */
  abandoned(): readonly number[] {
    this.#abandon()
    return this.#abandoned
  }

  #abandon(): void {
    this.#abandoned.push(...this.#sequences)
    this.#texts = []
    this.#sequences = []
  }

  #take(last: string): WholeText {
    const text = this.#texts.join('')
    // a part that was cut out of a text is looked at letter by letter much slower than the whole text
    const [within, from] = this.#count === 1 ? [last, last.length - text.length] : [text, 0]
    const isIntact = this.#sum === undefined ? undefined : checksum(within, from) === this.#sum
    const whole = { text, sequences: this.#sequences, isIntact }
    this.#texts = []
    this.#sequences = []
    return whole
  }
}

interface Piece {
  readonly number: number
  readonly count: number
  readonly sum: string | undefined
  readonly text: string
}

/**
 * Of text that is no piece nothing is known but that it is not what was written. Bytes nobody wrote here: they are somebody
 * else's (encrypted, and opened without its key), and are not to be mended. Throws STORE_FAILED for them.
 */
function readPiece(payload: Payload): Piece {
  if (typeof payload !== 'string')
    throw new CloudError('STORE_FAILED', {
      errMsg:
        'the local store holds bytes where it keeps text: is it encrypted, or written by something else?',
    })
  if (payload[0] === '.') return { number: 1, count: 1, sum: undefined, text: payload.slice(1) }
  if (payload[0] === '!') return { number: 1, count: 1, sum: payload.slice(1, 9), text: payload.slice(9) }
  const [mark, number, count, sum] = markPattern.exec(payload) ?? []
  if (mark === undefined) return { number: 1, count: 1, sum: 'none', text: payload }
  return { number: Number(number), count: Number(count), sum, text: payload.slice(mark.length) }
}

const markPattern = /^([1-9]\d*)\/([1-9]\d*)(?::|!(.{8}))/s

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

const longestMark = 32
