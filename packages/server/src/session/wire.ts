/** One connection, as a session sees it: frames in order, both ways. `SyncSocket` makes one of a WebSocket, `PollConnection` one of HTTP requests. */
export interface Wire {
  send(frame: string): void
  /** Ends it; `closed` of the session follows. Harmless when it has ended. */
  close(): void
  /** Bytes that were sent and have not left this machine. */
  readonly bufferedBytes: number
  /** Where the other side is. Absent: nobody knows. */
  readonly address?: string
  /** No more frames for now, and again. Those on their way may still come. */
  pause(): void
  resume(): void
  /** The other side has said who it is. */
  greeted?(): void
}
