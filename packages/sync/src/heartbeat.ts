import type { Clock, Millis } from '@nearcloud/protocol'

export interface HeartbeatOptions {
  readonly clock: Clock
  readonly everyMs: Millis
  ping(): void
  /** Two pings in a row had no answer: the other side is gone, whatever the socket says. */
  silent(): void
}

/** Asks the other side for a sign of life; anything that comes from it is one. Returns `heard` and the way to stop. */
export function startHeartbeat(options: HeartbeatOptions): { heard(): void; stop(): void } {
  const { clock, everyMs, ping, silent } = options
  let unanswered = 0
  let cancel = clock.after(everyMs, tick)

  function tick(): void {
    if (unanswered === 2) {
      silent()
      return
    }
    unanswered++
    cancel = clock.after(everyMs, tick)
    ping()
  }

  return {
    heard() {
      unanswered = 0
    },
    stop() {
      cancel()
    },
  }
}
