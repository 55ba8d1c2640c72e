import { CloudError } from '@nearcloud/protocol'
import type { Payload, StoredRecord } from './storage.ts'

/*
 * A text in as many payloads as it needs, none over the medium's limit. Each begins with a mark: `.` all of it in one;
 * `(` first, `+` next, `)` last piece. A crash can lose last pieces; a text without its last piece was never written.
 */

/** Payloads of a text, each at most `maxBytes`. */
export function toPieces(text: string, maxBytes: number): readonly Payload[] {
  const maxUnits = Math.floor((maxBytes - 1) / 3) // a UTF-16 unit takes at most three bytes
  if (text.length <= maxUnits) return [`.${text}`]
  const pieces: string[] = []
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + maxUnits)
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--
    pieces.push(`${at === 0 ? '(' : end === text.length ? ')' : '+'}${text.slice(at, end)}`)
    at = end
  }
  return pieces
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
  readonly #abandoned: number[] = []

  /** The text that is whole with this record. */
  add({ sequence, payload }: StoredRecord): WholeText | undefined {
    if (typeof payload !== 'string')
      throw new CloudError('STORE_FAILED', { errMsg: 'the local store holds bytes where it keeps text' })
    const mark = payload[0]
    if (mark === '.' || mark === '(') this.#abandoned.push(...this.#take().sequences)
    this.#texts.push(payload.slice(1))
    this.#sequences.push(sequence)
    return mark === '.' || mark === ')' ? this.#take() : undefined
  }

  /** Records of texts that were never finished. Call it after the last record. */
  abandoned(): readonly number[] {
    return [...this.#abandoned, ...this.#take().sequences]
  }

  #take(): WholeText {
    const whole = { text: this.#texts.join(''), sequences: this.#sequences }
    this.#texts = []
    this.#sequences = []
    return whole
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
