import type { Clock, Millis } from '@nearcloud/protocol'
import { connectLater } from './connect-later.ts'
import type { Exchange } from './exchange.ts'
import { PieceSize } from './piece-size.ts'
import type { Connection, Transport, TransportListener } from './transport.ts'

export interface PollTransportOptions {
  /** The server's address for it: `https://example.com/sync/poll`. */
  readonly url: string
  readonly exchange: Exchange
  readonly clock: Clock
  /** For an answer that is due at once; then it counts as lost. Default ten seconds. */
  readonly answerMs?: Millis
  /** A host's decoder of UTF-8, where it has a quicker one. */
  readonly decode?: (bytes: Uint8Array) => string
}

/**
 * Frames over HTTP requests (`polling.ts` of the protocol), for networks that let no WebSocket through. What is lost is said
 * again, in smaller pieces; only when nothing gets through for a while is the connection over. Most networks need none of it: it is
 * fetched with the first connection.
 */
export class PollTransport implements Transport {
  readonly #options: PollTransportOptions

  constructor(options: PollTransportOptions) {
    this.#options = options
  }

  connect(listener: TransportListener): Connection {
    return connectLater(async () => {
      const { PollConnection } = await import('./poll-connection.ts')
      return { connect: heard => new PollConnection(this.#options, heard, PieceSize) }
    }, listener)
  }
}
