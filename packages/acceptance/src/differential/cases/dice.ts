import { seededRandom } from '@nearcloud/store/testing'

/** Choices that are the same for the same seed. */
export class Dice {
  readonly #random: (size: number) => Uint8Array
  #bytes: Uint8Array = new Uint8Array()
  #at = 0

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    this.#random(16) // the first ones tell neighbours apart badly
  }

  /** A whole number from 0 to below `end` (at most 65,536). */
  below(end: number): number {
    if (this.#at + 2 > this.#bytes.length) {
      this.#bytes = this.#random(256)
      this.#at = 0
    }
    const number = (this.#bytes[this.#at++]! << 8) | this.#bytes[this.#at++]!
    return Math.floor((number * end) / 65_536)
  }

  /** From `least` to `most`, both possible. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  chance(share: number): boolean {
    return this.below(1_000) < share * 1_000
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  /** One of the makers, called; each as likely as its weight says. */
  oneOf<T>(...makers: readonly (readonly [weight: number, make: () => T])[]): T {
    let at = this.below(makers.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, make] of makers) {
      if (at < weight) return make()
      at -= weight
    }
    throw new Error('no maker')
  }

  /** From `least` to `most` things. */
  list<T>(least: number, most: number, make: (at: number) => T): T[] {
    return Array.from({ length: this.between(least, most) }, (_, at) => make(at))
  }
}
