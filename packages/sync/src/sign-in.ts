import { type Clock, CloudError, errorFromData, parseDown, protocolVersion } from '@nearcloud/protocol'
import type { Connection, Transport } from './transport.ts'

/** Who a ticket made of this device. */
export interface SignedIn {
  readonly openid: string
  /** The name in the ticket. */
  readonly uid: string
  /** For this user's first hello. */
  readonly token: string
}

/**
 * Shows a ticket over a connection of its own, which nothing else is said over.
 *
 * Rejects with OFFLINE when the server is not reached, or its answer never came: the ticket may be used up then. Rejects with
 * the server's error otherwise (TOKEN_REFUSED with `details.reason` `used`, `expired`, `invalid`).
 */
export function signIn(options: {
  readonly transport: Transport
  readonly clock: Clock
  readonly env: string
  readonly ticket: string
}): Promise<SignedIn> {
  const { transport, clock, env, ticket } = options
  return new Promise((resolve, reject) => {
    let isOver = false
    const over = () => {
      isOver = true
      cancel()
      connection.close()
    }
    const fail = (error: CloudError) => {
      if (isOver) return
      over()
      reject(error)
    }
    const connection: Connection = transport.connect({
      opened: () =>
        connection.send(JSON.stringify({ type: 'signIn', protocol: protocolVersion, env, ticket })),
      received(frame) {
        if (isOver) return
        try {
          const message = parseDown(frame)
          if (message.type === 'bye') return fail(errorFromData(message.error))
          if (message.type !== 'signedIn')
            throw new CloudError('PROTOCOL_ERROR', { errMsg: `a ticket was answered with "${message.type}"` })
          over()
          const { openid, uid, token } = message
          resolve({ openid, uid, token })
        } catch (thrown) {
          fail(thrown as CloudError)
        }
      },
      closed: () => fail(unreachable('the connection to the server is gone')),
    })
    const cancel = clock.after(limitMs, () => fail(unreachable(`no answer within ${limitMs / 1000} seconds`)))
  })
}

function unreachable(words: string): CloudError {
  return new CloudError('OFFLINE', {
    errMsg: `signing in as a new user needs the server: ${words}. Get a new ticket, and try again with a network`,
  })
}

const limitMs = 15_000
