/**
 * The transport contract: text frames, both ways, in order, over something that breaks.
 *
 * Laws. Implementers owe: `opened` once before any `received`; frames arrive whole, in order, each at most once;
 * `closed` exactly once, whatever the reason (refused, broken, closed by either side), and nothing after it; `connect`
 * never throws and never calls back before it returned. Callers owe: no `send` before `opened` or after `closed`.
 * `testing/transport-suite.ts` checks all of it on every implementation.
 */
export interface Transport {
  connect(listener: TransportListener): Connection
}

export interface TransportListener {
  opened(): void
  received(frame: string): void
  /** Some of a frame came, or some of what was sent arrived: the other side is there, if slow. Transports may tell. */
  alive?(): void
  closed(reason: { code: number; words: string }): void
}

export interface Connection {
  send(frame: string): void
  /**
   * `closed` follows. Harmless when closed already. `stuck`: for want of any sign of life; who has another way to the other
   * side may take that next time.
   */
  close(reason?: 'stuck'): void
  /** No more frames for now, and again; those on their way may still come. Transports that cannot wait have neither. */
  pause?(): void
  resume?(): void
  /** Bytes handed to `send` that have not left this machine's buffers. */
  readonly bufferedBytes: number
}
