/** Dice from a seed (mulberry32): the same seed throws the same numbers for ever. */
export interface Dice {
  /** A whole number from 0 up to but not including `below`. */
  below(limit: number): number
  pick<T>(list: readonly T[]): T
}

export function createDice(seed: number): Dice {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    below: limit => Math.floor(next() * limit),
    pick: list => list[Math.floor(next() * list.length)]!,
  }
}
