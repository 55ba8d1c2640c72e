export interface PieceSizes {
  readonly smallest: number
  readonly largest: number
  /** Default the smallest. */
  readonly first?: number
}

/**
 * How much is sent at once: twice as much each time it got through, and little again when it was lost. There are paths on
 * which small packets pass and large ones vanish: a size that was lost twice is not tried again before many smaller ones
 * got through.
 */
export class PieceSize {
  readonly #smallest: number
  readonly #largest: number
  #bytes: number
  #ceiling: number
  #lostAt: number | undefined
  #passedAtCeiling = 0

  constructor({ smallest, largest, first = smallest }: PieceSizes) {
    this.#smallest = smallest
    this.#largest = largest
    this.#bytes = first
    this.#ceiling = largest
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Nothing is in doubt. */
  get isFull(): boolean {
    return this.#bytes >= this.#largest
  }

  /** Pieces of this size get through, and no larger one is being tried: several may be under way at once. */
  get isKnown(): boolean {
    return this.isFull || this.#passedAtCeiling > 0
  }

  /** A piece of so many bytes at most got through. */
  passed(bytes: number): void {
    if (bytes < this.#bytes) return
    if (this.#bytes >= this.#ceiling && ++this.#passedAtCeiling >= passesToHope) {
      this.#passedAtCeiling = 0
      this.#ceiling = Math.min(this.#ceiling * 2, this.#largest)
    }
    this.#bytes = Math.min(this.#bytes * 2, this.#ceiling)
  }

  lost(): void {
    const isAgain = this.#lostAt !== undefined && this.#bytes <= this.#lostAt
    if (isAgain && this.#bytes > this.#smallest) this.#ceiling = Math.max(this.#smallest, this.#bytes >> 1)
    if (this.#bytes > this.#smallest) this.#lostAt = Math.min(this.#bytes, this.#lostAt ?? this.#largest)
    this.#bytes = this.#smallest
    this.#passedAtCeiling = 0
  }
}

const passesToHope = 64
