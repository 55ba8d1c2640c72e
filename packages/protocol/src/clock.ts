import type { Millis } from './values.ts'

/** Time, handed in: nothing reads a clock by itself. */
export interface Clock {
  now(): Millis
  /** Runs `task` once after `delayMs`; the answer cancels it. */
  after(delayMs: Millis, task: () => void): () => void
}
