import type { RegisterOp } from '../registers.ts'
import type { Transaction } from '../transaction.ts'

/** The documents of one round: lists and registers, which nobody touches after it. */
export interface Round {
  readonly number: number
  readonly lists: readonly string[]
  readonly registers: readonly string[]
}

/** What all sessions of a round did. */
export class Recorder {
  readonly round: Round
  readonly history: Transaction[] = []
  readonly registerOps: RegisterOp[] = []
  /** What is no anomaly of a history, and may not be either. */
  readonly complaints: string[] = []
  #values = 0

  constructor(round: Round) {
    this.round = round
  }

  /** On one clock for all. */
  now(): number {
    return performance.now()
  }

  /** That nobody has appended or written. */
  value(session: string): string {
    return `${session}.${this.#values++}`
  }

  transaction(transaction: Transaction): void {
    this.history.push(transaction)
  }

  register(op: RegisterOp): void {
    this.registerOps.push(op)
  }

  complain(words: string): void {
    this.complaints.push(words)
  }
}

/** When nobody was told how it ended. */
export const never = Number.MAX_VALUE

/** A thing that does one after the other. */
export interface Session {
  readonly name: string
  /** One thing; resolves when it is over, or durable where it was made. */
  step(recorder: Recorder): Promise<void>
}

export const collection = 'lists'
