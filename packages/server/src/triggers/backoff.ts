import type { Millis, RandomBytes } from '@nearcloud/protocol'

const firstMs = 500
const longestMs = 30_000

/** How long to wait after the `tries`th failed try: doubling, between half and the whole of it by the dice. */
export function retryDelayMs(tries: number, random: RandomBytes): Millis {
  const whole = Math.min(longestMs, firstMs * 2 ** (tries - 1))
  const [high, low] = random(2)
  return whole / 2 + (whole / 2) * (((high ?? 0) * 256 + (low ?? 0)) / 65_536)
}
