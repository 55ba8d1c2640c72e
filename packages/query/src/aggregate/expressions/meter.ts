import { Geo, limits, type Value } from '@nearcloud/protocol'
import { unfit } from '../../refusals.ts'

/**
 * The steps that are left for one document. Loops in loops, and values that hold one value many times over, would
 * otherwise be work without end from a few words.
 */
export class Meter {
  readonly #most: number
  #left = 0

  constructor(most: number) {
    this.#most = most
  }

  begin(steps = this.#most): void {
    this.#left = steps
  }

  spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0)
      throw unfit(
        `an expression takes more than ${this.#most} steps for one document: loop over less, or less deep`,
      )
  }

  /** Spends as many steps as the value has parts, each as often as it is there, and a step for 16 characters of text. */
  weigh(value: Value | undefined, depth = 0): void {
    if (typeof value === 'string') this.spend(1 + (value.length >>> 4))
    else if (typeof value === 'object' && value !== null) this.#weighParts(value, depth)
    else this.spend(1)
  }

  #weighParts(value: Value & object, depth: number): void {
    if (depth >= limits.depth)
      throw unfit(`an expression makes a value nested deeper than ${limits.depth} levels`)
    if (Array.isArray(value)) {
      const list = value as readonly Value[]
      this.spend(1 + list.length)
      for (let i = 0; i < list.length; i++) this.#weighPart(list[i]!, depth)
    } else if (value instanceof Geo) this.#weighParts(value.coordinates as readonly Value[], depth + 1)
    else if (value instanceof Uint8Array) this.spend(1 + (value.length >>> 4))
    else {
      const keys = Object.keys(value)
      this.spend(1 + keys.length)
      for (let i = 0; i < keys.length; i++) this.#weighPart((value as Fields)[keys[i]!]!, depth)
    }
  }

  #weighPart(part: Value, depth: number): void {
    if (typeof part === 'string') this.spend(part.length >>> 4)
    else if (typeof part === 'object' && part !== null) this.#weighParts(part, depth + 1)
  }
}

type Fields = { readonly [key: string]: Value }
