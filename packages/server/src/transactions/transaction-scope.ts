import { CloudError } from '@nearcloud/protocol'
import type { ServerTransaction } from './server-transaction.ts'
import { transactionEnded } from './transaction-errors.ts'

/** The transactions of one invocation of a function, by number: they end with it. */
export class TransactionScope {
  readonly #begin: (lost: ServerTransaction | undefined) => Promise<ServerTransaction>
  readonly #known = new Map<number, ServerTransaction>()
  #last = 0
  #isClosed = false

  constructor(begin: (lost: ServerTransaction | undefined) => Promise<ServerTransaction>) {
    this.#begin = begin
  }

  /** The number of a new one; `lost`: of one that met a conflict, of which this is another attempt. */
  async begin(lost: number | undefined): Promise<number> {
    const before = lost === undefined ? undefined : this.#known.get(lost)
    if (lost !== undefined) this.#known.delete(lost)
    const number = ++this.#last
    if (this.#known.size >= mostKnown)
      throw new CloudError('EXCEED_REQUEST_LIMIT', {
        errMsg: `one invocation has at most ${mostKnown} transactions at a time`,
      })
    const transaction = await this.#begin(before)
    this.#known.set(number, transaction)
    if (this.#isClosed) await this.close()
    return number
  }

  /** Throws DATABASE_TRANSACTION_FAIL when there is none of that number. */
  get(number: unknown): ServerTransaction {
    const known = typeof number === 'number' ? this.#known.get(number) : undefined
    if (known) return known
    throw transactionEnded('it was not begun in this invocation, or has ended')
  }

  async commit(number: unknown): Promise<void> {
    await this.get(number).commit()
    this.#known.delete(number as number)
  }

  /** One that met a conflict is remembered, for another attempt. */
  async rollback(number: unknown): Promise<void> {
    const transaction = this.get(number)
    await transaction.rollback()
    if (!transaction.isLost) this.#known.delete(number as number)
  }

  /** Nothing of what is open is written. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const transaction of this.#known.values()) await transaction.rollback()
    this.#known.clear()
  }
}

/** Those that met a conflict and were not tried again count, too. */
const mostKnown = 100
