import { type Clock, CloudError } from '@nearcloud/protocol'
import { Attempts, type Pace } from './passwords/attempts.ts'
import type { CodeExchange } from './wechat.ts'

/** Exchanges codes, and counts those that are refused by where they come from. */
export interface CountedExchange {
  /** As of a `CodeExchange`; EXCEED_REQUEST_LIMIT with `details.retryAfterMs`, too, for who had too many refused. */
  ticketFor(code: unknown, network: string): Promise<string>
}

/** A code leads to nobody in particular, so there is no account to count by: a guess is one of its address. */
export function countedCodes(exchange: CodeExchange, clock: Clock): CountedExchange {
  const attempts = new Attempts(clock)
  return {
    async ticketFor(code, network) {
      const giveBack = attempts.take([{ pace, key: network }])
      try {
        const ticket = await exchange.ticketFor(code)
        giveBack()
        return ticket
      } catch (thrown) {
        // that the host is busy, or not there, is nobody's guess
        if (!(thrown instanceof CloudError && thrown.code === 'TOKEN_REFUSED')) giveBack()
        throw thrown
      }
    },
  }
}

const pace: Pace = { burst: 100, everyMs: 5_000 }
