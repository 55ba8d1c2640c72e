import type { TextLimits } from '../limits.ts'
import type { Refusal } from '../refusal.ts'
import { Reader, Stop, stop } from './reader.ts'

/** The clocks in a stranger's state vector, or why it is none. */
export function readVector(
  bytes: Uint8Array,
  limits: Pick<TextLimits, 'ids'>,
): Map<number, number> | Refusal {
  try {
    const reader = new Reader(bytes)
    const clocks = new Map<number, number>()
    const clients = reader.uint()
    // the server's own ids come on top
    if (clients > limits.ids + 256) stop('limit', 'a state vector of too many clients')
    for (let i = 0; i < clients; i++) clocks.set(reader.uint(), reader.uint())
    if (reader.left > 0) stop('malformed', 'there are bytes behind its end')
    return clocks
  } catch (thrown) {
    if (thrown instanceof Stop) return { code: thrown.code, reason: thrown.reason }
    throw thrown
  }
}
