import type { Clock, Millis } from '@nearcloud/protocol'

export interface HeartbeatOptions {
  readonly clock: Clock
  readonly everyMs: Millis
  ping(): void
  /** Of mutations that were sent: an answer is due, sooner or later. */
  unansweredBytes(): number
  /** The other side is gone, whatever the socket says, or what is sent does not arrive. */
  silent(): void
}

/**
 * Asks the other side for a sign of life; anything that comes from it is one. It is silent after two pings without one, and
 * sooner when mutations have waited for an answer for half a minute, and as long as a slow network may need to carry them,
 * without one. `heard`: a sign of life; `expecting`: something was sent that is to be answered.
 */
export function startHeartbeat(options: HeartbeatOptions): {
  heard(): void
  expecting(): void
  stop(): void
} {
  const { clock, everyMs, ping, unansweredBytes, silent } = options
  let unanswered = 0
  let heardAt = clock.now()
  let waitingSince: Millis = 0
  let cancel = clock.after(everyMs, tick)
  let cancelWatch: (() => void) | undefined

  function tick(): void {
    if (unanswered === 2) {
      end()
      return
    }
    unanswered++
    cancel = clock.after(everyMs, tick)
    ping()
  }

  function watch(): void {
    const bytes = unansweredBytes()
    cancelWatch = bytes > 0 ? clock.after(watchMs, watch) : undefined
    if (bytes === 0) return
    const since = Math.max(heardAt, waitingSince)
    if (clock.now() - since >= patienceMs + bytes / slowestBytesPerMs) end()
  }

  function end(): void {
    cancel()
    cancelWatch?.()
    silent()
  }

  return {
    heard() {
      unanswered = 0
      heardAt = clock.now()
    },
    expecting() {
      if (cancelWatch) return
      waitingSince = clock.now()
      cancelWatch = clock.after(watchMs, watch)
    },
    stop() {
      cancel()
      cancelWatch?.()
    },
  }
}

const watchMs = 5_000
const patienceMs = 25_000
const slowestBytesPerMs = 2
