import type { DocumentData } from '@nearcloud/protocol'
import type { Meter } from './meter.ts'

/**
 * What one stage holds, until it is released. Documents are measured one by one at first, and when they are many about one
 * of eight, which then counts for all eight: no order of large and small ones hides what they are together.
 */
export class Holding {
  readonly #meter: Meter
  #documents = 0
  #bytes = 0
  #dice = 1

  constructor(meter: Meter) {
    this.#meter = meter
  }

  get bytes(): number {
    return this.#bytes
  }

  /** One document more; answers what it counts as, for `remove`. */
  add(document: DocumentData): number {
    const weight = this.#documents < measuredAll ? 1 : this.#isChosen() ? oneOf : 0
    const bytes = weight === 0 ? 0 : this.#meter.measure(document) * weight
    this.addBytes(bytes)
    return bytes
  }

  /** One document more, of this size. */
  addBytes(bytes: number): void {
    this.#meter.checkCount(++this.#documents)
    this.grow(bytes)
  }

  remove(bytes: number): void {
    this.#documents--
    this.grow(-bytes)
  }

  /** What is held became so much larger. */
  grow(bytes: number): void {
    this.#bytes += bytes
    this.#meter.hold(bytes)
  }

  release(): void {
    this.#meter.hold(-this.#bytes)
    this.#bytes = 0
    this.#documents = 0
  }

  /** A linear congruential generator: the same for every run, and no pattern of documents follows it. */
  #isChosen(): boolean {
    this.#dice = (Math.imul(this.#dice, 1_664_525) + 1_013_904_223) >>> 0
    return this.#dice >>> 29 === 0
  }
}

const measuredAll = 1_000
const oneOf = 8
