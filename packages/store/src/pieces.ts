import { CloudError } from '@nearcloud/protocol'
import type { Payload, StoredRecord } from './storage.ts'

/*
 * A text in as many payloads as it needs, none over the medium's limit. `.` begins one that is all of the text, `2/5:` the
 * second piece of five. A crash can lose the last pieces of an append and leave some of a drop: a text counts when all
 * its pieces are there, one after the other.
 */

/** Payloads of a text, each at most `maxBytes` (and that at least 100). */
export function toPieces(text: string, maxBytes: number): readonly Payload[] {
  const maxUnits = Math.floor((maxBytes - longestMark) / 3) // a UTF-16 unit takes at most three bytes
  if (text.length <= maxUnits) return [`.${text}`]
  const parts: string[] = []
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + maxUnits)
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--
    parts.push(text.slice(at, end))
    at = end
  }
  return parts.map((part, at) => `${at + 1}/${parts.length}:${part}`)
}

export interface WholeText {
  readonly text: string
  /** The records it came from. */
  readonly sequences: readonly number[]
}

/** Puts texts together again as records arrive. */
export class PieceReader {
  #texts: string[] = []
  #sequences: number[] = []
  #count = 0
  readonly #abandoned: number[] = []

  /** The text that is whole with this record. */
  add({ sequence, payload }: StoredRecord): WholeText | undefined {
    const { number, count, text } = readPiece(payload)
    const isNext = number === this.#texts.length + 1 && (number === 1 || count === this.#count)
    if (!isNext) this.#abandon()
    if (number !== this.#texts.length + 1) {
      this.#abandoned.push(sequence)
      return undefined
    }
    this.#count = count
    this.#texts.push(text)
    this.#sequences.push(sequence)
    return number === count ? this.#take() : undefined
  }

  /** Records of texts that are not whole. Call it after the last record. */
  abandoned(): readonly number[] {
    this.#abandon()
    return this.#abandoned
  }

  #abandon(): void {
    this.#abandoned.push(...this.#take().sequences)
  }

  #take(): WholeText {
    const whole = { text: this.#texts.join(''), sequences: this.#sequences }
    this.#texts = []
    this.#sequences = []
    return whole
  }
}

function readPiece(payload: Payload): { number: number; count: number; text: string } {
  if (typeof payload !== 'string') throw unreadable('bytes where it keeps text')
  if (payload[0] === '.') return { number: 1, count: 1, text: payload.slice(1) }
  const mark = /^([1-9]\d*)\/([1-9]\d*):/.exec(payload)
  if (!mark) throw unreadable(`a record that begins with "${payload.slice(0, 10)}"`)
  return { number: Number(mark[1]), count: Number(mark[2]), text: payload.slice(mark[0].length) }
}

function unreadable(what: string): CloudError {
  return new CloudError('STORE_FAILED', { errMsg: `the local store holds ${what}` })
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

const longestMark = 32
