/**
 * What the tabs of one origin have in common, as a browser has it: locks (Web Locks) and a channel (BroadcastChannel).
 */
export interface Crossing {
  readonly locks: Locks
  channel(name: string): Channel
}

export interface Locks {
  /**
   * Calls `hold` with the lock when it is this one's turn, and keeps it until what that gives is settled. `steal`: now, whoever
   * has it; their `request` rejects. Rejects when `signal` is aborted before. A lock ends with its tab.
   */
  request(name: string, options: LockOptions, hold: () => Promise<void>): Promise<void>
}

export interface LockOptions {
  readonly steal?: boolean
  readonly signal?: Aborted
}

/** An `AbortSignal`, as far as locks look at it. */
export type Aborted = object

export interface Channel {
  /** To every other tab that listens, cloned, in order. */
  post(message: unknown): void
  listen(listener: (message: unknown) => void): void
  close(): void
}

/** Makes a signal and the way to abort it. */
export interface Aborting {
  readonly signal: Aborted
  abort(): void
}
