import type { Clock, Millis } from '@nearcloud/protocol'
import type { Refusal } from './refusal.ts'

/** What one user may have a server do with text, over all fields. */
export interface TextBudgetOptions {
  /** Bytes and parts of updates a minute; a full minute's worth may come at once. */
  readonly bytesPerMinute: number
  readonly structsPerMinute: number
  /** Refused edits, which cost the server more, before `strike` says stop; one is forgiven each minute. */
  readonly strikes: number
  /** Users remembered at once; the ones that spent longest ago are forgotten first. */
  readonly users: number
}

export interface TextSpending {
  readonly bytes: number
  /** Parts and deletions. */
  readonly structs: number
}

const defaults: TextBudgetOptions = {
  bytesPerMinute: 8_388_608,
  structsPerMinute: 100_000,
  strikes: 20,
  users: 100_000,
}

/** Keeps any one user from filling the server with edits: allowances that grow again with time. */
export class TextBudget {
  readonly #clock: Pick<Clock, 'now'>
  readonly #options: TextBudgetOptions
  /** In the order of their last spending. */
  readonly #accounts = new Map<string, Account>()

  constructor(clock: Pick<Clock, 'now'>, options: Partial<TextBudgetOptions> = {}) {
    this.#clock = clock
    this.#options = { ...defaults, ...options }
  }

  /** Takes the cost of one update from the user's allowance, or nothing and says why. */
  spend(user: string, { bytes, structs }: TextSpending): Refusal | undefined {
    const account = this.#account(user)
    if (bytes > account.bytes) return { code: 'limit', reason: 'too many bytes of edits in a minute' }
    if (structs > account.structs) return { code: 'limit', reason: 'too many edits in a minute' }
    account.bytes -= bytes
    account.structs -= structs
    return undefined
  }

  /** Counts a refused edit. True when there were too many: end the user's connections. */
  strike(user: string): boolean {
    const account = this.#account(user)
    account.strikes++
    return account.strikes > this.#options.strikes
  }

  #account(user: string): Account {
    const now = this.#clock.now()
    const { bytesPerMinute, structsPerMinute } = this.#options
    let account = this.#accounts.get(user)
    if (account === undefined)
      account = { bytes: bytesPerMinute, structs: structsPerMinute, strikes: 0, at: now }
    else {
      this.#accounts.delete(user)
      const minutes = Math.max(0, now - account.at) / 60_000
      account.bytes = Math.min(bytesPerMinute, account.bytes + minutes * bytesPerMinute)
      account.structs = Math.min(structsPerMinute, account.structs + minutes * structsPerMinute)
      account.strikes = Math.max(0, account.strikes - minutes)
      account.at = now
    }
    this.#accounts.set(user, account)
    if (this.#accounts.size > this.#options.users)
      for (const eldest of this.#accounts.keys()) {
        this.#accounts.delete(eldest)
        break
      }
    return account
  }
}

interface Account {
  bytes: number
  structs: number
  strikes: number
  at: Millis
}
