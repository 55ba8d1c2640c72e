import type { RandomBytes } from '@nearcloud/protocol'

/** Dice that are thrown many at a time: asking a host for six bytes costs it as much as asking for hundreds. */
export function drawnAhead(random: RandomBytes): RandomBytes {
  let drawn: Uint8Array = new Uint8Array(0)
  let at = 0
  return size => {
    if (size > drawnBytes) return random(size)
    if (at + size > drawn.length) {
      drawn = random(drawnBytes)
      at = 0
    }
    at += size
    return drawn.slice(at - size, at)
  }
}

const drawnBytes = 384
