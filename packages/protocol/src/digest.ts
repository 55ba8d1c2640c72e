import type { Version } from './mutation.ts'
import type { DocId } from './values.ts'

/**
 * A sum of 64 bits over documents, each by its id and version, in whatever order: two sides that hold the same documents at
 * the same versions have the same sum, and others almost never. It finds accidents; it is no defence against forgery.
 */
export class Digest {
  /** How many documents are in it. */
  count = 0
  #low = 0
  #high = 0

  add(id: DocId, version: Version): void {
    const text = `${typeof id === 'number' ? 'n' : 's'}${id}`
    let low = 0x9e3779b9
    let high = 0x7f4a7c15
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      low = Math.imul(low ^ unit, 0x85ebca6b)
      high = Math.imul(high ^ unit, 0xc2b2ae35)
      low ^= low >>> 15
      high ^= high >>> 13
    }
    for (const half of [version >>> 0, Math.floor(version / 0x1_0000_0000)]) {
      low = mix(low ^ half)
      high = mix(high ^ low ^ half)
    }
    this.#low = (this.#low + low) >>> 0
    this.#high = (this.#high + high) >>> 0
    this.count++
  }

  /** Sixteen hexadecimal digits. */
  get sum(): string {
    return [this.#high, this.#low].map(half => half.toString(16).padStart(8, '0')).join('')
  }
}

/** Every bit depends on every other. */
function mix(bits: number): number {
  let mixed = bits
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
