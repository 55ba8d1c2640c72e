import { createDice } from '../scenario/dice.ts'

/** The bytes of a photo: of two to four parts, and others for each. */
export function photoOf(seed: number, n: number): Uint8Array {
  const dice = createDice(seed * 1_000 + n)
  const bytes = new Uint8Array(5_000_000 + dice.below(9_000_000))
  let word = dice.below(2 ** 31)
  for (let at = 0; at < bytes.length; at++) {
    word = (Math.imul(word, 1_103_515_245) + 12_345) >>> 0
    bytes[at] = word >>> 16
  }
  return bytes
}
