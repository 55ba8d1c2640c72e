import type { RandomBytes } from '@nearcloud/protocol'

/** Bytes that look random and are the same for the same seed (a 32-bit xorshift: for tests only). */
export function seededRandom(seed = 1): RandomBytes {
  let state = (seed * 2_654_435_761) >>> 0 || 1
  return size =>
    Uint8Array.from({ length: size }, () => {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      return state & 255
    })
}
