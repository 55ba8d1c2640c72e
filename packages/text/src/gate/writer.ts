/** Writes the primitives of Yjs's V1 encoding. */
export class Writer {
  #bytes = new Uint8Array(256)
  #at = 0

  uint(value: number): this {
    this.#room(8)
    let rest = value
    while (rest > 127) {
      this.#bytes[this.#at++] = 128 | (rest % 128)
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#at++] = rest
    return this
  }

  byte(value: number): this {
    this.#room(1)
    this.#bytes[this.#at++] = value
    return this
  }

  copy(bytes: Uint8Array): this {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
    return this
  }

  /** What was written. */
  take(): Uint8Array {
    return this.#bytes.slice(0, this.#at)
  }

  #room(length: number): void {
    if (this.#at + length <= this.#bytes.length) return
    const larger = new Uint8Array(2 * (this.#at + length))
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}
