/**
 * How much is sent at once: little at first, twice as much each time it got through, and little again when it was lost.
 * There are paths on which small packets pass and large ones vanish; a size that was lost twice is not tried again.
 */
export class PieceSize {
  #bytes = smallest
  #ceiling = largest
  #lostAt: number | undefined

  get bytes(): number {
    return this.#bytes
  }

  /** A piece of so many bytes at most got through. */
  passed(bytes: number): void {
    if (bytes >= this.#bytes) this.#bytes = Math.min(this.#bytes * 2, this.#ceiling)
  }

  lost(): void {
    if (this.#lostAt !== undefined && this.#bytes <= this.#lostAt && this.#bytes > smallest)
      this.#ceiling = Math.max(smallest, this.#bytes >> 1)
    if (this.#bytes > smallest) this.#lostAt = Math.min(this.#bytes, this.#lostAt ?? largest)
    this.#bytes = smallest
  }
}

/** With the head of a request or an answer around it, this still fits the smallest packets there are. */
const smallest = 600
const largest = 262_144
