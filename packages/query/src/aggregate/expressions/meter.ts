import { Geo, limits, type Value } from '@nearcloud/protocol'
import { unfit } from '../scope.ts'
import { mostSteps } from './limits.ts'

/**
 * The steps that are left for one document. Loops in loops, and values that hold one value many times over, would
 * otherwise be work without end from a few words.
 */
export class Meter {
  #left = 0

  begin(steps = mostSteps): void {
    this.#left = steps
  }

  spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0)
      throw unfit(
        `an expression takes more than ${mostSteps} steps for one document: loop over less, or less deep`,
      )
  }

  /** Spends as many steps as the value has parts, each as often as it is there, and a step for 16 characters of text. */
  weigh(value: Value | undefined, depth = 0): void {
    if (typeof value === 'string') this.spend(1 + (value.length >>> 4))
    else if (typeof value !== 'object' || value === null) this.spend(1)
    else {
      if (depth >= limits.depth) throw unfit(`an expression makes a value nested deeper than ${limits.depth}`)
      if (Array.isArray(value)) for (const item of value as readonly Value[]) this.weigh(item, depth + 1)
      else if (value instanceof Geo) this.weigh(value.coordinates as Value, depth + 1)
      else if (value instanceof Uint8Array) this.spend(value.length >>> 4)
      else for (const key of Object.keys(value)) this.weigh((value as Fields)[key], depth + 1)
      this.spend(1)
    }
  }
}

type Fields = { readonly [key: string]: Value }
