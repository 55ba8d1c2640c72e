/**
 * What a relay may do to what passes. Chances are from 0 to 1, for each *piece*: a WebSocket message once a connection has
 * become one, and before that (HTTP) what was read at once, which on one machine is a request or an answer.
 */
export interface RelayFaults {
  /** Waits up to `mostMs` before a piece goes on; those behind it wait, too. */
  readonly delay?: { readonly chance: number; readonly mostMs: number }
  /**
   * A piece is lost. What lives on after it lost something in the middle is no TCP connection, so this one is cut
   * `cutAfterMs` later (default 300): until then both ends believe in it.
   */
  readonly drop?: { readonly chance: number; readonly cutAfterMs?: number }
  /** A WebSocket message goes twice; an HTTP request is sent once more, and nobody hears that answer. */
  readonly duplicate?: { readonly chance: number }
  /** The connection breaks in the place of a piece. */
  readonly cut?: { readonly chance: number }
  /** Half of a piece arrives, then the connection breaks. */
  readonly truncate?: { readonly chance: number }
  /** A piece of more bytes vanishes, and everything behind it: a path that lets no large packet through, and says nothing. */
  readonly ceilingBytes?: number
  /** So many bytes in a second, each way of each connection. */
  readonly bytesPerSecond?: number
  /** A proxy that knows no WebSocket: the request for one arrives as an ordinary one. */
  readonly stripUpgrade?: boolean
  /** Nobody is there: new connections are broken at once. */
  readonly refuse?: boolean
  /** A captive portal: every request is answered with this page, and nothing reaches the server. */
  readonly portal?: string
  /** Which way the chances are for. Default both. */
  readonly direction?: Direction
}

export type Direction = 'up' | 'down'

/** What is counted when it hits something. */
export const relayFaultNames = [
  ...(['delay', 'drop', 'duplicate', 'cut', 'truncate', 'ceiling', 'trickle'] as const),
  ...(['strip', 'refuse', 'portal', 'freeze'] as const),
] as const
export type RelayFaultName = (typeof relayFaultNames)[number]
